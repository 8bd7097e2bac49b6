"""`webhooks/verify.py`, as a partner uses it: one copied file, and what must not pass (K4)."""

import ast
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from webhooks import signing
from webhooks import verify as module
from webhooks.verify import InvalidSignature, verify

FILE = Path(module.__file__)
NOW = datetime(2026, 1, 14, 14, 0, tzinfo=UTC)
BODY = '{"city":"Zürich"}'.encode()
SIGNS = signing.new(b"s" * 32, b"k" * 32)
OTHER = signing.new(b"o" * 32, b"t" * 32)
PUBLIC = str(SIGNS.public_key)


def sent(stamp: float = NOW.timestamp(), body: bytes = BODY) -> dict[str, str]:
    value = signing.value(signing.signers([SIGNS]), "whm_1", int(stamp), body)
    return {"webhook-id": "whm_1", "webhook-timestamp": str(int(stamp)), "webhook-signature": value}


def test_it_imports_the_standard_library_alone() -> None:
    tree = ast.parse(FILE.read_text())
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    roots = {name.partition(".")[0] for name in names}
    assert roots - set(sys.stdlib_module_names) == {"cryptography"}
    ast.parse(FILE.read_text(), feature_version=(3, 9))


def test_a_copy_works_in_a_bare_python(tmp_path: Path) -> None:
    """Without any package: `v1` is checked, and of `v1a` it is said what is missing."""
    (tmp_path / "copied.py").write_bytes(FILE.read_bytes())
    program = f"""
import sys; sys.path.insert(0, {str(tmp_path)!r})
from copied import verify
headers, body = {sent()!r}, {BODY!r}
print(verify({SIGNS.secret!r}, headers, body, now={NOW.timestamp()}))
try:
    verify({PUBLIC!r}, headers, body, now={NOW.timestamp()})
except ValueError as error:
    print(error)
"""
    ran = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, timeout=60)
    assert ran.stdout.splitlines() == ["whm_1", "a public key needs the Python package cryptography"], ran.stderr


@pytest.mark.parametrize("secrets", [SIGNS.secret, PUBLIC, [OTHER.secret, SIGNS.secret], [OTHER.secret, PUBLIC]])
def test_one_of_several_secrets_is_enough_and_the_id_comes_back(secrets: str | list[str]) -> None:
    assert verify(secrets, sent(), BODY, now=NOW.timestamp()) == "whm_1"


@pytest.mark.parametrize("secrets", [OTHER.secret, str(OTHER.public_key), [OTHER.secret, str(OTHER.public_key)]])
def test_another_secret_or_key_is_not(secrets: str | list[str]) -> None:
    with pytest.raises(InvalidSignature, match="no signature"):
        verify(secrets, sent(), BODY, now=NOW.timestamp())


CHANGES = {
    "another id": {"webhook-id": "whm_2"},
    "a later timestamp": {"webhook-timestamp": str(int(NOW.timestamp()) + 1)},
    "no number": {"webhook-timestamp": "1e9"},
    "no digits of ours": {"webhook-timestamp": "١٢٣"},
    "no signature": {"webhook-signature": ""},
    "no base64": {"webhook-signature": "v1,*** v1a,é"},
    "no version": {"webhook-signature": " ".join(one.split(",")[1] for one in sent()["webhook-signature"].split())},
    "another version": {"webhook-signature": sent()["webhook-signature"].replace("v1", "v9")},
    "the versions swapped": {
        "webhook-signature": sent()["webhook-signature"].replace("v1a,", "#").replace("v1,", "v1a,").replace("#", "v1,")
    },
}


@pytest.mark.parametrize("secret", [SIGNS.secret, PUBLIC], ids=["v1", "v1a"])
@pytest.mark.parametrize("change", CHANGES)
def test_what_was_changed_is_refused_k4(secret: str, change: str) -> None:
    with pytest.raises(InvalidSignature):
        verify(secret, {**sent(), **CHANGES[change]}, BODY, now=NOW.timestamp())


@pytest.mark.parametrize("secret", [SIGNS.secret, PUBLIC], ids=["v1", "v1a"])
@pytest.mark.parametrize("body", [BODY[:-1], BODY + b"\n", b'{"city": "Z\\u00fcrich"}', b""])
def test_another_body_is_refused_k4(secret: str, body: bytes) -> None:
    with pytest.raises(InvalidSignature):
        verify(secret, sent(), body, now=NOW.timestamp())


@pytest.mark.parametrize("seconds", [-301, 301])
def test_the_tolerance_holds_both_ways_and_can_be_another_k4(seconds: int) -> None:
    now = NOW.timestamp() + seconds
    with pytest.raises(InvalidSignature, match="five minutes"):
        verify(SIGNS.secret, sent(), BODY, now=now)
    with pytest.raises(InvalidSignature, match="60 seconds"):
        verify(SIGNS.secret, sent(), BODY, now=now, tolerance=60)
    assert verify(SIGNS.secret, sent(), BODY, now=now, tolerance=302) == "whm_1"


def test_without_a_moment_it_is_now() -> None:
    assert verify(SIGNS.secret, sent(datetime.now(UTC).timestamp()), BODY) == "whm_1"
    with pytest.raises(InvalidSignature, match="away from now"):
        verify(SIGNS.secret, sent((datetime.now(UTC) - timedelta(hours=1)).timestamp()), BODY)


@pytest.mark.parametrize("secrets", ["", "whsec_", "whsec_***", "whpk_", "whpk_c2hvcnQ=", "whpk_***", "whsec_é", []])
def test_what_is_no_secret_is_said_to_be_none(secrets: str | list[str]) -> None:
    with pytest.raises(ValueError, match=r"secret|public key"):
        verify(secrets, sent(), BODY, now=NOW.timestamp())


def test_it_takes_what_the_official_library_signs_and_that_takes_ours() -> None:
    now = datetime.now(UTC)
    theirs = {**sent(now.timestamp()), "webhook-signature": Webhook(SIGNS.secret).sign("whm_1", now, BODY.decode())}
    assert verify(SIGNS.secret, theirs, BODY) == "whm_1"
    assert Webhook(SIGNS.secret).verify(BODY, sent(now.timestamp())) == {"city": "Zürich"}


@given(
    st.dictionaries(st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]), st.text()),
    st.binary(),
)
def test_whatever_comes_it_raises_nothing_else(headers: Mapping[str, str], body: bytes) -> None:
    with pytest.raises(InvalidSignature):
        verify([SIGNS.secret, PUBLIC], headers, body, now=NOW.timestamp())
