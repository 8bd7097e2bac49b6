"""The rows of a tenant, or of everybody else, table by table."""

from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway import schema
from gateway.tenant import Tenant


def snapshot(session: Session, tenant: Tenant, *, others: bool = False) -> Mapping[str, list[str]]:
    """Every row with an environment, as text, by its table."""
    found = {}
    for metadata in schema.METADATA:
        for name, table in metadata.tables.items():
            if "environment" in table.columns:
                owner = "partner_id" if "partner_id" in table.columns else "owner"
                mine = f"({owner} = :partner_id AND environment = :environment)"
                query = f"SELECT t::text FROM {name} t WHERE {'NOT ' if others else ''}{mine} ORDER BY 1"
                values = {"partner_id": tenant.partner_id, "environment": tenant.environment}
                found[name] = list(session.scalars(text(query), values))
    return found
