"""Which of the platform's keys signs what, and who may open what was sealed for it (WECHAT_PAY.md 3.1, 3.4)."""

import base64
import binascii
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1
from flask import Request

from wechat.box.inside import Box, letters, rfc3339
from wechat.box.pay_settings import CERT_ONLY, KEY_ONLY
from wechat.box.pay_signing import PayRefusal, Signer
from wechat.box.platform_certificates import ORDINARY, ZERO, PlatformCertificate

# SHA-1 here is the published scheme, not a choice.
_OAEP = OAEP(mgf=MGF1(algorithm=SHA1()), algorithm=SHA1(), label=None)
_NO_CERTIFICATES = (
    "无可用的平台证书，请在商户平台-API安全申请使用微信支付公钥。可查看指引"
    "https://pay.weixin.qq.com/docs/merchant/products/platform-certificate/wxp-pub-key-guide.html"
)
_NONE = {
    "RESOURCE_NOT_EXISTS": (404, _NO_CERTIFICATES),
    "NOT_FOUND": (404, "平台证书不存在"),
    "SYSTEM_ERROR": (500, "系统异常，请稍后重试"),
}


def _public_pair(box: Box) -> Signer:
    pay = box.credentials.pay
    return Signer(pay.platform_key_id, pay.platform_key)


def certificates(box: Box) -> list[PlatformCertificate]:
    """The platform certificates in force, the newest last; two while they rotate."""
    chosen, made = box.settings()["platform_certificate"], box.credentials.pay.certificates
    return [made[ORDINARY], made[ZERO]] if chosen == "rotating" else [made[chosen]]


def _certified(box: Box) -> Signer:
    valid = certificates(box)
    # In the last days of a rotation both sign, by turns.
    one = valid[0] if len(valid) == 1 else valid[box.store.next_number("certificate turn") % 2]
    return Signer(one.serial, one.key)


def _named(box: Box, serial: str) -> Signer | None:
    """The key in force that has this name: the public key's exactly, a certificate's as upper-case hex."""
    mode = box.settings()["merchant_mode"]
    if mode != CERT_ONLY and serial == box.credentials.pay.platform_key_id:
        return _public_pair(box)
    if mode != KEY_ONLY:
        for one in certificates(box):
            if serial.upper() == one.serial:
                return Signer(one.serial, one.key)
    return None


def for_answer(box: Box, request: Request) -> Signer:
    """Who signs the answer to this call: the key that the call names, else what the merchant's mode says."""
    if box.settings()["merchant_mode"] == KEY_ONLY:
        return _public_pair(box)
    return _named(box, request.headers.get("Wechatpay-Serial", "")) or _certified(box)


def for_notice(box: Box) -> Signer:
    """Who signs the next notice; while migrating exactly ``callback_key_percent`` of a hundred by the public
    key's pair, spread evenly."""
    settings = box.settings()
    if settings["merchant_mode"] == KEY_ONLY:
        return _public_pair(box)
    if settings["merchant_mode"] == CERT_ONLY:
        return _certified(box)
    turn, percent = box.store.next_number("callback turn"), settings["callback_key_percent"]
    return _public_pair(box) if turn * percent // 100 > (turn - 1) * percent // 100 else _certified(box)


def listed(box: Box) -> dict[str, Any]:
    """The answer of GET /v3/certificates: every certificate in force, sealed with the APIv3 key. A merchant
    in key-only mode has none: PayRefusal as ``no_certificates_code`` says."""
    settings = box.settings()
    if settings["merchant_mode"] == KEY_ONLY:
        code = settings["no_certificates_code"]
        status, message = _NONE[code]
        raise PayRefusal(status, code, message)
    return {"data": [_sealed(box, one) for one in certificates(box)]}


def _sealed(box: Box, one: PlatformCertificate) -> dict[str, Any]:
    nonce = letters(12)
    aes = AESGCM(box.credentials.pay.apiv3_key.encode())
    return {
        "serial_no": one.serial,
        "effective_time": rfc3339(one.effective_at.timestamp()),
        "expire_time": rfc3339(one.expire_at.timestamp()),
        "encrypt_certificate": {
            "algorithm": "AEAD_AES_256_GCM",
            "nonce": nonce,
            "associated_data": "certificate",
            "ciphertext": base64.b64encode(
                aes.encrypt(nonce.encode(), one.pem.encode(), b"certificate")
            ).decode(),
        },
    }


def opened(box: Box, request: Request, field: str, ciphertext: str) -> str:
    """What the caller sealed for the platform (RSA-OAEP) with the key that Wechatpay-Serial names. Raises
    PayRefusal 400 PARAM_ERROR: no such header, a key that is not ours, or a text that does not open."""
    serial = request.headers.get("Wechatpay-Serial", "")
    if not serial:
        raise PayRefusal(400, "PARAM_ERROR", "HTTP header缺少微信支付平台证书序列号(Wechatpay-Serial)")
    signer = _named(box, serial)
    if signer is None:
        raise PayRefusal(400, "PARAM_ERROR", "HTTP header中的微信支付平台证书序列号(Wechatpay-Serial)有误")
    try:
        return signer.key.decrypt(base64.b64decode(ciphertext, validate=True), _OAEP).decode()
    except (ValueError, binascii.Error):
        detail = {"field": field, "issue": "敏感信息解密失败", "location": "body"}
        raise PayRefusal(400, "PARAM_ERROR", f"输入源“/body{field}”敏感信息解密失败", detail) from None


def sealed_for_merchant(box: Box, plain: str) -> str:
    """Sensitive text on its way down: sealed with the public key in the merchant's certificate."""
    certificate = x509.load_pem_x509_certificate(box.credentials.pay.certificate_pem.encode())
    key = certificate.public_key()
    assert isinstance(key, RSAPublicKey)
    return base64.b64encode(key.encrypt(plain.encode(), _OAEP)).decode()
