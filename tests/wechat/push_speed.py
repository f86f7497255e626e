"""How fast a push in safe mode is opened and answered, beside wechatpy's own path over the same bytes.

Both sides prove the signature, decrypt, check the app, name the push, make a text reply and seal it. Ours
checks more (constant time, size, document types, the reply's escaping). `python -m tests.wechat.push_speed`
prints the ratio; `compare` is for those who want the figures.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from wechatpy import create_reply, parse_message
from wechatpy.crypto import WeChatCrypto

from tests.wechat.pushes import APPID, KEY, TOKEN, an_account, sealed, xml
from wechat.events import Said, TextReply

NOW = datetime(2024, 4, 26, 6, 20, 46, tzinfo=UTC)


class Speed(NamedTuple):
    """Best time of one push, open and answered, in microseconds; `ratio`: how many of ours go into one of
    theirs."""

    ours_us: float
    wechatpy_us: float
    ratio: float


def ours() -> Callable[[], bytes]:
    """One push opened and answered by us, as a function of nothing."""
    account = an_account()
    query, body = sealed(xml(MsgType="text", Content="附近门店", MsgId=3717005636572528642))

    def once() -> bytes:
        push = account.open(query, body)
        assert isinstance(push.event, Said)
        return account.answer(push, TextReply("您好：" + push.event.text), now=NOW)

    return once


def theirs() -> Callable[[], bytes]:
    """The same push by wechatpy, the way its documentation shows, with the crypto object kept."""
    query, body = sealed(xml(MsgType="text", Content="附近门店", MsgId=3717005636572528642))
    crypto = WeChatCrypto(TOKEN, KEY, APPID)
    signed, timestamp, nonce = (str(query[name]) for name in ("msg_signature", "timestamp", "nonce"))

    def once() -> bytes:
        message = parse_message(crypto.decrypt_message(body, signed, timestamp, nonce))
        reply = create_reply("您好：" + message.content, message=message)
        return str(crypto.encrypt_message(reply.render(), nonce, timestamp)).encode()

    return once


def compare(*, rounds: int = 20, pushes: int = 300) -> Speed:
    """Measures both by turns, so that a busy machine disturbs both, and takes each one's best round."""
    best = []
    sides = [ours(), theirs()]
    times: list[list[float]] = [[], []]
    for _ in range(rounds):
        for side, kept in zip(sides, times, strict=True):
            started = time.perf_counter()
            for _ in range(pushes):
                side()
            kept.append((time.perf_counter() - started) / pushes * 1e6)
    best = [min(kept) for kept in times]
    return Speed(best[0], best[1], best[1] / best[0])


if __name__ == "__main__":
    speed = compare()
    print(f"ours {speed.ours_us:.1f} us, wechatpy {speed.wechatpy_us:.1f} us, ratio {speed.ratio:.2f}")
