"""A partner in the sandbox, a receiver of theirs, and a courier that delivers to it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from gateway.runtime import Runtime
from gateway.worker.process import caller_of
from tests.support.api import Api, Caller
from tests.support.calling import LOOPBACK
from tests.support.receiver import Receiver
from webhooks import policy
from webhooks.courier import Courier, Pace, Tools
from webhooks.transport import Transport


@pytest.fixture
def shop(api: Api) -> Caller:
    return api.caller("demo")


@pytest.fixture
def heard(shop: Caller, receiver: Receiver, delivering: None) -> Receiver:
    """The receiver, as the shop's endpoint, with its first message behind it."""
    answer = shop.post("/v1/webhook-endpoints", {"url": receiver.url})
    assert answer.status == 201, answer.body
    return receiver


@pytest.fixture
def deadline() -> float:
    """Of each delivery, in seconds; so many that a busy machine repeats none."""
    return 5.0


@pytest.fixture
def delivering(runtime: Runtime, deadline: float) -> Iterator[None]:
    """A courier that looks by itself twenty times a second."""
    transport = Transport(allow=LOOPBACK, deadline=deadline)
    tools = Tools(
        sessions=runtime.sessions,
        caller=caller_of(runtime, transport),
        schedules={"sandbox": policy.SANDBOX, "live": policy.LIVE},
        clock=runtime.clock,
        chance=lambda: 0.0,
    )
    courier = Courier(tools, replace(Pace(), idle=0.05, pause=0.05))
    courier.start()
    yield
    courier.stop()
    courier.join(10)
    transport.close()
