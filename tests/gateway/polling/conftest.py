"""OTTO as a server on loopback, and polls of it."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from adapters.otto.adapter import OttoAdapter
from gateway.config import LOOPBACK
from gateway.partners.tables import Partner
from gateway.polling.service import Poll, Tools
from gateway.runtime import Runtime
from gateway.seed import seed
from gateway.tenant import Tenant
from tests.support.otto import page
from tests.support.polled import Look, NoScheme, Polled, said
from tests.support.receiver import Receiver
from webhooks.transport import Transport


@pytest.fixture
def otto(receivers: Callable[[], Receiver]) -> Polled:
    return Polled(receivers(), last=said(page()))


@pytest.fixture
def transport() -> Iterator[Transport]:
    made = Transport(allow=LOOPBACK, deadline=1.0)
    yield made
    made.close()


@pytest.fixture
def seeded(runtime: Runtime) -> Runtime:
    seed(runtime)
    return runtime


@pytest.fixture
def tools(seeded: Runtime, transport: Transport) -> Tools:
    return Tools(runtime=seeded, transport=transport, chance=lambda: 0.5)


@pytest.fixture
def tenant(seeded: Runtime) -> Tenant:
    with seeded.sessions() as session:
        return Tenant(session.scalars(select(Partner.id).where(Partner.slug == "otto")).one(), "sandbox")


@pytest.fixture
def poll(tenant: Tenant, otto: Polled) -> Poll:
    return Poll(
        connection_id="con_1",
        name="otto",
        tenant=tenant,
        adapter=OttoAdapter({}),
        base_url=otto.url,
        scheme=NoScheme(),
        interval=timedelta(minutes=1),
    )


@pytest.fixture
def look(seeded: Runtime) -> Look:
    return Look(seeded)
