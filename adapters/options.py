"""What options of several dialects have in common."""

from zoneinfo import available_timezones

from marshmallow import ValidationError


def time_zone(name: str) -> None:
    """Validates the name of an IANA time zone."""
    if name not in available_timezones():
        raise ValidationError("This is not an IANA time zone.")
