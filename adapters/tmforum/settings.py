"""What a partner may have agreed otherwise, and how we read it."""

from dataclasses import dataclass

from marshmallow import Schema, fields, validate

from adapters.values import COUNTRIES

PER_EVENT, CALLBACK = "per_event", "callback"


class Options(Schema):
    """`country` of places that name none. `listener`: events are posted to the standard's path below the callback for
    each of their kinds, or all to the callback itself. `dates_are_window`: whoever comes, comes between
    requestedStartDate and requestedCompletionDate; else these are a wish and a deadline, and are only noted."""

    country = fields.String(validate=validate.OneOf(sorted(COUNTRIES)))
    listener = fields.String(validate=validate.OneOf([PER_EVENT, CALLBACK]))
    dates_are_window = fields.Boolean()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The options, with what counts where nothing was agreed."""

    country: str = "CH"
    listener: str = PER_EVENT
    dates_are_window: bool = False
