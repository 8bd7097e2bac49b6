"""Whose rows: a partner in one environment."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tenant:
    partner_id: str
    environment: str
