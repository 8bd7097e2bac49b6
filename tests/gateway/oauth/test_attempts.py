"""Failed logins are limited by client and address, and by address (security.md O23)."""

from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from gateway.oauth import secret as secrets
from gateway.oauth.attempts import PER_ADDRESS, PER_CLIENT, CountedAttempts, redis_attempts
from gateway.oauth.service import Issued
from tests.support.asking import ask, refusal

WRONG = secrets.make("sandbox", bytes(32))


def fail(endpoint: FlaskClient, issued: Issued, address: str, times: int) -> set[int]:
    wrong = replace(issued, client_secret=WRONG)
    return {ask(endpoint, wrong, environ_base={"REMOTE_ADDR": address}).status_code for _ in range(times)}


@pytest.fixture
def attempts(redis_url: str) -> CountedAttempts:
    return redis_attempts(redis_url)


def test_the_eleventh_failure_of_a_client_has_to_wait(gateway: Any, issued: Issued, attempts: CountedAttempts) -> None:
    """O23"""
    endpoint = gateway.endpoint(attempts)
    assert fail(endpoint, issued, "192.0.2.1", 10) == {401}
    answer = ask(endpoint, issued, environ_base={"REMOTE_ADDR": "192.0.2.1"})
    refusal(answer, 429, "invalid_client")
    assert 1 <= int(answer.headers["Retry-After"]) <= 60


def test_nobody_is_locked_out_from_elsewhere(gateway: Any, issued: Issued, attempts: CountedAttempts) -> None:
    """O23"""
    endpoint = gateway.endpoint(attempts)
    fail(endpoint, issued, "192.0.2.1", 11)
    assert ask(endpoint, issued, environ_base={"REMOTE_ADDR": "192.0.2.2"}).status_code == 200


def test_good_logins_do_not_count(gateway: Any, issued: Issued, attempts: CountedAttempts) -> None:
    endpoint = gateway.endpoint(attempts)
    assert {ask(endpoint, issued).status_code for _ in range(15)} == {200}


def test_an_address_has_a_hundred_failures(attempts: CountedAttempts) -> None:
    """O23"""
    for number in range(PER_ADDRESS.amount):
        assert attempts.wait(f"client {number}", "192.0.2.1") == 0
        attempts.failed(f"client {number}", "192.0.2.1")
    assert attempts.wait("another client", "192.0.2.1") > 0
    assert attempts.wait("another client", "192.0.2.2") == 0


def test_an_ipv6_customer_is_one_address(attempts: CountedAttempts) -> None:
    for number in range(PER_CLIENT.amount):
        attempts.failed("client", f"2001:db8::{number:x}")
    assert attempts.wait("client", "2001:db8::ffff") > 0
    assert attempts.wait("client", "2001:db8:0:1::1") == 0


def test_counts_by_itself_while_redis_is_away() -> None:
    """O80: Redis away means a local limit."""
    attempts = redis_attempts("redis://127.0.0.1:1/0")
    for _ in range(PER_CLIENT.amount):
        assert attempts.wait("client", "192.0.2.1") == 0
        attempts.failed("client", "192.0.2.1")
    assert attempts.wait("client", "192.0.2.1") > 0
