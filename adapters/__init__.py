"""Pure translation between partners' documents and the canonical order. No I/O, no clock, no database."""

from adapters.amazon_services.adapter import AmazonServicesAdapter
from adapters.contract import Adapter
from adapters.edifact.adapter import EdifactAdapter
from adapters.google_booking.adapter import GoogleBookingAdapter
from adapters.idoc.adapter import IdocAdapter
from adapters.opentrans.adapter import OpenTransAdapter
from adapters.otto.adapter import OttoAdapter
from adapters.plain.adapter import PlainAdapter
from adapters.shopify.adapter import ShopifyAdapter
from adapters.tmforum.adapter import TmForumAdapter

ADAPTERS: tuple[type[Adapter], ...] = (
    PlainAdapter,
    OpenTransAdapter,
    EdifactAdapter,
    IdocAdapter,
    AmazonServicesAdapter,
    OttoAdapter,
    GoogleBookingAdapter,
    ShopifyAdapter,
    TmForumAdapter,
)


def by_name(name: str) -> type[Adapter]:
    """The adapter of a dialect. Raises `KeyError` for a dialect that nobody speaks."""
    return {adapter.profile.name: adapter for adapter in ADAPTERS}[name]
