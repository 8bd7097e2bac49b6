"""A worker as it is in earnest, and a client of a partner's sandbox."""

import pytest

from gateway.config import LOOPBACK
from gateway.worker.process import courier_of
from webhooks.transport import Transport


@pytest.fixture
def worker(runtime):
    transport = Transport(allow=LOOPBACK)
    courier = courier_of(runtime, transport)
    courier.start()
    yield courier
    courier.stop()
    courier.join()
    transport.close()


@pytest.fixture
def shop(api):
    return api.caller("demo")
