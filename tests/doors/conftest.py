"""Fixtures of the door tests: the whole app on a worker's database, asked through WSGI as a server asks."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from flask import Flask
from sqlalchemy import Engine

from app import create_app
from app.base.db import Tx, open_read, open_stroke
from app.base.vault import Vault
from app.settings import Settings
from app.wiring import Parts, WeChat

NOON = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)  # Saturday 12:00 in Shanghai


@dataclass
class Clock:
    """The time that the app is told; a test may set it."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Noon of a Saturday in November 2026."""
    return Clock()


@pytest.fixture
def parts(engine: Engine, tx: Tx, clock: Clock, database_url: str) -> Parts:
    """The parts of a shop without a telephone: nothing that these doors do may call WeChat."""
    settings = Settings.model_construct(database_url=database_url, log_level="WARNING", redis_url=None)
    return Parts(
        settings=settings,
        engine=engine,
        callback_engine=engine,
        tx=tx,
        callback_tx=tx,
        callback_stroke=open_stroke(engine, deadline_s=2.5),
        read=open_read(engine),
        redis=None,
        wechat=cast(WeChat, None),
        vault=Vault("x" * 32),
        now=clock,
    )


@pytest.fixture
def app(parts: Parts) -> Flask:
    """A fresh app: its memory of answers is empty."""
    return create_app(parts=parts)


@pytest.fixture
def problem_of() -> Any:
    """Checks a refusal's form and answers (status, code, names of the wrong fields)."""

    def check(response: Any) -> tuple[int, str, list[str]]:
        assert response.content_type == "application/problem+json"
        assert response.json["status"] == response.status_code
        assert response.json["request_id"] == response.headers["X-Request-Id"]
        assert response.headers["Cache-Control"] == "no-store"
        return response.status_code, response.json["code"], [one["field"] for one in response.json["errors"]]

    return check
