"""Our side of WeChat Pay's signatures and seals, always over raw bytes: what is sent is signed, what came
sealed is opened. `platform_keys` is WeChat's side."""

import base64
import binascii

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from wechat.errors import Malformed

SCHEME = "WECHATPAY2-SHA256-RSA2048"
WINDOW_S = 300
PROBE = "WECHATPAY/SIGNTEST/"
"""WeChat sometimes signs wrongly on purpose, with this prefix, to see whether we look."""


def lines(*parts: str | bytes) -> bytes:
    """The message that is signed: every part followed by a newline, the last one too."""
    return b"".join((part.encode() if isinstance(part, str) else part) + b"\n" for part in parts)


class MerchantKey:
    """Our side: the private key of the merchant's API certificate. Thread-safe. Raises ValueError when
    unusable."""

    def __init__(self, mchid: str, serial: str, private_key_pem: str) -> None:
        self.mchid = mchid
        self._serial = serial
        try:
            key = load_pem_private_key(private_key_pem.encode(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, RSAPrivateKey):
            raise ValueError("merchant private key: not an unencrypted RSA key in PEM")
        self._key = key

    def __repr__(self) -> str:
        return f"MerchantKey(mchid={self.mchid!r})"

    def sign(self, message: bytes) -> str:
        """RSA PKCS#1 v1.5 with SHA-256, base64."""
        return base64.b64encode(self._key.sign(message, PKCS1v15(), SHA256())).decode()

    def authorization(self, method: str, target: str, body: bytes, *, seconds: int, nonce: str) -> str:
        """The Authorization header of a request. `target`: raw path and query as they stand on the wire."""
        signature = self.sign(lines(method, target, str(seconds), nonce, body))
        return (
            f'{SCHEME} mchid="{self.mchid}",nonce_str="{nonce}",signature="{signature}",'
            f'timestamp="{seconds}",serial_no="{self._serial}"'
        )

    def open(self, ciphertext: str) -> str:
        """Opens a sensitive field that WeChat encrypted for our certificate (RSA-OAEP with SHA-1, base64).
        Raises Malformed when it does not open."""
        try:
            sealed = base64.b64decode(ciphertext, validate=True)
            return self._key.decrypt(sealed, OAEP(MGF1(SHA1()), SHA1(), None)).decode()
        except ValueError:
            raise Malformed("sealed field does not open with the merchant's key") from None


class NoticeKey:
    """The APIv3 key, which opens what WeChat Pay seals in notices. Raises ValueError unless it has 32 bytes
    (`any_length` admits the 16 of published vectors)."""

    def __init__(self, apiv3_key: str, *, any_length: bool = False) -> None:
        raw = apiv3_key.encode()
        if len(raw) != 32 and not any_length:
            raise ValueError("APIv3 key: not 32 bytes")
        self._cipher = AESGCM(raw)

    def open(self, nonce: str, associated_data: str, ciphertext: str) -> bytes:
        """AES-GCM over base64, tag at the end. Raises Malformed when it does not open."""
        try:
            sealed = binascii.a2b_base64(ciphertext, strict_mode=True)
            return self._cipher.decrypt(nonce.encode(), sealed, associated_data.encode())
        except (ValueError, InvalidTag):  # binascii.Error is a ValueError
            raise Malformed("sealed part does not open with the APIv3 key") from None
