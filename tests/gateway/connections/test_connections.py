"""Doors without OAuth: who is let in, and how they are made."""

import asyncio
import base64
import hmac
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

import pytest
from connexion.security import NO_VALUE
from sqlalchemy import select

from gateway.connections import service
from gateway.connections.security import BasicSecurity, Doorkeeper, SignatureSecurity
from gateway.connections.service import InvalidConnection, NewConnection
from gateway.errors import Problem
from gateway.oauth.standing import Standing
from gateway.partners.tables import Partner
from gateway.seed import seed
from gateway.tenant import Tenant

SHOP = "logitech.myshopify.com"
BASIC = {"type": "http", "scheme": "basic", "x-door": "google"}
SIGNED = {"name": "X-Shopify-Hmac-Sha256", "x-door": "shopify", "x-name-header": "X-Shopify-Shop-Domain"}


@pytest.fixture
def partner_id(runtime):
    seed(runtime)
    with runtime.sessions() as session:
        return session.scalars(select(Partner.id).where(Partner.slug == "logitech")).one()


def added(runtime, partner_id, door, name, secret, environment="sandbox", adapter=None, **options):
    adapter = adapter or service.DOORS[door].adapter or "otto"
    new = NewConnection(tenant=Tenant(partner_id, environment), door=door, name=name, secret=secret, options=options)
    with runtime.sessions.begin() as session:
        return service.add(session, runtime.vault, new, adapter, runtime.clock()).id


def doorkeeper(runtime, live_enabled=False):
    standing = Standing(runtime.sessions, runtime.clock)
    standing.refresh()
    return Doorkeeper(standing, runtime.vault, live_enabled)


def checked(handler, scheme, headers, body=b"") -> Any:
    scope = {"headers": [(name.lower().encode(), value) for name, value in headers.items()], "stecker.body": body}
    said = asyncio.run(handler.get_fn(scheme, [])(SimpleNamespace(scope=scope)))
    return scope.get("stecker.caller", said)


def basic(user, password):
    return {"Authorization": b"Basic " + base64.b64encode(f"{user}:{password}".encode())}


def signed(secret, body, shop=SHOP):
    signature = base64.b64encode(hmac.digest(secret.encode(), body, sha256))
    return {"X-Shopify-Hmac-Sha256": signature, "X-Shopify-Shop-Domain": shop.encode()}


def test_a_user_with_the_password_is_the_partner_of_the_connection(runtime, partner_id):
    connection_id = added(runtime, partner_id, "google", "gmb", "s3cret")
    caller = checked(BasicSecurity(doorkeeper(runtime)), BASIC, basic("gmb", "s3cret"))
    assert (caller.client_id, caller.partner_id, caller.environment) == (connection_id, partner_id, "sandbox")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        basic("gmb", "wrong"),
        basic("other", "s3cret"),
        basic("gmb", ""),
        {"Authorization": b"Basic !!!"},
        {"Authorization": b"Basic " + base64.b64encode(b"\xff:\xff")},
        {"Authorization": b"Bearer s3cret"},
    ],
)
def test_everybody_else_gets_401_and_a_challenge(runtime, partner_id, headers):
    added(runtime, partner_id, "google", "gmb", "s3cret")
    with pytest.raises(Problem) as refused:
        checked(BasicSecurity(doorkeeper(runtime)), BASIC, headers)
    assert refused.value.code == "unauthenticated"
    assert refused.value.headers["WWW-Authenticate"].startswith("Basic")


def test_a_signature_over_the_bytes_opens_the_door_of_its_shop(runtime, partner_id):
    added(runtime, partner_id, "shopify", SHOP, "hush")
    handler = SignatureSecurity(doorkeeper(runtime))
    assert checked(handler, SIGNED, signed("hush", b"{}"), b"{}").partner_id == partner_id
    for headers, body in (
        (signed("hush", b"{}"), b"{ }"),
        (signed("other", b"{}"), b"{}"),
        (signed("hush", b"{}", "another.myshopify.com"), b"{}"),
    ):
        with pytest.raises(Problem) as refused:
            checked(handler, SIGNED, headers, body)
        assert refused.value.status == 401


def test_without_a_signature_another_scheme_may_say_who_it_is(runtime, partner_id):
    assert checked(SignatureSecurity(doorkeeper(runtime)), SIGNED, {}) is NO_VALUE


def test_the_old_secret_is_good_until_it_is_settled(runtime, partner_id):
    connection_id = added(runtime, partner_id, "shopify", SHOP, "old")
    with runtime.sessions.begin() as session:
        service.renew(runtime.vault, service.get(session, connection_id), "new")
    handler = SignatureSecurity(doorkeeper(runtime))
    for secret in ("old", "new"):
        assert checked(handler, SIGNED, signed(secret, b"x"), b"x").client_id == connection_id
    with runtime.sessions.begin() as session:
        service.settle(service.get(session, connection_id))
    with pytest.raises(Problem):
        checked(SignatureSecurity(doorkeeper(runtime)), SIGNED, signed("old", b"x"), b"x")


def test_a_removed_connection_a_suspended_partner_and_live_before_its_time_stay_outside(runtime, partner_id):
    removed = added(runtime, partner_id, "google", "one", "s3cret")
    added(runtime, partner_id, "google", "two", "s3cret", "live")
    with runtime.sessions.begin() as session:
        service.remove(service.get(session, removed))
    for user in ("one", "two"):
        with pytest.raises(Problem):
            checked(BasicSecurity(doorkeeper(runtime)), BASIC, basic(user, "s3cret"))
    live = BasicSecurity(doorkeeper(runtime, live_enabled=True))
    assert checked(live, BASIC, basic("two", "s3cret")).environment == "live"
    with runtime.sessions.begin() as session:
        session.get_one(Partner, partner_id).status = "suspended"
    with pytest.raises(Problem):
        checked(BasicSecurity(doorkeeper(runtime, live_enabled=True)), BASIC, basic("two", "s3cret"))


def test_a_name_is_one_connections_and_free_again_when_it_is_removed(runtime, partner_id):
    first = added(runtime, partner_id, "google", "gmb", "s3cret")
    with pytest.raises(InvalidConnection, match="has the name"):
        added(runtime, partner_id, "google", "gmb", "other")
    with runtime.sessions.begin() as session:
        service.remove(service.get(session, first))
    assert added(runtime, partner_id, "google", "gmb", "other") != first


def test_everything_that_is_wrong_with_a_connection_is_said_at_once(runtime, partner_id):
    with pytest.raises(InvalidConnection) as refused:
        added(runtime, partner_id, "poll", "No Name", None, base_url="http://example.com", every="often")
    assert len(refused.value.faults) == 4
    with pytest.raises(InvalidConnection, match="does not speak shopify"):
        added(runtime, partner_id, "shopify", SHOP, "hush", adapter="plain")
