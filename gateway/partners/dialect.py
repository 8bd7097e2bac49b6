"""A partner's dialect, ready to use: an adapter with the partner's options."""

import json
from functools import lru_cache

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters import by_name
from adapters.contract import Adapter
from gateway.partners.tables import Partner


def adapter_of(session: Session, partner_id: str) -> Adapter:
    """The adapter of a partner that exists."""
    name, options = session.execute(select(Partner.adapter, Partner.options).where(Partner.id == partner_id)).one()
    return adapter(name, json.dumps(options, sort_keys=True))


@lru_cache(maxsize=256)
def adapter(name: str, options: str) -> Adapter:
    """An adapter with options (JSON); adapters are stateless, so one serves every thread."""
    kind = by_name(name)
    return kind(kind.profile.options().load(json.loads(options)))
