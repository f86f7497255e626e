"""Builds pushes as WeChat sends them, for tests of what opens them. Plain mode and safe mode."""

from tests.wechat import vectors as v
from wechat.envelope import AesKey, signature
from wechat.http import Http
from wechat.official_account import OfficialAccount, OfficialAccountConfig, Push
from wechat.tokens import MemoryTokenStore, Tokens

APPID, TOKEN, SECRET = "wx1111111111111111", "pushtoken", "s3cret-of-the-account-0123456789"
KEY, OLD_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", v.ECHO_AES_KEY
FAN, GH = "oFAN_aaaaaaaaaaaaaaaaaaaaaaa", "gh_0123456789ab"


def no_token(appid: str, secret: str) -> tuple[str, int]:
    """Pushes never need a token."""
    raise AssertionError("a push fetched a token")


def an_account(*, safe: bool = True, keys: tuple[str, ...] = (KEY,), **changes: str) -> OfficialAccount:
    config = OfficialAccountConfig(APPID, SECRET, TOKEN, keys, safe, **changes)
    return OfficialAccount(config, Http(), Tokens(APPID, SECRET, MemoryTokenStore(), no_token))


def xml(**elements: str | int) -> bytes:
    """The body of a push; `_raw` is put in as it stands."""
    raw = str(elements.pop("_raw", ""))
    common = {"ToUserName": GH, "FromUserName": FAN, "CreateTime": 1714112445}
    inside = "".join(f"<{k}><![CDATA[{x}]]></{k}>" for k, x in (common | elements).items())
    return f"<xml>{inside}{raw}</xml>".encode()


def plain_query(**changes: object) -> dict[str, object]:
    signed = {"timestamp": "1714112445", "nonce": "n0nce"}
    return signed | {"signature": signature(TOKEN, "1714112445", "n0nce")} | changes


def sealed(message: bytes, *, key: str = KEY, appid: str = APPID) -> tuple[dict[str, object], bytes]:
    """(query, body) of a push in safe mode."""
    encrypt = AesKey(key).encrypt(message, appid)
    query = plain_query(
        encrypt_type="aes", msg_signature=signature(TOKEN, "1714112445", "n0nce", encrypt), openid=FAN
    )
    body = f"<xml><ToUserName><![CDATA[{GH}]]></ToUserName><Encrypt><![CDATA[{encrypt}]]></Encrypt></xml>"
    return query, body.encode()


def opened(**elements: str | int) -> Push:
    """A push sent in plain mode, opened."""
    return an_account(safe=False).open(plain_query(), xml(**elements))
