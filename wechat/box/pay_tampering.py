"""What can be wrong with the signature of an answer or a notice of WeChat Pay, on demand (WECHAT_PAY.md 3, 12): the
probe that is no signature, a good one of ten minutes ago, one under a name that nobody knows, one that does not say
its kind."""

import time

from werkzeug.datastructures import Headers

from wechat.box.inside import letters
from wechat.box.pay_signing import Signer, platform_headers

TROUBLES = ("signtest", "stale", "unknown_serial", "no_signature_type")
# The same, as kinds of a fault rule over calls.
OF_ANSWERS = {f"{trouble}_answer": trouble for trouble in TROUBLES}
# A probe of a callback comes before the true notice (see ``notices``); the others take its place once.
OF_NOTICES = TROUBLES[1:]
_STALE_S = 600


def probe() -> str:
    """A signature as WeChat sends it to see who verifies."""
    return "WECHATPAY/SIGNTEST/" + letters(325)


def spoil(trouble: str, headers: dict[str, str] | Headers, signer: Signer, body: bytes) -> None:
    """Put this trouble into the headers of a signed body."""
    if trouble == "signtest":
        headers["Wechatpay-Signature"] = probe()
    elif trouble == "stale":
        headers.update(platform_headers(signer, body, seconds=int(time.time()) - _STALE_S))
    elif trouble == "unknown_serial":
        by_key = signer.serial.startswith("PUB_KEY_ID_")
        headers["Wechatpay-Serial"] = "PUB_KEY_ID_" + "9" * 34 if by_key else "7E" + "57" * 19
    elif trouble == "no_signature_type":
        del headers["Wechatpay-Signature-Type"]
