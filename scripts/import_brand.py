"""Load a brand from a directory of CSV files: `python scripts/import_brand.py scripts/seed/lanxu`.

Everything or nothing, in one transaction; running it again changes only what differs in the files. Problems
go to the error output, one a line, and end with 1; a database that cannot be used ends with 2. `--dry-run`
does it all and then takes it back. New operators get a password: kept in the file of `--passwords`, else told
once and to be changed at the first login. Reads DATABASE_URL and SECRET_KEY.
"""

import argparse
import contextlib
import os
import sys
from pathlib import Path

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from app.attribution import importing as attribution
from app.base.clock import utc_now
from app.base.db import open_engine, open_tx
from app.base.errors import Refusal
from app.base.upsert import Tally
from app.base.vault import Vault
from app.catalog import importing as catalog
from app.members.phones import hash_phone
from app.operators import importing as operators
from app.policies import importing as policies
from app.settings import Strong
from app.stock import importing as stock
from app.stores import importing as stores
from scripts.brand_files import Brand, read_brand
from scripts.told_passwords import ToldPasswords

# Any number will do as long as nobody else takes it.
LOCK = 7_061_302_002
STATEMENT_TIMEOUT_S = 60


class _TakeBack(Exception):
    """Ends the transaction of a dry run."""


def load_brand(
    session: Session, brand: Brand, *, vault: Vault, passwords: ToldPasswords | None = None
) -> tuple[dict[str, Tally], list[str]]:
    """Bring the tables to what the brand's files say; answers the counts by kind and what was let be.

    Without ``passwords`` operators are left out.

    Joins the caller's transaction. A second import at the same time waits 3 s and then fails. Raises the
    refusals of the rooms.
    """
    now = utc_now()
    session.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    counts = stores.load(
        session,
        brand.entities,
        brand.stores,
        brand.clerks,
        hash_phone=lambda phone: hash_phone(vault, phone),
        now=now,
    )
    counts |= catalog.load(session, brand.categories, brand.products, brand.skus, now=now)
    stocked, differences = stock.load(session, brand.locations, brand.stock, now=now)
    pools = {category.code: category.pool_bp for category in brand.categories}
    counts |= stocked | policies.load(session, brand.policy, pools, now=now)
    attribution.refuse_orphans(session)
    if passwords is not None:
        counts |= operators.load(
            session,
            brand.operators,
            hash_for=passwords.hash_for,
            is_initial=passwords.are_initial,
            now=now,
        )
    return counts, [f"stock.csv: {difference}" for difference in differences]


def main(arguments: list[str] | None = None) -> int:
    """Run the command and answer its exit code."""
    parser = argparse.ArgumentParser(description="Load a brand from a directory of CSV files.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--dry-run", action="store_true", help="check and count, but keep nothing")
    parser.add_argument("--passwords", type=Path, help="a file to keep the passwords of new operators in")
    given = parser.parse_args(arguments)
    if not given.directory.is_dir():
        return _fail(2, f"{given.directory} is not a directory.")
    reading = read_brand(given.directory)
    if reading.brand is None:
        for problem in reading.problems:
            print(problem, file=sys.stderr)
        return _fail(1, f"{len(reading.problems)} problem(s); nothing was loaded.")
    url, key = os.environ.get("DATABASE_URL"), os.environ.get("SECRET_KEY", "")
    if not url:
        return _fail(2, "DATABASE_URL is not set.")
    try:
        vault = Vault(TypeAdapter(Strong).validate_python(key).get_secret_value())
    except ValidationError as error:
        return _fail(2, f"SECRET_KEY {error.errors()[0]['msg'].removeprefix('Value error, ')}.")
    return _load(url, reading.brand, vault, ToldPasswords(given.passwords), dry_run=given.dry_run)


def _load(url: str, brand: Brand, vault: Vault, passwords: ToldPasswords, *, dry_run: bool) -> int:
    try:
        engine = open_engine(url, pool_size=1, statement_s=STATEMENT_TIMEOUT_S)
    except ValueError as error:
        return _fail(2, f"{error}.")
    counts: dict[str, Tally] = {}
    let_be: list[str] = []
    try:
        with contextlib.suppress(_TakeBack), open_tx(engine)() as session:
            counts, let_be = load_brand(session, brand, vault=vault, passwords=passwords)
            if dry_run:
                raise _TakeBack
            passwords.keep()
    except Refusal as refusal:
        return _fail(1, f"{refusal.detail or refusal.code} Nothing was loaded.")
    except DBAPIError as error:
        return _fail(2, _why(error))
    except OSError as error:
        return _fail(2, f"{passwords.file} cannot be written ({error.strerror}). Nothing was loaded.")
    finally:
        engine.dispose()
    _tell(counts, let_be)
    if dry_run:
        print("This was a dry run: nothing was kept.")
    else:
        passwords.tell()
    return 0


def _tell(counts: dict[str, Tally], let_be: list[str]) -> None:
    for line in let_be:
        print(line, file=sys.stderr)
    for kind, tally in counts.items():
        print(f"{kind:<11}{tally.new:>6} new {tally.changed:>6} changed {tally.same:>6} as before")
    if not any(tally.new or tally.changed for tally in counts.values()):
        print("Nothing changed: everything was there already.")


def _why(error: DBAPIError) -> str:
    state = getattr(error.orig, "sqlstate", None)
    if state == "42P01":
        return "The database has no tables yet: run python scripts/migrate.py first."
    if state == "55P03":
        return "Another import is running; nothing was loaded."
    first = str(error.orig).strip().partition("\n")[0]
    if isinstance(error, OperationalError) and state is None:
        return f"The database cannot be reached: {first}"
    return f"The database refused ({state}): {first}. Nothing was loaded."


def _fail(code: int, sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
