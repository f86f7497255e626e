"""The menu under the chat: what it may hold, which one a fan sees (WECHAT.md 3.4)."""

import json
import sqlite3
from typing import Any
from urllib.parse import urlsplit

from wechat.box import tagging
from wechat.box.answers import Refusal
from wechat.box.inside import Box

DEFAULT = 1
_FIRST_CONDITIONAL = 208379532
_MOST_CONDITIONAL, _MOST_DOMAINS = 20, 3
_KEYED = (
    *("click", "scancode_push", "scancode_waitmsg", "pic_sysphoto", "pic_photo_or_album", "pic_weixin"),
    "location_select",
)
_NEEDS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_KEYED, ("key",)),
    "view": ("url",),
    "miniprogram": ("appid", "pagepath", "url"),
    "media_id": ("media_id",),
    "view_limited": ("media_id",),
    "article_id": ("article_id",),
    "article_view_limited": ("article_id",),
}
_GONE_RULES = ("sex", "country", "province", "city", "language")
_RULES = ("tag_id", "client_platform_type")


def checked(box: Box, buttons: object) -> list[dict[str, Any]]:
    """The buttons of a menu when WeChat takes them. Raises Refusal 40016 to 40027, 40055 or 45064."""
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= 3:
        raise Refusal(40016)
    for button in buttons:
        if not isinstance(button, dict):
            raise Refusal(47001)
        _check_name(button, 16, 40018)
        below = button.get("sub_button")
        if below:
            if not isinstance(below, list) or len(below) > 5:
                raise Refusal(40023)
            for one in below:
                if not isinstance(one, dict):
                    raise Refusal(47001)
                _check_name(one, 60, 40025)
                _check_typed(box, one, sub=True)
        else:
            _check_typed(box, button, sub=False)
    return buttons


def _check_name(button: dict[str, Any], most: int, errcode: int) -> None:
    name = button.get("name")
    if not isinstance(name, str) or not 1 <= len(name.encode()) <= most:
        raise Refusal(errcode)


def _check_typed(box: Box, button: dict[str, Any], *, sub: bool) -> None:
    kind = button.get("type")
    if not isinstance(kind, str) or kind not in _NEEDS:
        raise Refusal(40024 if sub else 40017)
    for name in _NEEDS[kind]:
        value, most = button.get(name), 128 if name == "key" else 1024
        if not isinstance(value, str) or not 1 <= len(value.encode()) <= most:
            raise Refusal({"key": 40026 if sub else 40019, "url": 40027 if sub else 40020}.get(name, 40097))
    if "url" in _NEEDS[kind] and not str(button["url"]).startswith(("http://", "https://")):
        raise Refusal(40055)
    if kind == "miniprogram" and button["appid"] != box.credentials.mp.appid:
        raise Refusal(45064)


def checked_rule(box: Box, rule: object) -> dict[str, Any]:
    """The match rule of a conditional menu. Raises Refusal 65304 (empty), 65320 (rules of the past) or 45159."""
    given = (
        {name: value for name, value in rule.items() if value not in ("", None)}
        if isinstance(rule, dict)
        else {}
    )
    if any(name in given for name in _GONE_RULES):
        raise Refusal(65320)
    if not any(name in given for name in _RULES):
        raise Refusal(65304)
    if "tag_id" in given and not tagging.exists(box, _number(given["tag_id"])):
        raise Refusal(45159)
    if str(given.get("client_platform_type", "1")) not in ("1", "2", "3"):
        raise Refusal(40097)
    return {name: str(value) for name, value in given.items() if name in _RULES}


def keep_default(box: Box, buttons: list[dict[str, Any]]) -> None:
    """Make this the menu of everybody."""
    box.store.run(
        "INSERT OR REPLACE INTO menus VALUES (?, ?, NULL)", DEFAULT, json.dumps(buttons, ensure_ascii=False)
    )


def add_conditional(box: Box, buttons: list[dict[str, Any]], rule: dict[str, Any]) -> int:
    """One more menu for those whom the rule matches; answers its number. Raises Refusal 65303, 65305 or
    65316."""
    with box.store.write() as db:
        if default(box) is None:
            raise Refusal(65303)
        others = conditional(box)
        if len(others) >= _MOST_CONDITIONAL:
            raise Refusal(65305)
        lists = [buttons, *(json.loads(menu["buttons"]) for menu in others)]
        domains = {urlsplit(url).netloc for one in lists for url in _urls(one)}
        if len(domains) > _MOST_DOMAINS:
            raise Refusal(65316)
        number = _FIRST_CONDITIONAL + box.store.next_number("menu")
        row = (number, json.dumps(buttons, ensure_ascii=False), json.dumps(rule))
        db.execute("INSERT INTO menus VALUES (?, ?, ?)", row)
        return number


def _urls(buttons: list[dict[str, Any]]) -> list[str]:
    flat = [one for button in buttons for one in (button.get("sub_button") or [button])]
    return [str(one["url"]) for one in flat if one.get("type") == "view"]


def default(box: Box) -> sqlite3.Row | None:
    """The menu of everybody, or None."""
    return box.store.row("SELECT * FROM menus WHERE menuid = ?", DEFAULT)


def conditional(box: Box) -> list[sqlite3.Row]:
    """The conditional menus, the youngest first: in this order they are matched."""
    return box.store.rows("SELECT * FROM menus WHERE menuid != ? ORDER BY menuid DESC", DEFAULT)


def delete_conditional(box: Box, number: object) -> None:
    """Delete one conditional menu. Raises Refusal 65301."""
    menuid = _number(number)
    if menuid in (None, DEFAULT) or not box.store.run("DELETE FROM menus WHERE menuid = ?", menuid):
        raise Refusal(65301)


def _number(given: object) -> int | None:
    text = str(given)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def delete_all(box: Box) -> None:
    """Delete the default menu and with it every conditional one."""
    box.store.run("DELETE FROM menus")


def seen_by(box: Box, openid: str, platform: str = "2") -> list[dict[str, Any]]:
    """The buttons that a fan sees: the youngest conditional menu that matches her last tag and her telephone's
    platform, else everybody's. Raises Refusal 46003 when there is no menu."""
    tags = tagging.of(box, openid)
    for menu in conditional(box):
        rule = json.loads(menu["matchrule"])
        tag_fits = "tag_id" not in rule or (bool(tags) and str(tags[-1]) == rule["tag_id"])
        if tag_fits and rule.get("client_platform_type", platform) == platform:
            buttons: list[dict[str, Any]] = json.loads(menu["buttons"])
            return buttons
    found = default(box)
    if found is None:
        raise Refusal(46003)
    buttons = json.loads(found["buttons"])
    return buttons
