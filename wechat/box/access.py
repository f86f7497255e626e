"""Access tokens: two families that do not know of each other (WECHAT.md 2.1, 2.2, 14.6)."""

from flask import Request, Response

from wechat.box import counting
from wechat.box.answers import Refusal, asked_json, said
from wechat.box.credentials import Account
from wechat.box.inside import Box, letters
from wechat.box.open_settings import allows

_LIFE_S = 7200
_OVERLAP_S = 300
_FORCED_A_DAY = 20
_FORCED_EVERY_S = 30


def _credentials(box: Box, grant_type: object, appid: object, secret: object) -> Account:
    if grant_type != "client_credential":
        raise Refusal(40002)
    return by_secret(box, appid, secret)


def by_secret(box: Box, appid: object, secret: object) -> Account:
    """The account that shows its secret. Raises Refusal 41002, 41004 (missing), 40013 or 40125 (wrong)."""
    if not appid:
        raise Refusal(41002)
    if not secret:
        raise Refusal(41004)
    account = box.account(str(appid))
    if account is None:
        raise Refusal(40013)
    if account.secret != secret:
        raise Refusal(40125)
    return account


def _check_caller(box: Box, request: Request) -> None:
    caller = request.remote_addr or ""
    if not allows(box.settings()["ip_allow_list"], caller):
        raise Refusal(40164, f"{caller}, not in whitelist")


def _issue(box: Box, appid: str, family: str, *, forced: bool = False) -> str:
    number = 60 + box.store.next_number("token") % 40
    token = f"{number}_{letters(133)}"
    now = box.now()
    box.store.run(
        "INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, NULL)", token, appid, family, forced, now, now + _LIFE_S
    )
    return token


def classic_token(box: Box, request: Request) -> Response:
    """GET /cgi-bin/token: always a new one; the one before lives five minutes more."""
    args = request.args
    account = _credentials(box, args.get("grant_type"), args.get("appid"), args.get("secret"))
    _check_caller(box, request)
    counting.count(box, account.appid, request.path)
    with box.store.write() as db:
        db.execute(
            "UPDATE tokens SET dead_at = ? WHERE appid = ? AND family = 'classic' AND dead_at IS NULL",
            (box.now() + _OVERLAP_S, account.appid),
        )
        token = _issue(box, account.appid, "classic")
    return said({"access_token": token, "expires_in": _LIFE_S})


def stable_token(box: Box, request: Request) -> Response:
    """POST /cgi-bin/stable_token: the same token with what is left of its life, a new one in its last five
    minutes; ``force_refresh`` kills it at once, 30 s apart and 20 times a day."""
    asked = asked_json(request)
    account = _credentials(box, asked.get("grant_type"), asked.get("appid"), asked.get("secret"))
    _check_caller(box, request)
    counting.count(box, account.appid, request.path)
    force = asked.get("force_refresh", False)
    if not isinstance(force, bool):
        raise Refusal(40097)
    now = box.now()
    with box.store.write() as db:
        current = box.store.row(
            "SELECT * FROM tokens WHERE appid = ? AND family = 'stable' AND dead_at IS NULL"
            " AND expires_at > ? ORDER BY issued_at DESC LIMIT 1",
            account.appid,
            now + _OVERLAP_S,
        )
        if current is not None and not force:
            left = int(current["expires_at"] - now)
            return said({"access_token": current["token"], "expires_in": left})
        if force:
            _check_forcing(box, account.appid)
            db.execute(
                "UPDATE tokens SET dead_at = ? WHERE appid = ? AND family = 'stable' AND dead_at IS NULL",
                (now, account.appid),
            )
        token = _issue(box, account.appid, "stable", forced=force)
    return said({"access_token": token, "expires_in": _LIFE_S})


def _check_forcing(box: Box, appid: str) -> None:
    now = box.now()
    forced = box.store.rows(
        "SELECT issued_at FROM tokens WHERE appid = ? AND forced = 1 AND issued_at > ?"
        " ORDER BY issued_at DESC",
        appid,
        now - 86400,
    )
    if len(forced) >= _FORCED_A_DAY:
        raise Refusal(45009)
    if forced and now - forced[0]["issued_at"] < _FORCED_EVERY_S:
        raise Refusal(45011)


def who_calls(box: Box, request: Request) -> Account:
    """The account whose live token the call carries; one call more of its quota. Raises Refusal 41001, 40001
    (unknown, replaced), 42001, 45009 or 45011."""
    token = request.args.get("access_token")
    if not token:
        raise Refusal(41001)
    found = box.store.row("SELECT * FROM tokens WHERE token = ?", token)
    now = box.now()
    if found is None or (found["dead_at"] is not None and found["dead_at"] <= now):
        raise Refusal(40001)
    if found["expires_at"] <= now:
        raise Refusal(42001)
    account = box.account(found["appid"])
    assert account is not None
    counting.count(box, account.appid, request.path)
    return account


def kill_tokens(box: Box) -> int:
    """Make every token die now, as a platform incident does; answers how many died."""
    return box.store.run(
        "UPDATE tokens SET dead_at = ? WHERE dead_at IS NULL OR dead_at > ?", box.now(), box.now()
    )
