"""A partner's dialect, ready to use: an adapter with the partner's options."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy.orm import Session

from adapters import by_name
from adapters.contract import Adapter
from gateway import driver

CONTACT = "contact_email"
"""The option of any partner that says whom to write to."""


def adapter_of(session: Session, partner_id: str) -> Adapter | None:
    """The adapter of a partner that exists; None where we have no dialect for them."""
    [row] = driver.recall(session, _DIALECT, {"partner_id": partner_id})
    return adapter(*row)


_DIALECT = "SELECT adapter, options FROM partner WHERE id = %(partner_id)s"


def of_dialect(options: Mapping[str, Any]) -> dict[str, Any]:
    """A partner's options without those that every partner may have."""
    return {name: value for name, value in options.items() if name != CONTACT}


def adapter(name: str | None, options: Mapping[str, Any]) -> Adapter | None:
    """An adapter with options. Adapters are stateless: one serves every thread, and is made once."""
    return _made(name, json.dumps(options, sort_keys=True)) if name is not None else None


@lru_cache(maxsize=256)
def _made(name: str, options: str) -> Adapter:
    kind = by_name(name)
    return kind(kind.profile.options().load(of_dialect(json.loads(options))))
