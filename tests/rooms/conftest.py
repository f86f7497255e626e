"""What a room test may ask for beside the database."""

from collections.abc import Iterator

import pytest

from app.base.db import Tx
from scripts.check_books import broken, report


@pytest.fixture
def right_books(tx: Tx) -> Iterator[None]:
    """After the test every invariant of the books holds."""
    yield
    with tx() as session:
        found = broken(session.connection())
    assert not found, report(found)
