"""One attempt: a token, a question first, the call, and what a dialect makes of the answer."""

import base64
import hmac
import json
import logging
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from tests.support.calling import LOOPBACK, caller_over
from tests.support.outbox import add_endpoint, event, eventually, rows, say, statuses
from tests.support.receiver import NO_CONTENT, Behaviour, Received, Receiver, answer
from tests.support.token_server import TokenServer
from webhooks import signing
from webhooks.calling import NotNow
from webhooks.courier import Courier, Pace
from webhooks.outbox import Payload
from webhooks.policy import Answer, Ruling
from webhooks.transport import MAX_RESPONSE, Transport

Sessions = sessionmaker[Session]
Couriers = Callable[..., Courier]

PROBE = Payload(body=b"", media_type="", method="GET", path="/jobs/1?fields=state", headers={"x-ask": "1"})
CALL = Payload(
    body=b'{"state":"done"}',
    media_type="application/json",
    method="PATCH",
    path="/jobs/1?mask=state",
    kind="done",
    probe=PROBE,
)
ALONE = Payload(body=CALL.body, media_type=CALL.media_type, method="PUT", path="/jobs/1", kind="done")


@dataclass
class Dialect:
    """A judge that says what it is told to, and keeps what it was asked."""

    then: Payload | Ruling = "delivered"
    ruling: Ruling | Exception = "delivered"
    asked: list[tuple[str, Payload, Answer]] = field(default_factory=list)

    def probed(self, call: Payload, answer: Answer) -> Payload | Ruling:
        self.asked.append(("probed", call, answer))
        return self.then

    def judge(self, call: Payload, answer: Answer) -> Ruling:
        self.asked.append(("judge", call, answer))
        if isinstance(self.ruling, Exception):
            raise self.ruling
        return self.ruling


@pytest.fixture
def server(receivers: Callable[[], Receiver]) -> TokenServer:
    return TokenServer(receivers())


@pytest.fixture
def oauth2(server: TokenServer) -> dict[str, str]:
    return {"scheme": "oauth2", "token_url": server.url, "client_id": "client", "client_secret": server.secret}


@pytest.fixture
def start(couriers: Couriers, transport: Transport) -> Callable[..., None]:
    """Starts a courier, with this dialect where one is named."""

    def run(dialect: Dialect | None = None, **changes: Any) -> None:
        couriers(Pace(), caller=caller_over(transport, judges=lambda owner, form: dialect, **changes))

    return run


def attempts(sessions: Sessions) -> list[tuple[object, ...]]:
    query = "SELECT step, verdict, status_code, error FROM webhook_attempt ORDER BY id"
    return rows(sessions, query)


def settled(sessions: Sessions) -> list[str]:
    assert eventually(lambda: "pending" not in statuses(sessions))
    return statuses(sessions)


# --- who we are --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("authentication", "expected"),
    [
        (
            {"scheme": "basic", "username": "u", "password": "p"},
            {"authorization": "Basic " + base64.b64encode(b"u:p").decode()},
        ),
        ({"scheme": "bearer", "token": "t0ken"}, {"authorization": "Bearer t0ken"}),
        (
            {"scheme": "header", "name": "X-Shopify-Access-Token", "value": "shpat_1"},
            {"x-shopify-access-token": "shpat_1"},
        ),
    ],
)
def test_an_api_is_called_as_it_wants_and_hears_nothing_of_webhooks(
    sessions: Sessions,
    receiver: Receiver,
    start: Callable[..., None],
    authentication: Mapping[str, str],
    expected: Mapping[str, str],
) -> None:
    add_endpoint(sessions, receiver.url, authentication=authentication)
    say(sessions, event("job_1", words=(ALONE,)))
    start()
    [request] = receiver.wait_for(1)
    assert expected.items() <= request.headers.items()
    assert not [name for name in request.headers if name.startswith("webhook-")]
    assert settled(sessions) == ["delivered"]


def test_hmac_is_checked_by_its_receiver(sessions: Sessions, receiver: Receiver, start: Callable[..., None]) -> None:
    authentication = {"scheme": "hmac", "header": "X-Signature", "secret": "s3cret", "encoding": "base64"}
    _, secret = add_endpoint(sessions, receiver.url, authentication=authentication)
    say(sessions, event("job_1"))
    start()
    [request] = receiver.wait_for(1)
    digest = base64.b64decode(request.headers["x-signature"])
    assert hmac.compare_digest(digest, hmac.digest(b"s3cret", request.body, "sha256"))
    signing.verify(signing.key(secret), request.headers, request.body, now=datetime.now(UTC))


@pytest.mark.parametrize(
    ("scheme", "more", "header", "prefix"),
    [
        ("oauth2", {}, "authorization", "Bearer "),
        ("lwa", {"refresh_token": "Atzr|x"}, "x-amz-access-token", ""),
    ],
)
def test_a_token_is_asked_for_once_and_used_for_every_call(
    sessions: Sessions,
    receiver: Receiver,
    server: TokenServer,
    start: Callable[..., None],
    oauth2: dict[str, str],
    scheme: str,
    more: dict[str, str],
    header: str,
    prefix: str,
) -> None:
    server.slow = 0.1
    receiver.always(server.guard(header, prefix))
    add_endpoint(sessions, receiver.url, authentication={**oauth2, **more, "scheme": scheme})
    say(sessions, *(event(f"job_{number}") for number in range(30)))
    start()
    assert settled(sessions) == ["delivered"] * 30
    assert len(server.asked) == 1
    assert len(receiver.got) == 30


def test_a_401_renews_the_token_once_and_the_call_is_made_again_at_once(
    sessions: Sessions, receiver: Receiver, server: TokenServer, start: Callable[..., None], oauth2: dict[str, str]
) -> None:
    receiver.always(server.guard())
    add_endpoint(sessions, receiver.url, authentication=oauth2)
    say(sessions, event("job_1"))
    start()
    settled(sessions)
    server.given.append("token-of-another-process")  # ours is good for nothing any more
    say(sessions, event("job_2"))
    assert settled(sessions) == ["delivered"] * 2
    assert attempts(sessions) == [("call", "delivered", 204, None)] * 2
    assert [one.headers["authorization"] for one in receiver.got] == [
        "Bearer token-1",
        "Bearer token-1",
        "Bearer token-3",
    ]
    assert len(server.asked) == 2


def test_a_401_to_a_new_token_is_the_answer(
    sessions: Sessions, receiver: Receiver, server: TokenServer, start: Callable[..., None], oauth2: dict[str, str]
) -> None:
    receiver.always(answer("401 No"))
    add_endpoint(sessions, receiver.url, authentication=oauth2)
    say(sessions, event("job_1"))
    start()
    assert settled(sessions) == ["failed"]
    assert attempts(sessions) == [("call", "retry", 401, "unexpected_status")] * 4 + [
        ("call", "failed", 401, "unexpected_status")
    ]
    assert len(receiver.got) == 2 * 5


def test_many_that_are_refused_at_once_ask_for_one_new_token(
    sessions: Sessions, receiver: Receiver, server: TokenServer, start: Callable[..., None], oauth2: dict[str, str]
) -> None:
    receiver.always(server.guard())
    add_endpoint(sessions, receiver.url, authentication=oauth2)
    say(sessions, *(event(f"first_{number}") for number in range(10)))
    start()
    settled(sessions)
    server.slow = 0.05
    server.given.append("token-of-another-process")
    say(sessions, *(event(f"second_{number}") for number in range(20)))
    assert settled(sessions) == ["delivered"] * 30
    assert len(server.asked) == 2


def test_a_token_endpoint_that_is_down_loses_nothing(
    sessions: Sessions, receiver: Receiver, server: TokenServer, start: Callable[..., None], oauth2: dict[str, str]
) -> None:
    receiver.always(server.guard())
    server.down = True
    add_endpoint(sessions, receiver.url, authentication=oauth2)
    say(sessions, event("job_1", 1), event("job_1", 2))
    start()
    eventually(lambda: len(attempts(sessions)) >= 2)
    assert receiver.got == []
    server.down = False
    assert settled(sessions) == ["delivered"] * 2
    assert attempts(sessions)[0] == ("token", "retry", 503, "token_unavailable")
    assert [json.loads(one.body)["sequence"] for one in receiver.got] == [1, 2]


def test_credentials_that_are_refused_are_a_retry_and_one_of_another_kind_helps(
    sessions: Sessions, receiver: Receiver, server: TokenServer, start: Callable[..., None], oauth2: dict[str, str]
) -> None:
    receiver.always(server.guard())
    endpoint_id, _ = add_endpoint(sessions, receiver.url, authentication={**oauth2, "client_secret": "wrong"})
    say(sessions, event("job_1"))
    start()
    eventually(lambda: attempts(sessions))
    assert attempts(sessions)[0] == ("token", "retry", 401, "token_refused")
    with sessions.begin() as session:
        # Made anew as soon as the endpoint has other credentials.
        told = json.dumps({**oauth2, "scope": "", "client_auth": "post"}).encode()
        session.connection().connection.cursor().execute(
            "UPDATE webhook_endpoint SET credentials = %s WHERE id = %s", (told, endpoint_id)
        )
    assert settled(sessions) == ["delivered"]


def test_no_secret_is_told_by_the_log_an_attempt_or_an_excerpt_k12(
    sessions: Sessions,
    receivers: Callable[[], Receiver],
    server: TokenServer,
    start: Callable[..., None],
    oauth2: dict[str, str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The receivers repeat all that they were sent, as some do in their errors."""
    caplog.set_level(logging.DEBUG)
    secrets = {
        "basic": {"username": "u", "password": "c4nary-password"},
        "bearer": {"token": "c4nary-bearer"},
        "header": {"name": "x-key", "value": "c4nary-header"},
        "hmac": {"header": "x-sign", "secret": "c4nary-hmac"},
        "oauth2": {**oauth2, "client_secret": "c4nary-oauth"},
    }
    server.secret = "c4nary-oauth"
    for scheme, told in secrets.items():
        echo = receivers()
        echo.always(repeat)
        add_endpoint(sessions, echo.url, authentication={**told, "scheme": scheme})
    say(sessions, event("job_1"))
    start(Dialect(ruling=RuntimeError("c4nary-bearer")))
    eventually(lambda: len(attempts(sessions)) >= 5)
    excerpts = rows(sessions, "SELECT response_excerpt FROM webhook_attempt WHERE response_excerpt IS NOT NULL")
    kept = f"{excerpts} {attempts(sessions)} {caplog.text}"
    assert "c4nary" not in kept
    assert "token-1" not in kept
    assert base64.b64encode(b"u:c4nary-password").decode() not in kept
    assert "could not be sent" in caplog.text


def test_an_excerpt_goes_without_what_was_secret(
    sessions: Sessions, receiver: Receiver, server: TokenServer, start: Callable[..., None], oauth2: dict[str, str]
) -> None:
    receiver.always(repeat)
    add_endpoint(sessions, receiver.url, authentication=oauth2)
    say(sessions, event("job_1"))
    start()
    [(excerpt,)] = eventually(lambda: rows(sessions, "SELECT response_excerpt FROM webhook_attempt LIMIT 1"))
    assert "Bearer ***" in str(excerpt)
    assert "token-1" not in str(excerpt)


def repeat(sock: socket.socket, request: Received) -> None:
    said = json.dumps({"padding": "x" * 700, "headers": request.headers, "body": request.body.decode()})
    answer("500 Oops", body=said.encode())(sock, request)


# --- asking first, and being judged -------------------------------------------------------------------------------


def by_method(get: Behaviour, other: Behaviour) -> Behaviour:
    return lambda sock, request: (get if request.line.startswith("GET ") else other)(sock, request)


STATE = answer("200 OK", "content-type: application/json", "ETag: 7", body=b'{"state":"open"}')


def test_the_question_comes_first_and_its_answer_makes_the_call(
    sessions: Sessions, receiver: Receiver, start: Callable[..., None]
) -> None:
    receiver.always(by_method(STATE, answer("200 OK", body=b'{"errors":[]}')))
    made = Payload(body=b"{}", media_type="application/json", method="PATCH", path="/jobs/1", headers={"if-match": "7"})
    dialect = Dialect(then=made)
    add_endpoint(sessions, receiver.url, authentication={"scheme": "bearer", "token": "t"})
    say(sessions, event("job_1", words=(CALL,)))
    start(dialect)
    assert settled(sessions) == ["delivered"]
    ask, call = receiver.got
    assert ask.line == "GET /hook/jobs/1?fields=state HTTP/1.1"
    assert (ask.headers["x-ask"], ask.headers["authorization"], ask.body) == ("1", "Bearer t", b"")
    assert not {"content-type", "content-length"} & ask.headers.keys()
    assert call.line == "PATCH /hook/jobs/1 HTTP/1.1"
    assert (call.headers["if-match"], call.headers["authorization"], call.body) == ("7", "Bearer t", b"{}")
    [(_, asked, found), (_, called, answered)] = dialect.asked
    assert (asked, called) == (CALL, made)
    assert (found.status_code, found.body, found.headers["etag"]) == (200, b'{"state":"open"}', "7")
    assert (answered.status_code, answered.body) == (200, b'{"errors":[]}')
    assert attempts(sessions) == [("call", "delivered", 200, None)]


@pytest.mark.parametrize(
    ("then", "status", "row"),
    [
        ("delivered", "delivered", ("probe", "delivered", 200, None)),
        ("failed", "failed", ("probe", "failed", 200, "refused")),
    ],
)
def test_the_answer_to_the_question_may_be_all(
    sessions: Sessions, receiver: Receiver, start: Callable[..., None], then: Ruling, status: str, row: tuple[Any, ...]
) -> None:
    receiver.always(STATE)
    add_endpoint(sessions, receiver.url)
    say(sessions, event("job_1", words=(CALL,)))
    start(Dialect(then=then))
    assert settled(sessions) == [status]
    assert attempts(sessions) == [row]
    assert [one.line[:4] for one in receiver.got] == ["GET "]


def test_a_question_that_says_not_yet_is_asked_again(
    sessions: Sessions, receiver: Receiver, start: Callable[..., None]
) -> None:
    receiver.always(STATE)
    dialect = Dialect(then="retry")
    add_endpoint(sessions, receiver.url)
    say(sessions, event("job_1", words=(CALL,)))
    start(dialect)
    eventually(lambda: len(attempts(sessions)) >= 2)
    dialect.then = "delivered"
    assert settled(sessions) == ["delivered"]
    assert attempts(sessions)[0] == ("probe", "retry", 200, "not_taken")


@pytest.mark.parametrize("said", [answer("500 Oops"), answer("404 Not Found"), answer("410 Gone")])
def test_a_question_without_an_answer_is_no_reason_to_call(
    sessions: Sessions, receiver: Receiver, start: Callable[..., None], said: Behaviour
) -> None:
    receiver.always(by_method(said, NO_CONTENT))
    dialect = Dialect(then=ALONE)
    add_endpoint(sessions, receiver.url)
    say(sessions, event("job_1", words=(CALL,)))
    start(dialect)
    eventually(lambda: len(attempts(sessions)) >= 2)
    assert not any(one.line.startswith("PUT") for one in receiver.got)
    assert dialect.asked == []
    receiver.always(by_method(STATE, NO_CONTENT))
    assert settled(sessions) == ["delivered"]
    assert attempts(sessions)[0][:2] == ("probe", "retry")
    assert rows(sessions, "SELECT status FROM webhook_endpoint") == [("enabled",)]


def test_a_question_is_asked_with_a_token_that_is_renewed(
    sessions: Sessions, receiver: Receiver, server: TokenServer, start: Callable[..., None], oauth2: dict[str, str]
) -> None:
    receiver.always(server.guard())
    add_endpoint(sessions, receiver.url, authentication=oauth2)
    say(sessions, event("job_1", words=(CALL,)))
    server.given.append("token-0")
    start(Dialect(then=ALONE))
    assert settled(sessions) == ["delivered"]
    assert [one.line[:4] for one in receiver.got] == ["GET ", "PUT "]


@pytest.mark.parametrize(
    ("said", "ruling", "status", "row"),
    [
        (answer("200 OK", body=b'{"errors":["no"]}'), "failed", "failed", ("call", "failed", 200, "refused")),
        (answer("422 No"), "failed", "failed", ("call", "failed", 422, "refused")),
        (answer("409 Done"), "delivered", "delivered", ("call", "delivered", 409, None)),
        (answer("410 Gone"), "failed", "failed", ("call", "failed", 410, "refused")),
    ],
)
def test_the_dialects_word_holds_whatever_the_status(
    sessions: Sessions,
    receiver: Receiver,
    start: Callable[..., None],
    said: Behaviour,
    ruling: Ruling,
    status: str,
    row: tuple[Any, ...],
) -> None:
    receiver.always(said)
    add_endpoint(sessions, receiver.url)
    say(sessions, event("job_1", words=(ALONE,)), event("job_1", 2, words=(ALONE,)))
    start(Dialect(ruling=ruling))
    # What failed for good lets the next go.
    assert settled(sessions) == [status] * 2
    assert attempts(sessions) == [row] * 2
    assert rows(sessions, "SELECT status FROM webhook_endpoint") == [("enabled",)]


def test_a_success_that_the_dialect_does_not_believe_is_tried_again(
    sessions: Sessions, receiver: Receiver, start: Callable[..., None]
) -> None:
    receiver.always(answer("200 OK", body=b'{"throttled":true}'))
    dialect = Dialect(ruling="retry")
    add_endpoint(sessions, receiver.url)
    say(sessions, event("job_1", words=(ALONE,)))
    start(dialect)
    eventually(lambda: len(attempts(sessions)) >= 2)
    dialect.ruling = "delivered"
    assert settled(sessions) == ["delivered"]
    assert attempts(sessions)[0] == ("call", "retry", 200, "not_taken")


def test_what_was_not_answered_is_not_judged(
    sessions: Sessions, receiver: Receiver, start: Callable[..., None]
) -> None:
    receiver.behave = lambda n: (lambda sock, request: sock.shutdown(socket.SHUT_RDWR)) if n == 0 else NO_CONTENT
    dialect = Dialect()
    add_endpoint(sessions, receiver.url)
    say(sessions, event("job_1", words=(ALONE,)))
    start(dialect)
    assert settled(sessions) == ["delivered"]
    assert attempts(sessions) == [("call", "retry", None, "connection_reset"), ("call", "delivered", 204, None)]
    assert len(dialect.asked) == 1


def test_a_dialect_that_breaks_fails_that_attempt_only(
    sessions: Sessions, receiver: Receiver, start: Callable[..., None]
) -> None:
    dialect = Dialect(ruling=RuntimeError("a bug"))
    add_endpoint(sessions, receiver.url)
    say(sessions, event("job_1", words=(ALONE,)))
    start(dialect)
    eventually(lambda: attempts(sessions))
    dialect.ruling = "delivered"
    assert settled(sessions) == ["delivered"]
    assert attempts(sessions)[0] == ("call", "retry", None, "internal_error")


def test_a_judge_that_cannot_be_found_just_now_costs_no_attempt(
    sessions: Sessions, receiver: Receiver, couriers: Couriers, transport: Transport
) -> None:
    away = [True]

    def judges(owner: str, form: str) -> None:
        if away[0]:
            raise NotNow

    add_endpoint(sessions, receiver.url)
    say(sessions, event("job_1"))
    couriers(caller=caller_over(transport, judges=judges))
    eventually(lambda: rows(sessions, "SELECT FROM webhook_mailbox WHERE generation > 2"))
    assert (attempts(sessions), receiver.connects) == ([], 0)
    away[0] = False
    assert settled(sessions) == ["delivered"]


def test_the_judge_reads_64_kb_and_no_more_w6(
    sessions: Sessions, receiver: Receiver, start: Callable[..., None]
) -> None:
    body = b"x" * (MAX_RESPONSE + 5000)
    receiver.always(answer("200 OK", body=body))
    dialect = Dialect(then=ALONE)
    add_endpoint(sessions, receiver.url)
    say(sessions, event("job_1", words=(CALL,)))
    start(dialect)
    assert settled(sessions) == ["delivered"]
    assert [found.body for _, _, found in dialect.asked] == [b"x" * MAX_RESPONSE] * 2


def test_one_deadline_holds_for_the_token_the_question_and_the_call(
    sessions: Sessions, receiver: Receiver, server: TokenServer, couriers: Couriers, oauth2: dict[str, str]
) -> None:
    """Each of the three has time enough, and all of them have not."""

    def slowly(sock: socket.socket, request: Received) -> None:
        receiver.over.wait(0.4)
        STATE(sock, request)

    server.slow = 0.4
    receiver.always(slowly)
    add_endpoint(sessions, receiver.url, authentication=oauth2)
    say(sessions, event("job_1", words=(CALL,)))
    transport = Transport(allow=LOOPBACK, deadline=1.0)
    couriers(caller=caller_over(transport, judges=lambda owner, form: Dialect(then=ALONE)))
    # The token is there for the second attempt, which has time for both others.
    assert settled(sessions) == ["delivered"]
    assert attempts(sessions) == [("call", "retry", None, "timeout"), ("call", "delivered", 200, None)]
    transport.close()
