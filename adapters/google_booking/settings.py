"""What is agreed in Google's Partner Portal, and what our feeds call things."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from marshmallow import Schema, fields, validate

from adapters.canonical import EMPTY
from adapters.values import COUNTRIES, ID

IDENTIFIER = validate.Length(1, ID)
COUNTRY = validate.OneOf(sorted(COUNTRIES))


class Options(Schema):
    """`partner_id` of the Partner Portal. The feeds' `merchants` with the country that each serves, and their
    `services` with our SKU where it is another. `country` and `merchant_id` count where a booking says none."""

    partner_id = fields.String(validate=validate.Regexp(r"[A-Za-z0-9_-]{1,40}\Z"))
    merchants = fields.Dict(keys=fields.String(validate=IDENTIFIER), values=fields.String(validate=COUNTRY))
    services = fields.Dict(keys=fields.String(validate=IDENTIFIER), values=fields.String(validate=IDENTIFIER))
    country = fields.String(validate=COUNTRY)
    merchant_id = fields.String(validate=IDENTIFIER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The options, with what counts where nothing was agreed: every merchant is known, a service is its own SKU."""

    partner_id: str = "PARTNER"
    merchants: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    services: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    country: str = "CH"
    merchant_id: str = "STECKER"

    def country_of(self, merchant_id: str) -> str:
        """Whom Google asks about slots for says no place: it is the merchant that has one."""
        return self.merchants.get(merchant_id, self.country)

    def sku(self, service_id: str) -> str:
        return self.services.get(service_id, service_id)

    def service_id(self, sku: str) -> str:
        """The inverse of `sku`."""
        return next((service for service, known in self.services.items() if known == sku), sku)
