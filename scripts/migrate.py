"""Bring a database to the newest revision: `python scripts/migrate.py` reads DATABASE_URL; start and tests
call `upgrade`.

Alembic is configured here and nowhere else; it has no ini file.
"""

import os
import re
import sys
from pathlib import Path

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, NullPool, create_engine, text

MIGRATIONS = Path(__file__).resolve().parents[1] / "migrations"
# Two starts at once must not run one revision twice. Any number will do as long as nobody else takes it.
LOCK = 7_061_302_001


def upgrade(database_url: str, revision: str = "head") -> bool:
    """Run the revisions that are missing, one transaction each, and tell whether there were any.

    Takes an advisory lock for its whole time, so that a second caller waits and then finds nothing to do.
    Costs one query when the newest revision is there already.
    """
    if revision == "head" and applied(database_url) == heads():
        return False
    engine = create_engine(sqlalchemy_url(database_url), poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
        connection.commit()
        command.upgrade(configured(connection), revision)
    return True


def configured(connection: Connection) -> Config:
    """Answer alembic's configuration for work on `connection`; migrations/env.py takes the connection from
    it.
    """
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def heads() -> set[str]:
    """Answer the newest revisions by reading the files; loading them all through alembic costs ten times as
    much.
    """
    found, replaced = set(), set()
    for path in (MIGRATIONS / "versions").glob("*.py"):
        source = path.read_text()
        found.update(re.findall(r'^revision(?:: str)? = "(\w+)"', source, re.MULTILINE))
        replaced.update(re.findall(r'^down_revision(?:: [^=]+)? = "(\w+)"', source, re.MULTILINE))
    return found - replaced


def applied(database_url: str) -> set[str]:
    """Answer the revisions a database stands at; an empty set before the first one."""
    with psycopg.connect(database_url, connect_timeout=5) as connection:
        known = connection.execute("SELECT to_regclass('public.alembic_version') IS NOT NULL").fetchone()
        if not known or not known[0]:
            return set()
        return {row[0] for row in connection.execute("SELECT version_num FROM alembic_version").fetchall()}


def sqlalchemy_url(database_url: str) -> str:
    """Answer `database_url` in the form that picks the psycopg 3 driver."""
    return re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", database_url)


def main() -> int:
    """Upgrade the database that DATABASE_URL names and say what happened."""
    url = os.environ.get("DATABASE_URL")
    if not url:
        print("DATABASE_URL is not set.", file=sys.stderr)
        return 2
    newest = ", ".join(sorted(heads()))
    print(f"migrated to {newest}" if upgrade(url) else f"already at {newest}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
