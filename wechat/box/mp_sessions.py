"""The mini-program's session_key: checked, renewed, used to seal user data (WECHAT.md 6.2)."""

import base64
import hashlib
import hmac
import json
import secrets
import sqlite3
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from flask import Request, Response

from wechat.box import people
from wechat.box.account_api import mini_program
from wechat.box.answers import Refusal, asked_json, said
from wechat.box.inside import Box

_HASHES_KEPT_S = 3 * 86400


def new_key(box: Box, person: str) -> str:
    """Give a person another session_key; the one before opens nothing any more."""
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    box.store.run("UPDATE persons SET session_key = ? WHERE id = ?", key, person)
    return key


def log_in(box: Box, person: sqlite3.Row) -> str:
    """The session_key of this login: a new one every so many times (the setting ``session_key_every``)."""
    with box.store.write() as db:
        db.execute("INSERT INTO logins VALUES (?, ?)", (person["mp_openid"], int(box.now())))
        found = box.store.row("SELECT count(*) AS n FROM logins WHERE openid = ?", person["mp_openid"])
        every = box.settings()["session_key_every"]
        if every and found is not None and found["n"] > 1 and (found["n"] - 1) % every == 0:
            return new_key(box, person["id"])
        return str(person["session_key"])


def _signed(box: Box, request: Request) -> sqlite3.Row:
    """Whose session_key has signed the empty message. Raises Refusal 87008, 40003 or 87009."""
    account, args = mini_program(box, request), request.args
    given: dict[str, Any] = args.to_dict() if "openid" in args else args.to_dict() | asked_json(request)
    if str(given.get("sig_method", "")).lower() != "hmac_sha256":
        raise Refusal(87008)
    person = people.by_openid(box, account.appid, str(given.get("openid")))
    if person is None:
        raise Refusal(40003)
    true = hmac.new(person["session_key"].encode(), b"", hashlib.sha256).hexdigest()
    # Some SDKs write the digits in capitals.
    if not hmac.compare_digest(true.encode(), str(given.get("signature", "")).lower().encode()):
        raise Refusal(87009)
    return person


def check(box: Box, request: Request) -> Response:
    """GET /wxa/checksession: whether the signature is made with the session_key of now, else 87009."""
    _signed(box, request)
    return said({"errcode": 0, "errmsg": "ok"})


def renew(box: Box, request: Request) -> Response:
    """GET /wxa/resetusersessionkey: another session_key for whoever proves the one of now."""
    person = _signed(box, request)
    key = new_key(box, person["id"])
    return said({"errcode": 0, "errmsg": "ok", "openid": person["mp_openid"], "session_key": key})


def seal(box: Box, person: sqlite3.Row, content: dict[str, Any]) -> dict[str, str]:
    """What wx.getUserProfile and open-type buttons hand to the page: encryptedData and iv under her session_key,
    rawData with its signature."""
    now = int(box.now())
    watermark = {"timestamp": now, "appid": box.credentials.mp.appid}
    plain = json.dumps(content | {"watermark": watermark}, ensure_ascii=False).encode()
    pad = 16 - len(plain) % 16
    iv = secrets.token_bytes(16)
    locked = Cipher(AES(base64.b64decode(person["session_key"])), CBC(iv)).encryptor()
    encrypted = base64.b64encode(locked.update(plain + bytes([pad]) * pad) + locked.finalize()).decode()
    digest = hashlib.sha256(encrypted.encode()).hexdigest()
    box.store.run("INSERT OR REPLACE INTO secrets_sent VALUES (?, ?)", digest, now)
    raw = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return {
        "encryptedData": encrypted,
        "iv": base64.b64encode(iv).decode(),
        "rawData": raw,
        "signature": hashlib.sha1((raw + person["session_key"]).encode()).hexdigest(),
    }


def check_encrypted(box: Box, request: Request) -> Response:
    """POST /wxa/business/checkencryptedmsg {encrypted_msg_hash}: ``vaild``, as WeChat spells it."""
    mini_program(box, request)
    digest = str(asked_json(request).get("encrypted_msg_hash"))
    found = box.store.row(
        "SELECT at FROM secrets_sent WHERE digest = ? AND at > ?", digest, box.now() - _HASHES_KEPT_S
    )
    if found is None:
        return said({"errcode": 0, "errmsg": "ok", "vaild": False, "create_time": 0})
    return said({"errcode": 0, "errmsg": "ok", "vaild": True, "create_time": found["at"]})
