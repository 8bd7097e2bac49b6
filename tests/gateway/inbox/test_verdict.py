"""What a receiver would say of a signature."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sandbox.inbox.verdict import WORDS, signed_bytes, verdict
from webhooks import signing

KEY, OLD, OTHER = (bytes([number]) * 32 for number in (1, 2, 3))
NOW = datetime(2026, 1, 14, 14, 32, 10, tzinfo=UTC)
BODY = b'{"a":1}'


def signed(*keys, body=BODY, at=NOW):
    stamp = int(at.timestamp())
    signatures = " ".join(signing.sign(key, "whm_1", stamp, body) for key in keys)
    return {"webhook-id": "whm_1", "webhook-timestamp": str(stamp), "webhook-signature": signatures}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (signed(KEY), "good"),
        (signed(OLD, KEY), "good"),
        (signed(KEY, at=NOW - timedelta(minutes=6)), "stale"),
        (signed(KEY, at=NOW + timedelta(minutes=6)), "stale"),
        (signed(OLD), "old_secret"),
        (signed(OTHER), "bad"),
        (signed(KEY) | {"webhook-id": "whm_2"}, "bad"),
        (signed(KEY) | {"webhook-timestamp": "soon"}, "bad"),
        (signed(KEY) | {"webhook-timestamp": "9" * 40}, "bad"),
        (signed(KEY, body=b"another"), "bad"),
        ({"webhook-id": "whm_1", "webhook-timestamp": "1"}, "unsigned"),
        ({}, "unsigned"),
    ],
)
def test_each_verdict(headers, expected):
    assert verdict(headers, BODY, KEY, [OLD], NOW) == expected
    assert expected in WORDS


def test_the_signed_string_is_what_the_signature_is_over():
    assert signed_bytes(signed(KEY), BODY) == b'whm_1.1768401130.{"a":1}'


@given(st.dictionaries(st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]), st.text()))
def test_nothing_in_a_header_is_more_than_bad(headers):
    assert verdict(headers, BODY, KEY, [], NOW) in {"bad", "unsigned"}
