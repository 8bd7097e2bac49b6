"""A person asks for the end of their data."""

import pytest
from sqlalchemy import select, update

from adapters.canonical import PrivacyRequest
from gateway.intake.tables import InboundMessage
from gateway.jobs.tables import Order
from gateway.privacy import service
from gateway.privacy.tables import PrivacyWish
from gateway.tenant import Tenant
from tests.support.orders import json_order
from webhooks import endpoints
from webhooks.tables import Attempt, Message, Payload
from webhooks.tenant import Tenant as Owner

MARK = "Beispiel"


@pytest.fixture
def shop(api, clock):
    shop = api.caller("demo")
    for number in ("W-1", "W-2"):
        assert shop.post("/v1/orders", json_order(number, clock())).status == 201
    return shop


@pytest.fixture
def tenant(runtime, shop):
    with runtime.sessions() as session:
        return Tenant(session.scalars(select(Order.partner_id).limit(1)).one(), "sandbox")


def ask(runtime, tenant, clock, kind="erase", *orders, request_id="r1", customer=None):
    asked = PrivacyRequest(kind=kind, request_id=request_id, partner_order_ids=orders, customer=customer)
    with runtime.sessions.begin() as session:
        return [order.partner_order_id for order in service.ask(session, runtime.vault, tenant, asked, clock())]


def end(runtime, number):
    with runtime.sessions.begin() as session:
        session.execute(update(Order).where(Order.partner_order_id == number).values(status="completed"))


def sweep(runtime, clock):
    with runtime.sessions.begin() as session:
        service.sweep(session, runtime.vault, clock())


def known(runtime):
    with runtime.sessions() as session:
        orders = session.scalars(select(Order).order_by(Order.id)).all()
        return {order.partner_order_id for order in orders if MARK in str(order.content)}


def kept_bytes(runtime):
    with runtime.sessions() as session:
        messages = session.scalars(select(InboundMessage).order_by(InboundMessage.id)).all()
        places = [service.Place(m.partner_id, "inbound_message", m.id, "body") for m in messages]
        return [runtime.vault.decrypt(m.body, place) for m, place in zip(messages, places, strict=True)]


def test_an_order_that_is_over_loses_its_person_and_keeps_its_numbers(runtime, tenant, clock, shop):
    end(runtime, "W-1")
    assert ask(runtime, tenant, clock, "erase", "W-1") == ["W-1"]
    assert known(runtime) == {"W-2"}
    shown = shop.get("/v1/orders?partner_order_id=W-1").json["items"][0]
    assert shown["service_address"]["postcode"] == "8004"
    assert shown["customer"] == {"family_name": "erased"}
    assert [bool(body) for body in kept_bytes(runtime)] == [False, True]


def test_an_order_that_is_still_to_be_done_is_erased_when_it_is(runtime, tenant, clock):
    ask(runtime, tenant, clock, "erase", "W-1")
    assert known(runtime) == {"W-1", "W-2"}
    sweep(runtime, clock)
    assert known(runtime) == {"W-1", "W-2"}
    end(runtime, "W-1")
    sweep(runtime, clock)
    assert known(runtime) == {"W-2"}
    with runtime.sessions() as session:
        assert session.scalars(select(PrivacyWish.done_at)).one() == clock()


def test_the_same_request_again_is_one_request(runtime, tenant, clock):
    for _ in range(2):
        ask(runtime, tenant, clock, "erase", "W-1")
    with runtime.sessions() as session:
        assert len(session.scalars(select(PrivacyWish)).all()) == 1


def test_who_asks_what_we_know_is_told_and_nothing_ends(runtime, tenant, clock):
    end(runtime, "W-1")
    assert ask(runtime, tenant, clock, "disclose", "W-1") == ["W-1"]
    assert known(runtime) == {"W-1", "W-2"}


def test_a_whole_shop_goes_and_no_other_ones(runtime, tenant, clock, api):
    end(runtime, "W-1")
    end(runtime, "W-2")
    other = Tenant(tenant.partner_id, "live")
    assert ask(runtime, other, clock, "erase_all") == []
    assert known(runtime) == {"W-1", "W-2"}
    assert ask(runtime, tenant, clock, "erase_all", request_id="r2") == ["W-1", "W-2"]
    assert known(runtime) == set()


def test_what_a_dialect_said_of_a_person_is_emptied_and_not_sent_again(runtime, tenant, clock, shop):
    """Nor is it sent again without a body. What a receiver answered may repeat it."""
    made = shop.post("/v1/webhook-endpoints", {"url": "http://127.0.0.1:9/hook"}).json["id"]
    assert shop.post("/v1/orders", json_order("W-3", clock())).status == 201
    owner = Owner(tenant.partner_id, tenant.environment)
    with runtime.sessions.begin() as session:
        session.execute(update(Payload).values(format="dialect"))
        session.execute(update(Message).values(status="failed"))
        message = session.scalars(select(Message).where(Message.event_type.like("job.%")).limit(1)).one()
        told = {"duration_ms": 1, "verdict": "failed", "response_excerpt": "no Beispiel here"}
        session.add(Attempt(message_id=message.id, owner=owner.owner, environment="sandbox", at=clock(), **told))
    end(runtime, "W-3")

    ask(runtime, tenant, clock, "erase", "W-3")

    with runtime.sessions.begin() as session:
        assert session.scalars(select(Payload.body).where(Payload.id == message.payload_id)).one() == b""
        assert session.scalars(select(Attempt.response_excerpt)).one() is None
        assert endpoints.retry(session, owner, made, message.id, now=clock()) == "expired"


def test_what_a_dialect_still_has_to_say_is_sent_first_and_then_emptied(runtime, tenant, clock, shop):
    """The order has nobody's name by then, so it is by its number that the wish knows it."""
    assert shop.post("/v1/webhook-endpoints", {"url": "http://127.0.0.1:9/hook"}).status == 201
    assert shop.post("/v1/orders", json_order("W-3", clock())).status == 201
    with runtime.sessions.begin() as session:
        order = session.scalars(select(Order).where(Order.partner_order_id == "W-3")).one()
        order.content = {**order.content, "echo": {"customer": "cust-7"}}
        session.execute(update(Payload).values(format="dialect"))
    end(runtime, "W-3")

    assert ask(runtime, tenant, clock, customer="cust-7") == ["W-3"]
    assert "W-3" not in known(runtime)
    assert (spoken(runtime), undone(runtime)) == (2, 1)
    sweep(runtime, clock)
    assert (spoken(runtime), undone(runtime)) == (2, 1)

    with runtime.sessions.begin() as session:
        session.execute(update(Message).values(status="delivered"))
    sweep(runtime, clock)
    assert (spoken(runtime), undone(runtime)) == (0, 0)


def spoken(runtime):
    """How many documents about jobs have a body."""
    with runtime.sessions() as session:
        jobs = select(Message.payload_id).where(Message.event_type.like("job.%"))
        return len(session.scalars(select(Payload.id).where(Payload.body != b"", Payload.id.in_(jobs))).all())


def undone(runtime):
    with runtime.sessions() as session:
        return len(session.scalars(select(PrivacyWish).where(PrivacyWish.done_at.is_(None))).all())
