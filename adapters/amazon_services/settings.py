"""What a partner may have agreed otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from marshmallow import Schema, fields, validate

from adapters.canonical import EMPTY, Reason, Technician

GERMANY = "A1PA6795UKMFR9"
OTHERS = "*"

# cancellationReasonCode; Amazon's lists stand in Seller Central only.
_CODE = validate.Regexp(r"[A-Z0-9_]{1,100}\Z")


def _codes() -> fields.Dict:
    return fields.Dict(keys=fields.String(), values=fields.String(validate=_CODE))


class Options(Schema):
    """`marketplace_id` whose jobs are fetched, and how many days back at the very beginning; `cancellation_codes` and
    `reschedule_codes` of Amazon's by our reason (`*` for the others), `resources` of Amazon's by our technician's id,
    and how long after its ETA a technician may still arrive."""

    marketplace_id = fields.String(validate=validate.Regexp(r"[A-Z0-9]{1,30}\Z"))
    start_days = fields.Integer(strict=True, validate=validate.Range(1, 365))
    cancellation_codes = _codes()
    reschedule_codes = _codes()
    resources = fields.Dict(keys=fields.String(), values=fields.String(validate=validate.Length(1, 100)))
    arrival_minutes = fields.Integer(strict=True, validate=validate.Range(5, 240))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The options, with what counts where nothing was agreed: the codes of Amazon's own examples."""

    marketplace_id: str = GERMANY
    start_days: int = 30
    cancellation_codes: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    reschedule_codes: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    resources: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    arrival_minutes: int = 30

    def cancellation(self, reason: Reason | None) -> str:
        return _code(self.cancellation_codes, reason, "V1")

    def rescheduling(self, reason: Reason | None) -> str:
        return _code(self.reschedule_codes, reason, "R1")

    def resource(self, technician: Technician | None) -> str | None:
        """Who that is at Amazon."""
        return self.resources.get(technician.id) if technician else None


def _code(codes: Mapping[str, str], reason: Reason | None, else_: str) -> str:
    return codes.get(reason.code if reason else OTHERS) or codes.get(OTHERS, else_)
