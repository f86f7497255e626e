"""Let the first people into the back office: `python scripts/add_operator.py O-OWNER --role OWNER --name 顾澜`.

The password is asked for on the terminal, twice; with `--generate`, or without a terminal, it is drawn, told
once, and has to be changed at the first login. `--reset` gives somebody who is there a new password, takes the
authenticator away and lifts a lock: the way back in for the last OWNER. Every call is in the audit log. Reads
DATABASE_URL and SECRET_KEY. Ends with 1 when refused, 2 when the database cannot be used.
"""

import argparse
import getpass
import os
import sys
from pathlib import Path

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from pydantic import TypeAdapter, ValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.base.clock import utc_now
from app.base.db import open_engine, open_tx
from app.base.errors import Invalid, Refusal
from app.base.vault import Vault
from app.operators import accounts
from app.operators.accounts import Decision, NewOperator
from app.operators.passwords import check_password, hash_password
from app.settings import Strong
from models.operators import OperatorRole
from scripts.brand_cells import BadCell, code
from scripts.told_passwords import ToldPasswords


def main(arguments: list[str] | None = None) -> int:
    """Run the command and answer its exit code."""
    given = _parser().parse_args(arguments)
    url = os.environ.get("DATABASE_URL")
    if not url:
        return _fail(2, "DATABASE_URL is not set.")
    try:
        vault = Vault(
            TypeAdapter(Strong).validate_python(os.environ.get("SECRET_KEY", "")).get_secret_value()
        )
    except ValidationError as error:
        return _fail(2, f"SECRET_KEY {error.errors()[0]['msg'].removeprefix('Value error, ')}.")
    told = ToldPasswords(None)
    try:
        _change(url, vault, given, _password(given, told), is_initial=bool(told.drawn))
    except Invalid as refusal:
        reasons = "; ".join(f"{field}: {reason}" for field, reason in refusal.fields.items())
        return _fail(1, reasons or refusal.detail)
    except Refusal as refusal:
        return _fail(1, refusal.detail or refusal.code)
    except (DBAPIError, ValueError) as error:
        return _fail(2, f"The database cannot be used: {type(error).__name__}.")
    print(f"{given.code} {'has a new password and no authenticator' if given.reset else 'may log in'}.")
    told.tell()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Let somebody into the back office.")
    parser.add_argument("code", type=_code, help="what they log in with, such as O-OWNER")
    parser.add_argument("--role", choices=[role.value for role in OperatorRole], default="OWNER")
    parser.add_argument("--name", default="", help="as colleagues know them; the code if not given")
    parser.add_argument("--entity", help="the legal entity of a FRANCHISEE")
    parser.add_argument("--store", help="the store of a STORE_MANAGER")
    parser.add_argument("--generate", action="store_true", help="draw the password instead of asking for it")
    parser.add_argument(
        "--reset", action="store_true", help="somebody who is there: new password, no authenticator"
    )
    return parser


def _code(raw: str) -> str:
    try:
        return code(raw)
    except BadCell as bad:
        raise argparse.ArgumentTypeError(str(bad)) from None


def _password(given: argparse.Namespace, told: ToldPasswords) -> str:
    """The hash of a password that was typed twice, or drawn. Refuses a weak one (Invalid)."""
    if given.generate or not sys.stdin.isatty():
        return told.hash_for(given.code)
    typed = getpass.getpass(f"Password for {given.code}: ")
    check_password(typed, code=given.code, name=given.name)
    if getpass.getpass("Again: ") != typed:
        raise Invalid("", fields={"password": "the two differ"})
    return hash_password(typed)


def _change(url: str, vault: Vault, given: argparse.Namespace, hashed: str, *, is_initial: bool) -> None:
    engine = open_engine(url, pool_size=1)
    try:
        with open_tx(engine)() as session:
            _act(session, vault, given, hashed, is_initial=is_initial)
    finally:
        engine.dispose()


def _act(session: Session, vault: Vault, given: argparse.Namespace, hashed: str, *, is_initial: bool) -> None:
    decision = Decision(_actor(), "at the server's terminal", utc_now())
    if given.reset:
        accounts.reset_password(
            session, vault, given.code, decision, password_hash=hashed, is_initial=is_initial
        )
        accounts.reset_totp(session, given.code, decision)
        return
    new = NewOperator(
        code=given.code,
        name=given.name or given.code,
        role=OperatorRole(given.role),
        entity=given.entity,
        store=given.store,
        password_hash=hashed,
        password_is_initial=is_initial,
    )
    accounts.create(session, new, by=decision.actor, why=decision.why, now=decision.now)


def _actor() -> str:
    try:
        return f"terminal:{getpass.getuser()}"
    except (KeyError, OSError):
        return "terminal"


def _fail(exit_code: int, sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
