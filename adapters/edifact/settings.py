"""What a partner may have agreed otherwise."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from marshmallow import Schema, fields, validate

from adapters.edifact.guidelines import GUIDELINES, INTERDISCOUNT, Guideline
from adapters.options import time_zone


class Options(Schema):
    """`guideline` that the partner writes by, `timezone` of its times, `tax_included` of its prices, and the ids (GLNs)
    of both sides: to check an envelope by, and to address ours where an order came through another door."""

    guideline = fields.String(validate=validate.OneOf(tuple(GUIDELINES)))
    timezone = fields.String(validate=time_zone)
    tax_included = fields.Boolean()
    partner_id = fields.String(validate=validate.Length(1, 35))
    our_id = fields.String(validate=validate.Length(1, 35))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The options, with what counts where nothing was agreed."""

    guideline: str = ""
    timezone: str = "Europe/Zurich"
    tax_included: bool = False
    partner_id: str = ""
    our_id: str = ""

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def spoken(self) -> Guideline:
        """What our documents are written by."""
        return GUIDELINES.get(self.guideline, INTERDISCOUNT)

    def guideline_of(self, release: str) -> Guideline | None:
        """What a message is read by: the agreed guideline; where none was agreed, the one of its directory."""
        agreed = [GUIDELINES[self.guideline]] if self.guideline else GUIDELINES.values()
        return next((one for one in agreed if one.release == release), None)
