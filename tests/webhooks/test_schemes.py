"""Authentication as data: what a scheme wants to know, what may be shown, and the headers that come of it."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, RSAKey

from webhooks import schemes, signing
from webhooks.schemes import MEMBERS, Scheme, Sent
from webhooks.tokens import Tokens

NOW = datetime(2026, 1, 14, 14, 0, tzinfo=UTC)
SENT = Sent(id="whm_1", body=b"<a/>", at=NOW)
KEY = bytes(range(32))
SIGNERS = signing.signers([signing.new(KEY, None)])
PEM = RSAKey.generate_key(2048).as_pem(private=True).decode()
SHORT = generate_private_key(65537, 1024).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

WISHES = {
    "standard-webhooks": {},
    "hmac": {"header": "X-Hub-Signature-256", "secret": "s3cret"},
    "basic": {"username": "stecker", "password": "pass:wörd"},
    "bearer": {"token": "t0ken"},
    "header": {"name": "X-Shopify-Access-Token", "value": "shpat_1"},
    "oauth2": {"token_url": "https://idp.example.com/token", "client_id": "c", "client_secret": "s"},
    "lwa": {"client_id": "c", "client_secret": "s", "refresh_token": "Atzr|r"},
    "google": {"client_email": "a@b.iam.gserviceaccount.com", "private_key": PEM, "scope": "https://g.example/auth"},
    "folder": {},
}


def wish(scheme: str, **changes: object) -> dict[str, object]:
    whole: dict[str, object] = {"scheme": scheme, **WISHES[scheme], **changes}
    return {name: value for name, value in whole.items() if value is not None}


def faults(said: dict[str, object]) -> list[tuple[str, str]]:
    return schemes.faults(said, lambda url: [] if url.startswith("https://") else ["not_https"])


def outgoing(scheme: str, **changes: object) -> Scheme:
    def ask(*_: object) -> Tokens:
        raise AssertionError("no token is needed")

    said = wish(scheme, **changes)
    return schemes.outgoing(scheme, schemes.loaded(said), ask, SIGNERS)  # type: ignore[arg-type]


def test_every_scheme_has_an_example_here() -> None:
    assert WISHES.keys() == MEMBERS.keys()


@pytest.mark.parametrize("scheme", MEMBERS)
def test_what_a_scheme_needs_is_enough_and_nothing_less_is(scheme: str) -> None:
    assert faults(wish(scheme)) == []
    for name in WISHES[scheme]:
        assert faults(wish(scheme, **{name: None})) == [(name, "required")]
        assert faults(wish(scheme, **{name: ""})) == [(name, "required")]
        assert faults(wish(scheme, **{name: 7})) == [(name, "not_text")]
        assert faults(wish(scheme, **{name: "x" * 20_000})) == [(name, "too_long")]


@pytest.mark.parametrize(
    ("scheme", "changes", "fault"),
    [
        ("basic", {"username": "a:b"}, ("username", "malformed")),
        ("basic", {"password": "a\r\nx-evil: 1"}, ("password", "malformed")),
        ("bearer", {"token": "a\nb"}, ("token", "malformed")),
        ("bearer", {"token": "ü"}, ("token", "malformed")),
        ("bearer", {"scope": "x"}, ("scope", "unknown_member")),
        ("header", {"value": " padded"}, ("value", "malformed")),
        ("header", {"name": "x y"}, ("name", "malformed")),
        ("header", {"name": "Content-Length"}, ("name", "header_taken")),
        ("header", {"name": "webhook-signature"}, ("name", "header_taken")),
        ("hmac", {"algorithm": "md5"}, ("algorithm", "not_a_choice")),
        ("hmac", {"encoding": "HEX"}, ("encoding", "not_a_choice")),
        ("oauth2", {"token_url": "http://idp.example.com/"}, ("token_url", "not_https")),
        ("oauth2", {"client_auth": "jwt"}, ("client_auth", "not_a_choice")),
        ("google", {"private_key": PEM.replace("PRIVATE", "PUBLIC")}, ("private_key", "malformed")),
        ("google", {"private_key": PEM[:400] + PEM[450:]}, ("private_key", "malformed")),
        ("google", {"private_key": SHORT}, ("private_key", "malformed")),
        (
            "google",
            {"private_key": ECKey.generate_key("P-256").as_pem(private=True).decode()},
            ("private_key", "malformed"),
        ),
    ],
)
def test_a_fault_is_named_with_its_member(scheme: str, changes: dict[str, object], fault: tuple[str, str]) -> None:
    assert faults(wish(scheme, **changes)) == [fault]


def test_all_faults_are_told_at_once_and_an_unknown_scheme_is_one() -> None:
    assert faults({"scheme": "basic", "username": "a:b", "nonsense": "1"}) == [
        ("nonsense", "unknown_member"),
        ("username", "malformed"),
        ("password", "required"),
    ]
    assert faults({"scheme": "digest"}) == faults({}) == [("scheme", "unknown_scheme")]


@pytest.mark.parametrize("scheme", MEMBERS)
def test_no_secret_is_shown_or_stands_in_a_representation(scheme: str) -> None:
    told = schemes.loaded(wish(scheme))  # type: ignore[arg-type]
    hidden = schemes.hidden(scheme, told)
    shown = schemes.public(scheme, told)
    assert len(hidden) + len(shown) == len(told)
    assert not set(hidden) & set(shown.values())
    if scheme in {"standard-webhooks", "hmac", "basic", "bearer", "header"}:
        made = outgoing(scheme)
        assert not any(secret in repr(made) for secret in (*hidden, repr(KEY)))


strange = (
    st.text(max_size=40) | st.sampled_from(["a\r\nb", "\ud800", "a:b", " a", "sha256", "hex", PEM]) | st.integers()
)


@given(st.data(), st.sampled_from(["hmac", "basic", "bearer", "header"]))
def test_what_has_no_fault_makes_headers_that_can_be_sent(data: st.DataObject, scheme: str) -> None:
    members = {member.name: strange for member in MEMBERS[scheme]}
    said: dict[str, Any] = {"scheme": scheme, **data.draw(st.fixed_dictionaries({}, optional=members))}
    if faults(said):
        return
    made = schemes.outgoing(scheme, schemes.loaded(said), lambda *_: pytest.fail("a token"), SIGNERS)
    for name, value in made.headers(SENT, 0).items():
        assert f"{name}: {value}".encode("latin-1").splitlines() == [f"{name}: {value}".encode("latin-1")]
        assert value == value.strip()
        assert made.hidden({name: value}) is not None


def test_standard_webhooks_signs() -> None:
    headers = outgoing("standard-webhooks").headers(SENT, 0)
    signing.verify(KEY, headers, SENT.body, now=NOW)
    assert headers.keys() == {"webhook-id", "webhook-timestamp", "webhook-signature"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, hmac.new(b"s3cret", b"<a/>", hashlib.sha256).hexdigest()),
        ({"prefix": "sha256="}, "sha256=" + hmac.new(b"s3cret", b"<a/>", hashlib.sha256).hexdigest()),
        (
            {"algorithm": "sha1", "encoding": "base64"},
            base64.b64encode(hmac.new(b"s3cret", b"<a/>", hashlib.sha1).digest()).decode(),
        ),
    ],
)
def test_hmac_is_of_the_body_and_the_standard_signature_stands_beside_it(
    changes: dict[str, object], expected: str
) -> None:
    headers = outgoing("hmac", **changes).headers(SENT, 0)
    assert headers["x-hub-signature-256"] == expected
    signing.verify(KEY, headers, SENT.body, now=NOW)


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        ("basic", {"authorization": "Basic " + base64.b64encode("stecker:pass:wörd".encode()).decode()}),
        ("bearer", {"authorization": "Bearer t0ken"}),
        ("header", {"x-shopify-access-token": "shpat_1"}),
    ],
)
def test_a_fixed_header_is_all_there_is(scheme: str, expected: dict[str, str]) -> None:
    made = outgoing(scheme)
    assert made.headers(SENT, 0) == expected
    assert not made.renew(expected)
