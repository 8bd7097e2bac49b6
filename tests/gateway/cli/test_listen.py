"""`stecker listen` in its parts: what goes to the receiver, where it goes on from, what it shows."""

import base64
import json
import socket
import time

import pytest
from click.testing import CliRunner

from gateway.cli import Refused, forwarding, listen, main
from gateway.cli.forwarding import Forwarder
from gateway.cli.place import Place, held, usual_path
from tests.support.receiver import answer
from webhooks.policy import Answer

OF = {"url": "http://127.0.0.1:8080", "client": "stk_test_1", "format": "plain"}
EVENT = {"type": "job.failed", "data": {"job": {"id": "job_1", "state": "failed", "sequence": 9}}}

HELLO = '{"type": "webhook_endpoint.created", "data": {"endpoint": {}}}'


def item(**over):
    headers = {
        "content-type": "application/json",
        "user-agent": "Stecker",
        "webhook-id": "whm_1",
        "webhook-timestamp": str(int(time.time())),
    }
    made = {"cursor": "c1", "received_at": "2026-01-15T08:30:01.5+00:00", "method": "POST", "path": ""}
    verdict = {"code": "good", "detail": "Take it."}
    return {**made, "headers": headers, "body": json.dumps(EVENT), "body_base64": None, "verdict": verdict, **over}


@pytest.fixture
def forward(receiver):
    said = []
    forwarder = Forwarder(receiver.url, said.append)
    forwarder.said = said
    yield forwarder
    forwarder.close()


def test_the_bytes_are_the_same_and_so_are_the_headers(receiver, forward):
    body = '{"city": "Zürich",\r\n "x": 1.0}\n'
    given = item(body=body)
    assert forward(given).status_code == 204
    [got] = receiver.got
    assert got.line == "POST /hook HTTP/1.1"
    assert got.body == body.encode()
    added = {name: value for name, value in got.headers.items() if name not in given["headers"]}
    assert got.headers == {**given["headers"], **added}
    assert added.keys() == {"host", "content-length", "accept-encoding"}


def test_what_is_not_utf8_comes_as_it_is_too(receiver, forward):
    body = "Zürich".encode("latin-1")
    forward(item(body=None, body_base64=base64.b64encode(body).decode(), method="PUT", path="/orders/1?x=2"))
    [got] = receiver.got
    assert (got.line, got.body) == ("PUT /hook/orders/1?x=2 HTTP/1.1", body)


def test_a_refusal_is_an_answer(receiver, forward):
    receiver.always(answer("500 Internal Server Error"))
    assert forward(item()).status_code == 500
    assert len(receiver.got) == 1


def test_a_receiver_that_goes_away_is_waited_for(receiver, forward, monkeypatch):
    monkeypatch.setattr(forwarding.time, "sleep", lambda seconds: None)
    receiver.behave = lambda n: hang_up if n < 2 else answer("200 OK")
    assert forward(item()).status_code == 200
    assert len(receiver.got) == 3
    assert forward.said == [f"{receiver.url} is not there (connection_reset); trying again until it is."]


def hang_up(sock, request):
    sock.shutdown(socket.SHUT_RDWR)


def test_a_place_is_found_again(tmp_path):
    path = tmp_path / "below" / "place.json"
    with held(path, OF) as place:
        place.endpoint_id, place.secret = "whep_1", "whsec_1"
        place.move("c7")
    with held(path, OF) as again:
        assert (again.endpoint_id, again.secret, again.cursor) == ("whep_1", "whsec_1", "c7")
        again.forget()
    assert not path.exists()
    with held(path, OF) as fresh:
        assert fresh == Place(path, OF)


def test_a_place_is_for_its_owner_alone(tmp_path):
    with held(tmp_path / "place.json", OF) as place:
        place.move("c1")
    assert (tmp_path / "place.json").stat().st_mode & 0o777 == 0o600


def test_a_place_is_held_by_one_at_a_time(tmp_path):
    with (
        held(tmp_path / "place.json", OF),
        pytest.raises(Refused, match="Another `stecker listen`"),
        held(tmp_path / "place.json", OF),
    ):
        pass


def test_a_place_of_somebody_else_is_left_alone(tmp_path):
    with held(tmp_path / "place.json", OF) as place:
        place.move("c1")
    other = {**OF, "client": "stk_test_2"}
    with pytest.raises(Refused, match="another client"), held(tmp_path / "place.json", other):
        pass
    assert usual_path(OF) != usual_path(other)


def test_a_torn_place_begins_anew(tmp_path):
    (tmp_path / "place.json").write_text('{"of": ')
    with held(tmp_path / "place.json", OF) as place:
        assert place.cursor == ""


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(Refused, match="cannot be written"), held(tmp_path / "file" / "place.json", OF):
        pass


OLD = {**item()["headers"], "webhook-timestamp": "1600000000"}


@pytest.mark.parametrize(
    ("given", "answered", "expected"),
    [
        (item(), Answer(status_code=204, duration_ms=12), "08:30:01Z  204  12 ms  job.failed  job_1  failed  #9"),
        (item(), None, "08:30:01Z  good  job.failed  job_1  failed  #9"),
        (item(), Answer(error="timeout", duration_ms=15000), "08:30:01Z  timeout  15000 ms  job.failed  job_1"),
        (item(body="<ORDER/>"), Answer(status_code=200), "08:30:01Z  200  0 ms  application/json  whm_1"),
        (item(body=HELLO), Answer(status_code=200), "08:30:01Z  200  0 ms  webhook_endpoint.created  whm_1"),
        (item(body="[]"), Answer(status_code=200), "08:30:01Z  200  0 ms  application/json  whm_1"),
        (item(verdict={"code": "bad", "detail": "Refuse it."}), Answer(status_code=401), "#9  bad: Refuse it."),
        (item(headers={**OLD, "stecker-chaos": "delay"}), Answer(status_code=204), "#9  chaos: delay"),
        (item(headers=OLD), Answer(status_code=401), "#9  signed more than five minutes ago,"),
    ],
)
def test_a_line_says_what_came_and_what_became_of_it(given, answered, expected, capsys):
    listen._as_line(given, answered)
    assert expected.split() == [word for word in capsys.readouterr().out.split() if word in expected.split()]


def test_colour_is_for_terminals_that_want_it(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    with CliRunner().isolation(color=True) as (out, *_):
        listen._as_line(item(), Answer(status_code=204))
        assert b"\x1b" not in out.getvalue()
        monkeypatch.delenv("NO_COLOR")
        listen._as_line(item(), Answer(status_code=204))
        assert b"\x1b[32m" in out.getvalue()


def test_for_scripts_it_is_a_line_of_json(capsys):
    listen._as_json(item(), Answer(status_code=204, duration_ms=12))
    [line] = capsys.readouterr().out.splitlines()
    assert json.loads(line) == {**item(), "forwarded": {"status": 204, "error": None, "duration_ms": 12}}


@pytest.mark.parametrize("url", ["localhost:3000", "ftp://localhost/x", "http://", "http://localhost:99999/"])
def test_a_receiver_must_have_a_url(url):
    refused = CliRunner(env={"STECKER_CLIENT": "a:b"}).invoke(main, ["listen", "--forward-to", url])
    assert (refused.exit_code, refused.stderr) == (
        2,
        "--forward-to is no http URL, such as http://localhost:3000\n",
    )


class Api:
    """Answers the inbox with one page after the other; an exception among them is raised."""

    def __init__(self, *pages):
        self.pages = list(pages)
        self.asked = []

    def get(self, path, **query):
        self.asked.append(query["after"])
        page = self.pages.pop(0)
        if isinstance(page, BaseException):
            raise page
        return page

    def delete(self, path, patience):
        raise Refused("http://127.0.0.1:8080 does not answer.")


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path / "place.json", OF, "whep_1", "whsec_1", "c0")


def test_it_goes_on_behind_each_page_and_does_not_ask_in_circles(place, monkeypatch):
    slept, shown = [], []
    monkeypatch.setattr(listen.time, "sleep", slept.append)
    pages = ({"items": [item(cursor="c1"), item(cursor="c2")], "next": "n2"}, {"items": [], "next": "n3"})
    api = Api(*pages, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        listen.follow(api, place, lambda given: given["cursor"], lambda given, answered: shown.append(answered))
    assert (api.asked, shown) == (["c0", "n2", "n3"], ["c1", "c2"])
    assert json.loads(place.path.read_text())["cursor"] == "n3"
    [rest] = slept
    assert 0.5 < rest <= 1


def test_what_was_not_forwarded_is_still_to_come(place):
    def forward(given):
        if given["cursor"] == "c2":
            raise KeyboardInterrupt

    api = Api({"items": [item(cursor="c1"), item(cursor="c2")], "next": "n2"})
    with pytest.raises(KeyboardInterrupt):
        listen.follow(api, place, forward, lambda given, answered: None)
    assert json.loads(place.path.read_text())["cursor"] == "c1"


def test_an_endpoint_that_cannot_be_removed_now_is_used_again(place, capsys):
    place.keep()
    listen._leave(Api(), place, keep=False)
    assert capsys.readouterr().err.splitlines() == [
        "Not removed: http://127.0.0.1:8080 does not answer.",
        "whep_1 stays; the next `stecker listen` goes on from here.",
    ]
    assert place.path.exists()
