"""What a partner may have agreed otherwise, and how we read them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from adapters.countries import THREE_LETTERS

SHIP_FROM = ("ship_from_city", "ship_from_zip_code", "ship_from_country")


class Options(Schema):
    """`ship_from_*` of our shipments; without them a visit is sent from where it was. `overlap_minutes` are read again
    at every round, `start_days` at the very first."""

    ship_from_city = fields.String(validate=validate.Length(1, 60))
    ship_from_zip_code = fields.String(validate=validate.Length(1, 10))
    ship_from_country = fields.String(
        validate=validate.OneOf(THREE_LETTERS, error="This is not a country of two letters.")
    )
    overlap_minutes = fields.Integer(strict=True, validate=validate.Range(1, 1440))
    start_days = fields.Integer(strict=True, validate=validate.Range(0, 90))

    @validates_schema
    def _all_of_an_address(self, data: Mapping[str, Any], **_: Any) -> None:
        missing = [name for name in SHIP_FROM if name not in data]
        if missing and len(missing) < len(SHIP_FROM):
            raise ValidationError({name: ["An address needs all three."] for name in missing})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The options, with what counts where nothing was agreed."""

    ship_from_city: str = ""
    ship_from_zip_code: str = ""
    ship_from_country: str | None = None
    overlap_minutes: int = 15
    start_days: int = 7
