"""Who waits for something waits on the event loop: no thread, no connection, and one short query for all of them."""

import asyncio
import logging
from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from sqlalchemy.orm import Session

from gateway.errors import Problem
from gateway.front import DATABASE_AWAY
from gateway.guard import Receive, Scope, until_gone
from gateway.runtime import Runtime

log = logging.getLogger(__name__)

INTERVAL = 0.25
"""Seconds between two looks, while somebody waits."""

MOST = 200
MOST_EACH = 10
"""How many wait at once in this process for one kind of thing; of one partner."""

Sought = TypeVar("Sought", bound=Hashable)


@dataclass(eq=False, slots=True)
class _Waiter(Generic[Sought]):
    partner_id: str
    sought: Sought
    over: asyncio.Event = field(default_factory=asyncio.Event)


class Waiting(Generic[Sought]):
    """Holds a request back until there is something to read, its seconds are over, its client or the server goes.

    `seek` says what a request waits for, or raises `Problem`; `found` which of those things are there.
    """

    def __init__(
        self,
        runtime: Runtime,
        seek: Callable[[Scope], Sought],
        found: Callable[[Session, Collection[Sought]], Collection[Sought]],
    ) -> None:
        self._runtime = runtime
        self._seek = seek
        self._found = found
        self._waiters: set[_Waiter[Sought]] = set()
        self._asked = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None
        self._closing = False

    def release(self) -> None:
        """Nobody waits any more: who does goes with the next look."""
        self._closing = True

    async def __call__(self, scope: Scope, receive: Receive) -> None:
        """Wait as the query says. Raises `Problem` (429) where too many do already."""
        seconds = scope["stecker.query"].get("wait", 0)
        if not seconds or self._closing:
            return
        waiter = _Waiter(scope["stecker.caller"].partner_id, self._seek(scope))
        self._admit(waiter)
        ends: list[asyncio.Task[Any]] = [
            asyncio.create_task(waiter.over.wait()),
            asyncio.create_task(until_gone(receive)),
        ]
        try:
            await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._waiters.discard(waiter)
            if not self._waiters and self._watching is not None:
                ends.append(self._watching)
                self._watching = None
            for end in ends:
                end.cancel()
            await asyncio.gather(*ends, return_exceptions=True)

    def _admit(self, waiter: _Waiter[Sought]) -> None:
        theirs = sum(one.partner_id == waiter.partner_id for one in self._waiters)
        if theirs >= MOST_EACH or len(self._waiters) >= MOST:
            detail = "Too many requests wait here already; let one of them end, or ask without `wait`."
            raise Problem(code="too-many-requests", detail=detail, headers={"Retry-After": "1"})
        self._waiters.add(waiter)
        self._asked.set()
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        """Look, all at once for everybody who waits, until nobody does."""
        while self._waiters:
            self._asked.clear()
            found = await asyncio.to_thread(self._look, {one.sought for one in self._waiters})
            for one in self._waiters:
                if self._closing or one.sought in found:
                    one.over.set()
            try:
                await asyncio.wait_for(self._asked.wait(), INTERVAL)
            except TimeoutError:
                continue

    def _look(self, sought: Collection[Sought]) -> Collection[Sought]:
        try:
            with self._runtime.sessions() as session:
                return self._found(session, sought)
        except DATABASE_AWAY as error:
            log.warning("the database is away from those who wait: %s", type(error).__name__)
            return ()
