"""The app with a telephone to a WeChat that a test can steer, and pushes signed as WeChat signs them."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

from flask.testing import FlaskClient

from app.settings import Settings
from app.wiring import Parts, WeChat
from tests.telephone import MP, Telephone, a_telephone

PUSH = "/callbacks/wechat/oa"
TOKEN = "pushtoken"
ACCOUNT = "gh_0123456789ab"


@contextmanager
def with_telephone(parts: Parts) -> Iterator[tuple[Parts, Telephone]]:
    """The parts with a telephone until the block ends."""
    with a_telephone() as phone:
        named = {"mp_appid": MP, "login_ttl_s": 3600}
        settings = Settings.model_construct(**(parts.settings.model_dump() | named))
        wechat = WeChat(oa=phone.oa, mp=phone.mp, pay=cast(Any, None))
        yield replace(parts, settings=settings, wechat=wechat), phone


def signed(timestamp: str = "1772337600", nonce: str = "n0nce") -> dict[str, str]:
    """The query of a push in plain mode."""
    proof = hashlib.sha1("".join(sorted((TOKEN, timestamp, nonce))).encode()).hexdigest()
    return {"signature": proof, "timestamp": timestamp, "nonce": nonce}


def push_body(openid: str, at: datetime, **elements: str) -> bytes:
    """The XML of a push."""
    common = {"ToUserName": ACCOUNT, "FromUserName": openid, "CreateTime": str(int(at.timestamp()))}
    inside = "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in (common | elements).items())
    return f"<xml>{inside}</xml>".encode()


def push(client: FlaskClient, openid: str, at: datetime, **elements: str) -> Any:
    """Deliver a push as WeChat does."""
    return client.post(
        PUSH, query_string=signed(), data=push_body(openid, at, **elements), content_type="text/xml"
    )


def bearer(token: str) -> dict[str, str]:
    """The header of a logged-in request."""
    return {"Authorization": f"Bearer {token}"}
