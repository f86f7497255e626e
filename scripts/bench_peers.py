"""How others do what the house does within one process: wechatpy, qrcode, and scripts on bare cryptography.

Each maker answers a function of nothing that takes its inputs in turn; keys are loaded once, when it is made.
"""

import base64
import io
import itertools
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType

import orjson
import qrcode
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from wechatpy import create_reply, parse_message
from wechatpy.crypto import WeChatCrypto
from wechatpy.utils import check_signature

from app.posters import lettering, poster

Sent = tuple[Mapping[str, str], bytes]


def wechatpy_answers(
    pushes: Sequence[Sent], *, appid: str, token: str, aes_key: str, say: Callable[[str], str]
) -> Callable[[], bytes]:
    """A push in safe mode proven, opened, read and answered the way wechatpy's own example shows, with the
    crypto object kept from push to push. `pushes` are (query, body)."""
    crypto = WeChatCrypto(token, aes_key, appid)
    turn = itertools.cycle(pushes)

    def once() -> bytes:
        query, body = next(turn)
        timestamp, nonce = query["timestamp"], query["nonce"]
        check_signature(token, query["signature"], timestamp, nonce)
        message = parse_message(crypto.decrypt_message(body, query["msg_signature"], timestamp, nonce))
        reply = create_reply(say(message.content), message=message)
        return str(crypto.encrypt_message(reply.render(), nonce, timestamp)).encode()

    return once


def bare_notice(
    notices: Sequence[Sent], *, platform_key: RSAPublicKey, apiv3_key: str
) -> Callable[[], dict[str, object]]:
    """A notice of WeChat Pay by the calls that nobody can do without: RSA verify, the envelope's JSON,
    AES-GCM, the JSON inside. It looks at neither time, serial nor any field. `notices` are (headers, body)."""
    cipher = AESGCM(apiv3_key.encode())
    turn = itertools.cycle(notices)

    def once() -> dict[str, object]:
        headers, body = next(turn)
        signed = f"{headers['Wechatpay-Timestamp']}\n{headers['Wechatpay-Nonce']}\n".encode() + body + b"\n"
        platform_key.verify(base64.b64decode(headers["Wechatpay-Signature"]), signed, PKCS1v15(), SHA256())
        resource = orjson.loads(body)["resource"]
        ciphertext = base64.b64decode(resource["ciphertext"])
        inside = cipher.decrypt(resource["nonce"].encode(), ciphertext, resource["associated_data"].encode())
        return dict(orjson.loads(inside))

    return once


def qrcode_png(texts: Sequence[str]) -> Callable[[], bytes]:
    """`qrcode` as it comes: error correction M, 10 pixels a module, a margin of four modules, PIL's PNG."""
    turn = itertools.cycle(texts)

    def once() -> bytes:
        out = io.BytesIO()
        qrcode.make(next(turn)).save(out)
        return out.getvalue()

    return once


def nothing_cached(draw: Callable[[], bytes]) -> Callable[[], bytes]:
    """Our own poster with every layer, font and letter made anew each time."""

    def once() -> bytes:
        for module in (poster, lettering):
            _forget(module)
        return draw()

    return once


def _forget(module: ModuleType) -> None:
    for kept in vars(module).values():
        if hasattr(kept, "cache_clear"):
            kept.cache_clear()
