"""Calls to api.weixin.qq.com on a real local server: exact requests, and which error means what."""

import json
import logging
import socket
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.wechat.apps import APPID, FAN, JPEG, SECRET, TOKEN, a_program, an_account, saying
from tests.wechat.local import Call, Line, Say, serving
from wechat.errors import Refused, Unavailable, Unknown, WeChatError
from wechat.http import Http
from wechat.mini_program import MpSession, Phone
from wechat.official_account import CodeTicket, Fan
from wechat.platform import Repeat

BUSY = b'{"errcode":-1,"errmsg":"system error"}'


def query_of(call: Call) -> dict[str, list[str]]:
    return parse_qs(urlsplit(call.target).query)


def test_a_permanent_code() -> None:
    with serving(saying(b'{"ticket":"gQ/+=","url":"http://weixin.qq.com/q/x"}')) as line:
        code = an_account(line).create_code("店员:s-7")
    assert code == CodeTicket("gQ/+=", "http://weixin.qq.com/q/x", None)
    (call,) = line.calls
    assert (call.method, call.target) == ("POST", f"/cgi-bin/qrcode/create?access_token={TOKEN}")
    assert call.body.decode() == (
        '{"action_info": {"scene": {"scene_str": "店员:s-7"}}, "action_name": "QR_LIMIT_STR_SCENE"}'
    )


def test_a_temporary_code_always_says_how_long_it_lives() -> None:
    with serving(
        saying(b'{"ticket":"t","expire_seconds":1800,"url":"u"}', b'{"ticket":"t","url":"u"}')
    ) as line:
        account = an_account(line)
        assert account.create_code("a", expires_in_s=1801) == CodeTicket("t", "u", 1800)
        assert account.create_code("a", expires_in_s=2592000) == CodeTicket("t", "u", 2592000)
    sent = [json.loads(call.body) for call in line.calls]
    assert [(s["action_name"], s["expire_seconds"]) for s in sent] == [
        ("QR_STR_SCENE", 1801),
        ("QR_STR_SCENE", 2592000),
    ]


@pytest.mark.parametrize(
    ("scene", "lives"), [("", None), ("x" * 65, None), ("a\nb", None), ("a", 0), ("a", 2592001)]
)
def test_a_code_beyond_the_limits_is_refused_without_a_call(scene: str, lives: int | None) -> None:
    with serving(saying(b"{}")) as line, pytest.raises(Refused) as caught:
        an_account(line).create_code(scene, expires_in_s=lives)
    assert (caught.value.code, line.calls) == ("40053", [])


def test_the_picture_of_a_code_needs_no_token() -> None:
    with serving(saying(Say(503), Say(body=JPEG, headers={"Content-Type": "image/jpg"}))) as line:
        assert an_account(line).show_code("gQ/+= ") == JPEG
    assert line.calls[1].target == "/cgi-bin/showqrcode?ticket=gQ%2F%2B%3D+"
    for said, kind in ((Say(404, b"<html>"), Refused), (Say(body=b"<html>"), Unavailable)):
        with serving(saying(said)) as line, pytest.raises(kind):
            an_account(line).show_code("t")


def test_a_fan() -> None:
    body = {
        "subscribe": 1,
        "openid": FAN,
        "subscribe_time": 1714112445,
        "unionid": "u1",
        "qr_scene": 0,
        "qr_scene_str": "s:7",
        "nickname": "gone",
    }
    stranger = b'{"subscribe":0,"openid":"x"}'
    with serving(saying(json.dumps(body).encode(), stranger)) as line:
        account = an_account(line)
        at = datetime(2024, 4, 26, 6, 20, 45, tzinfo=UTC)
        assert account.fan(FAN) == Fan(FAN, "u1", True, at, "s:7")
        assert account.fan("x") == Fan("x", None, False, None, None)
    assert query_of(line.calls[0]) == {"openid": [FAN], "lang": ["zh_CN"], "access_token": [TOKEN]}


def test_a_customer_message_has_real_characters_and_is_cut() -> None:
    with serving(saying(b'{"errcode":0,"errmsg":"ok"}')) as line:
        an_account(line).send_text(FAN, "欢迎" + "好" * 700)
    sent = line.calls[0].body
    assert "欢迎好".encode() in sent
    assert json.loads(sent) == {"touser": FAN, "msgtype": "text", "text": {"content": "欢迎" + "好" * 680}}
    with serving(saying(b"{}")) as line, pytest.raises(Refused):
        an_account(line).send_text(FAN, " \x00")


def test_login_carries_no_access_token() -> None:
    answer = {"session_key": "tiihtNczf5v6AKRyjwEUhQ==", "openid": FAN, "unionid": "u1", "errcode": 0}
    said = Say(body=json.dumps(answer).encode(), headers={"Content-Type": "text/plain"})
    with serving(saying(said)) as line:
        assert a_program(line).login("c&d=") == MpSession(FAN, "u1", "tiihtNczf5v6AKRyjwEUhQ==")
    assert query_of(line.calls[0]) == {
        "appid": [APPID],
        "secret": [SECRET],
        "js_code": ["c&d="],
        "grant_type": ["authorization_code"],
    }


def test_a_phone_number() -> None:
    info = {
        "phoneNumber": "+8613800000000",
        "purePhoneNumber": "13800000000",
        "countryCode": 86,
        "watermark": {"timestamp": 1, "appid": APPID},
    }
    said = json.dumps({"errcode": 0, "phone_info": info}).encode()
    with serving(saying(said)) as line:
        program = a_program(line)
        assert program.phone("c", openid=FAN) == Phone("86", "13800000000")
        assert program.phone("c") == Phone("86", "13800000000")
    assert line.calls[0].target == f"/wxa/business/getuserphonenumber?access_token={TOKEN}"
    assert [json.loads(call.body) for call in line.calls] == [{"code": "c", "openid": FAN}, {"code": "c"}]
    info["watermark"] = {"appid": "wx2222222222222222"}
    with serving(saying(json.dumps({"phone_info": info}).encode())) as line, pytest.raises(Refused):
        a_program(line).phone("c")


def test_an_unlimited_code() -> None:
    said = Say(body=JPEG, headers={"Content-Type": "image/jpeg"})
    with serving(saying(said)) as line:
        program = a_program(line)
        assert (
            program.unlimited_code("s=7", page="pages/index", check_path=False, env_version="trial") == JPEG
        )
        assert program.unlimited_code("s=7") == JPEG
    assert json.loads(line.calls[0].body) == {
        "scene": "s=7",
        "check_path": False,
        "env_version": "trial",
        "width": 430,
        "page": "pages/index",
    }
    assert json.loads(line.calls[1].body)["check_path"] is True
    assert "page" not in json.loads(line.calls[1].body)


@pytest.mark.parametrize(
    ("scene", "page", "width", "code"),
    [
        ("", None, 430, "40169"),
        ("x" * 33, None, 430, "40169"),
        ("100%", None, 430, "40129"),
        ("店", None, 430, "40129"),
        ("a b", None, 430, "40129"),
        ("a\n", None, 430, "40129"),
        ("a", "/pages/x", 430, "40097"),
        ("a", "pages/x?y=1", 430, "40097"),
        ("a", None, 279, "40097"),
    ],
)
def test_an_unlimited_code_beyond_the_limits_is_refused_without_a_call(
    scene: str, page: str | None, width: int, code: str
) -> None:
    with serving(saying(b"{}")) as line, pytest.raises(Refused) as caught:
        a_program(line).unlimited_code(scene, page=page, width=width)
    assert (caught.value.code, line.calls) == (code, [])


def test_errors_of_a_picture_call_come_as_json() -> None:
    said = Say(body=b'{"errcode":41030,"errmsg":"invalid page"}')
    with serving(saying(said)) as line, pytest.raises(Refused) as caught:
        a_program(line).unlimited_code("a")
    assert (caught.value.code, caught.value.detail) == ("41030", "invalid page")


CODES = [
    (
        Refused,
        [40003, 40013, 40029, 40037, 40097, 40125, 40129, 40163, 40164, 40169, 40226, 40243, 41030, 43004],
    ),
    (Refused, [43101, 45002, 45015, 45029, 45047, 47001, 47003, 48001, 50005, 50007, 61010, 85096, 99999]),
    (Unavailable, [43108, 44990, 44991, 45009, 45011]),
]


@pytest.mark.parametrize(("kind", "code"), [(kind, code) for kind, codes in CODES for code in codes])
def test_what_an_errcode_means(kind: type[WeChatError], code: int) -> None:
    said = f'{{"errcode":{code},"errmsg":"no {FAN} rid: 6899a148-5929c88a-767d57ca"}}'.encode()
    for act in ACTS.values():
        with serving(saying(said)) as line, pytest.raises(kind) as caught:
            act(line, None)
        assert (type(caught.value), caught.value.code, len(line.calls)) == (kind, str(code), 1)
        assert caught.value.detail == "no … rid: 6899a148-5929c88a-767d57ca"


ACTS: dict[str, Callable[[Line, Http | None], object]] = {
    "read": lambda line, http: an_account(line, http).fan(FAN),
    "single use": lambda line, http: a_program(line, http).login("code"),
    "write": lambda line, http: an_account(line, http).send_text(FAN, "hi"),
}


@pytest.mark.parametrize(
    ("act", "kind", "calls"),
    [("read", Unavailable, 3), ("single use", Unavailable, 1), ("write", Unknown, 1)],
)
@pytest.mark.parametrize(
    "said",
    [
        Say(body=BUSY),
        Say(503, b"<html>"),
        Say(body=b"<html>captive portal"),
        Say(body=b"[]"),
        Say(body=b'{"errcode":"x"}'),
        Say(cut=True),
        Say(302, headers={"Location": "/elsewhere"}),
    ],
)
def test_doubt_is_unknown_only_where_a_repeat_would_harm(
    said: Say, act: str, kind: type[WeChatError], calls: int
) -> None:
    if act == "single use" and said.body == b'{"errcode":"x"}':
        kind = Refused  # some errcode, if an odd one
    with serving(saying(said)) as line, pytest.raises(WeChatError) as caught:
        ACTS[act](line, None)
    assert (type(caught.value), len(line.calls)) == (kind, calls)


@pytest.mark.parametrize("first", [Say(body=BUSY), Say(502), Say(cut=True)])
def test_a_read_is_repeated_until_it_answers(first: Say) -> None:
    with serving(saying(first, Say(body=b'{"subscribe":0}'))) as line:
        assert an_account(line).fan(FAN).subscribed is False
    assert len(line.calls) == 2


@pytest.mark.parametrize("act", ACTS)
def test_nobody_listening_is_unavailable_even_for_a_write(act: str) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as busy:
        port = busy.getsockname()[1]
    with pytest.raises(Unavailable) as caught:
        ACTS[act](Line(f"http://127.0.0.1:{port}"), None)
    assert caught.value.code == "CONNECTION"


@pytest.mark.parametrize(
    ("act", "kind"), [("read", Unavailable), ("single use", Unavailable), ("write", Unknown)]
)
def test_a_silent_wechat_is_given_up_after_the_read_timeout(act: str, kind: type[WeChatError]) -> None:
    over = threading.Event()

    def silent(call: Call) -> Say:
        over.wait(10)
        return Say(cut=True)

    with serving(silent) as line:
        started = time.monotonic()
        with pytest.raises(kind) as caught:
            ACTS[act](line, Http(read_s=0.2))
        assert time.monotonic() - started < 5
        over.set()
    assert (caught.value.code, len(line.calls)) == ("TIMEOUT", 1)


def test_connections_are_kept_and_idle_ones_opened_anew() -> None:
    with serving(saying(b'{"subscribe":0}')) as line:
        account = an_account(line)
        for _ in range(5):
            account.fan(FAN)
        assert line.connections == 1
        hasty = an_account(line, Http(idle_s=0.05))
        hasty.fan(FAN)
        time.sleep(0.1)
        hasty.fan(FAN)
        assert line.connections == 3


def test_wechatpys_built_in_hosts_all_lead_to_the_configured_base() -> None:
    with serving(saying(b'{"errcode":0,"unionid":"u1"}')) as line:
        platform = an_account(line).platform
        unionid = partial(platform.client.wxa.get_paid_unionid, "o", transaction_id="4200")
        assert platform.call("paid_unionid", unionid, Repeat.HARMLESS, str) == "u1"
        assert platform.call("menu", platform.client.menu.get, Repeat.HARMLESS)["unionid"] == "u1"
        platform.post("wxa/x", {"a": "好"}, Repeat.HARMLESS)
    assert [urlsplit(call.target).path for call in line.calls] == [
        "/wxa/getpaidunionid",
        "/cgi-bin/menu/get",
        "/wxa/x",
    ]
    with serving(saying(b'{"errcode":0}')) as line, pytest.raises(Unavailable):
        an_account(line).platform.call("paid_unionid", lambda: {}["unionid"], Repeat.HARMLESS)


def whole_chain(error: BaseException | None) -> str:
    """Everything that an error and those behind it say of themselves."""
    text = ""
    while error is not None:
        text += f"{error!s} {error!r} {vars(error)} "
        error = error.__cause__ or error.__context__
    return text


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize(
    "said",
    [
        Say(cut=True),
        Say(500),
        Say(body=b"<html>"),
        Say(body=f'{{"errcode":40003,"errmsg":"{FAN} {SECRET} {TOKEN} 13800000000"}}'.encode()),
        Say(body=b'{"errcode":42001,"errmsg":"expired"}'),
    ],
)
def test_no_error_or_log_tells_a_secret_a_token_or_an_openid(
    act: str, said: Say, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with serving(saying(said)) as line, pytest.raises(WeChatError) as caught:
        ACTS[act](line, None)
    shown = whole_chain(caught.value) + caplog.text
    assert [word for word in (SECRET, TOKEN, FAN, "13800000000") if word in shown] == []


def test_no_configuration_or_answer_shows_a_secret() -> None:
    line = Line("http://127.0.0.1:9")
    account, program = an_account(line), a_program(line)
    things = [account, program, account.config, program.config, account._envelope]
    things += [
        MpSession(FAN, "union", "sessionkey"),
        Fan(FAN, "union", True, None, None),
        Phone("86", "13800000000"),
    ]
    shown = repr(things) + str(things)
    secrets = (SECRET, TOKEN, FAN, "pushtoken", "union", "sessionkey", "13800000000")
    assert [word for word in secrets if word in shown] == []
