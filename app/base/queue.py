"""The job queue's front: a job is written on the session's own connection, so it commits or vanishes with the work."""

from datetime import datetime
from typing import Any

from procrastinate import App, SyncPsycopgConnector
from sqlalchemy.orm import Session

# Never opened: every job is written on the connection that is handed in, so this needs no pool.
_sender = App(connector=SyncPsycopgConnector())


def defer(session: Session, job: str, *, at: datetime | None = None, **facts: Any) -> None:
    """Ask for ``job`` (a name of the table in ``app/jobs.py``) to run after this transaction commits.

    ``at``: not before this moment. ``facts`` are small JSON values: business keys, never objects.
    Runs at least once: the job finds out from the tables whether its work is already done.
    """
    raw = session.connection().connection.driver_connection
    _sender.configure_task(job, schedule_at=at, connection=raw).defer(**facts)
