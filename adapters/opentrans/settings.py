"""What a partner may have agreed otherwise."""

from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

from marshmallow import Schema, fields, validate

from adapters.options import time_zone


class Options(Schema):
    """`timezone` of times without an offset, `tax_included` of prices, what becomes of `missing_lines` of an
    ORDERCHANGE, and the party ids to write where an order came in another dialect."""

    timezone = fields.String(validate=time_zone)
    tax_included = fields.Boolean()
    missing_lines = fields.String(validate=validate.OneOf(("keep", "cancel")))
    buyer_id = fields.String(validate=validate.Length(1, 250))
    supplier_id = fields.String(validate=validate.Length(1, 250))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The options, with what counts where nothing was agreed."""

    timezone: str = "Europe/Zurich"
    tax_included: bool = False
    missing_lines: Literal["keep", "cancel"] = "keep"
    buyer_id: str = "buyer"
    supplier_id: str = "supplier"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)
