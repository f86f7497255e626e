"""The doors of the box: which address is answered by what, and how each of the three worlds says no."""

import functools
import sqlite3
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Request, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from wechat.box import (
    answers,
    control,
    control_open,
    fault_answers,
    media_api,
    page_doors,
    pay_control,
    pay_doors,
    tls,
)
from wechat.box.answers import Refusal
from wechat.box.inside import Box
from wechat.box.open_doors import DOORS

_ALL = ["GET", "POST", "PUT", "PATCH", "DELETE"]
CONTROL: list[tuple[str, str, Callable[..., control.Answer]]] = [
    ("POST", "/persons", control.create_person),
    ("GET", "/persons", control.list_persons),
    ("GET", "/persons/<key>", control.show_person),
    ("POST", "/persons/<key>/follow", control.follow),
    ("POST", "/persons/<key>/unfollow", control.unfollow),
    ("POST", "/persons/<key>/scan", control.scan),
    ("POST", "/persons/<key>/say", control.say),
    ("POST", "/persons/<key>/click", control.click),
    ("POST", "/persons/<key>/view", control.view),
    ("POST", "/persons/<key>/locate", control.locate),
    ("GET", "/persons/<key>/chat", control.chat),
    ("POST", "/persons/<key>/mp/login", control.mp_login),
    ("POST", "/persons/<key>/mp/phone", control.mp_phone),
    ("POST", "/persons/<key>/mp/scan", control.mp_scan),
    *pay_control.DOORS,
    ("GET", "/codes", control.list_codes),
    ("POST", "/pictures", control.look_at),
    ("GET", "/settings", control.settings),
    ("POST", "/settings", control.settings),
    ("GET", "/deliveries", control.list_deliveries),
    ("POST", "/deliveries/<int:delivery>/again", control.deliver_again),
    ("POST", "/clock", control.clock),
    ("POST", "/tokens/kill", control.kill_tokens),
    ("POST", "/reset", control.reset),
    ("GET", "/about", control.about),
    *control_open.DOORS,
]


def make_app(box: Box) -> Flask:
    """The Flask application of this box."""
    app = Flask("wechat.box", static_folder=None)
    app.json.ensure_ascii = False  # type: ignore[attr-defined]  # Flask types only the base provider
    for verb, path, view in DOORS:
        guarded = functools.partial(_with_faults, box, functools.partial(_open_view, box, verb, view))
        app.add_url_rule(path, path, guarded, methods=_ALL)
    for verb, path, pay_view in pay_doors.DOORS:
        guarded = functools.partial(_with_faults, box, functools.partial(pay_doors.pay_view, box, pay_view))
        app.add_url_rule(path, verb + path, guarded, methods=[verb])
    for verb, path, act in CONTROL:
        app.add_url_rule(
            "/box" + path, verb + path, functools.partial(_control_view, box, act), methods=[verb]
        )
    app.add_url_rule("/mmbiz/<media_id>", "media", functools.partial(media_api.show, box))
    page_doors.add(app, box)
    app.before_request(_foreign_host)
    app.register_error_handler(HTTPException, functools.partial(_nobody, box))
    return app


def _with_faults(box: Box, view: Callable[..., Response], **names: str) -> Response:
    return fault_answers.around(box, request, functools.partial(view, **names))


def _open_view(box: Box, verb: str, view: Callable[[Box, Request], Response]) -> Response:
    """A call to api.weixin.qq.com: errors are HTTP 200 with an errcode."""
    sns = request.path.startswith("/sns/")
    try:
        if box.fault("unavailable", request.path):
            return Response("<html><body>502 Bad Gateway</body></html>", status=502, content_type="text/html")
        if verb != "ANY" and (request.method in ("GET", "HEAD")) != (verb == "GET"):
            raise Refusal(43001 if verb == "GET" else 43002)
        answer = view(box, request)
    except Refusal as problem:
        answer = answers.refused(problem, sns=sns)
    if box.fault("unavailable_after", request.path):
        return Response("<html><body>502 Bad Gateway</body></html>", status=502, content_type="text/html")
    return answer


def _control_view(box: Box, act: Callable[..., control.Answer], **names: Any) -> tuple[Response, int]:
    """A call to the control API. Pages of other origins may not steer the box."""
    origin = request.headers.get("Origin")
    if request.method != "GET" and origin is not None and origin.rpartition("//")[2] != request.host:
        return jsonify({"error": {"code": "FOREIGN_ORIGIN", "message": "只有本页可以操作"}}), 403
    try:
        status, content = act(box, request, **names)
    except sqlite3.Error:
        raise
    except Exception as problem:
        told = control.refusal(problem)
        if told is None:
            raise
        status, content = told
    return jsonify(content), status


def _foreign_host() -> tuple[Response, int] | None:
    """Whoever owns a domain can point it at this machine, and then his page and the box are of one origin: the page
    and the control API answer only under names that no stranger owns."""
    if request.path != "/" and not request.path.startswith("/box"):
        return None
    try:
        name = urlsplit("//" + request.host).hostname or "."
    except ValueError:
        name = "."
    if "." not in name or name in tls.NAMES or name.endswith(".localhost") or _is_number(name):
        return None
    return jsonify({"error": {"code": "FOREIGN_HOST", "message": "请用 127.0.0.1 或 localhost 打开"}}), 403


def _is_number(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _nobody(box: Box, problem: HTTPException) -> Response | tuple[Response, int]:
    """No such address, wrong verb, body too large: each world has its own words."""
    status = problem.code or 500
    if request.path.startswith("/v3/"):
        return pay_doors.nobody(box, request, status)
    # Families that the box does not play at all (/customservice/, /card/ ...) are WeChat's, too.
    if status in (404, 405) and request.path != "/" and not request.path.startswith("/box"):
        return answers.refused(Refusal(40066))
    response = jsonify(
        {"error": {"code": problem.name.upper().replace(" ", "_"), "message": problem.description}}
    )
    return response, status
