"""The doors of the page: its files, the pictures it shows, and the line to the shop's own server."""

import functools
import io
from pathlib import Path

import qrcode
from flask import Flask, Response, jsonify, redirect, request, send_from_directory

from wechat.box import house_line
from wechat.box.inside import Box

_FILES = Path(__file__).parent / "page"
# Scripts and styles are the page's own; data: is for pictures that the shop's server made.
_POLICY = (
    "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
MOST_IN_A_QR = 400


def add(app: Flask, box: Box) -> None:
    """Open them: GET /box/, /box/page/<file>, /box/qr?text=, and /box/house/<path> for GET and POST."""
    app.add_url_rule("/box/", "page", _file)
    app.add_url_rule("/box/page/<name>", "page files", _file)
    app.add_url_rule("/", "home", lambda: redirect("/box/"))
    app.add_url_rule("/box/qr", "qr", _qr)
    line = functools.partial(_house, box)
    app.add_url_rule("/box/house/<path:path>", "house", line, methods=["GET", "POST"])


def _file(name: str = "index.html") -> Response:
    answer = send_from_directory(_FILES, name, max_age=0)
    answer.headers["Content-Security-Policy"] = _POLICY
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


def _house(box: Box, path: str) -> Response:
    return house_line.forward(box, request, path)


def _qr() -> Response:
    """GET /box/qr?text=: a QR code of the text as PNG, eight pixels a module."""
    text = request.args.get("text", "")
    if not text or len(text) > MOST_IN_A_QR:
        message = f"text must have 1 to {MOST_IN_A_QR} characters"
        answer = jsonify({"error": {"code": "BAD_CALL", "message": message}})
        answer.status_code = 400
        return answer
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, box_size=8, border=3)
    code.add_data(text)
    out = io.BytesIO()
    code.make_image().get_image().save(out, "PNG")
    answer = Response(out.getvalue(), content_type="image/png")
    answer.headers["Cache-Control"] = "no-store"
    return answer
