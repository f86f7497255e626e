"""Reads and writes the XML (and reads the JSON) of the message push, on expat alone.

A document type, an entity, more than 64 KB or 10 levels, anything but UTF-8 under a root `xml`: refused
before or while it is parsed. Text for the other side goes into CDATA that it cannot break out of.
"""

import re
from typing import Any
from xml.parsers import expat

import orjson

from wechat.errors import Malformed

MAX_BYTES = 64 * 1024
MAX_DEPTH = 10
MAX_REPLY_BYTES = 2048
"""WeChat refuses a longer text, in a reply as in a customer message."""

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def read(body: bytes) -> dict[str, Any]:
    """The elements under the root: text, a dict for an element with children, a list for a repeated one.
    Takes JSON too, as mini-programs may be set to it. Raises Malformed for anything it cannot or will not
    read."""
    if len(body) > MAX_BYTES:
        raise Malformed("push larger than 64 KB")
    if body[:1] == b"{":
        return _read_json(body)
    top: dict[str, Any] = {}
    parser = _parser(top)
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, ValueError):
        raise Malformed("push is not well-formed XML") from None
    root = top.get("xml")
    if not isinstance(root, dict):
        raise Malformed("push has no elements under a root named xml")
    return root


def _parser(top: dict[str, Any]) -> expat.XMLParserType:
    # Closures, because expat calls these for every element of every push and a method costs a third more.
    above: list[dict[str, Any]] = [top]
    texts: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(above) > MAX_DEPTH:
            raise Malformed("push is nested too deep")
        above.append({})
        texts.clear()

    def end(name: str) -> None:
        value: Any = above.pop() or "".join(texts)
        texts.clear()
        parent = above[-1]
        if name not in parent:
            parent[name] = value
        elif isinstance(parent[name], list):
            parent[name].append(value)
        else:
            parent[name] = [parent[name], value]

    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = texts.append
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = _refuse
    return parser


def _refuse(*declaration: object) -> None:
    raise Malformed("push declares a document type or an entity")


def _read_json(body: bytes) -> dict[str, Any]:
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Malformed("push is not JSON") from None
    return dict(fields)


def fit(text: str, limit: int = MAX_REPLY_BYTES) -> str:
    """The text without what XML 1.0 cannot carry, cut to `limit` bytes of UTF-8 at a character's boundary."""
    kept = _NOT_XML.sub("", text)
    raw = kept.encode()
    return kept if len(raw) <= limit else raw[:limit].decode("utf-8", "ignore")


def text_reply(to_user: str, from_user: str, seconds: int, text: str) -> bytes:
    """A passive text reply; `text` is fitted by the caller."""
    return (
        f"<xml><ToUserName>{_cdata(to_user)}</ToUserName><FromUserName>{_cdata(from_user)}</FromUserName>"
        f"<CreateTime>{seconds}</CreateTime><MsgType><![CDATA[text]]></MsgType>"
        f"<Content>{_cdata(text)}</Content></xml>"
    ).encode()


def sealed_reply(encrypt: str, signature: str, seconds: int, nonce: str) -> bytes:
    """The envelope of an encrypted reply."""
    return (
        f"<xml><Encrypt>{_cdata(encrypt)}</Encrypt><MsgSignature>{_cdata(signature)}</MsgSignature>"
        f"<TimeStamp>{seconds}</TimeStamp><Nonce>{_cdata(nonce)}</Nonce></xml>"
    ).encode()


def _cdata(text: str) -> str:
    return "<![CDATA[" + text.replace("]]>", "]]]]><![CDATA[>") + "]]>"
