"""Ids that say what they name."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial

from ulid import ULID

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


def test_ids_of_one_moment_sort_as_they_were_made():
    ids = [new_id("evt", NOW) for _ in range(10_000)]
    assert ids == sorted(ids)


def test_no_two_are_the_same():
    with ThreadPoolExecutor(8) as threads:
        moments = (NOW + timedelta(milliseconds=number % 3) for number in range(10_000))
        assert len(set(threads.map(partial(new_id, "evt"), moments))) == 10_000


def test_it_reads_back_as_a_ulid():
    made = new_id("evt", NOW + timedelta(milliseconds=7))
    assert ULID.from_str(made[4:]).datetime == NOW + timedelta(milliseconds=7)
