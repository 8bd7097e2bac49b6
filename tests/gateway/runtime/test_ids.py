"""Ids that say what they name."""

import re
from datetime import UTC, datetime, timedelta

from gateway.ids import new_id

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def test_an_id_is_its_prefix_and_a_ulid():
    assert re.fullmatch(r"job_[0-7][0-9A-HJKMNP-TV-Z]{25}", new_id("job", NOW))


def test_the_time_is_in_its_first_ten_digits():
    """The example of the ULID specification: 1469918176385 ms is 01ARYZ6S41."""
    assert new_id("x", datetime.fromtimestamp(1469918176.385, UTC))[2:12] == "01ARYZ6S41"


def test_ids_sort_by_the_time_they_were_made():
    ids = [new_id("evt", NOW + timedelta(milliseconds=number)) for number in range(1000)]
    assert ids == sorted(ids)


def test_no_two_are_the_same():
    assert len({new_id("evt", NOW) for _ in range(10_000)}) == 10_000
