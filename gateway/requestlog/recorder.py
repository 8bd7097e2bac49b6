"""Writes down what sandbox credentials ask: after the answer, beside the requests, and never at their cost."""

import logging
import threading
import time
from collections import deque
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from connexion.middleware.abstract import ROUTING_CONTEXT

from gateway import driver
from gateway.front import DATABASE_AWAY
from gateway.guard import Scope
from gateway.requestlog.entry import LONGEST, Seen, record
from gateway.requestlog.tables import RequestRecord
from gateway.runtime import Runtime

log = logging.getLogger(__name__)

MOST = 500
"""So many wait to be written; who comes then is counted and forgotten."""

BATCH, PAUSE = 50, 0.2
"""So many are written at once, and so many seconds lie between: somebody who tests under load may cost others some
percent of a processor, and no more."""

# Who reads the log does not want to read of that.
UNSEEN = frozenset({"list_sandbox_requests", "get_sandbox_request"})


class Recorder(threading.Thread):
    """`see` is called on the event loop, and only puts aside; this thread takes the persons out and writes."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(name="request-log", daemon=True)
        self._runtime = runtime
        self._waiting: deque[Seen] = deque()
        self._asked, self._stopping = threading.Event(), threading.Event()
        self.dropped = 0

    def stop(self) -> None:
        """Write what waits, and end."""
        self._stopping.set()
        self._asked.set()
        self.join()

    def see(self, scope: Scope, answer: Mapping[str, Any], began: float) -> None:
        """`answer` has the ASGI message `start` and the `body`; `began` is in seconds of `time.perf_counter`."""
        operation = scope["extensions"][ROUTING_CONTEXT]["operation_id"]
        if operation in UNSEEN or "start" not in answer:
            return
        if len(self._waiting) >= MOST:
            self.dropped += 1
            return
        self._waiting.append(self._seen(scope, answer, operation, time.perf_counter() - began))
        self._asked.set()

    def _seen(self, scope: Scope, answer: Mapping[str, Any], operation: str, seconds: float) -> Seen:
        caller, body, answered = scope["stecker.caller"], scope["stecker.body"], answer.get("body", b"")
        return Seen(
            at=self._runtime.clock() - timedelta(seconds=seconds),
            seconds=seconds,
            request_id=scope["stecker.request_id"],
            partner_id=caller.partner_id,
            client_id=caller.client_id,
            operation=operation,
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"],
            parameters=scope.get("path_params", {}),
            headers=scope["headers"],
            body=body if len(body) <= LONGEST else None,
            size=len(body),
            status=answer["start"]["status"],
            answer_headers=answer["start"]["headers"],
            answer=answered if len(answered) <= LONGEST else None,
            answer_size=len(answered),
            chaos=answer.get("chaos"),
            clock=scope.get("stecker.clock"),
        )

    def run(self) -> None:
        told = 0
        while self._waiting or not self._stopping.is_set():
            if not self._waiting:
                self._asked.wait()
                self._asked.clear()
            self._write([self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))])
            if self.dropped > told:
                log.warning("requests_not_recorded", extra={"count": self.dropped - told})
                told = self.dropped
            self._stopping.wait(PAUSE)

    def _write(self, batch: list[Seen]) -> None:
        if not batch:
            return
        try:
            rows = [record(seen) for seen in batch]
            with self._runtime.sessions.begin() as session:
                driver.write(session, _INSERT, {"rows": driver.rows(rows)})
        except DATABASE_AWAY as error:
            self.dropped += len(batch)
            log.warning("the database is away from the request log: %s", type(error).__name__)
        except Exception as error:  # the outermost frame of this thread: the next batch is written all the same
            self.dropped += len(batch)
            log.exception("request_log_failed: %s", type(error).__name__)


_COLUMNS = driver.columns(RequestRecord)
_INSERT = (
    f"""
    INSERT INTO request_log ({_COLUMNS})
    SELECT {_COLUMNS} FROM json_populate_recordset(NULL::request_log, %(rows)s)
    """,
)
