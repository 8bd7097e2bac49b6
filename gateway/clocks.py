"""Whose time it is: the clock of a partner's sandbox may stand (`webhooks.clocks`); all others go by the process's.

A clock is asked for with each request of its sandbox, and never remembered: the request behind one that has moved it,
in whichever process, goes by the new time.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway import driver
from gateway.call import Call
from gateway.guard import App, Receive, Scope, Send
from gateway.oauth import bearer
from gateway.oauth.bearer import Caller
from gateway.runtime import Runtime
from gateway.tenant import Tenant
from webhooks import clocks
from webhooks.tables import Clock
from webhooks.tenant import Tenant as Owner


def now_of(session: Session, tenant: Tenant, now: datetime) -> datetime:
    """The tenant's time; `now` is the real one. Live costs nothing."""
    if tenant.environment == "live":
        return now
    return clocks.now_of(session, Owner(tenant.partner_id, tenant.environment), now)


def moment(runtime: Runtime, tenant: Tenant) -> datetime:
    """As `now_of`, for whoever has no session."""
    if tenant.environment == "live":
        return runtime.clock()
    with runtime.sessions() as session:
        return now_of(session, tenant, runtime.clock())


def held(session: Session, call: Call) -> Call:
    """The call in its tenant's time, which nobody moves until this transaction is over. Comes before all other locks.

    For what would wait for ever where a clock that it was begun by is left meanwhile.
    """
    tenant = call.tenant
    mine = (Clock.owner == tenant.partner_id) & (Clock.environment == tenant.environment)
    stands_at = session.scalar(select(Clock.stands_at).where(mine).with_for_update(read=True))
    return replace(call, now=stands_at or call.runtime.clock())


class Clocks:
    """ASGI middleware behind the limits: leaves in the scope of a sandbox's caller where its clock stands.

    And refuses access tokens whose time is over, or still to come, by that clock; and those of clients that are
    forgotten, as they are when all their tokens are over in real time.
    """

    def __init__(self, app: App, runtime: Runtime) -> None:
        self.app, self.runtime = app, runtime
        # A look is short, and one at a time needs one connection.
        self.pool = ThreadPoolExecutor(1, thread_name_prefix="clock")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller = scope.get("stecker.caller")
        if caller is not None and caller.environment == bearer.SANDBOX:
            loop = asyncio.get_running_loop()
            stands_at, known = await loop.run_in_executor(self.pool, self._look, caller)
            scope["stecker.clock"] = stands_at
            if stands_at is not None:
                # Whoever wonders why nothing falls due is told: a colleague may have left it so.
                scope["stecker.headers"]["Stecker-Clock"] = stands_at.isoformat()
            bearer.check_time(caller, stands_at or self.runtime.clock(), known=known)
        await self.app(scope, receive, send)

    def _look(self, caller: Caller) -> tuple[datetime | None, bool]:
        """Where the clock stands, if it does, and whether the client is still there."""
        asked = {"owner": caller.partner_id, "client_id": caller.client_id}
        with driver.together(self.runtime.sessions) as session:
            [(stands_at, known)] = driver.execute(session, _LOOK, asked).fetchall()
        return stands_at, known


_LOOK = """
    SELECT (SELECT stands_at FROM webhook_clock WHERE owner = %(owner)s AND environment = 'sandbox'),
           EXISTS (SELECT FROM oauth_client WHERE id = %(client_id)s)
"""
