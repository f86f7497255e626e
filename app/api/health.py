"""Is the process alive, can it work, what has it counted: /healthz, /readyz, /metrics."""

import os

from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest, multiprocess
from prometheus_client import REGISTRY as PROCESS_REGISTRY
from sqlalchemy import text

from app.api.guard import parts
from app.api.schema import answer

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def healthz() -> Response:
    """The process answers. Touches nothing else."""
    return answer({"status": "ok"})


@bp.get("/readyz")
def readyz() -> Response:
    """200 when PostgreSQL answers and its schema is there; Redis is reported but never needed."""
    found = {"database": _database(), "redis": _redis()}
    return answer(found, 200 if found["database"] == "ok" else 503)


@bp.get("/metrics")
def metrics() -> Response:
    """Prometheus text, summed over all worker processes when PROMETHEUS_MULTIPROC_DIR is set."""
    registry = PROCESS_REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # untyped in prometheus_client
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _database() -> str:
    try:
        with parts().read() as connection:
            connection.execute(text("select 1 from alembic_version"))
    except Exception as error:  # noqa: BLE001 - any failure at all means "not ready"; the type says which
        return type(error).__name__
    return "ok"


def _redis() -> str:
    client = parts().redis
    if client is None:
        return "not configured"
    try:
        client.ping()
    except Exception as error:  # noqa: BLE001 - soft state only: reported, never fatal
        return type(error).__name__
    return "ok"
