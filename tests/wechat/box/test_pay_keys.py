"""Which key signs what: key-only, migrating and certificate merchants, and texts sealed for the platform."""

import base64
import json
import secrets
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.wechat.box.shop import Shop
from tests.wechat.box.wire import call, post
from tests.wechat.box.world import Ear, RunningBox

OAEP = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
ECHO = "/v3/security/echo"


def keys(sandbox: RunningBox) -> dict[str, rsa.RSAPublicKey]:
    """Every key that the platform may sign with, by its name; the certificates as downloaded."""
    pay = sandbox.told["pay"]
    public = serialization.load_pem_public_key(pay["platform_public_key_pem"].encode())
    assert isinstance(public, rsa.RSAPublicKey)
    found = {pay["platform_public_key_id"]: public}
    listed = call(sandbox, "GET", "/v3/certificates")
    for one in listed.json().get("data", []) if listed.status_code == 200 else []:
        key = opened(sandbox, one).public_key()
        assert isinstance(key, rsa.RSAPublicKey)
        found[one["serial_no"]] = key
    return found


def opened(sandbox: RunningBox, one: dict[str, Any]) -> x509.Certificate:
    """A certificate out of the answer of /v3/certificates."""
    sealed = one["encrypt_certificate"]
    assert (sealed["algorithm"], sealed["associated_data"]) == ("AEAD_AES_256_GCM", "certificate")
    aes = AESGCM(sandbox.told["pay"]["apiv3_key"].encode())
    pem = aes.decrypt(sealed["nonce"].encode(), base64.b64decode(sealed["ciphertext"]), b"certificate")
    certificate = x509.load_pem_x509_certificate(pem)
    assert f"{certificate.serial_number:040X}" == one["serial_no"]
    return certificate


def signer(found: dict[str, rsa.RSAPublicKey], headers: Any, body: bytes) -> str:
    """The name of the key that signed this, verified."""
    message = f"{headers['Wechatpay-Timestamp']}\n{headers['Wechatpay-Nonce']}\n".encode() + body + b"\n"
    name = str(headers["Wechatpay-Serial"])
    signature = base64.b64decode(headers["Wechatpay-Signature"])
    found[name].verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
    return name


def asked_with(sandbox: RunningBox, serial: str | None) -> requests.Response:
    """An echo whose Wechatpay-Serial is this."""
    headers = {} if serial is None else {"Wechatpay-Serial": serial}
    return post(sandbox, ECHO, {"echo_message": "你好"}, headers=headers)


def test_key_only_merchant_gets_the_public_key_whatever_it_names(sandbox: RunningBox) -> None:
    found, pay = keys(sandbox), sandbox.told["pay"]
    assert list(found) == [pay["platform_public_key_id"]]
    for named in (None, pay["platform_public_key_id"], pay["platform_serial"], "PUB_KEY_ID_0"):
        answer = asked_with(sandbox, named)
        assert signer(found, answer.headers, answer.content) == pay["platform_public_key_id"]
        assert answer.json() == {"echo_message": "你好"}


def test_certificate_merchant_never_sees_the_public_key(sandbox: RunningBox) -> None:
    sandbox.post("/settings", merchant_mode="cert-only")
    found, pay = keys(sandbox), sandbox.told["pay"]
    for named in (None, pay["platform_public_key_id"], pay["platform_serial"]):
        answer = asked_with(sandbox, named)
        assert signer(found, answer.headers, answer.content) == pay["platform_serial"]


def test_migrating_merchant_gets_the_key_it_names_else_the_certificate(sandbox: RunningBox) -> None:
    sandbox.post("/settings", merchant_mode="migrating")
    found, pay = keys(sandbox), sandbox.told["pay"]
    key, serial = pay["platform_public_key_id"], pay["platform_serial"]
    cases = [(key, key), (serial, serial), (serial.lower(), serial), (None, serial), (key.lower(), serial)]
    for named, wanted in cases:
        answer = asked_with(sandbox, named)
        assert signer(found, answer.headers, answer.content) == wanted, named


def test_share_of_callbacks_is_exact_while_migrating(shop: Shop, sandbox: RunningBox, ear: Ear) -> None:
    sandbox.post("/settings", merchant_mode="migrating", callback_key_percent=25)
    found, key = keys(sandbox), sandbox.told["pay"]["platform_public_key_id"]
    shop.paid("ORDER-1")
    delivery = sandbox.get("/deliveries")["deliveries"][0]["id"]
    for _ in range(7):
        sandbox.post(f"/deliveries/{delivery}/again")
    signers = [signer(found, heard.headers, heard.body) for heard in ear.heard]
    assert (len(signers), signers.count(key)) == (8, 2)
    for mode, wanted in (("cert-only", sandbox.told["pay"]["platform_serial"]), ("key-only", key)):
        sandbox.post("/settings", merchant_mode=mode)
        sandbox.post(f"/deliveries/{delivery}/again")
        assert signer(found, ear.heard[-1].headers, ear.heard[-1].body) == wanted


def test_certificates_rotate(sandbox: RunningBox) -> None:
    sandbox.post("/settings", merchant_mode="cert-only", platform_certificate="rotating")
    listed = call(sandbox, "GET", "/v3/certificates?algorithm_type=RSA").json()["data"]
    assert [set(one) for one in listed] == [
        {"serial_no", "effective_time", "expire_time", "encrypt_certificate"}
    ] * 2
    subjects = {opened(sandbox, one).subject.rfc4514_string() for one in listed}
    assert subjects == {"CN=Tenpay.com sign,OU=Tenpay.com CA Center,O=Tenpay.com,L=ShenZhen,C=CN"}
    assert sorted(one["serial_no"][0] == "0" for one in listed) == [False, True]
    found = keys(sandbox)
    answers = [asked_with(sandbox, None) for _ in range(4)]
    signers = [signer(found, answer.headers, answer.content) for answer in answers]
    assert sorted(set(signers)) == sorted(one["serial_no"] for one in listed)


@pytest.mark.parametrize(
    ("code", "status"), [("RESOURCE_NOT_EXISTS", 404), ("NOT_FOUND", 404), ("SYSTEM_ERROR", 500)]
)
def test_how_a_key_only_merchant_hears_that_it_has_no_certificates(
    sandbox: RunningBox, code: str, status: int
) -> None:
    sandbox.post("/settings", no_certificates_code=code)
    answer = call(sandbox, "GET", "/v3/certificates")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_settings_of_the_merchant_are_checked(sandbox: RunningBox) -> None:
    for wrong in (
        {"merchant_mode": "both"},
        {"callback_key_percent": 101},
        {"fee_bp": 0.6},
        {"bill_base": "ftp://x"},
        {"bill_trouble": "LATE"},
        {"transfer_scenes": "1005"},
    ):
        assert sandbox.post("/settings", 400, **wrong)["error"]["code"] == "BAD_CALL"


def _sealed(sandbox: RunningBox, plain: str, *, certificate: bool = False) -> str:
    pay = sandbox.told["pay"]
    if certificate:
        key = x509.load_pem_x509_certificate(pay["platform_certificate_pem"].encode()).public_key()
    else:
        key = serialization.load_pem_public_key(pay["platform_public_key_pem"].encode())
    assert isinstance(key, rsa.RSAPublicKey)
    return base64.b64encode(key.encrypt(plain.encode(), OAEP)).decode()


def test_echo_comes_back_sealed_for_the_merchant(sandbox: RunningBox) -> None:
    sandbox.post("/settings", merchant_mode="migrating")
    pay = sandbox.told["pay"]
    own = serialization.load_pem_private_key(pay["merchant_private_key_pem"].encode(), None)
    assert isinstance(own, rsa.RSAPrivateKey)
    for certificate, serial in ((False, pay["platform_public_key_id"]), (True, pay["platform_serial"])):
        sealed = _sealed(sandbox, "林晓雨", certificate=certificate)
        content = {"echo_message": "a", "encrypted_echo_message": sealed}
        answer = post(sandbox, ECHO, content, headers={"Wechatpay-Serial": serial}).json()
        assert answer["echo_message"] == "a"
        assert own.decrypt(base64.b64decode(answer["encrypted_echo_message"]), OAEP).decode() == "林晓雨"


@pytest.mark.parametrize(
    ("serial", "sealed", "message"),
    [
        (None, None, "HTTP header缺少微信支付平台证书序列号(Wechatpay-Serial)"),
        ("PUB_KEY_ID_0116", None, "HTTP header中的微信支付平台证书序列号(Wechatpay-Serial)有误"),
        ("", "not base64!", "输入源“/body/encrypted_echo_message”敏感信息解密失败"),
        ("", "QUFBQQ==", "输入源“/body/encrypted_echo_message”敏感信息解密失败"),
    ],
)
def test_sealed_texts_need_a_key_that_is_known(
    sandbox: RunningBox, serial: str | None, sealed: str | None, message: str
) -> None:
    headers = {}
    if serial is not None:
        headers["Wechatpay-Serial"] = serial or sandbox.told["pay"]["platform_public_key_id"]
    content = {"echo_message": "a", "encrypted_echo_message": sealed or _sealed(sandbox, "x")}
    answer = post(sandbox, ECHO, content, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "PARAM_ERROR")
    assert answer.json()["message"] == message
    assert answer.headers["Request-ID"].endswith("-268435461")


def test_text_sealed_for_the_other_key_does_not_open(sandbox: RunningBox) -> None:
    content = {"echo_message": "a", "encrypted_echo_message": _sealed(sandbox, "x", certificate=True)}
    headers = {"Wechatpay-Serial": sandbox.told["pay"]["platform_public_key_id"]}
    assert post(sandbox, ECHO, content, headers=headers).json()["code"] == "PARAM_ERROR"


def test_certificate_peer_over_plain_http_and_a_notice_under_either_key(
    sandbox: RunningBox, ear: Ear, tmp_path: Path
) -> None:
    sandbox.post("/settings", merchant_mode="migrating", callback_key_percent=100)
    pay = sandbox.told["pay"]
    (tmp_path / "platform.pem").write_text(pay["platform_certificate_pem"])
    certified = sandbox.merchant(public_key=None, public_key_id=None, cert_dir=str(tmp_path))
    shop = Shop(sandbox, ear, certified)
    number = "L" + secrets.token_hex(8)
    shop.paid(number)
    assert shop.query(number)[1]["trade_state"] == "SUCCESS"
    # A certificate peer cannot read a notice under the public key (WECHAT_PAY.md 11.2-7); a key peer reads both.
    with pytest.raises(ValueError, match="invalid literal"):
        shop.read(ear.heard[0])
    sandbox.post("/settings", callback_key_percent=0)
    sandbox.post(f"/deliveries/{sandbox.get('/deliveries')['deliveries'][0]['id']}/again")
    serials = [heard.headers["Wechatpay-Serial"] for heard in ear.heard]
    assert serials == [pay["platform_public_key_id"], pay["platform_serial"]]
    both = sandbox.merchant()
    for heard in ear.heard:
        assert json.loads(heard.body)["event_type"] == "TRANSACTION.SUCCESS"
        assert both.callback(heard.headers, heard.body)["resource"]["out_trade_no"] == number
