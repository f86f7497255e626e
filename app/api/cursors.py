"""Where the next page of a private list begins, as an opaque word.

Sealed, so that neither a row id nor, with it, how many rows there are is ever told.
"""

from app.api.guard import parts
from app.base.errors import Invalid


def write_cursor(of: str, row_id: int) -> str:
    """The word for a row of the list ``of``."""
    return parts().vault.seal(f"cursor {of}", str(row_id))


def read_cursor(of: str, cursor: str) -> int:
    """The row behind a word that ``write_cursor`` made for the same list. Refuses any other (Invalid)."""
    row_id = parts().vault.unseal(f"cursor {of}", cursor)
    if row_id is None:
        raise Invalid("Not a cursor.", fields={"cursor": "take it from `next` of the last page"})
    return int(row_id)
