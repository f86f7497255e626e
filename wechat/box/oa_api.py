"""The official account's QR codes, as a program asks for them (WECHAT.md 3.2)."""

from typing import Any

from flask import Request, Response

from wechat.box import codes
from wechat.box.account_api import official
from wechat.box.answers import Refusal, asked_json, picture, said
from wechat.box.inside import Box

_LONGEST_LIFE_S = 2_592_000
_LIFE_WHEN_SILENT_S = 60


def create_code(box: Box, request: Request) -> Response:
    """POST /cgi-bin/qrcode/create, all four kinds."""
    official(box, request)
    asked = asked_json(request)
    action = asked.get("action_name")
    info = asked.get("action_info")
    scene = info.get("scene") if isinstance(info, dict) else None
    if not isinstance(scene, dict):
        raise Refusal(40053)
    scene_id, scene_str = _scene(action, scene)
    if action in codes.PERMANENT:
        known = codes.find_permanent(box, str(action), scene_id=scene_id, scene_str=scene_str)
        if known is None and codes.count_permanent(box) >= box.settings()["most_permanent_codes"]:
            raise Refusal(40053)
        life_s = None
    else:
        life_s = asked.get("expire_seconds", _LIFE_WHEN_SILENT_S)
        if type(life_s) is not int or not 1 <= life_s <= _LONGEST_LIFE_S:
            raise Refusal(40097)
    code = codes.create(box, str(action), scene_id=scene_id, scene_str=scene_str, life_s=life_s)
    answer: dict[str, Any] = {"ticket": code["ticket"]}
    if life_s is not None:
        answer["expire_seconds"] = life_s
    return said(answer | {"url": code["url"]})


def _scene(action: object, scene: dict[str, Any]) -> tuple[int | None, str | None]:
    number, text = scene.get("scene_id"), scene.get("scene_str")
    most = {"QR_SCENE": 2**32 - 1, "QR_LIMIT_SCENE": 100_000}
    if action in ("QR_STR_SCENE", "QR_LIMIT_STR_SCENE"):
        if not isinstance(text, str) or not 1 <= len(text) <= 64:
            raise Refusal(40053)
        return None, text
    if (
        not isinstance(action, str)
        or action not in most
        or type(number) is not int
        or not 1 <= number <= most[action]
    ):
        raise Refusal(40053)
    return number, None


def show_code(box: Box, request: Request) -> Response:
    """GET mp.weixin.qq.com/cgi-bin/showqrcode: the picture, no token needed; 404 for a ticket that is
    none."""
    try:
        code = codes.by_ticket(box, request.args.get("ticket", ""))
    except codes.NoSuchCode:
        return Response("", status=404, content_type="text/html")
    return picture(codes.draw(box, code))
