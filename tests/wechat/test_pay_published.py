"""More published vectors of WeChat Pay: its own worked sample, certificates as they are handed out, sealed fields.

Of wechatpay-java's key pairs (merchant 5F1C72E2..., platform 44002404...) only the merchant's certificate is here:
both ended on 9 May 2025, and nothing that was signed or sealed with them is published, so that there is no value
to come to. The same steps have values in the vectors of wechatpay-go, SKIT and WeChat's own sample.
"""

import base64
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from wechatpayv3.utils import aes_decrypt, load_certificate, rsa_decrypt, rsa_encrypt

from tests.wechat import pay_sample as sample
from tests.wechat import pay_vectors as p
from tests.wechat import vectors as v
from tests.wechat.merchant import KEY_ID, MERCHANT_KEY, MERCHANT_PEM
from tests.wechat.platform import LEADING_ZERO, issued
from wechat.errors import Malformed
from wechat.pay.platform_keys import PlatformKeys, certificate_of, hex_serial, same_serial
from wechat.pay.signing import MerchantKey, NoticeKey, lines

SKIT = MerchantKey("1900000001", "A1", p.SKIT_KEY)
PUBLIC_PEM = MERCHANT_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def test_the_request_of_wechats_own_sample_is_signed_as_printed() -> None:
    ours = MerchantKey(sample.MCHID, sample.SERIAL, sample.KEY)
    target = "/v3/pay/transactions/jsapi"
    given = ours.authorization(
        "POST", target, sample.BODY.encode(), seconds=sample.SECONDS, nonce=sample.NONCE
    )
    assert given == (
        f'WECHATPAY2-SHA256-RSA2048 mchid="{sample.MCHID}",nonce_str="{sample.NONCE}",'
        f'signature="{sample.SIGNED_REQUEST}",timestamp="{sample.SECONDS}",serial_no="{sample.SERIAL}"'
    )


def test_the_pay_sign_of_wechats_own_sample_comes_out_as_printed() -> None:
    ours = MerchantKey(sample.MCHID, sample.SERIAL, sample.KEY)
    head = (sample.APPID, str(sample.SECONDS), sample.NONCE)
    assert ours.sign(lines(*head, f"prepay_id={sample.PREPAY_ID}")) == sample.PAY_SIGN
    of_app = ours.sign(lines(*head, sample.PREPAY_ID))
    assert (of_app[:12], of_app[-5:]) == (sample.APP_SIGN_BEGINS, sample.APP_SIGN_ENDS)


@pytest.mark.parametrize(
    ("key", "nonce", "sealed", "serial", "from_at", "until_at"),
    [
        (
            *(p.JAVA_APIV3_KEY, p.JAVA_NONCE, p.JAVA_SEALED_CERTIFICATE, p.JAVA_SERIAL),
            *(datetime(2023, 9, 19, 15, 15, 58, tzinfo=UTC), datetime(2028, 9, 17, 15, 15, 58, tzinfo=UTC)),
        ),
        (
            *(p.SKIT_APIV3_KEY, p.SKIT_NONCE, p.SKIT_SEALED_CERTIFICATE, p.SKIT_SERIAL),
            *(datetime(2020, 8, 1, 7, 35, 18, tzinfo=UTC), datetime(2025, 7, 31, 7, 35, 18, tzinfo=UTC)),
        ),
    ],
    ids=["wechatpay-java", "SKIT"],
)
def test_a_certificate_as_it_is_handed_out(
    key: str, nonce: str, sealed: str, serial: str, from_at: datetime, until_at: datetime
) -> None:
    pem = NoticeKey(key).open(nonce, "certificate", sealed)
    found = certificate_of(pem.decode())
    assert (found.serial, found.from_s, found.until_s) == (serial, from_at.timestamp(), until_at.timestamp())
    assert aes_decrypt(nonce, sealed, "certificate", key) == pem.decode()
    again = AESGCM(key.encode()).encrypt(nonce.encode(), pem, b"certificate")
    assert base64.b64encode(again).decode() == sealed
    with pytest.raises(Malformed):
        NoticeKey(key).open(nonce, "certificates", sealed)


def test_wechatpay_go_notice_verifies_under_its_certificate() -> None:
    found = certificate_of(p.GO_CERTIFICATE)
    assert found.serial == v.NOTICE_HEADERS["Wechatpay-Serial"]
    PlatformKeys({}, [found]).verify(v.NOTICE_HEADERS, v.NOTICE_BODY, seconds=1624523846)


@pytest.mark.parametrize(
    ("pem", "until_at"),
    [
        (p.JAVA_MERCHANT_CERTIFICATE, datetime(2025, 5, 9, 1, 57, 10, tzinfo=UTC)),
        (p.AXIOS_CLIENT_CERTIFICATE, datetime(2294, 4, 5, 2, 2, 18, tzinfo=UTC)),
        (p.AXIOS_SERVER_CERTIFICATE, datetime(2047, 11, 6, 2, 54, 47, tzinfo=UTC)),
    ],
)
def test_certificates_of_other_sdks(pem: str, until_at: datetime) -> None:
    found = certificate_of(pem)
    assert found.until_s == until_at.timestamp()
    peer = load_certificate(pem)
    assert peer.serial_number == int(found.serial, 16)


def test_skit_signature_with_4096_bits() -> None:
    assert SKIT.sign(b"SHA256WithRSASignTest") == p.SKIT_SIGNATURE


def test_skit_sealed_field_opens() -> None:
    assert SKIT.open(p.SKIT_SEALED) == "RsaDecryptTest"
    assert rsa_decrypt(p.SKIT_SEALED, load_pem_private_key(p.SKIT_KEY.encode(), None)) == "RsaDecryptTest"


@pytest.mark.parametrize("text", ["林", "林晓雨", "x" * 214])
def test_what_we_seal_opens_and_what_wechatpayv3_seals_we_open(text: str) -> None:
    sealer = PlatformKeys({"PUB_KEY_ID_1": PUBLIC_PEM}).sealer(seconds=0)
    assert sealer is not None
    assert sealer.serial == "PUB_KEY_ID_1"
    sealed = sealer.seal(text)
    assert sealed != sealer.seal(text)
    assert rsa_decrypt(sealed, MERCHANT_KEY) == text
    raw = MERCHANT_KEY.decrypt(base64.b64decode(sealed), OAEP(MGF1(SHA1()), SHA1(), None))
    assert raw.decode() == text
    ours = MerchantKey("1900000001", "A1", MERCHANT_PEM)
    assert ours.open(rsa_encrypt(text, MERCHANT_KEY.public_key())) == text


@pytest.mark.parametrize("text", ["", "!", "AAAA", p.SKIT_SEALED, "é", "\ud800"])
def test_what_does_not_open_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        MerchantKey("1900000001", "A1", MERCHANT_PEM).open(text)


@pytest.mark.parametrize(
    ("pem", "serial"),
    [
        (issued(LEADING_ZERO).pem, LEADING_ZERO),
        (p.GO_CERTIFICATE, "D7CE59D1F522D701"),
        (p.JAVA_MERCHANT_CERTIFICATE, "5F1C72E2A8931B72A2E13AF8DEE92471EB397115"),
        (p.AXIOS_CLIENT_CERTIFICATE, "898DBAD30F416EC7"),
        (p.AXIOS_SERVER_CERTIFICATE, "BE2A2344B984167B"),
    ],
)
def test_a_certificate_is_called_by_its_serial_with_its_leading_zero(pem: str, serial: str) -> None:
    assert certificate_of(pem).serial == serial


@pytest.mark.parametrize(
    "serial", [KEY_ID, KEY_ID.lower(), "0x" + LEADING_ZERO, "+1", "1_0", "１２", " 1", "", "F" * 65]
)
def test_everything_else_is_compared_as_it_stands(serial: str) -> None:
    assert same_serial(serial) == serial


@pytest.mark.parametrize(("number", "text"), [(0, "00"), (0xC, "0C"), (0x1C, "1C"), (0xABC, "0ABC")])
def test_serials_are_printed_in_whole_bytes(number: int, text: str) -> None:
    assert hex_serial(number) == text
