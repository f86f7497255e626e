"""The message push of one app, official account or mini-program: verify the address, open, answer."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from wechat.envelope import Envelope
from wechat.errors import Malformed
from wechat.events import Event
from wechat.fields import text_of
from wechat.naming import event_of
from wechat.replies import Reply, TransferToStaff, reply_xml, sealed_xml


@dataclass(frozen=True)
class Push:
    """An opened push. `to_user` is the account's original id (gh_...), `from_user` the fan's openid;
    `key_number` and `json` say how it came, so that the answer goes out the same way."""

    event: Event
    to_user: str
    from_user: str = field(repr=False)
    key_number: int = 0
    json: bool = False


class Pushes:
    """Opens and answers pushes. Thread-safe; touches no network."""

    def __init__(self, envelope: Envelope, appid: str) -> None:
        self._envelope = envelope
        self._appid = appid

    def verify_url(self, query: Mapping[str, Any]) -> str:
        """What to answer, exactly and alone, when WeChat checks the callback address. Raises BadSignature."""
        return self._envelope.verify_url(query)

    def open(self, query: Mapping[str, Any], body: bytes) -> Push:
        """Verifies, decrypts and names a push. Raises BadSignature or Malformed whatever was sent."""
        fields, key_number = self._envelope.open(query, body)
        event = event_of(self._appid, fields)
        to_user = text_of(fields, "ToUserName")
        if not to_user:
            raise Malformed("push without ToUserName")
        return Push(event, to_user, event.openid, key_number, body[:1] == b"{")

    def answer(self, push: Push, reply: Reply, *, now: datetime, nonce: str | None = None) -> bytes:
        """The body of our HTTP answer: `success` when there is nothing to say (never encrypted), else the
        reply in the format of the push and the mode of the account. A push in JSON comes from a mini-program,
        which can only hand a message over to its desk. `nonce`: letters and digits; made here when absent."""
        seconds = int(now.timestamp())
        if push.json:
            message = _reply_json(push, seconds, reply)
        else:
            message = reply_xml(push.from_user, push.to_user, seconds, reply)
        if not message:
            return b"success"
        sealed = self._envelope.seal(
            message, key=push.key_number, seconds=seconds, nonce=nonce or os.urandom(8).hex()
        )
        if sealed is None:
            return message
        return _sealed_json(*sealed) if push.json else sealed_xml(*sealed)


def _reply_json(push: Push, seconds: int, reply: Reply) -> bytes:
    if not isinstance(reply, TransferToStaff):
        return b""
    fields: dict[str, object] = {
        "ToUserName": push.from_user,
        "FromUserName": push.to_user,
        "CreateTime": seconds,
        "MsgType": "transfer_customer_service",
    }
    if reply.account:
        fields["TransInfo"] = {"KfAccount": reply.account}
    return orjson.dumps(fields)


def _sealed_json(encrypt: str, signature: str, seconds: int, nonce: str) -> bytes:
    return orjson.dumps({"Encrypt": encrypt, "MsgSignature": signature, "TimeStamp": seconds, "Nonce": nonce})
