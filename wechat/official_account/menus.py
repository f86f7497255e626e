"""The menu under the chat: one for everybody, others for the fans with a tag or a platform."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from wechat.errors import Refused, Unavailable
from wechat.fields import part_of, parts_of, text_of
from wechat.platform import Family, Repeat


class ButtonKind(StrEnum):
    """What a tap does."""

    CLICK = "click"  # sends us the key
    VIEW = "view"  # opens the address
    PAGE = "miniprogram"  # opens a mini-program's page
    SCAN = "scancode_push"  # scans and shows; we hear of it
    SCAN_WAIT = "scancode_waitmsg"  # scans and waits for our answer
    CAMERA = "pic_sysphoto"  # takes a picture
    CAMERA_OR_ALBUM = "pic_photo_or_album"  # takes or picks a picture
    ALBUM = "pic_weixin"  # picks a picture
    PLACE = "location_select"  # picks a place
    MEDIA = "media_id"  # sends uploaded material
    ARTICLE = "article_id"  # sends a published article as a card
    ARTICLE_VIEW = "article_view_limited"  # opens a published article


_VALUE_NAMES = {
    ButtonKind.VIEW: "url",
    ButtonKind.PAGE: "pagepath",
    ButtonKind.MEDIA: "media_id",
    ButtonKind.ARTICLE: "article_id",
    ButtonKind.ARTICLE_VIEW: "article_id",
}
"""Under which name `value` goes out; `key` for the others."""


@dataclass(frozen=True)
class Button:
    """One button. `value`: the key (up to 128 bytes), the address (1024), the page's path, a media or article
    id. A PAGE also needs the mini-program's `appid` and a `url` for old phones. A button with `under` only
    opens those (1 to 5) and has no kind."""

    name: str
    kind: ButtonKind | None = None
    value: str = ""
    appid: str = ""
    url: str = ""
    under: tuple["Button", ...] = ()


@dataclass(frozen=True)
class MatchRule:
    """Who sees a conditional menu: who wears this tag, and on which platform (1 iOS, 2 Android, 3 other).
    WeChat no longer takes sex, place or language."""

    tag_id: int | None = None
    platform: int | None = None


@dataclass(frozen=True)
class Menu:
    """A menu as WeChat has it. `rule` and `menu_id` belong to conditional ones."""

    buttons: tuple[Button, ...]
    menu_id: str = ""
    rule: MatchRule | None = None


class Menus(Family):
    """Sets, reads and removes menus. A phone takes up to 5 minutes to show a change."""

    def create_menu(self, buttons: Sequence[Button]) -> None:
        """Replaces the menu for everybody. Refuses itself, with WeChat's codes, what breaks the limits."""
        api = "cgi-bin/menu/create"
        body = {"button": _checked(api, buttons)}
        create = self.platform.client.menu.create
        self.platform.call(api, lambda: create(body), Repeat.HARMLESS)

    def menus(self) -> list[Menu]:
        """The menu for everybody, then the conditional ones; empty when there is none."""
        try:
            fields = self.platform.get("cgi-bin/menu/get", {}, Repeat.HARMLESS)
        except Refused as error:
            if error.code == "46003":
                return []
            raise
        return [_menu(row) for name in ("menu", "conditionalmenu") for row in parts_of(fields, name)]

    def delete_menus(self) -> None:
        """Removes the menu for everybody and all conditional ones."""
        delete = self.platform.client.menu.delete
        self.platform.call("cgi-bin/menu/delete", delete, Repeat.HARMLESS)

    def add_conditional_menu(self, buttons: Sequence[Button], rule: MatchRule) -> str:
        """A menu for some; WeChat tries the newest first. Answers its id. Needs a menu for everybody (65303)
        and a rule (65304). Raises Unknown when it may have been added."""
        api = "cgi-bin/menu/addconditional"
        wishes = {"tag_id": rule.tag_id, "client_platform_type": rule.platform}
        matchrule = {name: str(wish) for name, wish in wishes.items() if wish is not None}
        if not matchrule:
            raise Refused(api, "65304", "a conditional menu needs a rule")
        body = {"button": _checked(api, buttons), "matchrule": matchrule}
        add = self.platform.client.menu.add_conditional
        menu_id = text_of(self.platform.call(api, lambda: add(body), Repeat.HARMFUL), "menuid")
        if not menu_id:
            raise Unavailable(api, "ANSWER", "no menuid in the answer")
        return menu_id

    def delete_conditional_menu(self, menu_id: str) -> None:
        """Removes one conditional menu."""
        delete = self.platform.client.menu.del_conditional
        self.platform.call("cgi-bin/menu/delconditional", lambda: delete(menu_id), Repeat.HARMLESS)

    def menu_of(self, openid: str) -> Menu:
        """The menu that this fan sees."""
        match_for = self.platform.client.menu.try_match
        fields = self.platform.call("cgi-bin/menu/trymatch", lambda: match_for(openid), Repeat.HARMLESS)
        return _menu(part_of(fields, "menu") or fields)


def _checked(api: str, buttons: Sequence[Button]) -> list[dict[str, Any]]:
    if not 1 <= len(buttons) <= 3:
        raise Refused(api, "40016", "a menu has 1 to 3 buttons")
    return [_button(api, button, sub=False) for button in buttons]


def _button(api: str, button: Button, *, sub: bool) -> dict[str, Any]:
    if not 1 <= len(button.name.encode()) <= (60 if sub else 16):
        raise Refused(api, "40025" if sub else "40018", "a name has 1 to 16 bytes, in a list up to 60")
    if button.under:
        if sub or len(button.under) > 5:
            raise Refused(api, "40023", "a button opens 1 to 5 others, which open none")
        return {"name": button.name, "sub_button": [_button(api, one, sub=True) for one in button.under]}
    if button.kind is None or not button.value:
        raise Refused(api, "40024" if sub else "40017", "a button needs a kind and its value")
    value_name = _VALUE_NAMES.get(button.kind, "key")
    fields = {"type": str(button.kind), "name": button.name, value_name: button.value}
    if button.kind is ButtonKind.PAGE:
        fields |= {"appid": button.appid, "url": button.url}
    if len(fields.get("key", "").encode()) > 128:
        raise Refused(api, "40026" if sub else "40019", "a key has at most 128 bytes")
    if len(fields.get("url", "").encode()) > 1024:
        raise Refused(api, "40027" if sub else "40020", "an address has at most 1024 bytes")
    return fields


def _menu(fields: Mapping[str, Any]) -> Menu:
    buttons = tuple(_read(row) for row in parts_of(fields, "button"))
    given = part_of(fields, "matchrule")
    tag, phone = (text_of(given, name) for name in ("tag_id", "client_platform_type"))
    rule = MatchRule(_whole(tag), _whole(phone)) if given else None
    return Menu(buttons, text_of(fields, "menuid"), rule)


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _read(row: Mapping[str, Any]) -> Button:
    name, word = text_of(row, "name"), text_of(row, "type")
    under = tuple(_read(one) for one in parts_of(row, "sub_button"))
    kind = ButtonKind(word) if word in set(ButtonKind) else None
    value = text_of(row, _VALUE_NAMES.get(kind, "key")) if kind else ""
    is_page = kind is ButtonKind.PAGE
    return Button(
        name,
        kind,
        value,
        appid=text_of(row, "appid") if is_page else "",
        url=text_of(row, "url") if is_page else "",
        under=under,
    )
