"""How commands talk to the public API: who they are, what they do while it is away, and how they say its problems."""

import pytest
import responses
from click.testing import CliRunner
from requests import ConnectionError as NotConnected

from gateway.cli import Refused, main, remote
from gateway.cli.remote import NotDone, Remote

URL = "http://127.0.0.1:8080"
RUNS = f"{URL}/v1/sandbox/runs"


@pytest.fixture
def web():
    with responses.RequestsMock() as mocked:
        yield mocked


@pytest.fixture
def token(web):
    return web.post(f"{URL}/oauth/token", json={"access_token": "t0k"})


@pytest.fixture
def slept(monkeypatch):
    """The seconds that were slept; none really are."""
    seconds = []
    monkeypatch.setattr(remote.time, "sleep", seconds.append)
    return seconds


@pytest.fixture
def said():
    return []


@pytest.fixture
def caller(said, slept):
    return Remote(URL, "stk_test_1", "stks_test_1", say=said.append)


def test_one_token_serves_many_requests(web, token, caller):
    web.get(RUNS, json={"items": []})
    assert caller.get("/v1/sandbox/runs") == caller.get("/v1/sandbox/runs") == {"items": []}
    assert token.call_count == 1
    assert web.calls[0].request.headers["Authorization"] == "Basic c3RrX3Rlc3RfMTpzdGtzX3Rlc3RfMQ=="
    assert [call.request.headers["Authorization"] for call in list(web.calls)[1:]] == ["Bearer t0k"] * 2


def test_a_token_that_is_over_is_renewed_once(web, token, caller):
    web.get(RUNS, status=401, json={"title": "Unauthenticated", "detail": "It has expired."})
    with pytest.raises(NotDone, match=r"Unauthenticated: It has expired\."):
        caller.get("/v1/sandbox/runs")
    assert token.call_count == 2


def test_a_netrc_does_not_replace_the_token(web, token, said, tmp_path, monkeypatch):
    web.post("https://stecker.example/oauth/token", json={"access_token": "t0k"})
    web.get("https://stecker.example/x", json={})
    web.assert_all_requests_are_fired = False
    (tmp_path / "netrc").write_text("default login eve password eve\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    Remote("https://stecker.example", "a", "b").get("/x")
    assert web.calls[-1].request.headers["Authorization"] == "Bearer t0k"


def test_what_is_away_is_asked_again_with_the_same_key(web, token, caller, said, slept):
    web.post(RUNS, body=NotConnected("gone"))
    web.post(RUNS, status=503, json={})
    web.post(RUNS, status=429, json={}, headers={"Retry-After": "3"})
    web.post(RUNS, status=201, json={"id": "run_1"})
    assert caller.ask("POST", "/v1/sandbox/runs", patience=60) == {"id": "run_1"}
    assert slept == [0.5, 1.0, 3.0]
    assert len({call.request.headers["Idempotency-Key"] for call in list(web.calls)[1:]}) == 1
    assert said == [
        f"{URL} does not answer (ConnectionError); trying again until it is back.",
        f"{URL} is back.",
    ]


def test_it_gives_up_where_it_would_be_too_long(web, token, caller, slept):
    web.get(RUNS, status=429, json={}, headers={"Retry-After": "30"})
    with pytest.raises(Refused, match=rf"^{URL} answers 429\.$"):
        caller.get("/v1/sandbox/runs")
    assert slept == []


def test_a_problem_is_told_with_all_its_faults_and_what_would_be_legal(web, token, caller):
    step = {"event": "job.offered", "to": "offered", "actors": ["dispatch", "system"]}
    fault = {"pointer": "/to", "code": "required", "detail": "Say which."}
    problem = {"title": "Not legal", "detail": "The job is new.", "errors": [fault], "legal": [step]}
    problem["scenarios"] = ["dispute", "happy_path"]
    web.get(RUNS, status=409, json=problem)
    with pytest.raises(NotDone) as refused:
        caller.get("/v1/sandbox/runs")
    assert refused.value.status == 409
    assert refused.value.message.splitlines() == [
        "Not legal: The job is new.",
        "  /to: Say which.",
        "  legal now: job.offered → offered, by dispatch, system",
        "  scenarios: dispute, happy_path",
    ]


@pytest.mark.parametrize("body", ["<html>", "[]", ""])
def test_somebody_else_answers(web, token, caller, body):
    web.get(RUNS, body=body)
    with pytest.raises(NotDone, match="answers 200, and not as Stecker does"):
        caller.get("/v1/sandbox/runs")


def test_a_secret_that_is_not_good(web, caller):
    web.post(f"{URL}/oauth/token", status=401, json={"error": "invalid_client"})
    with pytest.raises(NotDone, match="not good, or is suspended") as refused:
        caller.get("/v1/sandbox/runs")
    assert caller.secret not in refused.value.message


@pytest.mark.parametrize(
    ("words", "client", "expected"),
    [
        ((), None, "Say who you are"),
        ((), "stk_test_1", "Say who you are"),
        ((), "stk_test_…:stks_test_…", "Say who you are"),
        (("--client", "stk_test_1"), "stk_test_1:secret", "Say who you are"),
        (("--url", "localhost:8080"), "a:b", "--url is no http URL"),
        (("--url", "http://[::1"), "a:b", "--url is no http URL"),
    ],
)
def test_nobody_is_asked_without_credentials_or_an_address(words, client, expected):
    ran = CliRunner(env={"STECKER_CLIENT": client, "STECKER_URL": None}).invoke(main, ["sandbox", "runs", *words])
    assert ran.exit_code == 2
    assert expected in ran.stderr
    assert "secret" not in ran.stderr.replace("--secret-file", "")


def test_the_secret_may_come_from_a_file(web, token, tmp_path):
    web.get(RUNS, json={"items": []})
    (tmp_path / "secret").write_text("from the file\n")
    words = ["sandbox", "runs", "--client", "stk_test_1", "--secret-file", str(tmp_path / "secret")]
    ran = CliRunner(env={"STECKER_CLIENT": "other:one", "STECKER_URL": URL}).invoke(main, words)
    assert ran.stdout == "None.\n"
    assert web.calls[0].request.headers["Authorization"] == "Basic c3RrX3Rlc3RfMTpmcm9tIHRoZSBmaWxl"
