"""Whose rows: every query on behalf of a partner takes a tenant."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tenant:
    """An owner (opaque text; the application's partner id) and its environment (`sandbox` or `live`)."""

    owner: str
    environment: str
