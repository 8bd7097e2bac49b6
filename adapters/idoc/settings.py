"""What a partner may have agreed otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from zoneinfo import ZoneInfo

from marshmallow import Schema, fields, validate

from adapters.canonical import EMPTY
from adapters.options import time_zone

NUMBER = validate.Length(1, 10)  # SNDPRN and RCVPRN have ten characters
ORDERS, ORDCHG = "ORDERS", "ORDCHG"


class Options(Schema):
    """`timezone` of their local times, `window_minutes` that a time without an end means, what the door `answer`s,
    `message_types` of their own and which of ours they are, `rejection_codes` by our reason, and the partner numbers
    to write where an order came in another dialect."""

    timezone = fields.String(validate=time_zone)
    window_minutes = fields.Integer(strict=True, validate=validate.Range(15, 1440))
    answer = fields.String(validate=validate.OneOf(("ORDRSP", "STATUS")))
    message_types = fields.Dict(
        keys=fields.String(validate=validate.Length(1, 30)),
        values=fields.String(validate=validate.OneOf((ORDERS, ORDCHG))),
    )
    rejection_codes = fields.Dict(keys=fields.String(), values=fields.String(validate=validate.Length(1, 2)))
    their_number = fields.String(validate=NUMBER)
    our_number = fields.String(validate=NUMBER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The options, with what counts where nothing was agreed."""

    timezone: str = "Europe/Zurich"
    window_minutes: int = 240
    answer: Literal["ORDRSP", "STATUS"] = "ORDRSP"
    message_types: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    rejection_codes: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    their_number: str = "PARTNER"
    our_number: str = "STECKER"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)
