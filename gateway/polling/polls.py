"""The connections that are polled, as polls: with the partner's dialect, and what authenticates our requests."""

import json
import logging
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import select

from adapters.contract import Pollable
from gateway.connections import service as connections
from gateway.connections.tables import Connection
from gateway.crypto import CannotDecrypt
from gateway.partners.dialect import adapter
from gateway.partners.tables import Partner
from gateway.polling.service import Poll, PollingAdapter
from gateway.runtime import Runtime
from gateway.tenant import Tenant
from webhooks import schemes
from webhooks.schemes import Scheme
from webhooks.tokens import Tokens
from webhooks.transport import Transport

log = logging.getLogger(__name__)

EVERY = 60
"""Seconds from one round to the next, where the connection's option `every` does not say otherwise."""


class NotPolled(ValueError):
    """A connection that cannot be polled, and why: a name of ours, nothing of its content."""


class Polls:
    """Finds those that may be asked. A scheme is made once for each secret: with it goes its token."""

    def __init__(self, runtime: Runtime, transport: Transport) -> None:
        self._runtime = runtime
        self._ask = partial(Tokens, transport, runtime.clock)
        self._made: dict[str, tuple[bytes, Scheme]] = {}
        self._told: dict[str, str] = {}

    def __call__(self) -> list[Poll]:
        with self._runtime.sessions() as session:
            rows = connections.active(session, "poll")
            query = select(Partner).where(Partner.id.in_({row.partner_id for row in rows}), Partner.status == "active")
            partners = {one.id: one for one in session.scalars(query)}
        live = self._runtime.settings.live_enabled
        allowed = [row for row in rows if row.partner_id in partners and (live or row.environment != "live")]
        self._made = {row.id: self._made[row.id] for row in rows if row.id in self._made}
        return [poll for row in allowed if (poll := self._poll(row, partners[row.partner_id])) is not None]

    def _poll(self, row: Connection, partner: Partner) -> Poll | None:
        try:
            poll = Poll(
                connection_id=row.id,
                name=row.name,
                tenant=Tenant(row.partner_id, row.environment),
                adapter=_dialect(partner),
                base_url=str(row.options["base_url"]),
                scheme=self._scheme(row),
                interval=timedelta(seconds=max(int(row.options.get("every", EVERY)), 1)),
            )
        except NotPolled as error:
            if self._told.get(row.id) != str(error):
                log.error("not_polled: %s: %s", row.name, error)
            self._told[row.id] = str(error)
            return None
        self._told.pop(row.id, None)
        return poll

    def _scheme(self, row: Connection) -> Scheme:
        """The connection's secret is a JSON object: its scheme, and what that has to be told."""
        sealed = row.secret or b""
        known = self._made.get(row.id)
        if known is None or known[0] != sealed:
            known = self._made[row.id] = sealed, _made(self._opened(row, sealed), self._ask)
        return known[1]

    def _opened(self, row: Connection, sealed: bytes) -> Any:
        try:
            return json.loads(self._runtime.vault.decrypt(sealed, connections.place(row)))
        except (CannotDecrypt, ValueError):
            raise NotPolled("secret_unreadable") from None


def _made(wish: Any, ask: Callable[..., Tokens]) -> Scheme:
    if not isinstance(wish, dict):
        raise NotPolled("secret_unreadable")
    faults = schemes.faults(wish, lambda url: ())
    if faults:
        raise NotPolled("secret_invalid (" + ", ".join(sorted({code for _, code in faults})) + ")")
    return schemes.outgoing(wish["scheme"], schemes.loaded(wish), ask)


def _dialect(partner: Partner) -> PollingAdapter:
    found = adapter(partner.adapter, partner.options)
    if not isinstance(found, Pollable):
        raise NotPolled("dialect_does_not_poll")
    return found
