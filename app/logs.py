"""Logs: one JSON object a line on stdout, never a phone number, openid, token or key in clear."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import orjson
import structlog

SECRET_NAMES = (
    "token",
    "secret",
    "key",
    "phone",
    "openid",
    "unionid",
    "password",
    "session",
    "authorization",
)
_MOBILE = re.compile(r"(?<!\d)(1[3-9]\d)\d{4}(\d{4})(?!\d)")
_LONG = re.compile(r"[A-Za-z0-9_\-+/=]{24,}")


def mask(text: str) -> str:
    """A text with mobile numbers as 138****5678 and everything long enough to be an openid or token cut."""
    return _LONG.sub(lambda found: found[0][:4] + "…", _MOBILE.sub(r"\1****\2", text))


def _masked(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in event.items():
        if any(word in name.lower() for word in SECRET_NAMES) and value:
            event[name] = "…"
        elif isinstance(value, str) and name not in ("timestamp", "request_id"):
            event[name] = mask(value)
    return event


class _JsonHandler(logging.Handler):
    """Library logs in the same form. Exceptions become their type only: their texts quote parameters."""

    def emit(self, record: logging.LogRecord) -> None:
        line = {"at": record.created, "level": record.levelname.lower(), "logger": record.name}
        line["event"] = mask(record.getMessage())[:500]
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
        sys.stdout.buffer.write(orjson.dumps(line, default=str) + b"\n")
        sys.stdout.buffer.flush()


def set_up_logging(level: str) -> None:
    """Send everything through one JSON writer. Calling it again changes the level only."""
    root = logging.getLogger()
    if not any(isinstance(handler, _JsonHandler) for handler in root.handlers):
        root.addHandler(_JsonHandler())
    root.setLevel(level)
    for noisy in ("procrastinate", "alembic", "urllib3"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLevelName(level)))
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _masked,
            structlog.processors.JSONRenderer(
                serializer=lambda event, **_: orjson.dumps(event, default=str).decode()
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=False,
    )
