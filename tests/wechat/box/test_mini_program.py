"""Login, phone number and codes of the mini-program."""

import base64
import io

import pytest
import requests
from PIL import Image

from tests.wechat.box.world import RunningBox


def _login(sandbox: RunningBox, code: str, **changes: str) -> requests.Response:
    account = sandbox.told["mp"]
    query = {
        "appid": account["appid"],
        "secret": account["secret"],
        "js_code": code,
        "grant_type": "authorization_code",
    }
    return requests.get(f"{sandbox.base}/sns/jscode2session", params=query | changes, timeout=5)


def test_login_code_opens_once(sandbox: RunningBox) -> None:
    person = sandbox.person()
    code = sandbox.post(f"/persons/{person['id']}/mp/login")["code"]
    assert len(code) == 32
    answer = _login(sandbox, code)
    assert answer.headers["Content-Type"].startswith("text/plain")
    session = answer.json()
    assert session.keys() == {"openid", "session_key", "unionid"}
    assert (session["openid"], session["unionid"]) == (person["mp_openid"], person["unionid"])
    assert len(base64.b64decode(session["session_key"])) == 16
    again = _login(sandbox, code)
    assert again.status_code == 200
    assert again.json()["errcode"] == 40163
    assert again.json()["errmsg"].startswith("code been used rid: ")


def test_login_code_lives_five_minutes(sandbox: RunningBox) -> None:
    person = sandbox.person()
    code = sandbox.post(f"/persons/{person['id']}/mp/login")["code"]
    sandbox.post("/clock", offset_s=300)
    assert _login(sandbox, code).json()["errcode"] == 40029


def test_openids_differ_per_app_and_the_unionid_joins_them(sandbox: RunningBox) -> None:
    person, other = sandbox.person("甲"), sandbox.person("乙")
    ids = {person["oa_openid"], person["mp_openid"], other["oa_openid"], other["mp_openid"]}
    assert {len(openid) for openid in ids} == {28}
    assert len(ids) == 4
    assert person["unionid"] != other["unionid"]


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"appid": ""}, 41002),
        ({"appid": "wx0"}, 40013),
        ({"secret": ""}, 41004),
        ({"secret": "x"}, 40125),
        ({"grant_type": "client_credential"}, 40002),
        ({"js_code": ""}, 41008),
        ({"js_code": "0nonsense"}, 40029),
    ],
)
def test_login_refusals(sandbox: RunningBox, changes: dict[str, str], errcode: int) -> None:
    assert _login(sandbox, "0", **changes).json()["errcode"] == errcode


def _phone(sandbox: RunningBox, app: str = "mp", **asked: str) -> dict[str, object]:
    content: dict[str, object] = sandbox.call("/wxa/business/getuserphonenumber", asked, app=app).json()
    return content


@pytest.mark.parametrize(
    ("phone", "shown", "pure", "country"),
    [
        ("13812345678", "13812345678", "13812345678", "86"),
        ("+852 51234567", "+85251234567", "51234567", "852"),
    ],
)
def test_phone_code_opens_once(sandbox: RunningBox, phone: str, shown: str, pure: str, country: str) -> None:
    person = sandbox.person(phone=phone)
    code = sandbox.post(f"/persons/{person['id']}/mp/phone")["code"]
    assert _phone(sandbox, code=code, openid=sandbox.person("别人")["mp_openid"])["errcode"] == 40003
    answer = _phone(sandbox, code=code, openid=person["mp_openid"])
    info = answer["phone_info"]
    assert isinstance(info, dict)
    assert (answer["errcode"], answer["errmsg"]) == (0, "ok")
    assert (info["phoneNumber"], info["purePhoneNumber"], info["countryCode"]) == (shown, pure, country)
    assert info["watermark"]["appid"] == sandbox.told["mp"]["appid"]
    assert _phone(sandbox, code=code)["errcode"] == 40029


def test_phone_refusals(sandbox: RunningBox) -> None:
    person = sandbox.person(phone="13812345678")
    code = sandbox.post(f"/persons/{person['id']}/mp/phone")["code"]
    assert _phone(sandbox, app="oa", code=code)["errcode"] == 40013
    assert _phone(sandbox, code=sandbox.post(f"/persons/{person['id']}/mp/login")["code"])["errcode"] == 40029
    sandbox.post("/clock", offset_s=301)
    assert _phone(sandbox, code=code)["errcode"] == 40029
    nobody = sandbox.post(f"/persons/{sandbox.person('无号')['id']}/mp/phone", 409)
    assert nobody["error"]["code"] == "NO_PHONE"


def test_unlimited_code_is_a_jpeg_that_can_be_scanned(sandbox: RunningBox) -> None:
    person = sandbox.person()
    pictures = {}
    for scene in ("c=7&s=12", "c=8&s=12"):
        answer = sandbox.call(
            "/wxa/getwxacodeunlimit", {"scene": scene, "page": "pages/home/home", "width": 280}, app="mp"
        )
        assert answer.headers["Content-Type"] == "image/jpeg"
        assert Image.open(io.BytesIO(answer.content)).size == (280, 280)
        pictures[scene] = answer.content
    assert pictures["c=7&s=12"] != pictures["c=8&s=12"]
    image = base64.b64encode(pictures["c=7&s=12"]).decode()
    seen = sandbox.post(f"/persons/{person['id']}/mp/scan", image=image)
    assert (seen["page"], seen["scene"]) == ("pages/home/home", "c=7&s=12")
    assert seen["query"] == {"scene": "c%3D7%26s%3D12"}
    assert sandbox.post(f"/persons/{person['id']}/mp/scan", scene="c=8&s=12")["page"] == "pages/home/home"
    sandbox.post(f"/persons/{person['id']}/mp/scan", 404, scene="unknown")
    sandbox.post(f"/persons/{person['id']}/mp/scan", 404, image=base64.b64encode(b"cat").decode())


@pytest.mark.parametrize(
    ("asked", "errcode"),
    [
        ({}, 40169),
        ({"scene": ""}, 40169),
        ({"scene": "x" * 33}, 40169),
        ({"scene": "a b"}, 40129),
        ({"scene": "100%"}, 40129),
        ({"scene": "店"}, 40129),
        ({"scene": "a=scancode_time"}, 85096),
        ({"scene": "a", "page": "/pages/a"}, 41030),
        ({"scene": "a", "page": "pages/a?b=1"}, 41030),
        ({"scene": "a", "page": "pages/absent"}, 41030),
        ({"scene": "a", "env_version": "beta"}, 40097),
        ({"scene": "a", "width": 279}, 40097),
        ({"scene": "a", "width": True}, 40097),
    ],
)
def test_unlimited_code_refusals(sandbox: RunningBox, asked: dict[str, object], errcode: int) -> None:
    sandbox.post("/settings", mp_pages=["pages/index/index"])
    answer = sandbox.call("/wxa/getwxacodeunlimit", asked, app="mp")
    assert answer.headers["Content-Type"] == "application/json; encoding=utf-8"
    assert answer.json()["errcode"] == errcode


def test_check_path_off_allows_an_unreleased_page(sandbox: RunningBox) -> None:
    sandbox.post("/settings", mp_pages=["pages/index/index"])
    answer = sandbox.call(
        "/wxa/getwxacodeunlimit",
        {"scene": "!#$&'()*+,/:;=?@-._~", "page": "p/x", "check_path": False},
        app="mp",
    )
    assert answer.headers["Content-Type"] == "image/jpeg"
