"""What is measured within one process, without servers: our way of a job beside a peer's, over the same inputs.

CPU time of the thread per call, so that a busy machine disturbs little; both ways in turn within one round.
"""

import gc
import io
import itertools
import random
import secrets
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl

from PIL import Image

from app.base.clock import utc_now
from app.posters.poster import draw
from app.posters.qr import qr_png
from scripts.bench import IN_PROCESS
from scripts.bench_cases import SAID, sealed_push
from scripts.bench_figures import Round
from scripts.bench_notices import notice
from scripts.bench_peers import Sent, bare_notice, nothing_cached, qrcode_png, wechatpy_answers
from wechat.box.credentials import Account, Credentials, Merchant, load_or_make
from wechat.box.state import Store
from wechat.events import Said, TextReply
from wechat.http import Http
from wechat.official_account import OfficialAccount, OfficialAccountConfig
from wechat.pay import Paid, Pay, PayConfig
from wechat.tokens import MemoryTokenStore, Tokens

FEWEST_ROUNDS = 7
# Enough that no input is met while it is still warm from the last time, few enough to make them at once.
INPUTS = 64
CLERKS = ("林晓雨", "陈嘉禾", "欧阳静怡", "Zoe Lam")


@dataclass(frozen=True)
class Duel:
    """One job, our way and the peer's, as functions of nothing. `calls` make one slice of a round."""

    ours: Callable[[], object]
    peer: Callable[[], object]
    calls: int


def credentials() -> Credentials:
    """Accounts and keys as WeChat would have given them, made anew by the box."""
    with tempfile.TemporaryDirectory(prefix="lianke-bench-") as home:
        return load_or_make(Store(Path(home)))


def make_duels(known: Credentials, names: Iterable[str] = IN_PROCESS) -> dict[str, Duel]:
    """The named jobs. What WeChat would send is made by the box's own code, which is not the house's."""
    return {name: _MAKERS[name](known) for name in names}


def measure(duels: Mapping[str, Duel], rounds: int, say: Callable[[str], None]) -> dict[str, list[Round]]:
    """Take at least FEWEST_ROUNDS rounds, in an order drawn anew each time; one more before is thrown away."""
    taken: dict[str, list[Round]] = {name: [] for name in duels}
    for number in range(max(rounds, FEWEST_ROUNDS) + 1):
        for name in random.sample(list(duels), len(duels)):
            measured = _round(duels[name])
            if number:
                taken[name].append(measured)
    say("the cases within one process are done")
    return taken


def _round(duel: Duel) -> Round:
    if random.random() < 0.5:
        ours = _cpu_us(duel.ours, duel.calls)
        return Round(ours, _cpu_us(duel.peer, duel.calls))
    peer = _cpu_us(duel.peer, duel.calls)
    return Round(_cpu_us(duel.ours, duel.calls), peer)


def _cpu_us(way: Callable[[], object], calls: int) -> float:
    gc.collect()  # nobody tidies up after the other
    began = time.thread_time()
    for _ in range(calls):
        way()
    return (time.thread_time() - began) / calls * 1e6


def _push_open_answer(known: Credentials) -> Duel:
    account = known.oa
    pushes = [_push(account, number) for number in range(INPUTS)]
    peer = wechatpy_answers(
        pushes, appid=account.appid, token=account.token, aes_key=account.aes_key, say=echoed
    )
    return Duel(_our_answers(account, pushes), peer, 1000)


def echoed(text: str) -> str:
    """What both sides answer to a text."""
    return "您好：" + text


def _push(account: Account, number: int) -> Sent:
    posted = sealed_push(account, "o" + secrets.token_hex(13), random.choice(SAID), 10**16 + number)
    return dict(parse_qsl(posted.query)), posted.body


def _our_answers(account: Account, pushes: list[Sent]) -> Callable[[], bytes]:
    config = OfficialAccountConfig(account.appid, account.secret, account.token, (account.aes_key,), True)
    ours = OfficialAccount(
        config, Http(), Tokens(account.appid, account.secret, MemoryTokenStore(), _no_token)
    )
    turn = itertools.cycle(pushes)

    def once() -> bytes:
        query, body = next(turn)
        push = ours.open(query, body)
        assert isinstance(push.event, Said)
        return ours.answer(push, TextReply(echoed(push.event.text)), now=utc_now())

    return once


def _no_token(appid: str, secret: str) -> tuple[str, int]:
    raise AssertionError("a push needs no token")


def _pay_notice_open(known: Credentials) -> Duel:
    merchant, appid = known.pay, known.mp.appid
    notices = [_notice(merchant, appid, number) for number in range(INPUTS)]
    peer = bare_notice(notices, platform_key=merchant.platform_key.public_key(), apiv3_key=merchant.apiv3_key)
    return Duel(_our_notice(merchant, notices), peer, 1000)


def _notice(merchant: Merchant, appid: str, number: int) -> Sent:
    headers, body = notice(merchant, appid, f"P2026{number:012}", "o" + secrets.token_hex(13), 100 + number)
    return {name.replace("_", "-"): value for name, value in headers.items()}, body


def _our_notice(merchant: Merchant, notices: list[Sent]) -> Callable[[], Paid]:
    config = PayConfig(
        mchid=merchant.mchid,
        apiv3_key=merchant.apiv3_key,
        merchant_serial=merchant.serial,
        merchant_private_key_pem=merchant.private_key_pem,
        public_key_id=merchant.platform_key_id,
        public_key_pem=merchant.platform_public_key_pem,
    )
    pay, now, turn = Pay(config, Http()), utc_now(), itertools.cycle(notices)

    def once() -> Paid:
        headers, body = next(turn)
        paid = pay.open_notice(headers, body, now=now)
        assert isinstance(paid, Paid)
        return paid

    return once


def _clerk_code_png(known: Credentials) -> Duel:
    texts = [f"http://weixin.qq.com/q/{secrets.token_hex(11)}" for _ in range(INPUTS)]
    peer = qrcode_png(texts)
    size_px = Image.open(io.BytesIO(peer())).width
    turn = itertools.cycle(texts[1:] + texts[:1])
    return Duel(lambda: qr_png(next(turn), size_px=size_px), peer, 20)


def _poster(known: Credentials) -> Duel:
    code = qr_png(f"http://weixin.qq.com/q/{secrets.token_hex(11)}", size_px=500)
    return Duel(_our_poster(code), nothing_cached(_our_poster(code)), 4)


def _our_poster(code: bytes) -> Callable[[], bytes]:
    turn = itertools.cycle(CLERKS)
    return lambda: draw(
        brand="澜序 LANXU",
        clerk_name=next(turn),
        store_name="澜序·福田购物公园店",
        slogan="把好日子穿在身上",
        code_image=code,
    )


_MAKERS: dict[str, Callable[[Credentials], Duel]] = {
    "push_open_answer": _push_open_answer,
    "pay_notice_open": _pay_notice_open,
    "clerk_code_png": _clerk_code_png,
    "poster": _poster,
}
