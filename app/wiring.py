"""The parts of the house, chosen here and nowhere else: database, Redis, WeChat, vault, clock.

Real WeChat and WeChat in a box differ only in the base URLs and keys of the settings.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

import redis
from sqlalchemy import Connection, Engine

from app.base.clock import utc_now
from app.base.db import Stroke, Tx, open_engine, open_read, open_stroke, open_tx
from app.base.vault import Vault
from app.settings import Settings
from app.token_store import PostgresTokenStore
from wechat.http import Http
from wechat.mini_program import MiniProgram, MiniProgramConfig
from wechat.official_account import OfficialAccount, OfficialAccountConfig
from wechat.pay import Pay, PayConfig
from wechat.platform import stable_token
from wechat.tokens import Tokens, TokenStore

REDIS_TIMEOUT_S = 0.1
# WeChat wants its answer within three seconds, reading the request and writing the answer included.
CALLBACK_DEADLINE_S = 2.5


@dataclass(frozen=True)
class WeChat:
    """The telephone: one client per WeChat product, sharing one pool of connections."""

    oa: OfficialAccount
    mp: MiniProgram
    pay: Pay


@dataclass(frozen=True)
class Parts:
    """What doors and jobs are handed. ``tx`` writes, ``read`` gives an AUTOCOMMIT connection for reads only.

    ``callback_tx`` is for what WeChat calls, and ``callback_stroke`` for what one statement does of it:
    connections that shoppers cannot use up, and limits that end within the three seconds in which WeChat
    wants an answer.
    """

    settings: Settings
    engine: Engine
    callback_engine: Engine
    tx: Tx
    callback_tx: Tx
    callback_stroke: Stroke
    read: Callable[[], AbstractContextManager[Connection]]
    redis: redis.Redis | None
    wechat: WeChat
    vault: Vault
    now: Callable[[], datetime]

    def close(self) -> None:
        """Give back every connection; the parts cannot be used afterwards."""
        self.engine.dispose()
        self.callback_engine.dispose()
        if self.redis is not None:
            self.redis.close()


def build(
    settings: Settings, *, pool_size: int | None = None, now: Callable[[], datetime] = utc_now
) -> Parts:
    """Make the parts from settings. Opens nothing yet: connections are made when first used.

    Call it after a fork, never before: a connection must not be shared by two processes.
    """
    engine = open_engine(settings.database_url, pool_size=pool_size or settings.web_threads + 2)
    callback_engine = open_engine(
        settings.database_url, pool_size=settings.web_threads, statement_s=1.5, lock_s=1.5, pool_s=1
    )
    return Parts(
        settings=settings,
        engine=engine,
        callback_engine=callback_engine,
        tx=open_tx(engine),
        callback_tx=open_tx(callback_engine, deadline_s=CALLBACK_DEADLINE_S),
        callback_stroke=open_stroke(callback_engine, deadline_s=CALLBACK_DEADLINE_S),
        read=open_read(engine),
        redis=_redis(settings),
        wechat=telephone(settings, PostgresTokenStore(engine)),
        vault=Vault(settings.secret_key.get_secret_value()),
        now=now,
    )


def _redis(settings: Settings) -> redis.Redis | None:
    if not settings.redis_url:
        return None
    limits = {"socket_timeout": REDIS_TIMEOUT_S, "socket_connect_timeout": REDIS_TIMEOUT_S}
    return redis.Redis.from_url(settings.redis_url, **limits)


def telephone(settings: Settings, store: TokenStore, *, clock: Callable[[], float] = time.time) -> WeChat:
    """The three clients of WeChat from settings, their tokens in ``store``. Touches no network.

    Raises ValueError, naming the setting and never its value, when a key cannot be one. ``clock`` (unix
    seconds) dates what is signed for WeChat Pay.
    """
    http = Http(pool_size=settings.web_threads * 2)
    fetch = stable_token(http, settings.wechat_api_base)
    oa_tokens = Tokens(settings.oa_appid, settings.oa_secret.get_secret_value(), store, fetch)
    mp_tokens = Tokens(settings.mp_appid, settings.mp_secret.get_secret_value(), store, fetch)
    return WeChat(
        oa=OfficialAccount(_oa_config(settings), http, oa_tokens),
        mp=MiniProgram(
            _mp_config(settings),
            http,
            mp_tokens,
        ),
        pay=Pay(_pay_config(settings), http, clock=clock),
    )


def _oa_config(settings: Settings) -> OfficialAccountConfig:
    keys = (settings.oa_aes_key.get_secret_value(), settings.oa_aes_key_previous.get_secret_value())
    return OfficialAccountConfig(
        appid=settings.oa_appid,
        secret=settings.oa_secret.get_secret_value(),
        token=settings.oa_token.get_secret_value(),
        aes_keys=tuple(key for key in keys if key),
        safe=settings.oa_mode == "safe",
        api_base=settings.wechat_api_base,
        mp_base=settings.wechat_mp_base,
    )


def _mp_config(settings: Settings) -> MiniProgramConfig:
    keys = (settings.mp_aes_key.get_secret_value(), settings.mp_aes_key_previous.get_secret_value())
    return MiniProgramConfig(
        appid=settings.mp_appid,
        secret=settings.mp_secret.get_secret_value(),
        api_base=settings.wechat_api_base,
        token=settings.mp_token.get_secret_value(),
        aes_keys=tuple(key for key in keys if key),
        safe=settings.mp_mode == "safe",
    )


def _pay_config(settings: Settings) -> PayConfig:
    return PayConfig(
        mchid=settings.pay_mchid,
        apiv3_key=settings.pay_apiv3_key.get_secret_value(),
        merchant_serial=settings.pay_merchant_serial,
        merchant_private_key_pem=settings.pay_merchant_key_file.read_text(),
        public_key_id=settings.pay_public_key_id,
        public_key_pem=settings.pay_public_key_file.read_text() if settings.pay_public_key_file else "",
        platform_certificates_pem=tuple(path.read_text() for path in settings.platform_certificate_files),
        base=settings.wechat_pay_base,
        backup_base=settings.wechat_pay_backup_base,
    )
