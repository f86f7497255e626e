"""Check the accounts at WeChat before going live: `python scripts/check_wechat.py [--make-codes]`.

Reads the environment of the house (docs/operations.md) and proves every setting that can be proven, one line
each: its name, `ok`, `not ok` or `cannot be checked from here`, and what to do about it; docs/going-live.md has
them in order. Reads only, and shows no secret. Ends with 0 when nothing is wrong, 1 when something is, 2 when the
settings are not complete.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from app.settings import Settings, settings_or_exit
from app.wiring import WeChat, telephone
from scripts.proofs import hosts
from scripts.proofs.address import address, notify_urls
from scripts.proofs.finding import Finding, State, ok, unseen
from scripts.proofs.mini_program import mini_program
from scripts.proofs.official_account import official_account
from scripts.proofs.pay import pay
from scripts.proofs.tokens import mp_secret, oa_secret
from wechat.http import Http
from wechat.tokens import MemoryTokenStore

_SILENT = "WeChat's host does not answer; see hosts."


def findings(
    settings: Settings, wechat: WeChat, *, make_codes: bool = False, now: Callable[[], float] = time.time
) -> Iterator[Finding]:
    """Every line of the report, in the order of docs/going-live.md. ``now``: our clock, unix seconds."""
    http = Http(connect_s=3, read_s=5, answer_s=10)
    reached = hosts.reach(settings, http)
    api, merchant = reached[settings.wechat_api_base], reached[settings.wechat_pay_base]
    yield ok("settings", "complete.")
    yield hosts.hosts(reached)
    yield hosts.clock(api or merchant, now)
    yield notify_urls(settings)
    yield from address(settings, http, now)
    if api is None:
        yield unseen("oa-* and mp-*", _SILENT)
    else:
        yield from official_account(oa_secret(settings, http), wechat.oa, make_codes=make_codes)
        secret = mp_secret(settings, http)
        yield from mini_program(secret, settings, wechat.mp, make_codes=make_codes)
    if merchant is None:
        yield unseen("pay-*", _SILENT)
    else:
        yield from pay(settings, wechat.pay, http, now)


def main(arguments: list[str] | None = None) -> int:
    """Run the command and answer its exit code; SystemExit 2 when the settings are not complete."""
    parser = argparse.ArgumentParser(description="Check the accounts at WeChat against the environment.")
    parser.add_argument(
        "--make-codes", action="store_true", help="also make one short-lived code of each app (a write)"
    )
    given = parser.parse_args(arguments)
    settings = settings_or_exit()
    try:
        wechat = telephone(settings, MemoryTokenStore())
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    broken = False
    for finding in findings(settings, wechat, make_codes=given.make_codes):
        print(finding, flush=True)
        broken = broken or finding.state is State.NOT_OK
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
