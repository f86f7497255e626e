"""Notices of WeChat Pay at the door: whatever is not proven is refused and writes nothing."""

import base64
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app import create_app
from app.base.db import Tx
from app.settings import Settings
from app.wiring import Parts, build
from tests import make
from tests.boxed import Boxed
from tests.wechat.local import Call, Say, serving

PATHS = tuple(
    f"/callbacks/wechat/pay/{what}" for what in ("paid", "refunded", "transferred", "shared", "combined")
)
BODY = b'{"id":"1","event_type":"TRANSACTION.SUCCESS","resource_type":"encrypt-resource","resource":{}}'


@pytest.fixture
def parts(settings: Settings) -> Iterator[Parts]:
    """The whole wiring, with the box's keys."""
    parts = build(settings)
    yield parts
    parts.close()


def _headers(settings: Settings, **changes: str) -> dict[str, str]:
    signature = base64.b64encode(b"x" * 256).decode()
    return {
        "Wechatpay-Timestamp": str(int(time.time())),
        "Wechatpay-Nonce": "n" * 32,
        "Wechatpay-Serial": settings.pay_public_key_id,
        "Wechatpay-Signature": signature,
        "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
        "Content-Type": "application/json",
        **changes,
    }


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"Wechatpay-Signature": "WECHATPAY/SIGNTEST/" + "a" * 300},
        {"Wechatpay-Signature": ""},
        {"Wechatpay-Signature": "not base64 at all !!"},
        {"Wechatpay-Serial": "PUB_KEY_ID_0000000000"},
        {"Wechatpay-Serial": "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"},
        {"Wechatpay-Timestamp": "0"},
        {"Wechatpay-Timestamp": "9" * 40},
        {"Wechatpay-Timestamp": "now"},
        {"Wechatpay-Nonce": ""},
        {"Wechatpay-Signature-Type": "WECHATPAY2-SM2-WITH-SM3"},
    ],
)
def test_an_unproven_notice_is_refused(
    client: FlaskClient, settings: Settings, tx: Tx, path: str, changes: dict[str, str]
) -> None:
    answer = client.post(path, data=BODY, headers=_headers(settings, **changes))
    assert answer.status_code == 401
    assert answer.json == {"code": "FAIL", "message": "signature"}
    with tx() as session:
        assert make.count(session, "inbox") == 0


@pytest.mark.parametrize("left_out", ["Timestamp", "Nonce", "Serial", "Signature"])
def test_a_notice_without_one_of_its_headers_is_refused(
    client: FlaskClient, settings: Settings, left_out: str
) -> None:
    headers = _headers(settings)
    del headers[f"Wechatpay-{left_out}"]
    assert client.post(PATHS[0], data=BODY, headers=headers).status_code == 401


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xff", b"[" * 60_000, b"null"])
def test_a_body_of_any_kind_ends_in_a_refusal(client: FlaskClient, settings: Settings, raw: bytes) -> None:
    assert client.post(PATHS[0], data=raw, headers=_headers(settings)).status_code == 401


def test_a_huge_notice_is_cut_off(client: FlaskClient, settings: Settings) -> None:
    answer = client.post(PATHS[0], data=b"x" * 100_000, headers=_headers(settings))
    assert answer.status_code == 413


def test_a_get_is_not_a_notice(client: FlaskClient) -> None:
    assert [client.get(path).status_code for path in PATHS] == [405] * len(PATHS)


def test_the_inbox_keeps_nothing_personal(tx: Tx) -> None:
    with tx() as session:
        columns = session.execute(
            text("select column_name from information_schema.columns where table_name = 'inbox' order by 1")
        ).scalars()
        assert list(columns) == ["answer", "detail", "key", "kind", "received_at", "source"]


KEY_ONLY = {"pay_platform_certificates": ""}
CERTIFICATES_ONLY = {
    "pay_public_key_id": "",
    "pay_public_key_file": None,
    "pay_platform_certificates": "download",
}


@pytest.mark.parametrize(
    ("mode", "key_percent", "house"),
    [
        ("cert-only", 0, CERTIFICATES_ONLY),
        ("cert-only", 0, CERTIFICATES_ONLY | {"pay_platform_certificates": "<file>"}),
        ("migrating", 0, KEY_ONLY),
        ("migrating", 100, KEY_ONLY),
        ("migrating", 0, KEY_ONLY | {"pay_platform_certificates": "<file>"}),
        ("key-only", 100, KEY_ONLY),
    ],
)
def test_notices_under_the_key_and_under_certificates_are_taken(
    settings: Settings,
    box: Boxed,
    tx: Tx,
    tmp_path: Path,
    mode: str,
    key_percent: int,
    house: dict[str, object],
) -> None:
    (tmp_path / "platform.pem").write_text(box.told["pay"]["platform_certificate_pem"])
    if house.get("pay_platform_certificates") == "<file>":
        house = house | {"pay_platform_certificates": str(tmp_path / "platform.pem")}
    box.post("settings", merchant_mode=mode, callback_key_percent=key_percent)
    parts = build(settings.model_copy(update=house))
    client, number = create_app(parts=parts).test_client(), "P" + secrets.token_hex(8)
    person = box.post("persons", name="lan")["person"]

    def pass_on(call: Call) -> Say:
        return Say(client.post(call.target, data=call.body, headers=call.headers).status_code)

    try:
        with serving(pass_on) as line:
            prepay_id = parts.wechat.pay.prepay(
                appid=settings.mp_appid,
                out_trade_no=number,
                description="x",
                amount_fen=100,
                openid=person["mp_openid"],
                notify_url=line.base + PATHS[0],
                expires_at=None,
            )
            paid = box.post(f"persons/{person['id']}/pay", prepay_id=prepay_id)
            assert paid["delivery"]["status"] == 204
            under = line.calls[-1].headers["wechatpay-serial"]
    finally:
        box.post("settings", merchant_mode="key-only", callback_key_percent=50)
        parts.close()
    assert under.startswith("PUB_KEY_ID_") is (key_percent == 100)
    with tx() as session:
        assert session.execute(text("select answer from inbox")).scalars().all() == ["UNMATCHED"]
