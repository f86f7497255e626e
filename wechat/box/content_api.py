"""Content security, version 2: texts at once, media later by push (WECHAT.md 7.6)."""

from typing import Any

from flask import Request, Response

from wechat.box import people, pushing
from wechat.box.account_api import mini_program
from wechat.box.answers import Refusal, asked_json, said
from wechat.box.inside import Box, letters

# Words with which a test makes a text (or a media address) risky or doubtful.
_RISKY = {"法轮": 20001, "特价代开发票": 20008, "risky": 20002, "违规": 20006}
_REVIEW = {"review": 21000, "加微信": 10001}
_ACTIVE_S = 2 * 3600


def _judged(text: str) -> tuple[str, int, str]:
    for words, suggest in ((_RISKY, "risky"), (_REVIEW, "review")):
        for word, label in words.items():
            if word in text.lower():
                return suggest, label, word
    return "pass", 100, ""


def _who(box: Box, appid: str, asked: dict[str, Any]) -> str:
    """The openid on whose behalf is asked. Raises Refusal 40097, 40129, 43104 or 61010 (she was not here for two
    hours)."""
    if asked.get("version") != 2:
        raise Refusal(40097)
    if asked.get("scene") not in (1, 2, 3, 4):
        raise Refusal(40129)
    openid = asked.get("openid")
    if not isinstance(openid, str) or people.by_openid(box, appid, openid) is None:
        raise Refusal(43104)
    since = int(box.now()) - _ACTIVE_S
    if box.store.row("SELECT 1 FROM logins WHERE openid = ? AND at > ?", openid, since) is None:
        raise Refusal(61010)
    return openid


def check_text(box: Box, request: Request) -> Response:
    """POST /wxa/msg_sec_check {content, version: 2, scene, openid}: risky is no error but ``result.suggest``."""
    account = mini_program(box, request)
    asked = asked_json(request)
    content = asked.get("content")
    if not isinstance(content, str) or not content:
        raise Refusal(44002)
    if len(content) > 2500:
        raise Refusal(45002)
    _who(box, account.appid, asked)
    suggest, label, word = _judged(
        " ".join(str(asked.get(one, "")) for one in ("title", "nickname", "content"))
    )
    detail: dict[str, Any] = {"strategy": "content_model", "errcode": 0, "suggest": suggest, "label": label}
    detail |= {"prob": 90} if suggest != "pass" else {}
    keyword: dict[str, Any] = {"strategy": "keyword", "errcode": 0, "suggest": suggest, "label": label}
    keyword |= {"keyword": word, "level": 20} if word else {}
    told = {"suggest": suggest, "label": label}
    return said(
        {
            "errcode": 0,
            "errmsg": "ok",
            "detail": [detail, keyword],
            "trace_id": f"{letters(8)}-{letters(8)}-{letters(8)}",
            "result": told,
        }
    )


def check_media(box: Box, request: Request) -> Response:
    """POST /wxa/media_check_async {media_url, media_type, version: 2, scene, openid}: the result is pushed as
    wxa_media_check after the setting ``media_check_delay_s``."""
    account = mini_program(box, request)
    asked = asked_json(request)
    url = asked.get("media_url")
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        raise Refusal(40066)
    if asked.get("media_type") not in (1, 2):
        raise Refusal(40097)
    openid = _who(box, account.appid, asked)
    trace = f"{letters(8)}-{letters(8)}-{letters(8)}"
    due_at = box.now() + box.settings()["media_check_delay_s"]
    with box.store.write() as db:
        waiting = box.store.row("SELECT 1 FROM media_checks WHERE media_url = ? AND told = 0", url)
        if waiting is not None:
            raise Refusal(87020)
        db.execute("INSERT INTO media_checks VALUES (?, ?, ?, ?, 0)", (trace, openid, url, due_at))
    box.wake.set()
    return said({"errcode": 0, "errmsg": "ok", "trace_id": trace})


def tell_due(box: Box) -> None:
    """Push the results whose time has come."""
    due = box.store.rows("SELECT * FROM media_checks WHERE told = 0 AND due_at <= ?", box.now())
    for one in due:
        with box.store.write() as db:
            db.execute("UPDATE media_checks SET told = 1 WHERE trace_id = ?", (one["trace_id"],))
            suggest, label, _ = _judged(one["media_url"])
            verdict = {
                "strategy": "content_model",
                "errcode": 0,
                "suggest": suggest,
                "label": label,
                "prob": 90,
            }
            pushing.platform_event(
                box,
                box.credentials.mp,
                one["openid"],
                "wxa_media_check",
                appid=box.credentials.mp.appid,
                trace_id=one["trace_id"],
                version=2,
                detail=[verdict],
                errcode=0,
                errmsg="ok",
                result={"suggest": suggest, "label": label},
            )


def next_due(box: Box) -> float | None:
    """When the next result is due, or None."""
    found = box.store.row("SELECT min(due_at) AS at FROM media_checks WHERE told = 0")
    return None if found is None or found["at"] is None else float(found["at"])
