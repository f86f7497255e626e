"""One refresher for all threads and processes, and never a storm, over a real server that hands tokens
out."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from tests.wechat.local import Call, Line, Say, quick, serving
from wechat.errors import Refused, Unavailable
from wechat.official_account import OfficialAccount, OfficialAccountConfig
from wechat.platform import stable_token
from wechat.tokens import MemoryTokenStore, StoredToken, Tokens

APPID, SECRET = "wx1111111111111111", "s3cret-of-the-account-0123456789"
START = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at

    def pass_s(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class WeChat:
    """Plays api.weixin.qq.com: `good` tokens pass, the newest is handed out."""

    def __init__(self, *, stubborn: bool = False) -> None:
        self.good: set[str] = set()
        self.given: list[str] = []
        self.stubborn = stubborn
        self.expires_in = 7200
        self.down = False
        self.error: dict[str, object] | None = None
        self._lock = threading.Lock()

    def invalidate(self) -> None:
        self.good.clear()

    def __call__(self, call: Call) -> Say:
        if call.target == "/cgi-bin/stable_token":
            return self.give(call)
        token = call.target.partition("access_token=")[2].partition("&")[0]
        if token not in self.good:
            return Say(
                body=b'{"errcode":40001,"errmsg":"invalid credential rid: 6899a148-5929c88a-767d57ca"}'
            )
        return Say(body=b'{"subscribe":0,"openid":"o"}')

    def give(self, call: Call) -> Say:
        assert json.loads(call.body) == {
            "grant_type": "client_credential",
            "appid": APPID,
            "secret": SECRET,
            "force_refresh": False,
        }
        if self.down:
            return Say(503, b"<html>")
        if self.error:
            return Say(body=json.dumps(self.error).encode())
        with self._lock:
            if not self.good or not self.given:
                self.given.append(f"token-{len(self.given)}")
                self.good = set() if self.stubborn else {self.given[-1]}
        body = {"access_token": self.given[-1], "expires_in": self.expires_in}
        return Say(body=json.dumps(body).encode())


def asked(line: Line) -> int:
    return sum(call.target == "/cgi-bin/stable_token" for call in line.calls)


def some_tokens(line: Line, store: MemoryTokenStore, now: Callable[[], datetime] | None = None) -> Tokens:
    fetch = stable_token(quick(), line.base)
    return Tokens(APPID, SECRET, store, fetch, **({"now": now} if now else {}))


def an_account(line: Line, store: MemoryTokenStore) -> OfficialAccount:
    config = OfficialAccountConfig(APPID, SECRET, "token", safe=False, api_base=line.base, mp_base=line.base)
    return OfficialAccount(config, quick(), some_tokens(line, store))


def test_cached_until_300_s_before_it_expires() -> None:
    wechat, clock = WeChat(), Clock()
    with serving(wechat) as line:
        tokens = some_tokens(line, MemoryTokenStore(), clock)
        assert tokens.get() == tokens.get() == "token-0"
        clock.pass_s(7200 - 300 - 1)
        assert (tokens.get(), asked(line)) == ("token-0", 1)
        clock.pass_s(1)
        wechat.invalidate()
        assert (tokens.get(), asked(line)) == ("token-1", 2)


def test_a_second_process_takes_the_token_from_the_store() -> None:
    with serving(WeChat()) as line:
        store, clock = MemoryTokenStore(), Clock()
        assert some_tokens(line, store, clock).get() == "token-0"
        assert store.load(APPID) == StoredToken("token-0", START + timedelta(seconds=7200))
        assert (some_tokens(line, store, clock).get(), asked(line)) == ("token-0", 1)


def test_many_threads_at_the_start_make_one_request() -> None:
    with serving(WeChat()) as line, ThreadPoolExecutor(8) as pool:
        tokens = some_tokens(line, MemoryTokenStore())
        assert set(pool.map(lambda _: tokens.get(), range(100))) == {"token-0"}
        assert asked(line) == 1


def hammer(accounts: list[OfficialAccount]) -> list[object]:
    """8 threads x 100 calls."""

    def run(number: int) -> list[object]:
        said: list[object] = []
        for _ in range(100):
            try:
                said.append(accounts[number % len(accounts)].fan("o").subscribed)
            except Unavailable as error:
                said.append(error.code)
        return said

    with ThreadPoolExecutor(8) as pool:
        return [word for words in pool.map(run, range(8)) for word in words]


@pytest.mark.parametrize("processes", [1, 8])
def test_an_invalidated_token_costs_one_more_request_and_no_call_fails(processes: int) -> None:
    wechat = WeChat()
    with serving(wechat) as line:
        store = MemoryTokenStore()
        accounts = [an_account(line, store) for _ in range(processes)]
        accounts[0].fan("o")
        wechat.invalidate()
        assert hammer(accounts) == [False] * 800
        assert asked(line) == 2


@pytest.mark.parametrize("processes", [1, 8])
def test_tokens_that_wechat_itself_rejects_make_no_storm(processes: int) -> None:
    wechat = WeChat(stubborn=True)
    with serving(wechat) as line:
        store = MemoryTokenStore()
        accounts = [an_account(line, store) for _ in range(processes)]
        assert set(hammer(accounts)) == {"40001"}
        assert asked(line) == 2


@pytest.mark.parametrize("code", [40001, 40014, 42001])
def test_each_code_of_a_bad_token_is_tried_once_more_with_a_new_one(code: int) -> None:
    wechat = WeChat()
    answers = iter([f'{{"errcode":{code},"errmsg":"x"}}'.encode(), b'{"subscribe":1,"openid":"o"}'])

    def answer(call: Call) -> Say:
        if "stable_token" in call.target:
            return wechat(call)
        wechat.invalidate()
        return Say(body=next(answers))

    with serving(answer) as line:
        assert an_account(line, MemoryTokenStore()).fan("o").subscribed is True
        sent = [call.target for call in line.calls if "user/info" in call.target]
        assert ["token-0" in sent[0], "token-1" in sent[1], len(sent)] == [True, True, 2]


def test_a_token_that_still_lives_is_used_while_wechat_is_down() -> None:
    wechat, clock = WeChat(), Clock()
    with serving(wechat) as line:
        tokens = some_tokens(line, MemoryTokenStore(), clock)
        tokens.get()
        wechat.down = True
        clock.pass_s(7000)
        assert tokens.get() == "token-0"
        clock.pass_s(201)
        with pytest.raises(Unavailable) as caught:
            tokens.get()
        assert caught.value.code == "HTTP_503"


def test_a_failing_token_endpoint_is_not_asked_by_every_thread() -> None:
    wechat = WeChat()
    wechat.down = True
    with serving(wechat) as line, ThreadPoolExecutor(8) as pool:
        clock = Clock()
        tokens = some_tokens(line, MemoryTokenStore(), clock)

        def fails(_: int) -> str:
            with pytest.raises(Unavailable) as caught:
                tokens.get()
            return caught.value.code

        assert set(pool.map(fails, range(80))) == {"HTTP_503"}
        assert asked(line) == 3  # one fetch with its two bounded repeats
        wechat.down = False
        clock.pass_s(3)
        assert tokens.get() == "token-0"


@pytest.mark.parametrize("code", [40001, 40013, 40125, 40164, 40243])
def test_a_wrong_secret_or_address_is_refused_and_asked_once(code: int) -> None:
    wechat = WeChat()
    wechat.error = {"errcode": code, "errmsg": f"bad {SECRET} rid: 6899a148-5929c88a-767d57ca"}
    with serving(wechat) as line:
        tokens = some_tokens(line, MemoryTokenStore())
        for _ in range(3):
            with pytest.raises(Refused) as caught:
                tokens.get()
            assert (caught.value.code, SECRET in str(caught.value)) == (str(code), False)
            assert "6899a148-5929c88a-767d57ca" in caught.value.detail
        assert asked(line) == 1


def test_a_short_lived_token_is_not_fetched_for_every_call() -> None:
    wechat, clock = WeChat(), Clock()
    wechat.expires_in = 120
    with serving(wechat) as line:
        tokens = some_tokens(line, MemoryTokenStore(), clock)
        assert [tokens.get() for _ in range(20)] == ["token-0"] * 20
        assert asked(line) == 1
        clock.pass_s(61)
        tokens.get()
        assert asked(line) == 2


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"access_token":""}', b"<html>", b'{"access_token":"a"}']
)
def test_an_odd_answer_is_unavailable(body: bytes) -> None:
    with serving(lambda call: Say(body=body)) as line, pytest.raises(Unavailable):
        some_tokens(line, MemoryTokenStore()).get()


class FailingStore(MemoryTokenStore):
    """A store whose database goes away."""

    broken: str = ""

    def load(self, appid: str) -> StoredToken | None:
        if self.broken == "load":
            raise OSError("no database")
        return super().load(appid)

    def save(self, appid: str, token: StoredToken) -> None:
        if self.broken == "save":
            raise OSError("no database")
        super().save(appid, token)


def test_a_store_that_cannot_save_makes_no_storm() -> None:
    given: list[str] = []
    store = FailingStore()
    store.broken = "save"
    tokens = Tokens(APPID, SECRET, store, lambda appid, secret: (given.append(secret) or "T", 7200))
    assert [tokens.get() for _ in range(20)] == ["T"] * 20
    assert len(given) == 1


def test_a_store_that_is_gone_leaves_a_living_token_in_use() -> None:
    clock, store = Clock(), FailingStore()
    tokens = Tokens(APPID, SECRET, store, lambda appid, secret: ("T", 7200), now=clock)
    assert tokens.get() == "T"
    store.broken = "load"
    clock.pass_s(7000)
    assert tokens.get() == "T"
    clock.pass_s(200)
    with pytest.raises(Unavailable, match=r"token \[STORE\] OSError"):
        tokens.get()


def test_a_store_that_is_gone_when_a_token_was_rejected_makes_the_call_unavailable() -> None:
    """As the platform's client meets it: 40001, and then the database is away."""
    store, wechat = FailingStore(), WeChat()
    with serving(wechat) as line:
        account = an_account(line, store=store)
        assert account.fan("o").subscribed is False
        store.broken = "load"
        wechat.invalidate()
        with pytest.raises(Unavailable) as caught:
            account.fan("o")
    assert (caught.value.code, type(caught.value.__cause__)) == ("STORE", OSError)
    assert len(wechat.given) == 1


def test_a_renewed_token_that_could_not_be_saved_is_used() -> None:
    store, given = FailingStore(), iter(["T1", "T2"])
    tokens = Tokens(APPID, SECRET, store, lambda appid, secret: (next(given), 7200))
    assert tokens.get() == "T1"
    store.broken = "save"
    assert [tokens.renew("T1"), tokens.get(), tokens.renew("T1")] == ["T2"] * 3


@pytest.mark.parametrize("lifetime_s", [0, -7200, 10**12, 10**30])
def test_a_lifetime_that_cannot_be_is_unavailable_and_makes_no_storm(lifetime_s: int) -> None:
    given: list[str] = []
    tokens = Tokens(
        APPID, SECRET, MemoryTokenStore(), lambda appid, secret: (given.append(secret) or "T", lifetime_s)
    )
    for _ in range(20):
        with pytest.raises(Unavailable):
            tokens.get()
    assert len(given) == 1


def test_a_clock_that_was_moved_back_does_not_prolong_a_failure() -> None:
    clock, down = Clock(), [True]

    def fetch(appid: str, secret: str) -> tuple[str, int]:
        if down[0]:
            raise Unavailable("token", "TIMEOUT")
        return "T", 7200

    tokens = Tokens(APPID, SECRET, MemoryTokenStore(), fetch, now=clock)
    with pytest.raises(Unavailable):
        tokens.get()
    down[0] = False
    clock.pass_s(-3600)
    assert tokens.get() == "T"


def test_nothing_shows_the_secret_or_the_token() -> None:
    with serving(WeChat()) as line:
        store = MemoryTokenStore()
        tokens = some_tokens(line, store)
        value = tokens.get()
        shown = repr(tokens) + repr(store.load(APPID)) + str(tokens)
        assert [SECRET in shown, value in shown] == [False, False]


@pytest.mark.parametrize("processes", [1, 4])
def test_a_ticket_has_its_own_single_refresher_which_may_need_a_token_first(processes: int) -> None:
    tickets: list[str] = []

    def both(call: Call) -> Say:
        if "getticket" not in call.target:
            return wechat(call)
        tickets.append(call.target)
        return Say(body=b'{"errcode":0,"errmsg":"ok","ticket":"ticket-0","expires_in":7200}')

    wechat, store = WeChat(), MemoryTokenStore()
    with serving(both) as line, ThreadPoolExecutor(8) as pool:
        accounts = [an_account(line, store) for _ in range(processes)]

        def sign(number: int) -> str:
            return accounts[number % processes].sign_page("https://a", now=START, nonce="n").signature

        assert len(set(pool.map(sign, range(80)))) == 1
        assert asked(line) == 1
        # Another process may look after the lock is free, and finds the ticket in the store.
        assert len(tickets) == 1
    kept = store.load(f"{APPID}.jsapi")
    assert kept is not None
    assert (kept.value, "ticket-0" in repr(kept)) == ("ticket-0", False)
