"""What every test may ask for: real PostgreSQL and Redis, a database of its own, a runtime, a clock."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import orjson
import pytest
from connexion.spec import Specification
from werkzeug.routing import Rule
from xdist.scheduler import LoadScopeScheduling

from gateway import runtime as runtimes
from gateway.config import LOOPBACK, Settings
from gateway.runtime import Runtime
from tests.support.api import Api, running_api
from tests.support.clock import Clock
from tests.support.receiver import Receiver
from tests.support.servers import Servers, quick_servers

SECRET_KEY = bytes(range(32))
SYSTEMS = ("tests/e2e/", "tests/faults/", "tests/gateway/runtime/")  # what runs real processes


class Sharing(LoadScopeScheduling):
    """Of several processes each takes a file; one of them takes the systems, which would be in each other's way."""

    def _split_scope(self, nodeid: str) -> str:
        return "systems" if nodeid.startswith(SYSTEMS) else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Sharing:
    config.option.loadscopereorder = False
    return Sharing(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The systems first, as they take longest; the files in any order."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: not item.nodeid.startswith(SYSTEMS))


@pytest.fixture(scope="session", autouse=True)
def built_quickly() -> Iterator[None]:
    """Applications are built for each test, out of what is the same for all of them: Connexion's reading of the
    specification, which it holds against OpenAPI's schema. Flask's makers of URLs are compiled when one is called.
    """
    load, compiled, read = Specification.load, Rule._compile_builder, {}

    def once(document: Any, **options: Any) -> Any:
        said = orjson.dumps((document, options))
        if said not in read:
            read[said] = load(document, **options)
        return read[said]

    def later(rule: Rule, append_unknown: bool = True) -> Callable[..., Any]:
        return lambda self, **values: compiled(rule, append_unknown)(self, **values)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Specification, "load", once)
        patched.setattr(Rule, "_compile_builder", later)
        yield


@pytest.fixture(scope="session")
def running_servers() -> Iterator[Servers]:
    with quick_servers() as running:
        yield running


@pytest.fixture(scope="session")
def postgres(running_servers: Servers) -> str:
    """The URL of a PostgreSQL for SQLAlchemy, as the owner of everything."""
    return running_servers.postgres


@pytest.fixture
def database_url(running_servers: Servers) -> Iterator[str]:
    """A fresh database with every table and no row, as the application's role."""
    with running_servers.database() as url:
        yield url


@pytest.fixture
def redis_url(running_servers: Servers) -> str:
    """An empty Redis."""
    running_servers.client.flushall()
    return running_servers.redis


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def receivers() -> Iterator[Callable[[], Receiver]]:
    """Makes receivers."""
    with ExitStack() as made:
        yield lambda: made.enter_context(closing(Receiver()))


@pytest.fixture
def receiver(receivers: Callable[[], Receiver]) -> Receiver:
    return receivers()


@pytest.fixture
def settings(database_url: str, redis_url: str) -> Settings:
    return Settings(database_url=database_url, redis_url=redis_url, secret_key=SECRET_KEY, egress_allow=LOOPBACK)


@pytest.fixture
def runtime(settings: Settings, clock: Clock) -> Iterator[Runtime]:
    built = runtimes.build(settings, clock=clock)
    yield built
    built.close()


@pytest.fixture
def api(runtime: Runtime) -> Iterator[Api]:
    """The whole application on a seeded database."""
    with running_api(runtime) as running:
        yield running
