"""What an answer means, and when the next attempt is (K6)."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from webhooks.policy import LIVE, SANDBOX, Answer, Schedule, judge

NOW = datetime(2026, 1, 14, 14, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def _delay(answer: Answer, attempts: int = 0, schedule: Schedule = LIVE, chance: float = 0.0) -> timedelta:
    verdict = judge(answer, schedule, attempts, now=NOW, chance=chance)
    assert verdict.status == "pending"
    assert verdict.next_attempt_at is not None
    return verdict.next_attempt_at - NOW


def test_the_live_schedule_is_the_one_of_standard_webhooks_k6() -> None:
    hours = [_delay(Answer(status_code=500), attempts) / timedelta(hours=1) for attempts in range(9)]

    assert hours == [5 / 3600, 5 / 60, 0.5, 2, 5, 10, 14, 20, 24]
    assert judge(Answer(status_code=500), LIVE, 9, now=NOW, chance=0).status == "failed"


def test_the_sandbox_schedule_is_short() -> None:
    assert [_delay(Answer(error="timeout"), n, SANDBOX).total_seconds() for n in range(4)] == [2, 5, 10, 20]
    assert judge(Answer(error="timeout"), SANDBOX, 4, now=NOW, chance=0).status == "failed"


def test_jitter_only_ever_delays_by_up_to_a_fifth() -> None:
    assert _delay(Answer(status_code=500), chance=0.999) == timedelta(seconds=5 * (1 + 0.2 * 0.999))


@pytest.mark.parametrize("code", [200, 201, 202, 204, 299])
def test_every_2xx_is_delivered(code: int) -> None:
    verdict = judge(Answer(status_code=code), LIVE, 0, now=NOW, chance=0)

    assert (verdict.status, verdict.error, verdict.next_attempt_at) == ("delivered", None, None)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(status_code=302), "redirect"),
        (Answer(status_code=404), "unexpected_status"),
        (Answer(status_code=100), "unexpected_status"),
        (Answer(status_code=200, error="timeout"), "timeout"),
        (Answer(error="blocked_by_policy"), "blocked_by_policy"),
        (Answer(), "bad_response"),
    ],
)
def test_everything_else_is_tried_again(answer: Answer, error: str) -> None:
    assert judge(answer, LIVE, 0, now=NOW, chance=0).error == error
    assert _delay(answer) == timedelta(seconds=5)


def test_410_disables_the_endpoint_and_keeps_the_message_k6() -> None:
    verdict = judge(Answer(status_code=410), LIVE, 0, now=NOW, chance=0)

    assert (verdict.status, verdict.disable, verdict.error) == ("pending", True, "gone")


@pytest.mark.parametrize(
    ("value", "delay"),
    [
        ("120", timedelta(minutes=2)),
        ("1", timedelta(seconds=5)),
        (format_datetime(NOW + timedelta(hours=1), usegmt=True), timedelta(hours=1)),
        ("Wed, 14 Jan 2026 15:00:00 -0000", timedelta(hours=1)),
        (format_datetime(NOW - timedelta(hours=1), usegmt=True), timedelta(seconds=5)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", DAY),
        ("Fri, 31 Dec 0001 23:59:59 +2359", timedelta(seconds=5)),
        ("1000000000", DAY),
        ("9" * 5000, DAY),
        ("-5", timedelta(seconds=5)),
        ("1.5", timedelta(seconds=5)),
        ("٣", timedelta(seconds=5)),
        ("soon", timedelta(seconds=5)),
        ("", timedelta(seconds=5)),
    ],
)
def test_retry_after_is_honoured_within_bounds_k6_r11(value: str, delay: timedelta) -> None:
    assert _delay(Answer(status_code=429, retry_after=value)) == delay


def test_retry_after_in_the_sandbox_is_a_minute_at_most() -> None:
    assert _delay(Answer(status_code=503, retry_after="3600"), schedule=SANDBOX) == timedelta(minutes=1)
