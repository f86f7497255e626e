"""Blueprints behind a guard: who asks is settled before any input is read."""

from collections.abc import Callable

from flask_openapi3 import APIBlueprint, Tag

from app.api.errors import problems
from app.api.guard import NEEDS_TOKEN


def guarded(
    name: str, tag: Tag, guard: Callable[[], None], *statuses: int, prefix: str = "/api/backoffice"
) -> APIBlueprint:
    """Doors that ask for a token and let in whom ``guard`` lets in; ``statuses``: what they answer besides 401,
    403 and 422.

    Two blueprints must not share a path: the API document would keep the operations of one.
    """
    made = APIBlueprint(
        name,
        __name__,
        url_prefix=prefix,
        abp_tags=[tag],
        abp_security=NEEDS_TOKEN,
        abp_responses=problems(401, 403, 422, *statuses),
    )
    made.before_request(guard)
    return made
