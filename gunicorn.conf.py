"""The web server: threads, because a request mostly waits for PostgreSQL; two processes, because Python
computes in one core.

WEB_WORKERS, WEB_THREADS and WEB_BIND come from the environment. Access is logged by the application, with
request ids.
"""

import logging
import os
from pathlib import Path
from typing import Any

from gunicorn.glogging import Logger
from prometheus_client import multiprocess

from app.logs import mask

bind = os.environ.get("WEB_BIND", "127.0.0.1:8000")
workers = int(os.environ.get("WEB_WORKERS", "2"))
threads = int(os.environ.get("WEB_THREADS", "8"))
worker_class = "gthread"

# A worker that does not answer its master for this long is replaced; single requests have shorter limits of
# their own.
timeout = 30
graceful_timeout = 20
keepalive = 15
backlog = 512

# Fresh processes now and then, not all at the same moment: whatever leaks, in us or below us, cannot grow
# for ever.
max_requests = 50_000
max_requests_jitter = 5_000

limit_request_line = 4094
limit_request_fields = 60
limit_request_field_size = 8190

accesslog = None
errorlog = "-"
loglevel = "warning"
# The default would put a socket into the home directory of whoever starts the server.
control_socket_disable = True
# Heartbeats are file times. On a disk that stalls, a healthy worker would look dead; /dev/shm is memory.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() and os.access("/dev/shm", os.W_OK) else None


class _Masked(Logger):
    """gunicorn quotes what it cannot read, and a token may be in it."""

    def setup(self, cfg: Any) -> None:
        """Set up as usual, then let every line pass through the house's mask."""
        super().setup(cfg)
        self.error_log.addFilter(_mask_record)


def _mask_record(record: logging.LogRecord) -> bool:
    record.msg, record.args = mask(record.getMessage()), ()
    return True


logger_class = _Masked


def child_exit(server: Any, worker: Any) -> None:
    """Tell the metrics that a process is gone, so that its gauges are not counted for ever."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        multiprocess.mark_process_dead(worker.pid)
