"""Templates of messages: what their keywords may hold, and who may be sent one (WECHAT.md 7.2, 7.3)."""

import re
from typing import Any

from wechat.box.answers import Refusal
from wechat.box.inside import Box

_KEYWORD = re.compile(r"([a-z_]+?)(\d+)")
_DIGITS = re.compile(r"-?\d+(\.\d+)?")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_FORMS = {
    "thing": re.compile(r".{1,20}", re.DOTALL),
    "number": re.compile(r"[\d.+-]{1,32}"),
    "letter": re.compile(r"[A-Za-z]{1,32}"),
    "symbol": re.compile(r"[^\w\s]{1,5}"),
    "character_string": re.compile(r"[\x21-\x7e]{1,32}"),
    "time": re.compile(r"(?=.*\d).{1,32}"),
    "date": re.compile(r"(?=.*\d).{1,32}"),
    "amount": re.compile(r"[¥￥$€£]?\d{1,10}(\.\d{1,2})?元?"),
    "phone_number": re.compile(r"[\d +()-]{1,17}"),
    "car_number": re.compile(r".{1,8}"),
    "phrase": re.compile(r"[\u4e00-\u9fff]{1,5}"),
    "enum": re.compile(r".{1,20}"),
    "const": re.compile(r".{1,20}"),
}


def check_template(box: Box, template_id: object) -> list[str] | None:
    """The keywords of a template; None when the box takes every id. Raises Refusal 40037."""
    templates = box.settings()["templates"]
    if not isinstance(template_id, str) or not 1 <= len(template_id) <= 64:
        raise Refusal(40037)
    if templates is None:
        return None
    if template_id not in templates:
        raise Refusal(40037)
    keywords: list[str] = templates[template_id]
    return keywords


def check_data(data: object, keywords: list[str] | None) -> dict[str, str]:
    """The values by keyword. Raises Refusal 47001 (form), 47003 (a keyword that is missing, strange, empty or
    too long; the text names it)."""
    if not isinstance(data, dict) or not data:
        raise Refusal(47001)
    values = {}
    for keyword, part in data.items():
        value = part.get("value") if isinstance(part, dict) else None
        known = keywords is None or keyword in keywords
        text = str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
        if not known or not text or not _fits(str(keyword), text):
            raise Refusal(47003, f"data.{keyword}.value invalid")
        values[str(keyword)] = text
    for keyword in keywords or ():
        if keyword not in values:
            raise Refusal(47003, f"data.{keyword}.value is empty")
    return values


def _fits(keyword: str, text: str) -> bool:
    named = _KEYWORD.fullmatch(keyword)
    if named is None:
        return len(text) <= 200
    if named[1] == "name":
        return len(text) <= (10 if _CHINESE.search(text) else 20)
    form = _FORMS.get(named[1])
    return form is None or form.fullmatch(text) is not None


def grant(box: Box, openid: str, template_id: str) -> None:
    """She accepts once: one more message of this template may be sent to her. Grants do not expire."""
    box.store.run(
        "INSERT INTO grants VALUES (?, ?, 1) ON CONFLICT (openid, template_id) DO UPDATE SET left = left + 1",
        openid,
        template_id,
    )


def use_grant(box: Box, openid: str, template_id: str) -> None:
    """One message is sent. Raises Refusal 43101 when she never accepted, or all is used up."""
    used = box.store.run(
        "UPDATE grants SET left = left - 1 WHERE openid = ? AND template_id = ? AND left > 0",
        openid,
        template_id,
    )
    if not used:
        raise Refusal(43101)


def granted(box: Box, openids: tuple[str, ...]) -> list[dict[str, Any]]:
    """What may still be sent to these openids: one entry per template."""
    marks = ", ".join("?" for _ in openids)
    rows = box.store.rows(f"SELECT * FROM grants WHERE openid IN ({marks}) ORDER BY template_id", *openids)
    return [dict(row) for row in rows]


def check_page(box: Box, page: object) -> None:
    """A page of the mini-program, perhaps with a query. Raises Refusal 41030."""
    if page in (None, ""):
        return
    pages = box.settings()["mp_pages"]
    if not isinstance(page, str) or (pages is not None and page.lstrip("/").partition("?")[0] not in pages):
        raise Refusal(41030)
