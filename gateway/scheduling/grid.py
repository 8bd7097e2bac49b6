"""Which windows there are: two hours each, on working days, local time. Pure."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from adapters.canonical import SlotWish, Window
from gateway.catalogue.service import TIMEZONES

STARTS = (8, 10, 12, 14, 16)
HOURS = 2
SUNDAY = 6
# A technician is found and hears of it in time.
LEAD = timedelta(hours=24)
# So many days are looked at for one question, however long its time is.
DAYS = 60


def area(wish: SlotWish) -> str:
    """Where one crew works: the country, and the first two characters of the postcode.

    Without a postcode nobody works there, so that every window is free: who asks for no place hears when somebody
    could come, and where nobody can is found out by booking.
    """
    return f"{wish.country}-{(wish.postcode or '').strip().upper()[:2]}"


def windows(country: str, within: Window, now: datetime) -> Iterator[Window]:
    """Every window of a country that begins `within`, and late enough; none of a country that is not served."""
    if country not in TIMEZONES:
        return
    zone = ZoneInfo(TIMEZONES[country])
    first = max(within.start, now + LEAD)
    day = first.astimezone(zone).date()
    last = min(day + timedelta(days=DAYS), within.end.astimezone(zone).date())
    while day <= last:
        for hour in STARTS if day.weekday() != SUNDAY else ():
            # The end on the clock of the wall, too: a day of 23 hours has its windows all the same.
            start, end = (datetime.combine(day, time(at), zone).astimezone(UTC) for at in (hour, hour + HOURS))
            if first <= start < within.end:
                yield Window(start=start, end=end)
        day += timedelta(days=1)
