"""A worker that ends by kill -9 at every step of a delivery, one step a process.

`python -m tests.support.dying DATABASE_URL RECEIVER_URL` writes two messages of a job for an endpoint of its own, and
kills itself before the first thing it does to deliver the first one; then once more before the second thing, and so on:
statements, commits, the request itself. It prints how many died before one came through.
"""

import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import create_engine, event
from sqlalchemy.orm import sessionmaker

from tests.support.calling import LOOPBACK, caller_over
from tests.support.outbox import add_endpoint, say
from tests.support.outbox import event as said
from webhooks import delivery, policy
from webhooks.delivery import Outcome, Share, Tried
from webhooks.tenant import Tenant
from webhooks.transport import Transport


def deliver(database_url: str, url: str, number: int) -> None:
    """All of it, but for the step of this number."""
    engine = create_engine(database_url)
    sessions = sessionmaker(engine)
    tenant = Tenant(f"ptn_{number}", "sandbox")
    endpoint_id, _ = add_endpoint(sessions, url, tenant)
    say(sessions, said(f"job_{number}", 1), said(f"job_{number}", 2), tenant=tenant)

    step = dying_at(number)
    event.listen(engine, "before_cursor_execute", step)
    event.listen(engine, "commit", step)
    caller = caller_over(Transport(allow=LOOPBACK, deadline=30))
    now = datetime.now(UTC)
    with sessions.begin() as session:
        share = Share(limit=1, cap=0, rooms={endpoint_id: 1})
        [claimed] = delivery.claim(session, share, lease=timedelta(seconds=30), now=now)
    step()
    answer, _ = caller.attempt(claimed, now)
    step()
    verdict = policy.judge(answer, policy.SANDBOX, 0, now=now, chance=0)
    with sessions.begin() as session:
        delivery.record(session, [Outcome(claimed, Tried(now, answer, verdict))])


def dying_at(number: int) -> Callable[..., None]:
    left = iter(range(number))

    def step(*_: object) -> None:
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    return step


def main(database_url: str, url: str) -> None:
    number = 0
    while True:
        child = os.fork()
        if child == 0:
            try:
                deliver(database_url, url, number)
            except BaseException:
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            sys.stdout.write(str(number))
            sys.exit(os.WEXITSTATUS(status))
        number += 1


if __name__ == "__main__":
    main(*sys.argv[1:])
