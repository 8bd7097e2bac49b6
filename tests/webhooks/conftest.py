"""Tables, a receiver, and a courier with short times."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session, sessionmaker

from gateway import db
from tests.support.calling import LOOPBACK, caller_over
from webhooks import policy
from webhooks.courier import Courier, Pace, Tools
from webhooks.transport import Transport

QUICK = policy.Schedule(tuple(timedelta(seconds=one) for one in (0.05, 0.05, 0.1, 0.2)), timedelta(seconds=1))


@pytest.fixture
def sessions(database_url: str) -> Iterator[sessionmaker[Session]]:
    engine = db.connect(database_url, pool_size=8)
    yield db.sessions(engine)
    engine.dispose()


@pytest.fixture
def transport() -> Iterator[Transport]:
    """Allowed on loopback; half a second for everything."""
    made = Transport(allow=LOOPBACK, deadline=0.5)
    yield made
    made.close()


@pytest.fixture
def tools(sessions: sessionmaker[Session], transport: Transport) -> Tools:
    return Tools(
        sessions=sessions,
        caller=caller_over(transport),
        schedules={"sandbox": QUICK, "live": policy.LIVE},
        clock=lambda: datetime.now(UTC),
        chance=lambda: 0.0,
    )


@pytest.fixture
def couriers(tools: Tools) -> Iterator[Callable[..., Courier]]:
    """Starts couriers; they look by themselves twenty times a second."""
    started: list[Courier] = []

    def start(pace: Pace = Pace(), **changes: object) -> Courier:  # noqa: B008
        courier = Courier(replace(tools, **changes), replace(pace, idle=0.05, pause=0.05))  # type: ignore[arg-type]
        started.append(courier)
        courier.start()
        return courier

    yield start
    for courier in started:
        courier.stop()
    for courier in started:
        courier.join(10)
        assert not courier.is_alive()
