"""Book goods that came in: ``python scripts/receive_goods.py SZ-FT AP-1002-M 20 --ref DN-2026-0817``.

``--ref`` is the delivery note: the same note books the same SKU at the same place once, however often
it is entered. Reads DATABASE_URL. Ends with 1 and one sentence when nothing was booked.
"""

import argparse
import os
import sys
from pathlib import Path

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from app.base.db import open_engine, open_tx
from app.base.errors import Refusal
from app.stock.receiving import receive


def main() -> int:
    """Book one delivery line."""
    reader = argparse.ArgumentParser(description="Book goods that came in.")
    reader.add_argument("location", help="store or warehouse code")
    reader.add_argument("sku")
    reader.add_argument("qty", type=int)
    reader.add_argument("--ref", required=True, help="number of the delivery note")
    asked = reader.parse_args()
    if "DATABASE_URL" not in os.environ:
        print("receive_goods: DATABASE_URL is not set.", file=sys.stderr)
        return 1
    engine = open_engine(os.environ["DATABASE_URL"], pool_size=1)
    try:
        with open_tx(engine)() as session:
            booked = receive(
                session,
                location=asked.location,
                sku=asked.sku,
                qty=asked.qty,
                ref=asked.ref,
                actor="operator",
            )
    except Refusal as refusal:
        print(f"receive_goods: {refusal}", file=sys.stderr)
        return 1
    finally:
        engine.dispose()
    print(
        f"{asked.sku} at {asked.location}: +{asked.qty}"
        if booked
        else "This delivery note is booked already."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
