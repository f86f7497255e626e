"""Menus, as a program calls them (WECHAT.md 3.4)."""

import json
import sqlite3
from typing import Any

from flask import Request, Response

from wechat.box import menus
from wechat.box.account_api import official
from wechat.box.answers import Refusal, asked_json, done, said
from wechat.box.inside import Box
from wechat.box.users_api import fan


def create(box: Box, request: Request) -> Response:
    """POST /cgi-bin/menu/create {button}"""
    official(box, request)
    menus.keep_default(box, menus.checked(box, asked_json(request).get("button")))
    return done()


def _shown(menu: sqlite3.Row) -> dict[str, Any]:
    buttons = [
        button | {"sub_button": button.get("sub_button", [])} for button in json.loads(menu["buttons"])
    ]
    told: dict[str, Any] = {"button": buttons, "menuid": menu["menuid"]}
    return told if menu["matchrule"] is None else told | {"matchrule": json.loads(menu["matchrule"])}


def show(box: Box, request: Request) -> Response:
    """GET /cgi-bin/menu/get: 46003 without a menu; ``menuid`` is there once a conditional menu is."""
    official(box, request)
    found, others = menus.default(box), menus.conditional(box)
    if found is None:
        raise Refusal(46003)
    menu = _shown(found)
    if not others:
        del menu["menuid"]
        return said({"menu": menu})
    return said({"menu": menu, "conditionalmenu": [_shown(one) for one in others]})


def show_current(box: Box, request: Request) -> Response:
    """GET /cgi-bin/get_current_selfmenu_info: sub buttons lie in ``sub_button.list`` here."""
    official(box, request)
    found = menus.default(box)
    if found is None:
        return said({"is_menu_open": 0})
    buttons = []
    for button in json.loads(found["buttons"]):
        below = button.pop("sub_button", [])
        buttons.append(button | ({"sub_button": {"list": below}} if below else {}))
    return said({"is_menu_open": 1, "selfmenu_info": {"button": buttons}})


def delete(box: Box, request: Request) -> Response:
    """GET /cgi-bin/menu/delete: the default menu and every conditional one."""
    official(box, request)
    menus.delete_all(box)
    return done()


def add_conditional(box: Box, request: Request) -> Response:
    """POST /cgi-bin/menu/addconditional {button, matchrule}"""
    official(box, request)
    asked = asked_json(request)
    rule = menus.checked_rule(box, asked.get("matchrule"))
    number = menus.add_conditional(box, menus.checked(box, asked.get("button")), rule)
    return said({"menuid": str(number)})


def delete_conditional(box: Box, request: Request) -> Response:
    """POST /cgi-bin/menu/delconditional {menuid}"""
    official(box, request)
    menus.delete_conditional(box, asked_json(request).get("menuid"))
    return done()


def try_match(box: Box, request: Request) -> Response:
    """POST /cgi-bin/menu/trymatch {user_id}: what this fan sees; 46004 for nobody's openid."""
    official(box, request)
    try:
        person = fan(box, asked_json(request).get("user_id"))
    except Refusal:
        raise Refusal(46004) from None
    return said({"button": menus.seen_by(box, person["oa_openid"])})
