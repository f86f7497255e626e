"""What the official account's client refuses by itself, and the calls that need more than one line to tell."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import pytest

from tests.wechat.apps import APPID, FAN, JPEG, OK, SECRET, an_account, saying
from tests.wechat.local import Call, Line, Say, serving
from tests.wechat.test_oa_calls import MENU
from wechat.errors import Refused, Unavailable, Unknown
from wechat.media import MediaKind
from wechat.official_account import Button, ButtonKind, MatchRule, OfficialAccount
from wechat.tokens import MemoryTokenStore, Tokens

Act = Callable[[OfficialAccount], object]
AT = datetime(2024, 4, 26, 6, 20, 45, tzinfo=UTC)

LIMITS: list[tuple[Act, str]] = [
    (lambda oa: oa.create_number_code(0), "40053"),
    (lambda oa: oa.create_number_code(100001), "40053"),
    (lambda oa: oa.create_number_code(2**32, expires_in_s=60), "40053"),
    (lambda oa: oa.create_number_code(1, expires_in_s=2592001), "40053"),
    (lambda oa: oa.fans([]), "40032"),
    (lambda oa: oa.fans(["o"] * 101), "40032"),
    (lambda oa: oa.remark(FAN, "x" * 30), "40097"),
    (lambda oa: oa.create_tag(" "), "45157"),
    (lambda oa: oa.create_tag("x" * 31), "45158"),
    (lambda oa: oa.rename_tag(2, "x"), "45058"),
    (lambda oa: oa.delete_tag(0), "45058"),
    (lambda oa: oa.tag_fans(134, []), "40032"),
    (lambda oa: oa.untag_fans(134, ["o"] * 51), "40032"),
    (lambda oa: oa.create_menu([]), "40016"),
    (lambda oa: oa.create_menu(MENU * 2), "40016"),
    (lambda oa: oa.create_menu([Button("", ButtonKind.CLICK, "k")]), "40018"),
    (lambda oa: oa.create_menu([Button("六个汉字多了", ButtonKind.CLICK, "k")]), "40018"),
    (lambda oa: oa.create_menu([Button("a", under=(Button("x" * 61, ButtonKind.CLICK, "k"),))]), "40025"),
    (lambda oa: oa.create_menu([Button("a")]), "40017"),
    (lambda oa: oa.create_menu([Button("a", ButtonKind.CLICK)]), "40017"),
    (lambda oa: oa.create_menu([Button("a", under=(Button("b"),))]), "40024"),
    (lambda oa: oa.create_menu([Button("a", under=(MENU[0],) * 6)]), "40023"),
    (lambda oa: oa.create_menu([Button("a", under=(Button("b", under=(MENU[0],)),))]), "40023"),
    (lambda oa: oa.create_menu([Button("a", ButtonKind.CLICK, "k" * 129)]), "40019"),
    (lambda oa: oa.create_menu([Button("a", under=(Button("b", ButtonKind.CLICK, "k" * 129),))]), "40026"),
    (lambda oa: oa.create_menu([Button("a", ButtonKind.VIEW, "u" * 1025)]), "40020"),
    (lambda oa: oa.create_menu([Button("a", under=(Button("b", ButtonKind.VIEW, "u" * 1025),))]), "40027"),
    (lambda oa: oa.add_conditional_menu(MENU, MatchRule()), "65304"),
    (lambda oa: oa.send_choices(FAN, head="", choices=[]), "44004"),
    (lambda oa: oa.upload_media(MediaKind.IMAGE, b"", "jpg"), "41005"),
    (lambda oa: oa.upload_media(MediaKind.THUMB, b"x" * 65537, "jpg"), "45001"),
    (lambda oa: oa.upload_media(MediaKind.IMAGE, b"x", "svg"), "40004"),
    (lambda oa: oa.login_url("http://u", state="a-b"), "10013"),
    (lambda oa: oa.login_url("http://u", state="a" * 129), "10013"),
]


@pytest.mark.parametrize(("act", "code"), LIMITS)
def test_a_call_beyond_the_limits_is_refused_without_a_call(act: Act, code: str) -> None:
    with serving(saying(OK)) as line, pytest.raises(Refused) as caught:
        act(an_account(line))
    assert (caught.value.code, line.calls) == (code, [])


MISSING: list[tuple[Act, bytes]] = [
    (lambda oa: oa.create_tag("a"), b'{"tag":{}}'),
    (lambda oa: oa.add_conditional_menu(MENU, MatchRule(1)), OK),
    (lambda oa: oa.upload_media(MediaKind.IMAGE, b"x", "jpg"), OK),
    (lambda oa: oa.fetch_media("m"), b"{}"),
    (lambda oa: oa.visitor("c"), b'{"openid":"o"}'),
    (lambda oa: oa.sign_page("http://u", now=AT), b'{"errcode":0,"errmsg":"ok"}'),
    (lambda oa: oa.fans(["o"]), b"{}"),
    (lambda oa: oa.callback_ips(), b"{}"),
]


@pytest.mark.parametrize(("act", "said"), MISSING)
def test_an_answer_without_what_was_asked_is_unavailable(act: Act, said: bytes) -> None:
    with serving(saying(said)) as line, pytest.raises(Unavailable) as caught:
        act(an_account(line))
    assert caught.value.code == "ANSWER"


def test_all_followers_end_with_the_empty_page() -> None:
    """The last page names its last openid as the next; the call after it has count 0 and no data."""
    pages = [
        b'{"total":3,"count":2,"data":{"openid":["oA","oB"]},"next_openid":"oB"}',
        b'{"total":3,"count":1,"data":{"openid":["oC"]},"next_openid":"oC"}',
        b'{"total":3,"count":0,"next_openid":""}',
    ]
    with serving(saying(*pages)) as line:
        assert list(an_account(line).all_followers()) == ["oA", "oB", "oC"]
    assert [call.target.partition("?")[2].partition("access")[0] for call in line.calls] == [
        "",
        "next_openid=oB&",
        "next_openid=oC&",
    ]


def test_no_menu_is_an_empty_list() -> None:
    with serving(saying(b'{"errcode":46003,"errmsg":"menu no exist"}')) as line:
        assert an_account(line).menus() == []


def test_an_upload_sends_the_same_file_again_after_a_renewed_token() -> None:
    expired = b'{"errcode":42001,"errmsg":"access_token expired"}'
    with serving(saying(expired, b'{"type":"thumb","thumb_media_id":"m9","created_at":1}')) as line:
        values = iter(["first", "second"])
        tokens = Tokens(APPID, SECRET, MemoryTokenStore(), lambda appid, secret: (next(values), 7200))
        account = an_account(line, tokens=tokens)
        assert account.upload_media(MediaKind.THUMB, JPEG, "jpg") == "m9"
    for call, token in zip(line.calls, ("first", "second"), strict=True):
        assert call.target == f"/cgi-bin/media/upload?type=thumb&access_token={token}"
        boundary = call.headers["content-type"].partition("boundary=")[2].encode()
        assert call.body == (
            b"--" + boundary + b'\r\nContent-Disposition: form-data; name="media"; filename="thumb.jpg"\r\n'
            b"Content-Type: image/jpeg\r\n\r\n" + JPEG + b"\r\n--" + boundary + b"--\r\n"
        )


def test_a_media_error_comes_as_json_whatever_its_type_says() -> None:
    said = Say(body=b'{"errcode":40007,"errmsg":"invalid media_id"}', headers={"Content-Type": "text/plain"})
    with serving(saying(said)) as line, pytest.raises(Refused) as caught:
        an_account(line).fetch_media("m1")
    assert caught.value.code == "40007"


def test_a_snapshot_visitor_is_told() -> None:
    said = (
        b'{"access_token":"AT","expires_in":7200,"openid":"oFAKE","scope":"snsapi_base","is_snapshotuser":1}'
    )
    with serving(saying(said)) as line:
        visitor = an_account(line).visitor("C1")
    assert (visitor.snapshot, visitor.unionid) == (True, None)


def test_the_login_address_has_its_parameters_in_the_order_that_wechat_checks() -> None:
    account = an_account(Line("http://127.0.0.1:9"))
    base = f"https://open.weixin.qq.com/connect/oauth2/authorize?appid={APPID}&redirect_uri="
    assert account.login_url("https://shop.example/a?b=1&c=店", state="S1") == (
        f"{base}https%3A%2F%2Fshop.example%2Fa%3Fb%3D1%26c%3D%E5%BA%97"
        "&response_type=code&scope=snsapi_base&state=S1#wechat_redirect"
    )
    assert account.login_url("https://a", state="1", profile=True, force_popup=True) == (
        f"{base}https%3A%2F%2Fa&response_type=code&scope=snsapi_userinfo&state=1"
        "&forcePopup=true#wechat_redirect"
    )


@pytest.mark.parametrize(
    "act",
    [
        lambda oa: oa.send_image(FAN, "m"),
        lambda oa: oa.send_template(FAN, "T", {}),
        lambda oa: oa.send_notice(FAN, "T", {}),
        lambda oa: oa.add_conditional_menu(MENU, MatchRule(1)),
        lambda oa: oa.clear_quotas(),
        lambda oa: oa.clear_quotas_by_secret("s"),
    ],
)
def test_a_write_that_may_have_been_done_is_unknown_and_sent_once(act: Act) -> None:
    with serving(saying(Say(cut=True))) as line, pytest.raises(Unknown):
        act(an_account(line))
    assert len(line.calls) == 1


def test_a_template_with_a_key_is_sent_again() -> None:
    with serving(saying(Say(cut=True), b'{"errcode":0,"msgid":1}')) as line:
        assert an_account(line).send_template(FAN, "T", {}, key="k") == "1"
    assert len({call.body for call in line.calls}) == 1


def a_ticket(call: Call) -> Say:
    return Say(body=b'{"errcode":0,"errmsg":"ok","ticket":"mock-ticket","expires_in":7200}')


def test_a_page_is_signed_with_one_shared_ticket() -> None:
    with serving(a_ticket) as line:
        account = an_account(line)
        sign = partial(account.sign_page, now=datetime.fromtimestamp(1601234567, UTC), nonce="mock-nonce")
        signed = sign("https://www.easywechat.com/#top")
        assert (signed.appid, signed.timestamp, signed.nonce) == (APPID, 1601234567, "mock-nonce")
        assert signed.signature == "22772d2fb393ab9f7f6a5a54168a566fbf1ab767"
        assert sign("https://www.easywechat.com/") == signed
        assert len(account.sign_page("https://a", now=AT).nonce) == 16
    assert [call.target for call in line.calls] == [
        "/cgi-bin/ticket/getticket?type=jsapi&access_token=ACCESS-TOKEN_0123456789abcdef"
    ]
