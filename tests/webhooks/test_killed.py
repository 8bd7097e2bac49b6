"""kill -9 at every step of claim, send and record: nothing lost, in order, twice only where it was sent (R4, R5)."""

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session, sessionmaker

from tests.support.outbox import eventually, statuses
from tests.support.receiver import Receiver
from tests.support.system import ROOT, environment
from webhooks.courier import Courier

LEAST = 8
"""Look, lease and head, commit; the request; lock, write, settle, commit."""


def test_a_worker_killed_at_any_step_loses_nothing_r4_r5(
    sessions: sessionmaker[Session], receiver: Receiver, couriers: Callable[..., Courier], database_url: str
) -> None:
    command = (sys.executable, "-m", "tests.support.dying", database_url, receiver.url)
    ended = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    killed = int(ended.stdout)
    assert killed >= LEAST
    before = len(receiver.got)

    # Their leases are over.
    couriers(clock=lambda: datetime.now(UTC) + timedelta(seconds=31))
    eventually(lambda: set(statuses(sessions)) == {"delivered"}, 60)

    came: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for request in receiver.got:
        body = json.loads(request.body)
        came[body["subject"]].append((body["sequence"], request.headers["webhook-id"]))
    assert set(came) == {f"job_{number}" for number in range(killed + 1)}
    for one in came.values():
        steps = [step for step, _ in one]
        assert steps in ([1, 2], [1, 1, 2])
        assert len(set(one)) == 2, "the same id each time"
    assert before < killed, "some died before they sent"
    assert sum(len(one) == 3 for one in came.values()) == before - 1, "who had sent and not recorded, and nobody else"
