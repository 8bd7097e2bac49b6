"""The rows of a tenant, of everybody else, or of an environment, table by table."""

from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway import schema
from gateway.tenant import Tenant

# Written beside the requests, a moment later.
BESIDE = {"request_log"}


def snapshot(session: Session, tenant: Tenant, *, others: bool = False) -> Mapping[str, list[str]]:
    """This tenant's rows, or those of all others."""
    mine = "{owner} = :partner_id AND environment = :environment"
    values = {"partner_id": tenant.partner_id, "environment": tenant.environment}
    return _rows(session, f"NOT ({mine})" if others else mine, values)


def of_environment(session: Session, environment: str) -> Mapping[str, list[str]]:
    return _rows(session, "environment = :environment", {"environment": environment})


def _rows(session: Session, condition: str, values: Mapping[str, str]) -> Mapping[str, list[str]]:
    """Every row with an environment, as text, by its table."""
    found = {}
    for metadata in schema.METADATA:
        for name, table in metadata.tables.items():
            owner = next((one for one in ("partner_id", "owner") if one in table.columns), None)
            if owner and "environment" in table.columns and name not in BESIDE:
                query = f"SELECT t::text FROM {name} t WHERE {condition.format(owner=owner)} ORDER BY 1"
                found[name] = list(session.scalars(text(query), values))
    return found
