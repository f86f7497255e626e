"""Plain mini-program codes and links that open it; those that wechatpy knows, through wechatpy."""

import base64
import io

import pytest
from PIL import Image
from wechatpy.client import WeChatClient

from tests.wechat.box.world import RunningBox


def _call(sandbox: RunningBox, call: str, /, **asked: object) -> dict[str, object]:
    told: dict[str, object] = sandbox.call(call, asked, app="mp").json()
    return told


def test_codes_of_every_kind_by_wechatpy(sandbox: RunningBox, mp_client: WeChatClient) -> None:
    person = sandbox.person()
    answers = [
        mp_client.wxa.get_wxa_code("pages/a?x=1", width=300),
        mp_client.wxa.create_qrcode("pages/a?x=2", width=300),
        mp_client.wxa.get_wxa_code_unlimited("c=1", width=300, page="pages/a"),
    ]
    assert [answer.headers["Content-Type"] for answer in answers] == ["image/jpeg"] * 3
    assert [Image.open(io.BytesIO(answer.content)).size for answer in answers] == [(300, 300)] * 3
    assert [answer.headers.get("Num-Used") for answer in answers] == ["1", "2", None]
    image = base64.b64encode(answers[0].content).decode()
    seen = sandbox.post(f"/persons/{person['id']}/mp/scan", image=image)
    assert (seen["page"], seen["scene"]) == ("pages/a", "x=1")


def test_plain_codes_are_counted(sandbox: RunningBox) -> None:
    sandbox.post("/settings", most_plain_codes=1)
    assert sandbox.call("/wxa/getwxacode", {"path": "p/a"}, app="mp").headers["Num-Used"] == "1"
    assert _call(sandbox, "/cgi-bin/wxaapp/createwxaqrcode", path="p/b")["errcode"] == 45029


@pytest.mark.parametrize(
    ("call", "asked", "errcode"),
    [
        ("/wxa/getwxacode", {}, 40159),
        ("/wxa/getwxacode", {"path": "x" * 1025}, 40159),
        ("/cgi-bin/wxaapp/createwxaqrcode", {"path": "x" * 129}, 40159),
        ("/wxa/getwxacode", {"path": "p?scancode_time=1"}, 85096),
        ("/wxa/getwxacode", {"path": "p", "env_version": "beta"}, 40097),
        ("/wxa/getwxacode", {"path": "p", "line_color": {"r": 256}}, 40097),
        ("/wxa/getwxacode", {"path": "p", "is_hyaline": "yes"}, 40097),
        ("/wxa/generatescheme", {"jump_wxa": {"path": "pages/absent"}}, 40165),
        ("/wxa/generatescheme", {"jump_wxa": {"path": "pages/a", "query": "名"}}, 40212),
        ("/wxa/generate_urllink", {"path": "pages/a", "env_version": "beta"}, 85402),
        ("/wxa/generate_urllink", {"path": "pages/a", "expire_type": 1, "expire_interval": 31}, 85401),
        ("/wxa/generate_urllink", {"path": "pages/a", "expire_time": 1}, 85401),
        ("/wxa/queryscheme", {"scheme": "weixin://dl/business/?t=none"}, 85403),
        ("/wxa/query_urllink", {"url_link": "https://wxaurl.cn/none"}, 85403),
        ("/wxa/genwxashortlink", {"page_url": ""}, 40066),
        ("/wxa/genwxashortlink", {"page_url": "pages/a", "page_title": "长" * 21}, 40225),
    ],
)
def test_refusals(sandbox: RunningBox, call: str, asked: dict[str, object], errcode: int) -> None:
    sandbox.post("/settings", mp_pages=["pages/a"])
    assert _call(sandbox, call, **asked)["errcode"] == errcode


def test_links_open_the_page_until_they_end(sandbox: RunningBox) -> None:
    sandbox.post("/settings", mp_pages=["pages/a"])
    opens = f"/persons/{sandbox.person()['id']}/mp/open"
    jump = {"path": "/pages/a", "query": "x=1"}
    scheme = _call(sandbox, "/wxa/generatescheme", jump_wxa=jump, expire_type=1, expire_interval=1)[
        "openlink"
    ]
    link = _call(sandbox, "/wxa/generate_urllink", path="pages/a", query="y=2")["url_link"]
    short = _call(sandbox, "/wxa/genwxashortlink", page_url="pages/a?z=3", is_permanent=True)["link"]
    assert sandbox.post(opens, link=scheme) == {
        "page": "pages/a",
        "query": "x=1",
        "env_version": "release",
        "launch_scene": 1065,
    }
    assert sandbox.post(opens, link=f"{link}?cq=from%3Dsms")["query"] == "y=2&cq=from%3Dsms"
    assert sandbox.post(opens, link=short)["launch_scene"] == 1154
    told = _call(sandbox, "/wxa/queryscheme", scheme=scheme)
    info = told["scheme_info"]
    assert isinstance(info, dict)
    assert (info["path"], info["query"], info["appid"]) == ("pages/a", "x=1", sandbox.told["mp"]["appid"])
    assert info["expire_time"] - info["create_time"] == 86400
    assert told["quota_info"] == {"remain_visit_quota": 3_000_000}
    assert _call(sandbox, "/wxa/query_urllink", url_link=link)["errcode"] == 0
    assert _call(sandbox, "/wxa/query_urllink", url_link=scheme)["errcode"] == 85403
    sandbox.post("/clock", offset_s=86401)
    assert sandbox.post(opens, 409, link=scheme)["error"]["code"] == "LINK_EXPIRED"
    sandbox.post("/clock", offset_s=31 * 86400)
    assert sandbox.post(opens, 409, link=link)["error"]["code"] == "LINK_EXPIRED"
    assert sandbox.post(opens, link=short)["query"] == "z=3"
