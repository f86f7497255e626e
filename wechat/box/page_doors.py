"""The doors of the page: its files, the pictures it shows, and the line to the shop's own server."""

import functools
import io
from datetime import date
from pathlib import Path

import qrcode
from flask import Flask, Response, jsonify, redirect, request, send_from_directory

from wechat.box import bills, house_line
from wechat.box.inside import Box

_FILES = Path(__file__).parent / "page"
# Scripts and styles are the page's own; data: is for pictures that the shop's server made.
_POLICY = (
    "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
MOST_IN_A_QR = 400
# The widest bill of each kind.
_WHOLE = {"tradebill": "ALL", "fundflowbill": "BASIC", "profitsharing": "ALL"}


def add(app: Flask, box: Box) -> None:
    """Open them: GET /box/, /box/page/<file>, /box/qr?text=, /box/bills/<kind>?date=, and GET and POST of
    /box/house/<path>."""
    app.add_url_rule("/box/", "page", _file)
    app.add_url_rule("/box/page/<path:name>", "page files", _file)
    app.add_url_rule("/", "home", lambda: redirect("/box/"))
    app.add_url_rule("/box/qr", "qr", _qr)
    app.add_url_rule("/box/bills/<kind>", "bill", functools.partial(_bill, box))
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
        return _bad_call(f"text must have 1 to {MOST_IN_A_QR} characters")
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, box_size=8, border=3)
    code.add_data(text)
    out = io.BytesIO()
    code.make_image().get_image().save(out, "PNG")
    answer = Response(out.getvalue(), content_type="image/png")
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _bill(box: Box, kind: str) -> Response:
    """GET /box/bills/<tradebill | fundflowbill | profitsharing>?date=: the day's bill as it stands now, also that of
    today, which the API does not hand out yet; 204 when nothing happened."""
    text = request.args.get("date", "")
    try:
        day = date.fromisoformat(text).isoformat()
    except ValueError:
        return _bad_call("date must be YYYY-MM-DD")
    if kind not in bills.KINDS or day != text:
        return _bad_call(f"there is {', '.join(bills.KINDS)}, of a day YYYY-MM-DD")
    content = bills.KINDS[kind](box, day, _WHOLE[kind])
    if content is None:
        return Response(status=204)
    answer = Response(content, content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{kind}-{day}.csv"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _bad_call(sentence: str) -> Response:
    answer = jsonify({"error": {"code": "BAD_CALL", "message": sentence}})
    answer.status_code = 400
    return answer
