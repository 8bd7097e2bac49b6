"""What a page brought, each document on its own: one that cannot be taken is kept, and stops none of the others."""

import logging
from collections.abc import Sequence
from hashlib import sha256

from psycopg.errors import UniqueViolation
from sqlalchemy import exists, literal_column, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from adapters.contract import Adapter
from adapters.errors import Problem as Fault
from gateway import tracing
from gateway.errors import Problem
from gateway.front import DATABASE_AWAY
from gateway.intake import doors, service
from gateway.intake.arrival import Arrival
from gateway.intake.tables import InboundMessage

log = logging.getLogger(__name__)

DOORS = "/poll/"

RETRIED = (*DATABASE_AWAY, IntegrityError, UniqueViolation)
"""The database is away, or somebody does the same at the same moment: the page comes again."""


def take(session: Session, dialect: Adapter, arrivals: Sequence[Arrival]) -> None:
    """Do what these documents of one door ask for, in this transaction.

    Rounds overlap: what is here already is passed over. Raises `Problem` where the fault is not the document's.
    """
    here = _here(session, arrivals) if arrivals else set()
    for arrival in arrivals:
        digest = _digest(arrival)
        if digest not in here:
            _take(session, dialect, arrival)
            here.add(digest)


def _digest(arrival: Arrival) -> bytes:
    return sha256(arrival.message.body).digest()


def _here(session: Session, arrivals: Sequence[Arrival]) -> set[bytes]:
    """The digests of those that were kept before, but for one that another document of its order has followed.

    An order may become again what it once was.
    """
    first, later = arrivals[0], aliased(InboundMessage)
    followed = exists().where(
        later.order_id == InboundMessage.order_id,
        later.door == InboundMessage.door,
        later.outcome == "accepted",
        later.received_at > InboundMessage.received_at,
    )
    kept = select(InboundMessage.digest).where(
        InboundMessage.partner_id == first.tenant.partner_id,
        InboundMessage.environment == first.tenant.environment,
        InboundMessage.digest.in_([_digest(arrival) for arrival in arrivals]),
        InboundMessage.door == first.door,
        literal_column(f"starts_with(inbound_message.door, '{DOORS}')"),  # what the index of digests is limited to
        ~followed,
    )
    return set(session.scalars(kept))


def _take(session: Session, dialect: Adapter, arrival: Arrival) -> None:
    try:
        intents = doors.translated(dialect, arrival.message)
        with tracing.taking(arrival.tenant.partner_id, arrival.door), session.begin_nested():
            service.accept(session, arrival, intents)
    except Problem as problem:
        if problem.code not in doors.KEPT:
            raise
        service.keep(session, arrival, outcome="refused", faults=doors.faults_of(problem))
    except RETRIED:
        raise
    except Exception as error:  # a fault of ours: the document is kept for it, and the page goes on
        log.exception("document_failed: %s: %s", arrival.door, type(error).__name__)
        detail = "This document could not be taken, by a fault of ours; it is kept, and can be replayed."
        faults = (Fault(pointer="", code="internal_error", detail=detail),)
        service.keep(session, arrival, outcome="refused", faults=faults)
