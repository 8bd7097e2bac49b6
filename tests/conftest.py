"""What every test may ask for: real PostgreSQL and Redis, a database of its own, a runtime, a clock."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from connexion.spec import OpenAPISpecification

from gateway import runtime as runtimes
from gateway.config import LOOPBACK, Settings
from gateway.runtime import Runtime
from tests.support.api import Api, running_api
from tests.support.clock import Clock
from tests.support.servers import Servers, servers

SECRET_KEY = bytes(range(32))


@pytest.fixture(scope="session", autouse=True)
def valid_once() -> Iterator[None]:
    """Connexion holds the specification against OpenAPI's schema at every start; for one specification once will do."""
    validate, seen = OpenAPISpecification._validate_spec, set()

    def once(spec: dict[str, Any]) -> None:
        said = json.dumps(spec, default=repr)
        if said not in seen:
            validate(spec)
            seen.add(said)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(OpenAPISpecification, "_validate_spec", staticmethod(once))
        yield


@pytest.fixture(scope="session")
def running_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with servers(tmp_path_factory.mktemp("servers")) as running:
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
    with redis.from_url(running_servers.redis) as client:
        client.flushall()
    return running_servers.redis


@pytest.fixture
def clock() -> Clock:
    return Clock()


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
