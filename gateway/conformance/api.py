"""`POST /v1/sandbox/conformance`: the checks, on threads of their own. No request waits behind a slow receiver."""

import asyncio
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

from flask import Response

from adapters.errors import Problem as Fault
from gateway.call import Call, as_json
from gateway.conformance import report
from gateway.conformance.service import Result, Run
from gateway.endpoints.service import WORDS
from gateway.errors import Problem
from gateway.guard import Receive, Scope, until_gone
from gateway.runtime import Runtime
from webhooks import egress, signing
from webhooks.transport import Transport

MOST = 2
"""How many run at once in this process, each for another partner."""

BUDGET = 60.0
FOUND = "stecker.conformance"
"""Where a run leaves its results for the handler."""


def check_receiver(call: Call) -> Response:
    """`POST /v1/sandbox/conformance`."""
    return as_json(report.document(call.scope[FOUND]))


class Checking:
    """Runs the checks before the handler is called. Ends with what is done when the client leaves, or the server."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._running: dict[str, threading.Event] = {}
        self._pool = ThreadPoolExecutor(MOST, thread_name_prefix="conformance-run")

    def release(self) -> None:
        """End every run with the check that is under way."""
        for stopping in tuple(self._running.values()):
            stopping.set()

    async def __call__(self, scope: Scope, receive: Receive) -> None:
        """Raises `Problem` for what cannot be checked, and where too much is being checked already."""
        url, key = self._wish(scope["stecker.document"])
        partner_id = scope["stecker.caller"].partner_id
        if partner_id in self._running or len(self._running) >= MOST:
            detail = "Receivers are being checked already; try again in a moment."
            raise Problem(code="too-many-requests", detail=detail, headers={"Retry-After": "5"})
        stopping = self._running[partner_id] = threading.Event()
        gone = asyncio.create_task(until_gone(receive))
        gone.add_done_callback(lambda task: stopping.set())
        try:
            scope[FOUND] = await asyncio.get_running_loop().run_in_executor(self._pool, self._run, url, key, stopping)
        finally:
            gone.cancel()
            del self._running[partner_id]

    def _wish(self, said: Mapping[str, Any]) -> tuple[str, bytes]:
        settings = self._runtime.settings
        codes = egress.check_url(said["url"], settings.egress_allow, settings.public_host)
        faults = [Fault(pointer="/url", code=code, detail=WORDS[code]) for code in codes]
        try:
            key = signing.key(said["secret"])
        except ValueError:
            detail = "This is not the secret of an endpoint: whsec_ and 24 to 64 bytes in base64."
            faults.append(Fault(pointer="/secret", code="malformed", detail=detail))
        if faults:
            raise Problem(code="invalid", detail="This receiver cannot be checked.", faults=tuple(faults))
        return said["url"], key

    def _run(self, url: str, key: bytes, stopping: threading.Event) -> list[Result]:
        settings = self._runtime.settings
        with closing(Transport(allow=settings.egress_allow, proxy=settings.egress_proxy)) as transport:
            run = Run(
                url=url,
                key=key,
                transport=transport,
                clock=self._runtime.clock,
                budget=BUDGET,
                stopping=stopping,
            )
            return list(run.results())
