"""A person's data, shown and erased. What remains of an order is what the books need: numbers, services, times."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from adapters.canonical import Address, Customer, PrivacyRequest, SupportOrder
from adapters.plain.reader import stored_order
from adapters.plain.writer import order_json
from gateway.crypto import Place, Vault
from gateway.ids import new_id
from gateway.intake.tables import InboundMessage
from gateway.jobs.opening import OVER
from gateway.jobs.queries import owned
from gateway.jobs.tables import Order
from gateway.privacy.tables import PrivacyWish
from gateway.sandbox.checkpoints import erasing as checkpoints
from gateway.tenant import Tenant

ERASED = "erased"
AT_ONCE = 100


def ask(session: Session, vault: Vault, tenant: Tenant, asked: PrivacyRequest, now: datetime) -> Sequence[Order]:
    """Note the request, and erase what can be erased at once. Returns the orders that it is about."""
    if asked.kind != "disclose":
        checkpoints.drop(session, tenant)
    row = {
        "id": new_id("prv", now),
        "partner_id": tenant.partner_id,
        "environment": tenant.environment,
        "request_id": asked.request_id,
        "kind": asked.kind,
        "customer": asked.customer,
        "partner_order_ids": list(asked.partner_order_ids),
        "created_at": now,
        "done_at": now if asked.kind == "disclose" else None,
    }
    session.execute(insert(PrivacyWish).values(row).on_conflict_do_nothing())
    wish = session.scalars(
        select(PrivacyWish).where(
            PrivacyWish.partner_id == tenant.partner_id,
            PrivacyWish.environment == tenant.environment,
            PrivacyWish.request_id == asked.request_id,
        )
    ).one()
    found = session.scalars(select(Order).where(_mine(wish)).order_by(Order.id)).all()
    if wish.done_at is None:
        _go_on(session, vault, wish, now)
    return found


def sweep(session: Session, vault: Vault, now: datetime) -> None:
    """Go on with the erasures that waited for a visit to end. Who else does at the same time takes others."""
    unfinished = select(PrivacyWish).where(PrivacyWish.done_at.is_(None)).order_by(PrivacyWish.id)
    for wish in session.scalars(unfinished.limit(AT_ONCE).with_for_update(skip_locked=True)):
        _go_on(session, vault, wish, now)


def _go_on(session: Session, vault: Vault, wish: PrivacyWish, now: datetime) -> None:
    """Erase the next orders that are over; an order of another status waits for its end.

    The wish is done when nothing is left to be sent about them, either.
    """
    erased = Order.content["customer"]["family_name"].astext == ERASED
    there = select(Order).where(_mine(wish), ~erased).order_by(Order.id)
    over = session.scalars(there.where(Order.status.in_(OVER)).limit(AT_ONCE).with_for_update()).all()
    _erase(session, vault, over, now)
    # Nobody finds them by their customer any more.
    wish.partner_order_ids = sorted({*wish.partner_order_ids, *(order.partner_order_id for order in over)})
    session.flush()
    if session.scalar(there.limit(1)) is None:
        ids = {"ids": session.scalars(select(Order.id).where(_mine(wish))).all()}
        session.execute(_SENT, ids)
        wish.done_at = now if session.scalar(_UNSENT, ids) is None else None
    if over or wish.done_at is not None:
        # Those that were made since the wish have them as they were.
        checkpoints.drop(session, Tenant(wish.partner_id, wish.environment))
    session.flush()


def _mine(wish: PrivacyWish) -> ColumnElement[bool]:
    whose = owned(Order, Tenant(wish.partner_id, wish.environment))
    if wish.kind == "erase_all":
        return whose
    customer = Order.content["echo"]["customer"].astext
    return whose & or_(Order.partner_order_id.in_(wish.partner_order_ids), customer == (wish.customer or ""))


def _erase(session: Session, vault: Vault, found: Sequence[Order], now: datetime) -> None:
    """Take the person out of these orders, of the documents they came in, and of what was sent about them."""
    for order in found:
        order.content, order.placed, order.updated_at = order_json(_bare(stored_order(order.content))), None, now
    ids = [order.id for order in found]
    for message in session.scalars(select(InboundMessage).where(InboundMessage.order_id.in_(ids))):
        place = Place(message.partner_id, "inbound_message", message.id, "body")
        message.body, message.envelope = vault.encrypt(b"", place), None
    session.flush()
    session.execute(_SENT, {"ids": ids})
    session.execute(_ECHOED, {"ids": ids})


def _bare(order: SupportOrder) -> SupportOrder:
    """Of the address remain country and postcode: where the work was done."""
    address = order.service_address
    return replace(
        order,
        customer=Customer(family_name=ERASED),
        service_address=Address(street=ERASED, postcode=address.postcode, city=ERASED, country=address.country),
        lines=tuple(replace(line, notes=None) for line in order.lines),
        notes=None,
        echo={name: value for name, value in order.echo.items() if name != "customer"},
    )


# Frozen documents of a dialect may name the customer. What is still to be sent is sent first. A payload without a
# method is never sent again. Its id begins with the time of its event, as all ids that are made together.
_SENT = text("""
    UPDATE webhook_payload payload SET body = '', probe = NULL, method = ''
      FROM job_event event JOIN job ON job.id = event.job_id
     WHERE job.order_id = ANY(:ids)
       AND payload.id BETWEEN 'whp_' || substr(event.id, 5, 10) || repeat('0', 16)
                          AND 'whp_' || substr(event.id, 5, 10) || repeat('Z', 16)
       AND payload.event_id = event.id AND payload.format = 'dialect'
       AND NOT EXISTS (
           SELECT FROM webhook_message message
            WHERE message.payload_id = payload.id AND message.status = 'pending')
""")

_UNSENT = text("""
    SELECT payload.id
      FROM job_event event
      JOIN job ON job.id = event.job_id
      JOIN webhook_payload payload
        ON payload.id BETWEEN 'whp_' || substr(event.id, 5, 10) || repeat('0', 16)
                          AND 'whp_' || substr(event.id, 5, 10) || repeat('Z', 16)
       AND payload.event_id = event.id
     WHERE job.order_id = ANY(:ids) AND payload.format = 'dialect' AND payload.method <> '' LIMIT 1
""")

# A receiver may repeat what it was told.
_ECHOED = text("""
    UPDATE webhook_attempt attempt SET response_excerpt = NULL
      FROM job_event event
      JOIN job ON job.id = event.job_id
      JOIN webhook_message message
        ON message.id BETWEEN 'whm_' || substr(event.id, 5, 10) || repeat('0', 16)
                          AND 'whm_' || substr(event.id, 5, 10) || repeat('Z', 16)
       AND message.event_id = event.id
     WHERE job.order_id = ANY(:ids) AND attempt.message_id = message.id AND attempt.response_excerpt IS NOT NULL
""")
