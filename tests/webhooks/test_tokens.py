"""Tokens: asked for once for all, renewed before their end, and never told to anybody."""

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.support.clock import Clock
from tests.support.receiver import Receiver, answer
from tests.support.token_server import TokenServer
from webhooks import schemes
from webhooks.tokens import GRANTS, NoToken, Tokens
from webhooks.transport import Transport

KEY = RSAKey.generate_key(2048)


@pytest.fixture
def server(receivers: Callable[[], Receiver]) -> TokenServer:
    return TokenServer(receivers())


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(server: TokenServer, transport: Transport, clock: Clock) -> Callable[..., Tokens]:
    def make(scheme: str = "oauth2", **changes: str) -> Tokens:
        known = {
            "oauth2": {"client_id": "client", "client_secret": server.secret},
            "lwa": {"client_id": "client", "client_secret": server.secret, "refresh_token": "Atzr|x"},
            "google": {
                "client_email": "robot@example.iam.gserviceaccount.com",
                "private_key": KEY.as_pem(private=True).decode(),
                "scope": "https://www.googleapis.com/auth/mapsbooking",
            },
        }
        told = schemes.loaded({"scheme": scheme, "token_url": server.url, **known[scheme], **changes})
        return Tokens(transport, clock, GRANTS[scheme], told)

    return make


def soon() -> float:
    return monotonic() + 5


@pytest.mark.parametrize("client_auth", ["basic", "post"])
def test_client_credentials_are_sent_in_either_way(
    tokens: Callable[..., Tokens], server: TokenServer, client_auth: str
) -> None:
    assert tokens(client_auth=client_auth, scope="orders shipments").get(soon()) == "token-1"
    assert server.asked == [
        {
            "grant_type": "client_credentials",
            "scope": "orders shipments",
            "client_id": "client",
            "client_secret": server.secret,
        }
    ]
    assert ("authorization" in server.receiver.got[0].headers) == (client_auth == "basic")


def test_no_scope_is_none(tokens: Callable[..., Tokens], server: TokenServer) -> None:
    tokens().get(soon())
    assert "scope" not in server.asked[0]


def test_login_with_amazon_refreshes(tokens: Callable[..., Tokens], server: TokenServer) -> None:
    assert tokens("lwa").get(soon()) == "token-1"
    [asked] = server.asked
    assert (asked["grant_type"], asked["refresh_token"]) == ("refresh_token", "Atzr|x")


def test_a_service_account_signs_who_it_is(tokens: Callable[..., Tokens], server: TokenServer, clock: Clock) -> None:
    assert tokens("google").get(soon()) == "token-1"
    [asked] = server.asked
    assert asked["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    said = jwt.decode(asked["assertion"], KEY, algorithms=["RS256"])
    now = int(clock().timestamp())
    assert said.claims == {
        "iss": "robot@example.iam.gserviceaccount.com",
        "scope": "https://www.googleapis.com/auth/mapsbooking",
        "aud": server.url,
        "iat": now,
        "exp": now + 3600,
    }


def test_many_who_need_one_at_once_ask_once(tokens: Callable[..., Tokens], server: TokenServer) -> None:
    server.slow = 0.1
    shared = tokens()
    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(lambda _: shared.get(soon()), range(16)))
    assert found == {"token-1"}
    assert len(server.asked) == 1


def test_many_who_wait_for_one_that_does_not_come_ask_once(tokens: Callable[..., Tokens], server: TokenServer) -> None:
    server.slow, server.down = 0.2, True
    shared = tokens()

    def get(_: int) -> str | None:
        with pytest.raises(NoToken) as refused:
            shared.get(soon())
        return refused.value.answer.error

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(get, range(16))) == {"token_unavailable"}
    # Those who came when it had failed already ask for themselves.
    assert len(server.asked) <= 2
    server.down = False
    assert shared.get(soon()) == "token-1"


def test_a_token_is_renewed_before_its_end(tokens: Callable[..., Tokens], server: TokenServer, clock: Clock) -> None:
    shared = tokens()
    clock.advance(0)
    assert shared.get(soon()) == "token-1"
    clock.advance(3600 - 61)
    assert shared.get(soon()) == "token-1"
    clock.advance(2)
    assert shared.get(soon()) == "token-2"


@pytest.mark.parametrize(
    ("life", "seconds"), [(20, 18), ("20", 18), (None, 270), (0, 270), (10**12, 24 * 3600 - 60), (1e-9, 0), (-5, 0)]
)
def test_whatever_life_is_said_the_token_is_used_and_renewed(
    tokens: Callable[..., Tokens], server: TokenServer, clock: Clock, life: object, seconds: int
) -> None:
    server.life = life
    shared = tokens()
    assert shared.get(soon()) == "token-1"
    clock.advance(max(seconds - 0.5, 0))
    assert shared.get(soon()) == ("token-1" if seconds else "token-2")
    clock.advance(1)
    assert shared.get(soon()) == ("token-2" if seconds else "token-3")


def test_only_the_token_that_was_refused_is_dropped(tokens: Callable[..., Tokens], server: TokenServer) -> None:
    shared = tokens()
    shared.get(soon())
    shared.drop("token-0")
    assert shared.get(soon()) == "token-1"
    shared.drop("token-1")
    shared.drop("token-1")
    assert shared.get(soon()) == "token-2"
    shared.drop("token-1")
    assert shared.get(soon()) == "token-2"


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (answer("400 Bad", body=b'{"error":"invalid_grant"}'), "token_refused"),
        (answer("401 No"), "token_refused"),
        (answer("500 Oops"), "token_unavailable"),
        (answer("302 Found", "location: https://evil.example/"), "token_unavailable"),
        (answer("200 OK", body=b"<html>"), "token_unreadable"),
        (answer("200 OK", body=b"[1]"), "token_unreadable"),
        (answer("200 OK", body=b'{"access_token":7}'), "token_unreadable"),
        (answer("200 OK", body=b'{"access_token":"a\\r\\nx-evil: 1"}'), "token_unreadable"),
        (answer("200 OK", body=b'{"access_token":"a","expires_in":"soon"}'), "token_unreadable"),
        (answer("200 OK", body=b'{"access_token":"a","expires_in":NaN}'), "token_unreadable"),
        (answer("200 OK", body=b"[" * 60_000), "token_unreadable"),
        (lambda sock, request: sock.shutdown(socket.SHUT_RDWR), "connection_reset"),
        (lambda sock, request: None, "timeout"),
    ],
)
def test_what_gives_no_token_has_a_name_and_no_content(
    tokens: Callable[..., Tokens], server: TokenServer, said: object, error: str
) -> None:
    server.receiver.always(said)  # type: ignore[arg-type]
    with pytest.raises(NoToken) as refused:
        tokens().get(soon())
    found = refused.value.answer
    assert (found.error, found.step, found.excerpt, found.body) == (error, "token", None, b"")


def test_a_busy_token_endpoint_says_when_to_come_again(tokens: Callable[..., Tokens], server: TokenServer) -> None:
    server.receiver.always(answer("429 Slow down", "retry-after: 120"))
    with pytest.raises(NoToken) as refused:
        tokens().get(soon())
    assert (refused.value.answer.retry_after, refused.value.answer.status_code) == ("120", 429)


def test_a_token_is_asked_for_only_where_we_may_connect(receiver: Receiver, clock: Clock) -> None:
    """W2: the token's address follows the rules of every other one."""
    strict = Transport(allow=(), deadline=0.5)
    told = schemes.loaded(
        {"scheme": "oauth2", "token_url": receiver.url, "client_id": "client", "client_secret": "secret"}
    )
    with pytest.raises(NoToken) as refused:
        Tokens(strict, clock, GRANTS["oauth2"], told).get(soon())
    strict.close()
    assert refused.value.answer.error == "blocked_by_policy"
    assert receiver.connects == 0


def test_waiting_for_a_token_ends_with_the_attempt(tokens: Callable[..., Tokens], server: TokenServer) -> None:
    server.slow = 0.4
    shared = tokens()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(shared.get, soon())
        server.receiver.wait_for(1)
        start = monotonic()
        with pytest.raises(NoToken) as refused:
            shared.get(start + 0.1)
        assert monotonic() - start < 0.3
        assert refused.value.answer.error == "timeout"
        assert first.result() == "token-1"


def test_what_a_token_endpoint_repeats_is_kept_nowhere(tokens: Callable[..., Tokens], server: TokenServer) -> None:
    with pytest.raises(NoToken) as refused:
        tokens(client_secret="wrong secret").get(soon())
    [asked] = server.asked
    assert asked["client_secret"] == "wrong secret"
    assert "wrong" not in f"{refused.value!r} {refused.value.answer!r} {refused.value.answer.body!r}"
