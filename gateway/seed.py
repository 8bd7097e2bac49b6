"""What a fresh system knows: the partners of the marketplace, what they call our services, and keys to try it with."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from gateway.catalogue.tables import PartnerArticle
from gateway.ids import new_id
from gateway.oauth.service import Issued, create_client
from gateway.partners.tables import Partner
from gateway.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Seeded:
    """A partner of the first day. `adapter` is None where its dialect is not spoken here yet."""

    slug: str
    name: str
    adapter: str | None = None
    kind: str = "retailer"
    options: Mapping[str, str] = field(default_factory=dict)


PARTNERS = (
    Seeded("demo", "Demo Shop (plain JSON)", "plain"),
    Seeded("brack", "Brack.ch (openTRANS 2.1)", "opentrans"),
    Seeded("interdiscount", "Interdiscount (EDIFACT D.01B)", "edifact", options={"guideline": "interdiscount"}),
    Seeded("lumimart", "Lumimart (EDIFACT D.96A)", "edifact", options={"guideline": "lumimart"}),
    Seeded("bosch", "Bosch (SAP IDoc ORDERS05)", "idoc"),
    Seeded("swisscom", "Swisscom (TM Forum TMF641)", "tmforum"),
    Seeded("google", "Google (Actions Center)", "google_booking"),
    Seeded("logitech", "Logitech (Shopify)", "shopify"),
    Seeded("otto", "OTTO Market", "otto"),
    Seeded("amazon_de", "Amazon.de (SP-API Services)", "amazon_services"),
    Seeded("dispatch", "Dispatch of the marketplace", kind="dispatch"),
)

# What every retailer calls our services on the first day: their SKU, our service, the price agreed for it in CHF.
ARTICLES = (
    ("SVC-TV-WALL-65", "tv.wall_mount_l", Decimal("149.00")),
    ("SVC-NET-SETUP", "net.router_install", Decimal("79.00")),
)

# Whom there are sandbox keys for: a web shop, a retailer with a dialect, and the other side.
KEYS_FOR = ("demo", "brack", "dispatch")


def seed(runtime: Runtime) -> None:
    """Add what is missing. Safe to run at every start: what is there is left as it is, but for a partner whose dialect
    was not spoken here when it came."""
    now = runtime.clock()
    with runtime.sessions.begin() as session:
        rows = [{"id": new_id("ptn", now), **asdict(one), "created_at": now} for one in PARTNERS]
        added = insert(Partner)
        spoken = {"adapter": added.excluded.adapter, "options": added.excluded.options}
        session.execute(
            added.on_conflict_do_update(index_elements=["slug"], set_=spoken, where=Partner.adapter.is_(None)), rows
        )
        retailers = session.scalars(
            select(Partner.id).where(
                Partner.slug.in_([one.slug for one in PARTNERS if one.kind == "retailer"]),
            )
        )
        articles = [row for partner_id in retailers for row in _articles(partner_id)]
        session.execute(insert(PartnerArticle).on_conflict_do_nothing(), articles)


def _articles(partner_id: str) -> list[dict[str, object]]:
    return [
        {
            "partner_id": partner_id,
            "environment": environment,
            "kind": "sku",
            "code": sku,
            "service": service,
            "price_amount": amount,
            "price_currency": "CHF",
        }
        for environment in ("sandbox", "live")
        for sku, service, amount in ARTICLES
    ]


def sandbox_keys(runtime: Runtime) -> Mapping[str, Issued]:
    """New sandbox credentials for the partners one tries things with, by slug. They are shown this once."""
    now = runtime.clock()
    with runtime.sessions.begin() as session:
        return {slug: _keys(session, runtime, slug, now) for slug in KEYS_FOR}


def _keys(session: Session, runtime: Runtime, slug: str, now: datetime) -> Issued:
    partner = session.scalars(select(Partner).where(Partner.slug == slug)).one()
    return create_client(session, runtime.vault, partner, "sandbox", (), now)
