"""What a program calls on the official account: codes, users and customer messages (WECHAT.md 3, 7.1)."""

from typing import Any

from flask import Request, Response

from wechat.box import access, codes, people
from wechat.box.answers import Refusal, asked_json, done, picture, said
from wechat.box.credentials import Account
from wechat.box.inside import Box

_LONGEST_LIFE_S = 2_592_000
_LIFE_WHEN_SILENT_S = 60
_TEXT_BYTES = 2048
# What each message type must carry, and how the fan's chat shows it.
_MESSAGES: dict[str, tuple[str, ...]] = {
    "text": ("content",),
    "image": ("media_id",),
    "voice": ("media_id",),
    "video": ("media_id", "thumb_media_id"),
    "music": ("musicurl", "hqmusicurl", "thumb_media_id"),
    "news": ("articles",),
    "mpnews": ("media_id",),
    "mpnewsarticle": ("article_id",),
    "msgmenu": ("head_content", "list"),
    "wxcard": ("card_id",),
    "miniprogrampage": ("title", "appid", "pagepath", "thumb_media_id"),
    "link": ("title", "description", "url", "thumb_url"),
}


def _official(box: Box, request: Request) -> Account:
    account = access.who_calls(box, request)
    if account.appid != box.credentials.oa.appid:
        raise Refusal(48001)
    return account


def create_code(box: Box, request: Request) -> Response:
    """POST /cgi-bin/qrcode/create, all four kinds."""
    _official(box, request)
    asked = asked_json(request)
    action = asked.get("action_name")
    info = asked.get("action_info")
    scene = info.get("scene") if isinstance(info, dict) else None
    if not isinstance(scene, dict):
        raise Refusal(40053)
    scene_id, scene_str = _scene(action, scene)
    if action in codes.PERMANENT:
        if codes.count_permanent(box) >= codes.MOST_PERMANENT:
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
    if action not in most or type(number) is not int or not 1 <= number <= most[str(action)]:
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


def user_info(box: Box, request: Request) -> Response:
    """GET /cgi-bin/user/info: fields as of today, no nickname; a stranger to the account has only
    ``subscribe`` 0."""
    account = _official(box, request)
    openid = request.args.get("openid")
    if not openid:
        raise Refusal(41009)
    person = people.by_openid(box, account.appid, openid)
    if person is None:
        raise Refusal(40003)
    if not person["subscribed"]:
        return said({"subscribe": 0, "openid": openid, "tagid_list": []})
    return said(
        {
            "subscribe": 1,
            "openid": openid,
            "language": "zh_CN",
            "subscribe_time": person["subscribe_at"],
            "unionid": person["unionid"],
            "remark": "",
            "groupid": 0,
            "tagid_list": [],
            "subscribe_scene": person["subscribe_scene"],
            "qr_scene": person["qr_scene"],
            "qr_scene_str": person["qr_scene_str"],
        }
    )


def send_customer_message(box: Box, request: Request) -> Response:
    """POST /cgi-bin/message/custom/send within the fan's windows; 45015 when none is open, 45047 when
    spent."""
    account = access.who_calls(box, request)
    asked = asked_json(request)
    openid, kind = asked.get("touser"), asked.get("msgtype")
    person = people.by_openid(box, account.appid, openid) if isinstance(openid, str) else None
    if person is None:
        raise Refusal(40003)
    if kind not in _MESSAGES:
        raise Refusal(40008)
    content = asked.get(str(kind))
    if not isinstance(content, dict) or any(not content.get(name) for name in _MESSAGES[str(kind)]):
        raise Refusal(44004 if kind == "text" else 40097)
    text = _shown(str(kind), content)
    with box.store.write():
        errcode = people.use_window(box, str(openid))
        if errcode == 0:
            people.note(
                box, person["id"], "account", str(kind), text, via="customer", extra=_extra(account, asked)
            )
    if errcode != 0:
        raise Refusal(errcode)
    return done()


def _extra(account: Account, asked: dict[str, Any]) -> dict[str, Any]:
    return {"appid": account.appid, "content": asked[asked["msgtype"]]}


def _shown(kind: str, content: dict[str, Any]) -> str:
    if kind == "text":
        text = content["content"]
        if not isinstance(text, str):
            raise Refusal(47001)
        if len(text.encode()) > _TEXT_BYTES:
            raise Refusal(45002)
        return text
    if kind == "news":
        articles = content["articles"]
        if not isinstance(articles, list) or not all(isinstance(one, dict) for one in articles):
            raise Refusal(47001)
        if len(articles) > 1:
            raise Refusal(45008)
        return str(articles[0].get("title", ""))
    if kind == "msgmenu":
        items = [str(one.get("content", "")) for one in content["list"] if isinstance(one, dict)]
        return "\n".join([str(content["head_content"]), *items, str(content.get("tail_content", ""))]).strip()
    return str(content.get("title") or f"[{kind}]")
