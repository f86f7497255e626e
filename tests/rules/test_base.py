"""The ground: settings that refuse weakness, logs that mask, vault, numbers, days."""

import json
import logging
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.base import numbers
from app.base.clock import days_after, iso, local_day, start_of_day
from app.base.money import yuan
from app.base.vault import Vault
from app.logs import mask, set_up_logging
from app.settings import Settings

GOOD = "9f8e7d6c5b4a39281706f5e4d3c2b1a0"


def _given(pem: Path, **changes: str) -> dict[str, str]:
    return {
        "database_url": "postgresql://localhost/x",
        "secret_key": GOOD,
        "public_url": "https://shop.test",
        "oa_appid": "wx1",
        "oa_secret": "s",
        "oa_token": "t",
        "oa_aes_key": "a" * 43,
        "mp_appid": "wx2",
        "mp_secret": "s",
        "pay_mchid": "1",
        "pay_apiv3_key": "k" * 32,
        "pay_merchant_serial": "1",
        "pay_merchant_key_file": str(pem),
        "pay_public_key_id": "PUB_KEY_ID_1",
        "pay_public_key_file": str(pem),
        **changes,
    }


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    """Some file."""
    path = tmp_path / "key.pem"
    path.write_text("x")
    return path


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"secret_key": "short"}, "secret_key"),
        ({"secret_key": "a" * 64}, "secret_key"),
        ({"secret_key": "changeme-changeme-changeme-1234567890"}, "secret_key"),
        ({"oa_aes_key": "a" * 42}, "oa_aes_key"),
        ({"oa_mode": "compatible"}, "oa_mode"),
        ({"pay_apiv3_key": "k" * 31}, "PAY_APIV3_KEY"),
        ({"pay_merchant_key_file": "/nowhere/key.pem"}, "pay_merchant_key_file"),
        ({"pay_public_key_file": ""}, "PAY_PUBLIC_KEY_ID"),
        ({"pay_public_key_id": "", "pay_public_key_file": ""}, "PAY_PLATFORM_CERTIFICATES"),
        ({"pay_platform_certificates": "download,/nowhere.pem"}, "PAY_PLATFORM_CERTIFICATES"),
        ({"mp_token": "t"}, "MP_AES_KEY"),
        ({"mp_aes_key": "a" * 43}, "MP_TOKEN"),
        ({"mp_aes_key_previous": "a" * 43}, "MP_TOKEN"),
        ({"mp_token": "t", "mp_aes_key": "a" * 42}, "mp_aes_key"),
        ({"mp_mode": "compatible"}, "mp_mode"),
        ({"public_url": "shop.test"}, "PUBLIC_URL"),
        ({"public_url": "https://shop.test/"}, "PUBLIC_URL"),
        ({"unpaid_order_ttl_s": "299"}, "UNPAID_ORDER_TTL_S"),
        ({"unpaid_order_ttl_s": "3601"}, "UNPAID_ORDER_TTL_S"),
    ],
)
def test_a_weak_or_malformed_setting_stops_the_start_and_names_itself_without_its_value(
    pem: Path, changes: dict[str, str], field: str
) -> None:
    with pytest.raises(ValidationError) as refusal:
        Settings.model_validate(_given(pem, **changes))
    assert field in str(refusal.value)
    secret = changes.get("secret_key") or changes.get("pay_apiv3_key")
    assert secret is None or secret not in str(refusal.value)


def test_good_settings_start_and_hide_their_secrets(pem: Path) -> None:
    settings = Settings.model_validate(_given(pem))
    assert GOOD not in repr(settings)
    assert settings.paid_url == "https://shop.test/callbacks/wechat/pay/paid"
    assert settings.transferred_url == "https://shop.test/callbacks/wechat/pay/transferred"


def test_what_a_mini_program_push_and_a_merchant_with_certificates_need_is_enough(pem: Path) -> None:
    plain = Settings.model_validate(_given(pem, mp_token="t", mp_mode="plain"))
    assert plain.mp_token.get_secret_value() == "t"
    safe = Settings.model_validate(
        _given(pem, mp_token="t", mp_aes_key="a" * 43, mp_aes_key_previous="b" * 43)
    )
    assert safe.mp_mode == "safe"
    only = {"pay_public_key_id": "", "pay_public_key_file": ""}
    assert (
        Settings.model_validate(
            _given(pem, **only, pay_platform_certificates="download")
        ).platform_certificate_files
        == ()
    )
    named = _given(pem, **only, pay_platform_certificates=f"{pem}, {pem}")
    assert Settings.model_validate(named).platform_certificate_files == (pem, pem)
    both = Settings.model_validate(_given(pem, pay_platform_certificates=str(pem)))
    assert (both.pay_public_key_file, both.platform_certificate_files) == (pem, (pem,))


@pytest.mark.parametrize(
    "left_out", ["database_url", "secret_key", "oa_appid", "pay_mchid", "pay_merchant_key_file"]
)
def test_a_missing_setting_stops_the_start(pem: Path, left_out: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(left_out.upper(), raising=False)
    given_values = _given(pem)
    del given_values[left_out]
    with pytest.raises(ValidationError, match=left_out):
        Settings.model_validate(given_values)


def test_logs_never_show_a_phone_an_openid_or_a_token(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("INFO")
    openid, token = "oA0Lkab-HuD8p9IH-mD__S9fRQrD", "n" * 43
    structlog.get_logger().info(
        "canary", openid=openid, note=f"called 13800138000 with {token}", phone="13800138000"
    )
    logging.getLogger("library").warning("failed for %s and %s", "13800138000", openid)
    try:
        raise ValueError(f"secret {token}")
    except ValueError:
        logging.getLogger("library").exception("broken")
    out = capsys.readouterr().out
    assert "13800138000" not in out
    assert openid not in out
    assert token not in out
    assert "138****8000" in out
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["event"] for line in lines][::2] == ["canary", "broken"]
    assert lines[-1]["error"] == "ValueError"


def test_masking_keeps_short_words_and_numbers() -> None:
    assert mask("order A261122KEPFT5Q4 of 29900 fen") == "order A261122KEPFT5Q4 of 29900 fen"


@given(value=st.text(max_size=80))
def test_a_seal_opens_for_its_purpose_only(value: str) -> None:
    vault = Vault(GOOD)
    try:
        value.encode()
    except UnicodeEncodeError:
        return
    sealed = vault.seal("phone", value)
    assert vault.unseal("phone", sealed) == value
    assert vault.unseal("other", sealed) is None
    assert Vault(GOOD[::-1]).unseal("phone", sealed) is None


@given(garbage=st.text(max_size=60))
def test_garbage_opens_nothing_and_breaks_nothing(garbage: str) -> None:
    assert Vault(GOOD).unseal("phone", garbage) is None


def test_numbers_fit_wechat_pay_and_carry_the_local_day() -> None:
    late = datetime(2026, 11, 21, 16, 30, tzinfo=UTC)
    drawn = {numbers.draw("P", late, length=12) for _ in range(1000)}
    assert len(drawn) == 1000
    assert all(re.fullmatch(r"P261122[2-9A-HJKMNP-TW-Z]{12}", number) for number in drawn)


def test_c_6_days_are_local_calendar_days() -> None:
    late = datetime(2026, 3, 2, 16, 30, tzinfo=UTC)
    assert str(local_day(late)) == "2026-03-03"
    assert days_after(late, 11) == datetime(2026, 3, 13, 16, 0, tzinfo=UTC)
    assert start_of_day(local_day(late)) == datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
    assert iso(late) == "2026-03-03T00:30:00+08:00"


@pytest.mark.parametrize(
    ("fen", "shown"),
    [(0, "¥0.00"), (5, "¥0.05"), (29_900, "¥299.00"), (-1_047, "-¥10.47"), (123_456_789, "¥1,234,567.89")],
)
def test_money_is_shown_to_the_fen(fen: int, shown: str) -> None:
    assert yuan(fen) == shown
