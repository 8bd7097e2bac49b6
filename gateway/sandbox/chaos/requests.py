"""Chaos on our own API: what happens to the requests of a key that asked for it."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from gateway.errors import Problem
from gateway.guard import App, Receive, Scope, Send
from gateway.runtime import Runtime
from gateway.sandbox.chaos import service
from gateway.sandbox.chaos.kinds import NEVER
from gateway.sandbox.chaos.service import Taken

LOST = "lost_answer"
CODES: Mapping[str, str] = {"too_many_requests": "too-many-requests", "unavailable": "unavailable"}


class Disturbances:
    """ASGI middleware behind the limits: looks once for each request of a sandbox's key, and for none of the others."""

    def __init__(self, app: App, runtime: Runtime) -> None:
        self.app, self.runtime = app, runtime
        # A look is short, and one at a time needs one connection.
        self.pool = ThreadPoolExecutor(1, thread_name_prefix="chaos")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # There is something in it for a sandbox's caller alone.
        inner = scope.get("stecker.inner")
        if not inner or scope["path"].startswith(NEVER):
            return await self.app(scope, receive, send)
        found = await asyncio.get_running_loop().run_in_executor(self.pool, self._look(scope))
        if found is not None:
            inner["chaos"] = found.kind
            if found.kind != LOST:
                raise refusal(found)
            inner["lost"] = True
        await self.app(scope, receive, send)

    def _look(self, scope: Scope) -> Callable[[], Taken | None]:
        caller, method, path = scope["stecker.caller"], scope["method"], scope["path"]
        sessions, now = self.runtime.sessions, self.runtime.clock()
        return lambda: service.take_request(sessions, caller, method, path, now)


def refusal(found: Taken) -> Problem:
    """As in earnest, and marked as what it is."""
    return Problem(
        code=CODES[found.kind],
        detail=f"This is the chaos {found.id} that you asked for; nothing was done.",
        headers={"Retry-After": str(found.numbers["retry_after"]), "Stecker-Chaos": found.kind},
    )
