"""WeChat in a box for a starter: its process, and the settings with which the house takes it for WeChat."""

import json
import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.supervise import Family, Spec

NAME = "box"


@dataclass(frozen=True)
class Box:
    """A started box: what it says of itself once `wait` returned."""

    answer: Path
    url: str

    def wait(self, family: Family) -> dict[str, dict[str, str]]:
        """Wait for the one JSON line with which the box says that it serves, and answer it."""
        family.wait(
            NAME, lambda: self.answer.exists() and self.answer.read_text().endswith("\n"), timeout_s=30
        )
        told: dict[str, dict[str, str]] = json.loads(self.answer.read_text().splitlines()[0])
        return told


def start(family: Family, state: Path, log: Path, *, port: int, callback: str, env: Mapping[str, str]) -> Box:
    """Start the box on `port` with its memory in `state`; it pushes to `callback`, our server's address
    for pushes of the official account, and to the one beside it for those of the mini-program.
    """
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    # It tells keys, so it speaks into a private file. What an earlier one said must not be taken for the
    # new one's.
    answer = state / "told.json"
    answer.unlink(missing_ok=True)
    argv = [sys.executable, "-m", "wechat.box", "serve", "--port", str(port), "--state", str(state)]
    argv += ["--callback", callback, "--mp-callback", callback.removesuffix("/oa") + "/mp"]
    family.start(Spec(NAME, argv, log, env, answer=answer))
    return Box(answer, f"http://127.0.0.1:{port}")


def settings(told: Mapping[str, dict[str, str]], keys: Path) -> dict[str, str]:
    """Answer the environment variables that name the box's accounts; the two PEM files go to `keys`,
    private.
    """
    oa, mp, pay = told["oa"], told["mp"], told["pay"]
    keys.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {
        "WECHAT_API_BASE": str(told["api_base"]),
        "WECHAT_MP_BASE": str(told["mp_base"]),
        "WECHAT_PAY_BASE": str(told["pay_base"]),
        "WECHAT_PAY_BACKUP_BASE": str(told["pay_base"]),
        "OA_APPID": oa["appid"],
        "OA_SECRET": oa["secret"],
        "OA_TOKEN": oa["token"],
        "OA_AES_KEY": oa["aes_key"],
        "MP_APPID": mp["appid"],
        "MP_SECRET": mp["secret"],
        "MP_TOKEN": mp["token"],
        "MP_AES_KEY": mp["aes_key"],
        "PAY_MCHID": pay["mchid"],
        "PAY_APIV3_KEY": pay["apiv3_key"],
        "PAY_MERCHANT_SERIAL": pay["merchant_serial"],
        "PAY_MERCHANT_KEY_FILE": _keep(keys / "merchant-key.pem", pay["merchant_private_key_pem"]),
        "PAY_PUBLIC_KEY_ID": pay["platform_public_key_id"],
        "PAY_PUBLIC_KEY_FILE": _keep(keys / "platform-public-key.pem", pay["platform_public_key_pem"]),
    }


def secret_key(path: Path) -> str:
    """Answer the SECRET_KEY kept in `path`, made on the first call: sealed phone numbers open only with
    the same one.
    """
    if not path.exists():
        _keep(path, secrets.token_hex(32))
    return path.read_text().strip()


def _keep(path: Path, text: str) -> str:
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)
    return str(path)
