"""The picture of a campaign's code under an address that stays: the ticket behind it is renewed, the link is not."""

from flask import Blueprint, Response

from app.api.errors import problem
from app.api.guard import parts
from app.codes.campaigns import find_shown
from app.posters.qr import qr_png

bp = Blueprint("shown_codes", __name__)
SIZE_PX = 600
# Far shorter than a ticket lives after it was renewed (five days).
KEEP_S = 3600


@bp.get("/c/<scene>")
def shown_code(scene: str) -> Response:
    """The official-account code of a campaign as a PNG, with the ticket of today; 404 once it has ended."""
    p = parts()
    with p.read() as connection:
        url = find_shown(connection, scene, now=p.now())
    if url is None:
        return problem(404, "NOT_FOUND", "No such code.")
    response = Response(qr_png(url, size_px=SIZE_PX), content_type="image/png")
    response.headers["Cache-Control"] = f"public, max-age={KEEP_S}"
    return response
