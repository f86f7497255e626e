"""How fast a notice of WeChat Pay is proven, opened and named, beside the cryptography that this cannot do
without, with keys loaded once on both sides.

`bare` is what a script would write: base64, RSA verify, AES-GCM, and json.loads of the envelope and of what was
sealed; `crypto` is the two calls of cryptography alone, on bytes made ready before. Ours also looks at the time,
the serial, every type, and makes the frozen answer. `python -m tests.wechat.notice_speed` prints the ratios.
"""

import base64
import json
import time
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

from tests.wechat import vectors as v
from tests.wechat.merchant import NOW, PLATFORM_KEY, SECONDS, TRADE, a_config, a_notice, signed_headers
from wechat.http import Http
from wechat.pay import Paid, Pay

PAY = Pay(a_config(), Http())
BODY = a_notice(TRADE)
HEADERS = signed_headers(BODY, seconds=SECONDS)
KEY, CIPHER = PLATFORM_KEY.public_key(), AESGCM(v.DERIVED_APIV3_KEY.encode())
SIGNED = f"{HEADERS['Wechatpay-Timestamp']}\n{HEADERS['Wechatpay-Nonce']}\n".encode() + BODY + b"\n"
SIGNATURE = base64.b64decode(HEADERS["Wechatpay-Signature"])
SEALED = base64.b64decode(json.loads(BODY)["resource"]["ciphertext"])


class Speed(NamedTuple):
    """Best time of one notice in microseconds; the ratios say how much of our time the other would take."""

    ours_us: float
    bare_us: float
    crypto_us: float

    @property
    def to_bare(self) -> float:
        """1 when we are as fast as the script."""
        return self.bare_us / self.ours_us

    @property
    def to_crypto(self) -> float:
        """1 when all that we do beside the two calls costs nothing."""
        return self.crypto_us / self.ours_us


def ours() -> None:
    """One notice, by us."""
    assert type(PAY.open_notice(HEADERS, BODY, now=NOW)) is Paid


def bare() -> None:
    """One notice, as a script would."""
    resource = json.loads(BODY)["resource"]
    signed = f"{HEADERS['Wechatpay-Timestamp']}\n{HEADERS['Wechatpay-Nonce']}\n".encode() + BODY + b"\n"
    KEY.verify(base64.b64decode(HEADERS["Wechatpay-Signature"]), signed, PKCS1v15(), SHA256())
    sealed = base64.b64decode(resource["ciphertext"])
    json.loads(CIPHER.decrypt(resource["nonce"].encode(), sealed, resource["associated_data"].encode()))


def crypto() -> None:
    """The two calls."""
    KEY.verify(SIGNATURE, SIGNED, PKCS1v15(), SHA256())
    CIPHER.decrypt(b"a1b2c3d4e5f6", SEALED, b"transaction")


def compare(*, rounds: int = 40, notices: int = 300) -> Speed:
    """Measures all by turns, so that a busy machine disturbs all, and takes each one's best round."""
    sides = [ours, bare, crypto]
    best = [float("inf")] * len(sides)
    for _ in range(rounds):
        for place, side in enumerate(sides):
            started = time.perf_counter()
            for _ in range(notices):
                side()
            best[place] = min(best[place], (time.perf_counter() - started) / notices * 1e6)
    return Speed(*best)


if __name__ == "__main__":
    speed = compare()
    print(
        f"ours {speed.ours_us:.1f} us, bare {speed.bare_us:.1f} us (ratio {speed.to_bare:.2f}), "
        f"the two calls alone {speed.crypto_us:.1f} us (ratio {speed.to_crypto:.2f})"
    )
