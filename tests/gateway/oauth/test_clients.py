"""Clients and the form of their secrets (security.md K9, K10)."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from gateway.oauth import scopes, service
from gateway.oauth import secret as secrets
from gateway.oauth.service import Issued
from gateway.oauth.tables import ClientSecret

ENTROPY = st.binary(min_size=secrets.ENTROPY_BYTES, max_size=secrets.ENTROPY_BYTES)


@given(ENTROPY, st.sampled_from(["sandbox", "live"]))
def test_every_secret_has_the_published_form(entropy: bytes, environment: str) -> None:
    """K10"""
    made = secrets.make(environment, entropy)
    assert re.fullmatch(r"stks_(test|live)_[0-9A-Za-z]{49}", made)
    assert secrets.well_formed(made)


@given(ENTROPY, st.integers(0, 58), st.sampled_from(secrets.DIGITS))
def test_one_changed_letter_shows(entropy: bytes, at: int, letter: str) -> None:
    """K10"""
    made = secrets.make("sandbox", entropy)
    changed = made[:at] + letter + made[at + 1 :]
    assert secrets.well_formed(changed) == (changed == made)


@pytest.mark.parametrize("text", ["", "stks_test_", "stks_test_" + "A" * 49, "x" * 100_000, "stks_test_é"])
def test_other_strings_are_not_secrets(text: str) -> None:
    assert not secrets.well_formed(text)


def test_only_a_fingerprint_is_kept(gateway: Any, issued: Issued) -> None:
    """K9"""
    with gateway.runtime.sessions() as session:
        stored = session.scalars(select(ClientSecret)).one()
    assert stored.fingerprint == gateway.runtime.vault.fingerprint(issued.client_secret)
    assert issued.client_secret.encode() not in stored.fingerprint
    assert secrets.CLIENT_ID.fullmatch(issued.client_id)


def test_two_clients_have_two_secrets(gateway: Any, acme: Any) -> None:
    assert gateway.client(acme).client_secret != gateway.client(acme).client_secret


def test_a_dispatch_gets_the_fulfilment_scopes(gateway: Any) -> None:
    assert gateway.client(gateway.partner("dispatch", "dispatch")).scopes == ("fulfilment:write", "fulfilment:read")


@pytest.mark.parametrize("scope", ["fulfilment:read", "ops", "orders:fly"])
def test_a_retailer_never_gets_more_than_its_own(gateway: Any, acme: Any, scope: str) -> None:
    with pytest.raises(service.Refused, match=scope):
        gateway.client(acme, "sandbox", ("orders:read", scope))


def test_every_scope_can_be_granted_to_somebody() -> None:
    assert {scope for some in scopes.GRANTABLE.values() for scope in some} == set(scopes.SCOPES)


def test_refuses_to_change_a_client_that_is_not_there(gateway: Any) -> None:
    with gateway.runtime.sessions.begin() as session, pytest.raises(service.Refused, match="no such client"):
        service.set_status(session, "stk_test_nobody", "suspended")
