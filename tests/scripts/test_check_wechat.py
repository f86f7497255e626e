"""scripts/check_wechat.py against the box and the running house: all is well, and each planted mistake shows in
its own line and in no other.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from app.settings import Settings
from app.wiring import telephone
from scripts.check_wechat import findings
from scripts.places import free_port
from scripts.proofs.address import notify_urls
from tests.boxed import Boxed
from tests.live import Live
from wechat.tokens import MemoryTokenStore

ROOT = Path(__file__).resolve().parents[2]
LINE = re.compile(r"([a-z0-9 *-]+): (ok|not ok|cannot be checked from here)\. (.+)")
# What nobody can see from here, in the box as in real life.
NEVER = ["oa-console", "mp-shipping", "mp-domains", "unionid", "pay-apiv3-key", "pay-jsapi", "pay-notices"]
PROVEN = ["settings", "hosts", "clock", "notify-urls", "public-url", "oa-callback", "oa-callback-refuses"]
PROVEN += ["oa-secret", "oa-push-addresses", "oa-rights", "oa-quota", "oa-menu"]
PROVEN += [
    "mp-callback",
    "mp-callback-refuses",
    "mp-secret",
    "mp-login",
    "pay-signature",
    "pay-public-key",
    "pay-second-host",
]
CODES = ["oa-codes", "mp-codes"]

Report = dict[str, tuple[str, str]]
LAST = "cannot be checked from here"


def _run(env: dict[str, str], *arguments: str) -> tuple[int, Report, str]:
    """The command in its own process: exit code, {name: (state, words)}, and all that it said."""
    command = [sys.executable, "scripts/check_wechat.py", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **env}, capture_output=True, text=True, timeout=120, check=False
    )
    lines = [LINE.fullmatch(line) for line in done.stdout.splitlines()]
    assert all(lines), done.stdout + done.stderr
    report = {line[1]: (line[2], line[3]) for line in lines if line}
    assert len(report) == len(lines)
    return done.returncode, report, done.stdout + done.stderr


def _report(env: dict[str, str], *, make_codes: bool = False, offset_s: int = 0, **planted: str) -> Report:
    """The same in this process, with some variables replaced and the clock moved."""

    def now() -> float:
        return time.time() + offset_s

    settings = Settings.model_validate({name.lower(): value for name, value in {**env, **planted}.items()})
    wechat = telephone(settings, MemoryTokenStore(), clock=now)
    found = findings(settings, wechat, make_codes=make_codes, now=now)
    return {one.name: (one.state.value, one.words) for one in found}


def _those(report: Report, state: str) -> list[str]:
    return sorted(name for name, found in report.items() if found[0] == state)


def _silent_url() -> str:
    return f"http://127.0.0.1:{free_port()}"


def _fault(box: Boxed, **rule: str) -> None:
    assert requests.post(f"{box.url}/box/faults", json=rule, timeout=10).ok


def _foreign_key(place: Path) -> None:
    """A private key and its public key that nobody knows, as private.pem and public.pem."""
    key = generate_private_key(public_exponent=65537, key_size=2048)
    private, public = place / "private.pem", place / "public.pem"
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    private.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    public.write_bytes(key.public_key().public_bytes(pem, form))


def test_all_that_can_be_proven_is_proven_and_nothing_is_written(
    live: Live, house_env: dict[str, str], box: Boxed
) -> None:
    code, report, said = _run(house_env)
    assert (code, _those(report, "not ok")) == (0, []), said
    assert _those(report, "ok") == sorted(PROVEN)
    assert _those(report, LAST) == sorted(NEVER + CODES)
    secret = ["OA_SECRET", "OA_TOKEN", "OA_AES_KEY", "MP_SECRET", "PAY_APIV3_KEY", "SECRET_KEY"]
    assert [name for name in secret if house_env[name] in said] == []
    assert box.get("deliveries") == {"deliveries": []}


MISTAKES = [
    ({"OA_SECRET": "0" * 32}, "oa-secret", "40125: OA_SECRET is not the AppSecret of OA_APPID"),
    ({"OA_APPID": "wx0000000000000000"}, "oa-secret", "40013: OA_APPID is no AppID"),
    ({"OA_TOKEN": "another0token"}, "oa-callback", "the server refuses OA_TOKEN"),
    ({"MP_TOKEN": "another0token"}, "mp-callback", "the server refuses MP_TOKEN"),
    ({"PAY_MCHID": "1900000000"}, "pay-signature", "401 SIGN_ERROR: Http头Authorization中的mchid不存在"),
    ({"PAY_MERCHANT_SERIAL": "5F1C72E2"}, "pay-signature", "401 SIGN_ERROR: 商户证书序列号有误"),
    ({"PAY_MERCHANT_KEY_FILE": "private.pem"}, "pay-signature", "401 SIGN_ERROR: 签名错误"),
    ({"PAY_PUBLIC_KEY_FILE": "public.pem"}, "pay-public-key", "is not the key of PAY_PUBLIC_KEY_ID"),
    ({"PAY_PUBLIC_KEY_ID": "PUB_KEY_ID_0"}, "pay-public-key", "other than PAY_PUBLIC_KEY_ID"),
]


def test_each_wrong_value_shows_in_its_own_line_only(
    live: Live, house_env: dict[str, str], tmp_path: Path
) -> None:
    _foreign_key(tmp_path)
    for planted, name, words in MISTAKES:
        kept = {key: str(tmp_path / one) if one.endswith(".pem") else one for key, one in planted.items()}
        report = _report(house_env, **kept)
        assert _those(report, "not ok") == [name], planted
        assert words in report[name][1]
    code, report, said = _run({**house_env, "MP_SECRET": "0" * 32})
    assert (code, _those(report, "not ok")) == (1, ["mp-login", "mp-secret"])
    assert report["mp-shipping"][0] == LAST
    assert house_env["OA_SECRET"] not in said


def test_a_clock_an_address_and_a_door_that_are_wrong_show_in_their_lines(
    live: Live, house_env: dict[str, str], box: Boxed
) -> None:
    for offset_s, side in ((90, "ahead of"), (-90, "behind")):
        report = _report(house_env, offset_s=offset_s)
        assert _those(report, "not ok") == ["clock"]
        assert re.match(rf"(89|90|91) s {side} WeChat's", report["clock"][1])
    nowhere = _silent_url()
    report = _report(house_env, PUBLIC_URL=nowhere)
    assert _those(report, "not ok") == ["public-url"]
    assert report["oa-callback"][0] == report["oa-callback-refuses"][0] == LAST
    report = _report(house_env, PUBLIC_URL=box.url)
    # Somebody answers there, but it is not our door.
    assert {"oa-callback", "oa-callback-refuses"} <= set(_those(report, "not ok"))
    bases = ["WECHAT_API_BASE", "WECHAT_MP_BASE", "WECHAT_PAY_BASE", "WECHAT_PAY_BACKUP_BASE"]
    report = _report(house_env, **dict.fromkeys(bases, nowhere))
    assert _those(report, "not ok") == ["hosts"]
    assert _those(report, LAST) == ["clock", "oa-* and mp-*", "pay-*"]


def test_what_the_accounts_themselves_refuse_is_told_with_its_remedy(
    house_env: dict[str, str], box: Boxed
) -> None:
    nowhere = _silent_url()
    _fault(box, kind="40164", path="/cgi-bin/stable_token")
    report = _report(house_env, PUBLIC_URL=nowhere)
    assert _those(report, "not ok") == ["mp-secret", "oa-secret", "public-url"]
    assert "公众平台 → 设置与开发 → 基本配置 → IP 白名单 → 添加" in report["oa-secret"][1]
    assert report["oa-rights"][0] == LAST
    box.reset()
    _fault(box, kind="48001", path="/cgi-bin/user/get")
    report = _report(house_env, PUBLIC_URL=nowhere)
    assert _those(report, "not ok") == ["oa-rights", "public-url"]
    assert "微信认证" in report["oa-rights"][1]
    box.reset()
    _fault(box, kind="-1", path="/cgi-bin/openapi/quota/get")
    report = _report(house_env, PUBLIC_URL=nowhere)
    assert (_those(report, "not ok"), report["oa-quota"][0]) == (["public-url"], LAST)


def test_codes_are_made_only_when_asked_for(house_env: dict[str, str], box: Boxed) -> None:
    report = _report(house_env, make_codes=True, PUBLIC_URL=_silent_url())
    assert [report[name][0] for name in CODES] == ["ok", "ok"]
    assert _those(report, "not ok") == ["public-url"]


def test_an_older_merchant_proves_the_apiv3_key_too(house_env: dict[str, str], box: Boxed) -> None:
    box.post("settings", merchant_mode="migrating")
    nowhere = _silent_url()
    assert _report(house_env, PUBLIC_URL=nowhere)["pay-apiv3-key"][0] == "ok"
    report = _report(house_env, PUBLIC_URL=nowhere, PAY_APIV3_KEY="0123456789abcdefghijklmnopqrstuv")
    assert _those(report, "not ok") == ["pay-apiv3-key", "public-url"]


def test_a_merchant_with_certificates_only_proves_them_and_another_is_told_to_use_the_key(
    house_env: dict[str, str], box: Boxed
) -> None:
    only = {"PAY_PUBLIC_KEY_ID": "", "PAY_PUBLIC_KEY_FILE": "", "PAY_PLATFORM_CERTIFICATES": "download"}
    box.post("settings", merchant_mode="cert-only")
    nowhere = _silent_url()
    report = _report(house_env, PUBLIC_URL=nowhere, **only)
    assert [report[name][0] for name in ("pay-signature", "pay-certificates", "pay-apiv3-key")] == ["ok"] * 3
    assert "pay-public-key" not in report
    box.post("settings", merchant_mode="key-only")
    report = _report(house_env, PUBLIC_URL=nowhere, **only)
    assert _those(report, "not ok") == ["pay-certificates", "public-url"]
    assert "set PAY_PUBLIC_KEY_ID and PAY_PUBLIC_KEY_FILE instead" in report["pay-certificates"][1]


def test_a_mini_program_without_a_push_has_one_line_that_says_so(
    house_env: dict[str, str], box: Boxed
) -> None:
    report = _report(house_env, PUBLIC_URL=_silent_url(), MP_TOKEN="", MP_AES_KEY="")
    assert report["mp-callback"] == (
        LAST,
        "MP_TOKEN is not set, so 消息推送 of the mini-program must be off.",
    )
    assert "mp-callback-refuses" not in report


@pytest.mark.parametrize(
    ("planted", "sentence"),
    [
        ({"OA_AES_KEY": "short"}, "OA_AES_KEY: an EncodingAESKey has exactly 43 characters"),
        ({"OA_AES_KEY": "ä" * 43}, "an EncodingAESKey is 43 letters and digits"),
        ({"PAY_APIV3_KEY": "short"}, "PAY_APIV3_KEY must have exactly 32 characters"),
        ({"PAY_MERCHANT_KEY_FILE": "README.md"}, "merchant private key: not an unencrypted RSA key in PEM"),
        ({"MP_TOKEN": ""}, "MP_TOKEN is not set but an AES key is; set both, or neither"),
        ({"MP_AES_KEY": ""}, "MP_AES_KEY is not set but MP_TOKEN is; set both, or MP_MODE=plain"),
        (
            {"PAY_PUBLIC_KEY_ID": ""},
            "PAY_PUBLIC_KEY_ID and PAY_PUBLIC_KEY_FILE go together; set both, or neither",
        ),
        (
            {"PAY_PUBLIC_KEY_ID": "", "PAY_PUBLIC_KEY_FILE": ""},
            "PAY_PUBLIC_KEY_ID and PAY_PUBLIC_KEY_FILE are not set; a merchant who still has platform "
            "certificates sets PAY_PLATFORM_CERTIFICATES=download instead",
        ),
        (
            {"PAY_PLATFORM_CERTIFICATES": "/nowhere.pem"},
            "PAY_PLATFORM_CERTIFICATES: no such file (or the word download)",
        ),
        (
            {"PAY_PLATFORM_CERTIFICATES": "README.md"},
            "platform certificate: not a certificate with an RSA key in PEM",
        ),
        ({"PAY_PUBLIC_KEY_FILE": "README.md"}, "WeChat Pay public key: not an RSA public key in PEM"),
    ],
)
def test_settings_with_which_nothing_would_start_end_with_2(
    house_env: dict[str, str], planted: dict[str, str], sentence: str
) -> None:
    code, report, said = _run({**house_env, **planted})
    assert (code, report, said) == (2, {}, sentence + "\n")


@pytest.mark.parametrize(
    ("url", "state"),
    [
        ("https://shop.example.com", "ok"),
        ("https://shop.example.com:8443", "not ok"),
        ("http://shop.example.com", "not ok"),
        ("https://203.0.113.7", "not ok"),
        ("https://shop.example.com?brand=1", "not ok"),
    ],
)
def test_notify_urls_for_the_real_wechat_are_https_with_a_name_and_no_query(
    settings: Settings, url: str, state: str
) -> None:
    real = settings.model_copy(update={"public_url": url, "wechat_api_base": "https://api.weixin.qq.com"})
    assert notify_urls(real).state.value == state


def test_the_page_about_going_live_names_every_line() -> None:
    page = (ROOT / "docs/going-live.md").read_text()
    assert [name for name in PROVEN + NEVER + CODES if f"`{name}`" not in page] == []
