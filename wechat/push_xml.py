"""Reads the XML and JSON of the message push.

A document type, an entity, more than 64 KB or 10 levels, anything but UTF-8 under a root `xml`: refused
before or while it is parsed. Expat reads whatever comes. Most pushes are a plain list of elements, which one
regular expression reads in half the time; it knows only what expat would read the same way, and leaves
everything else to expat.
"""

import re
import sys
from typing import Any
from xml.parsers import expat

import orjson

from wechat.errors import Malformed

MAX_BYTES = 64 * 1024
MAX_DEPTH = 10

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PLAIN = b"\n" + bytes(range(0x20, 0x7F)) + bytes(range(0x80, 0x100))
"""Bytes that expat passes on untouched, in UTF-8 and without U+FFFE and U+FFFF, which begin with `_RARE`."""
_RARE = b"\xef\xbf"
# Possessive throughout: nothing is ever tried twice, whatever the body.
_ELEMENT = (
    r"<([A-Za-z_][A-Za-z0-9_]*+)>"
    r"(?:<!\[CDATA\[((?:[^\]]++|\](?!\]>))*+)\]\]>|([^<>&]*+))"
    r"</\1>[ \n]*+"
)
# Before 3.11.5, CPython matched possessive groups wrongly (gh-106052): there expat reads everything.
QUICK = sys.version_info >= (3, 11, 5)
_ONE_ELEMENT = re.compile(_ELEMENT)
_FLAT = re.compile(rf"<xml>[ \n]*+(?:{_ELEMENT})++</xml>[ \n]*+")


def read(body: bytes) -> dict[str, Any]:
    """The elements under the root: text, a dict for an element with children, a list for a repeated one.
    Takes JSON too, as mini-programs may be set to it. Raises Malformed for anything it cannot or will not
    read."""
    if len(body) > MAX_BYTES:
        raise Malformed("push larger than 64 KB")
    if body[:1] == b"{":
        return _read_json(body)
    return _read_flat(body) or _read_any(body)


def _read_flat(body: bytes) -> dict[str, Any] | None:
    if not QUICK or body.translate(None, _PLAIN) or _RARE in body:
        return None
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    if _FLAT.fullmatch(text) is None:
        return None
    found = _ONE_ELEMENT.findall(text, 5)
    fields: dict[str, Any] = {name: cdata or plain for name, cdata, plain in found}
    return fields if len(fields) == len(found) else None  # a repeated element becomes a list


def _read_any(body: bytes) -> dict[str, Any]:
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
    if not _is_shallow(fields, MAX_DEPTH):
        raise Malformed("push is nested too deep")
    return dict(fields)


def _is_shallow(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return True
    inside = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(_is_shallow(one, levels - 1) for one in inside)


def fit(text: str, limit: int = 2048) -> str:
    """The text without what XML 1.0 cannot carry, cut to `limit` bytes of UTF-8 at a character's boundary.
    2048 is WeChat's limit for a text, in a reply as in a customer message."""
    kept = _NOT_XML.sub("", text)
    raw = kept.encode()
    return kept if len(raw) <= limit else raw[:limit].decode("utf-8", "ignore")
