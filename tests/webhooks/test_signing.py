"""Standard Webhooks: the specification's own vector, the official library, and what must not pass (K1, K4)."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
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
