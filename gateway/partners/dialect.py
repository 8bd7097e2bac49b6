"""A partner's dialect, ready to use: an adapter with the partner's options."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters import by_name
from adapters.contract import Adapter
from gateway.partners.tables import Partner


def adapter_of(session: Session, partner_id: str) -> Adapter | None:
    """The adapter of a partner that exists; None where we have no dialect for them."""
    name, options = session.execute(select(Partner.adapter, Partner.options).where(Partner.id == partner_id)).one()
    return adapter(name, options)


def adapter(name: str | None, options: Mapping[str, Any]) -> Adapter | None:
    """An adapter with options. Adapters are stateless: one serves every thread, and is made once."""
    return _made(name, json.dumps(options, sort_keys=True)) if name is not None else None


@lru_cache(maxsize=256)
def _made(name: str, options: str) -> Adapter:
    kind = by_name(name)
    return kind(kind.profile.options().load(json.loads(options)))
