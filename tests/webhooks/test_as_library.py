"""`webhooks` in somebody else's application: Flask and SQLAlchemy, and of ours the package alone."""

import base64
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from ipaddress import ip_network
from uuid import uuid4

import pytest
from flask import Flask, Response, request
from sqlalchemy import create_engine, make_url, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from tests.support.outbox import eventually
from tests.support.receiver import NO_CONTENT, Receiver, answer
from tests.support.servers import Servers
from webhooks import clocks, endpoints, outbox, policy, signing, tables
from webhooks.calling import Caller, Schemes
from webhooks.courier import Courier, Pace, Tools
from webhooks.endpoints import NewEndpoint
from webhooks.outbox import OutgoingEvent, Payload
from webhooks.tenant import Tenant
from webhooks.tokens import Tokens
from webhooks.transport import Transport

SHOP = Tenant("shop-1", "live")


class Base(DeclarativeBase):
    """Their tables."""


class Parcel(Base):
    __tablename__ = "parcel"

    id: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]


def new_id(prefix: str) -> str:
    return f"{prefix}_{uuid4().hex}"


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def sessions(running_servers: Servers) -> Iterator[sessionmaker[Session]]:
    """A database of theirs, with their tables and ours side by side."""
    running_servers.command("CREATE DATABASE parcels TEMPLATE template0")
    engine = create_engine(make_url(running_servers.postgres).set(database="parcels"))
    Base.metadata.create_all(engine)
    tables.metadata.create_all(engine)
    yield sessionmaker(engine)
    engine.dispose()
    running_servers.command("DROP DATABASE parcels WITH (FORCE)")


@pytest.fixture
def app(sessions: sessionmaker[Session]) -> Flask:
    app = Flask("parcels")

    @app.post("/endpoints")
    def register() -> tuple[dict[str, str], int]:
        new = NewEndpoint(
            id=new_id("ep"),
            url=request.get_json()["url"],
            event_types=("*",),
            format="plain",
            description=None,
            secret_bytes=os.urandom(32),
        )
        with sessions.begin() as session:
            endpoint, secret = endpoints.create(session, SHOP, new, seal=seal, now=now())
            return {"id": endpoint.id, "secret": secret}, 201

    @app.post("/parcels/<parcel_id>/<state>")
    def move(parcel_id: str, state: str) -> Response:
        with sessions.begin() as session:
            session.merge(Parcel(id=parcel_id, state=state))
            event = OutgoingEvent(
                subject=parcel_id,
                event_id=new_id("evt"),
                event_type=f"parcel.{state}",
                sequence=1,
                payloads={"plain": (Payload(body=f'{{"state":"{state}"}}'.encode(), media_type="application/json"),)},
            )
            wanted = outbox.subscribed(outbox.reading(session), SHOP)
            outbox.enqueue(outbox.writing(session), SHOP, [event], wanted, new_id=new_id, now=now())
            if "fail" in request.args:
                raise ValueError("their own fault, after ours was written")
        return Response(status=204)

    return app


def seal(plain: bytes, owner: str, endpoint_id: str) -> bytes:
    """Their own encryption stands here."""
    return base64.b64encode(plain)


def unseal(sealed: bytes, owner: str, endpoint_id: str) -> bytes:
    return base64.b64decode(sealed)


@pytest.fixture
def courier(sessions: sessionmaker[Session]) -> Iterator[Courier]:
    transport = Transport(allow=(ip_network("127.0.0.0/8"),))
    schemes = Schemes(open_secret=unseal, open_credentials=unseal, ask=partial(Tokens, transport, now))
    tools = Tools(
        sessions=sessions,
        caller=Caller(transport=transport, schemes=schemes, user_agent="Parcels/1"),
        schedules={"live": policy.LIVE},
        clock=now,
        chance=lambda: 0.5,
    )
    courier = Courier(tools, Pace(idle=0.05))
    courier.start()
    yield courier
    courier.stop()
    courier.join(10)
    transport.close()


def test_their_events_are_delivered_signed_and_in_order(
    app: Flask, courier: Courier, receiver: Receiver, sessions: sessionmaker[Session]
) -> None:
    client = app.test_client()
    secret = client.post("/endpoints", json={"url": receiver.url}).get_json()["secret"]
    for state in ("packed", "sent", "delivered"):
        assert client.post(f"/parcels/p-1/{state}").status_code == 204
    received = receiver.wait_for(3)
    assert [one.body for one in received] == [f'{{"state":"{s}"}}'.encode() for s in ("packed", "sent", "delivered")]
    for one in received:
        signing.verify(signing.key(secret), one.headers, one.body, now=now())
    with sessions() as session:
        assert session.scalars(select(Parcel.state)).one() == "delivered"


def test_their_test_clock_brings_tomorrows_retries_today(
    app: Flask, courier: Courier, receiver: Receiver, sessions: sessionmaker[Session]
) -> None:
    receiver.behave = lambda n: answer("500 Oh No") if n < 2 else NO_CONTENT
    client = app.test_client()
    client.post("/endpoints", json={"url": receiver.url})
    at = now()
    with sessions.begin() as session:
        clocks.stand(session, SHOP, at)
    client.post("/parcels/p-1/packed")
    for _ in range(2):
        eventually(lambda: not _busy(sessions))
        with sessions.begin() as session:
            due = clocks.next_due(session, SHOP, now())
            assert due is not None
            clocks.stand(session, SHOP, due.at)
    assert len(receiver.wait_for(3)) == 3
    eventually(lambda: not _busy(sessions))
    with sessions.begin() as session:
        assert clocks.next_due(session, SHOP, now()) is None
        assert clocks.leave(session, SHOP, now()) == due.at > at


def _busy(sessions: sessionmaker[Session]) -> bool:
    with sessions.begin() as session:
        clocks.settle(session, now())
        return clocks.busy(session, SHOP)


def test_what_they_take_back_was_never_said(app: Flask, courier: Courier, receiver: Receiver) -> None:
    app.testing = True  # their errors come through
    client = app.test_client()
    client.post("/endpoints", json={"url": receiver.url})
    with pytest.raises(ValueError, match="their own fault"):
        client.post("/parcels/p-1/packed?fail")
    client.post("/parcels/p-1/sent")
    assert [one.body for one in receiver.wait_for(1)] == [b'{"state":"sent"}']
