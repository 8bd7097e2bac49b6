"""What a worker does when asked through Redis, and nothing else.

Whoever can write to Redis can name any function of Python in a job, as its function or as a callback (security.md
Q13). So a job here never imports anything: it finds its function in a list, or is refused.
"""

import threading
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from rq import SimpleWorker
from rq.job import Job

Tasks = Mapping[str, Callable[[], None]]


class NotAllowed(Exception):
    """A job that names something else than one of our tasks."""


class AllowedJob(Job):
    """A job that runs a task of the list. Callbacks and RQ's own webhooks do not exist."""

    tasks: Tasks = MappingProxyType({})

    success_callback = failure_callback = stopped_callback = None

    def restore(self, raw_data: Any) -> None:
        super().restore(raw_data)
        self.webhooks = []

    def _execute(self) -> None:
        callbacks = (self._success_callback_name, self._failure_callback_name, self._stopped_callback_name)
        task = self.tasks.get(self.func_name or "")
        if task is None or any(callbacks) or self.args or self.kwargs:
            raise NotAllowed
        task()


class TaskWorker(SimpleWorker):
    """Runs tasks in this process, one at a time, with one database engine and one pool of connections."""

    job_class = AllowedJob
    max_connection_wait_time = 1.0

    def __init__(self, *args: Any, tasks: Tasks, stopping: threading.Event, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._tasks = tasks
        self._stopping = stopping

    def perform_job(self, job: Job, *args: Any, **kwargs: Any) -> bool:
        if isinstance(job, AllowedJob):
            job.tasks = self._tasks
        return bool(super().perform_job(job, *args, **kwargs))

    def handle_warm_shutdown_request(self) -> None:
        self._stopping.set()

    def _install_signal_handlers(self) -> None:
        super()._install_signal_handlers()  # type: ignore[no-untyped-call]
        # A signal that came just before.
        self._stop_requested = self._stopping.is_set()
