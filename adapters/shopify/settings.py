"""What a shop may have agreed otherwise, and which of its lines are ours."""

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from marshmallow import Schema, fields, validate

from adapters.objects import Object
from adapters.options import time_zone

PREFIX = "SVC-"

_TEXT = validate.Length(1, 100)


class Options(Schema):
    """Which lines are ours: by the beginning of their `sku`, their `vendor`, or their `fulfillment_service`.

    `date_field` and `hours_field` are the names under which the shop's checkout keeps the wish (`2026-01-20`,
    `08:00-12:00`), in `timezone`. `test_orders` are taken, too. `api_version` is that of our calls.
    """

    sku_prefix = fields.String(validate=_TEXT)
    vendor = fields.String(validate=_TEXT)
    fulfillment_service = fields.String(validate=_TEXT)
    date_field = fields.String(validate=_TEXT)
    hours_field = fields.String(validate=_TEXT)
    timezone = fields.String(validate=time_zone)
    test_orders = fields.Boolean()
    api_version = fields.String(validate=validate.Regexp(r"20[0-9]{2}-(01|04|07|10)\Z"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The options, with what counts where nothing was agreed."""

    sku_prefix: str | None = None
    vendor: str | None = None
    fulfillment_service: str | None = None
    date_field: str = "preferred_date"
    hours_field: str = "preferred_window"
    timezone: str = "Europe/Zurich"
    test_orders: bool = False
    api_version: str = "2026-01"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def api_path(self) -> str:
        return f"/admin/api/{self.api_version}/graphql.json"

    def ours(self, line: Object) -> bool:
        """Whether a line item is a service of ours: by any of the marks that were agreed, or by its `SVC-`."""
        agreed = {
            "sku": self.sku_prefix,
            "vendor": self.vendor,
            "fulfillment_service": self.fulfillment_service,
        }
        if not any(agreed.values()):
            agreed["sku"] = PREFIX
        return any(mark and _bears(line.members.get(name), mark, name == "sku") for name, mark in agreed.items())


def _bears(value: Any, mark: str, begins: bool) -> bool:
    if not isinstance(value, str):
        return False
    return value.strip().startswith(mark) if begins else value.strip() == mark
