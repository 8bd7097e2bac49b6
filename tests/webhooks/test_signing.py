"""Standard Webhooks: the specification's own vector, the official library, and what must not pass (K1, K4)."""

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from webhooks import signing
from webhooks.signing import InvalidSignature

# https://github.com/standard-webhooks/standard-webhooks: the vector of its libraries' tests.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
STAMP = 1614265330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

NOW = datetime(2026, 1, 14, 14, 0, tzinfo=UTC)


def _headers(body: bytes = BODY, now: datetime = NOW) -> dict[str, str]:
    stamp = int(now.timestamp())
    return {
        "webhook-id": "whm_1",
        "webhook-timestamp": str(stamp),
        "webhook-signature": signing.sign(signing.key(SECRET), "whm_1", stamp, body),
    }


def test_signs_as_the_specification_does_k1() -> None:
    assert signing.sign(signing.key(SECRET), ID, STAMP, BODY) == SIGNATURE


def test_the_official_library_accepts_what_we_sign_k1() -> None:
    headers = _headers(now=datetime.now(UTC))

    assert Webhook(SECRET).verify(BODY, headers) == {"test": 2432232314}


def test_we_accept_what_the_official_library_signs() -> None:
    signature = Webhook(SECRET).sign("whm_1", NOW, BODY.decode())
    headers = {**_headers(), "webhook-signature": signature}

    signing.verify(signing.key(SECRET), headers, BODY, now=NOW)


def test_header_names_may_come_in_any_case_and_signatures_in_any_number() -> None:
    headers = {name.upper(): value for name, value in _headers().items()}
    headers["WEBHOOK-SIGNATURE"] = "v1a,other v1, v2,x " + headers["WEBHOOK-SIGNATURE"]

    signing.verify(signing.key(SECRET), headers, BODY, now=NOW)


@pytest.mark.parametrize(
    ("change", "body"),
    [
        ({}, BODY.replace(b"2", b"3", 1)),
        ({}, b'{"test":2432232314}'),
        ({"webhook-id": "whm_2"}, BODY),
        ({"webhook-timestamp": str(int(NOW.timestamp()) + 1)}, BODY),
        ({"webhook-timestamp": "1e9"}, BODY),
        ({"webhook-timestamp": "9" * 5000}, BODY),
        ({"webhook-signature": ""}, BODY),
        ({"webhook-signature": "v1"}, BODY),
        ({"webhook-signature": "v1,é"}, BODY),
        ({"webhook-signature": _headers()["webhook-signature"].replace("v1,", "v2,")}, BODY),
    ],
)
def test_refuses_what_was_changed_k4(change: dict[str, str], body: bytes) -> None:
    with pytest.raises(InvalidSignature):
        signing.verify(signing.key(SECRET), {**_headers(), **change}, body, now=NOW)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_names_the_header_that_is_missing_k4(name: str) -> None:
    headers = _headers()
    del headers[name]

    with pytest.raises(InvalidSignature, match=name):
        signing.verify(signing.key(SECRET), headers, BODY, now=NOW)


@pytest.mark.parametrize("minutes", [-6, 6])
def test_refuses_what_is_not_of_now_k4(minutes: int) -> None:
    with pytest.raises(InvalidSignature, match="five minutes"):
        signing.verify(signing.key(SECRET), _headers(), BODY, now=NOW + timedelta(minutes=minutes))


@pytest.mark.parametrize(
    "secret",
    ["whsec_", "whsec_***", "whsec_" + base64.b64encode(bytes(23)).decode(), base64.b64encode(bytes(65)).decode()],
)
def test_refuses_keys_that_are_no_keys_k1(secret: str) -> None:
    with pytest.raises(ValueError, match="the secret is not"):
        signing.key(secret)


# --- generations -------------------------------------------------------------------------------------------------

SEED = bytes(range(32))
OLD = signing.new(b"o" * 32, SEED[::-1])
NEW = signing.new(b"n" * 32, SEED, NOW)


def _sent(generations: list[signing.Generation], now: datetime = NOW) -> dict[str, str]:
    stamp = int(now.timestamp())
    value = signing.value(signing.signers(generations), "whm_1", stamp, BODY)
    return {"webhook-id": "whm_1", "webhook-timestamp": str(stamp), "webhook-signature": value}


def test_a_public_key_is_that_of_rfc_8032_k1() -> None:
    """§7.1, TEST 1"""
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    public = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    assert signing.new(b"x" * 32, seed).public_key == "whpk_" + base64.b64encode(public).decode()


def test_an_endpoint_with_a_private_key_signs_both_ways_k2() -> None:
    headers = _sent([NEW])
    assert [one.split(",")[0] for one in headers["webhook-signature"].split(" ")] == ["v1", "v1a"]
    assert NEW.public_key is not None
    for secret in (NEW.secret, NEW.public_key):
        signing.verify(secret, headers, BODY, now=NOW)
    for secret in (OLD.secret, OLD.public_key or ""):
        with pytest.raises(InvalidSignature):
            signing.verify(secret, headers, BODY, now=NOW)


def test_the_secret_before_signs_until_it_ends_and_not_a_second_longer_k3() -> None:
    until = NOW + timedelta(hours=24)
    both = [NEW, signing.Generation(secret=OLD.secret, seed=OLD.seed, until=until)]
    before, after = (_sent(both, now) for now in (until - timedelta(seconds=1), until))

    assert [one.split(",")[0] for one in before["webhook-signature"].split(" ")] == ["v1", "v1", "v1a", "v1a"]
    for secret in (NEW.secret, OLD.secret, NEW.public_key or "", OLD.public_key or ""):
        signing.verify(secret, before, BODY, now=until)
    with pytest.raises(InvalidSignature):
        signing.verify(OLD.secret, after, BODY, now=until)
    signing.verify(NEW.secret, after, BODY, now=until)


def test_the_official_library_accepts_both_secrets_of_a_rotation_and_minds_no_v1a_k1() -> None:
    now = datetime.now(UTC)
    both = [NEW, signing.Generation(secret=OLD.secret, seed=OLD.seed, until=now + timedelta(hours=1))]
    for secret in (NEW.secret, OLD.secret):
        assert Webhook(secret).verify(BODY, _sent(both, now)) == {"test": 2432232314}


moments = st.none() | st.datetimes(timezones=st.just(UTC))
generation = st.builds(
    lambda secret, seed, since, until: replace(signing.new(secret, seed, since), until=until),
    st.binary(min_size=24, max_size=64),
    st.none() | st.binary(min_size=32, max_size=32),
    moments,
    moments,
)


@given(st.lists(generation, min_size=1, max_size=3))
def test_what_was_stored_is_loaded(generations: list[signing.Generation]) -> None:
    assert signing.load(signing.store(generations)) == tuple(generations)


def test_a_secret_alone_is_a_generation() -> None:
    """As endpoints of before have it."""
    assert signing.load(SECRET.encode()) == (signing.Generation(secret=SECRET),)


def test_no_secret_stands_in_a_representation_k12() -> None:
    shown = repr([OLD, NEW, signing.signers([OLD, NEW])])
    assert not [part for part in (OLD.secret, NEW.secret, str(SEED), SEED.hex()) if part in shown]
