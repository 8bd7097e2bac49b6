"""A retailer with a client, a token endpoint in a bare Flask application, and the check of tokens."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gateway.oauth import keys, service
from gateway.oauth.api import routes
from gateway.oauth.bearer import Bearer
from gateway.oauth.service import Issued
from gateway.oauth.standing import Standing
from gateway.partners.service import NewPartner, add
from gateway.partners.tables import Partner
from gateway.runtime import Runtime
from tests.support.clock import Clock


@dataclass
class Unlimited:
    """Failed logins without a limit, and without Redis."""

    failures: list[tuple[str, str]] = field(default_factory=list)

    def wait(self, client_id: str, address: str) -> int:
        return 0

    def failed(self, client_id: str, address: str) -> None:
        self.failures.append((client_id, address))


@dataclass
class Gateway:
    """A runtime with the first key made, and what a test does with it."""

    runtime: Runtime
    clock: Clock

    def partner(self, slug: str = "acme", kind: str = "retailer") -> Partner:
        with self.runtime.sessions.begin() as session:
            new = NewPartner(slug=slug, name=slug.title(), kind=kind, adapter=None)
            return add(session, new, {}, self.clock())

    def client(self, partner: Partner, environment: str = "sandbox", scopes: tuple[str, ...] = ()) -> Issued:
        with self.runtime.sessions.begin() as session:
            return service.create_client(session, self.runtime.vault, partner, environment, scopes, self.clock())

    def keys(self) -> keys.KeyRing:
        return keys.KeyRing(self.runtime.sessions, self.runtime.vault, self.clock)

    def endpoint(self, attempts: Any = None, **settings: Any) -> FlaskClient:
        flask = Flask("token endpoint")
        runtime = replace(self.runtime, settings=replace(self.runtime.settings, **settings))
        flask.register_blueprint(routes(runtime, self.keys(), attempts or self.unlimited()))
        return flask.test_client()

    def unlimited(self) -> Unlimited:
        return Unlimited()

    def standing(self) -> Standing:
        standing = Standing(self.runtime.sessions, self.clock)
        standing.refresh()
        return standing

    def bearer(self, standing: Standing | None = None, **settings: Any) -> Bearer:
        return Bearer(replace(self.runtime.settings, **settings), standing or self.standing(), self.clock)


@pytest.fixture
def gateway(runtime: Runtime, clock: Clock) -> Gateway:
    with runtime.sessions.begin() as session:
        keys.ensure(session, runtime.vault, clock())
    return Gateway(runtime, clock)


@pytest.fixture
def acme(gateway: Gateway) -> Partner:
    return gateway.partner()


@pytest.fixture
def issued(gateway: Gateway, acme: Partner) -> Issued:
    return gateway.client(acme)


@pytest.fixture
def endpoint(gateway: Gateway) -> Iterator[FlaskClient]:
    with gateway.endpoint() as client:
        yield client
