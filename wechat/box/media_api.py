"""Media, as a program uploads and fetches it (WECHAT.md 7.5)."""

import mimetypes
from pathlib import PurePosixPath
from sqlite3 import Row

from flask import Request, Response
from werkzeug.datastructures import FileStorage

from wechat.box import access, media
from wechat.box.answers import Refusal, asked_json, done, said
from wechat.box.inside import Box

_MB = 1024 * 1024
_LIMITS = {
    "image": (10 * _MB, (".jpg", ".jpeg", ".png", ".gif", ".bmp")),
    "voice": (2 * _MB, (".amr", ".mp3", ".speex")),
    "video": (10 * _MB, (".mp4",)),
    "thumb": (64 * 1024, (".jpg", ".jpeg")),
}


def _file(request: Request) -> tuple[FileStorage, bytes]:
    given = request.files.get("media") or next(iter(request.files.values()), None)
    content = given.read() if given is not None else b""
    if given is None or not content:
        raise Refusal(41005)
    return given, content


def _checked(request: Request, kind: str) -> tuple[str, bytes]:
    if kind not in _LIMITS:
        raise Refusal(40004)
    given, content = _file(request)
    most, endings = _LIMITS[kind]
    name = PurePosixPath(given.filename or "media").name
    if PurePosixPath(name).suffix.lower() not in endings:
        raise Refusal(40005)
    if len(content) > most:
        raise Refusal(45001)
    return name, content


def upload(box: Box, request: Request) -> Response:
    """POST /cgi-bin/media/upload?type= (multipart, ``media``): kept for three days; a thumb answers
    thumb_media_id."""
    account = access.who_calls(box, request)
    kind = request.args.get("type") or request.form.get("type", "")
    name, content = _checked(request, kind)
    kept = media.keep(box, account.appid, kind, name, content)
    field = "thumb_media_id" if kind == "thumb" else "media_id"
    return said({"type": kind, field: kept["media_id"], "created_at": kept["created_at"]})


def _sent(row: dict[str, object]) -> Response:
    name, content = str(row["filename"]), row["content"]
    assert isinstance(content, bytes)
    answer = Response(content, content_type=mimetypes.guess_type(name)[0] or "application/octet-stream")
    ascii_name = name.encode("ascii", "ignore").decode().replace('"', "") or "media"
    answer.headers["Content-disposition"] = f'attachment; filename="{ascii_name}"'
    return answer


def fetch(box: Box, request: Request) -> Response:
    """GET /cgi-bin/media/get?media_id=: the file, a film's address as JSON, 40007 for what is gone."""
    account = access.who_calls(box, request)
    media_id = request.args.get("media_id")
    if not media_id:
        raise Refusal(41006)
    found = media.find(box, account.appid, media_id)
    if found is None:
        raise Refusal(40007)
    if found["type"] == "video":
        return said({"video_url": request.host_url + "mmbiz/" + media_id})
    return _sent(dict(found))


def upload_picture(box: Box, request: Request) -> Response:
    """POST /cgi-bin/media/uploadimg: a picture for articles, under 1 MB, with an address of its own."""
    account = access.who_calls(box, request)
    name, content = _checked(request, "image")
    if len(content) > _MB:
        raise Refusal(45001)
    kept = media.keep(box, account.appid, "image", name, content, permanent=True)
    return said({"url": request.host_url + "mmbiz/" + kept["media_id"]})


def upload_material(box: Box, request: Request) -> Response:
    """POST /cgi-bin/material/add_material?type=: kept for good; a picture has an address, too."""
    account = access.who_calls(box, request)
    kind = request.args.get("type", "")
    name, content = _checked(request, kind)
    kept = media.keep(box, account.appid, kind, name, content, permanent=True)
    told = {"media_id": kept["media_id"]}
    return said(told | ({"url": request.host_url + "mmbiz/" + kept["media_id"]} if kind == "image" else {}))


def fetch_material(box: Box, request: Request) -> Response:
    """POST /cgi-bin/material/get_material {media_id}"""
    account = access.who_calls(box, request)
    found = media.find(box, account.appid, str(asked_json(request).get("media_id")))
    if found is None or found["expires_at"] is not None:
        raise Refusal(40007)
    return _sent(dict(found))


def delete_material(box: Box, request: Request) -> Response:
    """POST /cgi-bin/material/del_material {media_id}"""
    account = access.who_calls(box, request)
    media_id = str(asked_json(request).get("media_id"))
    found = media.find(box, account.appid, media_id)
    if found is None or found["expires_at"] is not None:
        raise Refusal(40007)
    box.store.run("DELETE FROM media WHERE media_id = ?", media_id)
    return done()


def count_material(box: Box, request: Request) -> Response:
    """GET /cgi-bin/material/get_materialcount: how much is kept for good, of each kind."""
    account = access.who_calls(box, request)
    counted = {
        kind: media.count_kept(box, account.appid, kind) for kind in ("voice", "video", "image", "news")
    }
    return said({f"{kind}_count": number for kind, number in counted.items()})


def list_material(box: Box, request: Request) -> Response:
    """POST /cgi-bin/material/batchget_material {type, offset, count 1..20}: a page of one kind, the newest first;
    40004 for a kind that is none, 40097 for other numbers."""
    account = access.who_calls(box, request)
    asked = asked_json(request)
    kind, offset, most = asked.get("type"), asked.get("offset"), asked.get("count")
    if kind not in ("image", "video", "voice", "news"):
        raise Refusal(40004)
    if type(offset) is not int or type(most) is not int or not (0 <= offset < 2**31 and 1 <= most <= 20):
        raise Refusal(40097)
    items = [
        _listed(request, row) for row in media.page_kept(box, account.appid, kind, offset=offset, most=most)
    ]
    total = media.count_kept(box, account.appid, kind)
    return said({"item": items, "total_count": total, "item_count": len(items)})


def _listed(request: Request, row: Row) -> dict[str, object]:
    told = {"media_id": row["media_id"], "name": row["filename"], "update_time": row["created_at"]}
    return told | ({"url": request.host_url + "mmbiz/" + row["media_id"]} if row["type"] == "image" else {})


def show(box: Box, media_id: str) -> Response:
    """GET mmbiz.qpic.cn/mmbiz/<id>: a picture or film by its address, without a token."""
    found = media.by_picture(box, media_id)
    if found is None:
        return Response("", status=404, content_type="text/html")
    return _sent(dict(found))
