"""Tags, as a program calls them (WECHAT.md 3.3)."""

import sqlite3
from typing import Any

from flask import Request, Response

from wechat.box import tagging
from wechat.box.account_api import official
from wechat.box.answers import Refusal, asked_json, done, said
from wechat.box.inside import Box
from wechat.box.users_api import batch, fan

_MOST_TAGS, _MOST_A_FAN, _BATCH, _NAME, _PAGE = 100, 20, 50, 30, 10_000


def _name(asked: dict[str, Any]) -> str:
    tag = asked.get("tag")
    name = tag.get("name") if isinstance(tag, dict) else None
    if not isinstance(name, str) or not name.strip():
        raise Refusal(45157)
    if len(name) > _NAME:
        raise Refusal(45158)
    return name


def _own(box: Box, asked: dict[str, Any]) -> int:
    tag = asked.get("tag")
    number = tag.get("id") if isinstance(tag, dict) else None
    if number == 0 or number in tagging.SYSTEM:
        raise Refusal(45058)
    if type(number) is not int or not tagging.exists(box, number):
        raise Refusal(45159)
    return number


def create(box: Box, request: Request) -> Response:
    """POST /cgi-bin/tags/create {tag: {name}}"""
    official(box, request)
    name = _name(asked_json(request))
    if len(tagging.everything(box)) >= _MOST_TAGS:
        raise Refusal(45056)
    try:
        return said({"tag": {"id": tagging.create(box, name), "name": name}})
    except sqlite3.IntegrityError:
        raise Refusal(45157) from None


def show(box: Box, request: Request) -> Response:
    """GET /cgi-bin/tags/get"""
    official(box, request)
    system = [
        {"id": number, "name": name, "count": len(tagging.who_has(box, number))}
        for number, name in tagging.SYSTEM.items()
    ]
    return said({"tags": [*system, *(dict(tag) for tag in tagging.everything(box))]})


def update(box: Box, request: Request) -> Response:
    """POST /cgi-bin/tags/update {tag: {id, name}}"""
    official(box, request)
    asked = asked_json(request)
    number, name = _own(box, asked), _name(asked)
    try:
        tagging.rename(box, number, name)
    except sqlite3.IntegrityError:
        raise Refusal(45157) from None
    return done()


def delete(box: Box, request: Request) -> Response:
    """POST /cgi-bin/tags/delete {tag: {id}}"""
    official(box, request)
    tagging.delete(box, _own(box, asked_json(request)))
    return done()


def _tag_and_fans(box: Box, request: Request) -> tuple[int, list[str]]:
    official(box, request)
    asked = asked_json(request)
    openids, tag = batch(box, asked, _BATCH), asked.get("tagid")
    if type(tag) is not int or not tagging.exists(box, tag):
        raise Refusal(45159)
    return tag, openids


def tag_fans(box: Box, request: Request) -> Response:
    """POST /cgi-bin/tags/members/batchtagging {openid_list, tagid}: all or nobody."""
    tag, openids = _tag_and_fans(box, request)
    with box.store.write():
        for openid in openids:
            had = tagging.of(box, openid)
            if tag not in had and len(had) >= _MOST_A_FAN:
                raise Refusal(45059)
            tagging.put(box, tag, openid)
    return done()


def untag_fans(box: Box, request: Request) -> Response:
    """POST /cgi-bin/tags/members/batchuntagging {openid_list, tagid}"""
    tag, openids = _tag_and_fans(box, request)
    for openid in openids:
        tagging.take(box, tag, openid)
    return done()


def tags_of(box: Box, request: Request) -> Response:
    """POST /cgi-bin/tags/getidlist {openid}"""
    official(box, request)
    return said({"tagid_list": tagging.of(box, fan(box, asked_json(request).get("openid"))["oa_openid"])})


def fans_of(box: Box, request: Request) -> Response:
    """POST /cgi-bin/user/tag/get {tagid, next_openid}: pages as user/get has them."""
    official(box, request)
    asked = asked_json(request)
    tag, after = asked.get("tagid"), asked.get("next_openid")
    if type(tag) is not int or not tagging.exists(box, tag):
        raise Refusal(45159)
    openids = tagging.who_has(box, tag)
    if after and after not in openids:
        raise Refusal(40003)
    start = openids.index(after) + 1 if after else 0
    page = openids[start : start + _PAGE]
    told: dict[str, Any] = {"count": len(page)}
    if page:
        told |= {"data": {"openid": page}, "next_openid": page[-1]}
    return said(told)
