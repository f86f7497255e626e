"""Notices of WeChat Pay at the door: whatever is not proven is refused and writes nothing."""

import base64
import time
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.base.db import Tx
from app.settings import Settings
from app.wiring import Parts, build
from tests import make

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
