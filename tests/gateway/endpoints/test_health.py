"""The health of endpoints, as it is shown and told: to other endpoints, by mail, in the log."""

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import text

from gateway.endpoints import health
from gateway.endpoints import mail as mail_round

URL = "http://127.0.0.1:9999/hook"


class MailServer(threading.Thread):
    """An SMTP server (RFC 5321) that takes everything, or is asked to be busy."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"smtp://127.0.0.1:{self.listening.getsockname()[1]}"
        self.busy = False
        self.refused = {}  # address: what is said to it
        self.mails: list[str] = []
        self.to: list[str] = []
        self.start()

    def run(self) -> None:
        while True:
            try:
                sock, _ = self.listening.accept()
            except OSError:
                return
            with sock, sock.makefile("rwb", buffering=0) as stream:
                self._talk(stream)

    def _talk(self, stream) -> None:
        stream.write(b"421 later\r\n" if self.busy else b"220 here\r\n")
        while line := stream.readline().decode().strip():
            if line.startswith("rcpt") and (answer := self.refused.get(line[9:-1])):
                stream.write(answer)
                continue
            if line.startswith("rcpt"):
                self.to.append(line[9:-1])
            if line == "data":
                stream.write(b"354 go\r\n")
                lines = []
                while (said := stream.readline().decode().strip()) != ".":
                    lines.append(said)
                self.mails.append("\n".join(lines))
            stream.write(b"221 bye\r\n" if line == "quit" else b"250 ok\r\n")

    def close(self) -> None:
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        self.join(5)


@pytest.fixture
def mail() -> Iterator[MailServer]:
    made = MailServer()
    yield made
    made.close()


@pytest.fixture
def shop(api):
    return api.caller("demo")


@pytest.fixture
def endpoint(shop):
    return shop.post("/v1/webhook-endpoints", {"url": URL}).json["id"]


def tried(runtime, endpoint_id, failures, successes=0, days=0.0):
    with runtime.sessions.begin() as session:
        session.execute(
            text("""
                INSERT INTO webhook_attempt (message_id, owner, environment, at, duration_ms, verdict, error)
                SELECT m.id, m.owner, m.environment, CAST(:now AS timestamptz) - :days * interval '1 day', 1,
                       CASE WHEN n <= :successes THEN 'delivered' ELSE 'retry' END,
                       CASE WHEN n > :successes THEN 'timeout' END
                  FROM webhook_message m, generate_series(1, :number) n
                 WHERE m.endpoint_id = :id AND m.event_type = 'webhook_endpoint.created'"""),
            {
                "now": runtime.clock(),
                "days": days,
                "successes": successes,
                "number": successes + failures,
                "id": endpoint_id,
            },
        )


def look(runtime):
    """A round counts what the one before saw."""
    health.look(runtime), health.look(runtime), mail_round.write_all(runtime)


def told(runtime, endpoint_id):
    with runtime.sessions() as session:
        rows = session.execute(
            text("""
                SELECT p.body FROM webhook_message m JOIN webhook_payload p ON p.id = m.payload_id
                 WHERE m.endpoint_id = :id AND m.event_type LIKE 'webhook_endpoint.%'
                   AND m.event_type <> 'webhook_endpoint.created' ORDER BY m.position"""),
            {"id": endpoint_id},
        )
        return [json.loads(body) for (body,) in rows]


def test_the_endpoint_shows_how_it_does(shop, endpoint, runtime, clock):
    tried(runtime, endpoint, 3, 1)
    look(runtime)
    shown = shop.get(f"/v1/webhook-endpoints/{endpoint}").json["health"]
    assert shown == {
        "ratio": 0.75,
        "attempts": 4,
        "failures": 3,
        "since": None,
        "last_success_at": clock().isoformat(),
        "dead_letters": 0,
    }
    tried(runtime, endpoint, 1, days=-1)
    look(runtime)
    assert shop.get(f"/v1/webhook-endpoints/{endpoint}").json["health"]["since"] > clock().isoformat()


def test_the_others_are_told_and_the_one_that_fails_is_not(api, shop, endpoint, runtime, caplog):
    other = shop.post("/v1/webhook-endpoints", {"url": URL}).json["id"]
    deaf = shop.post("/v1/webhook-endpoints", {"url": URL, "event_types": ["job.completed"]}).json["id"]
    stranger = api.caller("dispatch").post("/v1/webhook-endpoints", {"url": URL}).json
    tried(runtime, endpoint, 9)
    look(runtime)
    [said] = told(runtime, other)
    assert said["type"] == "webhook_endpoint.failing"
    assert said["data"]["level"] == 90
    assert said["data"]["webhook_endpoint"]["id"] == endpoint
    assert said["data"]["webhook_endpoint"]["health"]["ratio"] == 1.0
    assert "secret" not in said["data"]["webhook_endpoint"]
    assert told(runtime, endpoint) == told(runtime, deaf) == []
    assert "id" not in stranger or told(runtime, stranger["id"]) == []
    assert "webhook endpoint: failing" in caplog.text


def test_it_is_disabled_told_and_begins_anew_when_enabled(shop, endpoint, runtime, clock):
    other = shop.post("/v1/webhook-endpoints", {"url": URL}).json["id"]
    tried(runtime, endpoint, 9, days=5), tried(runtime, endpoint, 1)
    look(runtime)
    shown = shop.get(f"/v1/webhook-endpoints/{endpoint}").json
    assert (shown["status"], shown["disabled_reason"]) == ("disabled", "failing")
    [said] = told(runtime, other)
    assert (said["type"], said["data"]["webhook_endpoint"]["status"]) == ("webhook_endpoint.disabled", "disabled")
    answer = shop.call("PATCH", f"/v1/webhook-endpoints/{endpoint}", {"status": "enabled"})
    assert (answer.json["status"], answer.json["disabled_reason"]) == ("enabled", None)
    look(runtime)
    assert len(told(runtime, other)) == 1
    tried(runtime, endpoint, 0, 1)
    look(runtime)
    assert [one["type"] for one in told(runtime, other)][1:] == ["webhook_endpoint.recovered"]


def test_the_days_are_a_setting(shop, endpoint, runtime):
    tried(runtime, endpoint, 9, days=2), tried(runtime, endpoint, 1)
    look(replace(runtime, settings=replace(runtime.settings, disable_after_days=2)))
    assert shop.get(f"/v1/webhook-endpoints/{endpoint}").json["status"] == "disabled"


def mailing(runtime, mail):
    told = {"smtp_url": mail.url, "mail_to": "ops@example.com", "mail_from": "stecker@example.com"}
    return replace(runtime, settings=replace(runtime.settings, **told))


def test_a_mail_is_written_to_the_operator_once(shop, endpoint, runtime, mail):
    tried(runtime, endpoint, 9)
    look(mailing(runtime, mail)), look(mailing(runtime, mail))
    [letter] = mail.mails
    assert mail.to == ["ops@example.com"]
    assert "Subject: Your webhook endpoint is failing" in letter
    assert endpoint in letter
    assert "Of its last 9 calls, 9 failed" in letter


def test_a_mail_goes_to_the_partner_where_there_is_an_address(shop, endpoint, runtime, mail):
    with runtime.sessions.begin() as session:
        session.execute(text("""UPDATE partner SET options = '{"contact_email": "it@shop.example"}'"""))
    tried(runtime, endpoint, 9, days=5), tried(runtime, endpoint, 1)
    look(mailing(runtime, mail))
    assert mail.to == ["it@shop.example"]
    assert f"PATCH /v1/webhook-endpoints/{endpoint}" in mail.mails[0]


def test_a_mail_server_that_is_away_gets_it_later(shop, endpoint, runtime, mail, caplog):
    mail.busy = True
    tried(runtime, endpoint, 9)
    look(mailing(runtime, mail))
    assert mail.mails == []
    assert "mail was not taken: SMTPConnectError" in caplog.text
    mail.busy = False
    look(mailing(runtime, mail))
    assert len(mail.mails) == 1


@pytest.mark.parametrize(("answer", "later"), [(b"550 no such user\r\n", 0), (b"450 not now\r\n", 1)])
def test_an_address_that_is_refused_holds_up_no_other_mail(shop, endpoint, runtime, mail, caplog, answer, later):
    other = shop.post("/v1/webhook-endpoints", {"url": URL}).json["id"]
    tried(runtime, endpoint, 9), tried(runtime, other, 9)
    address = """'{"contact_email": "gone@shop.example"}'"""
    with runtime.sessions.begin() as session:
        session.execute(text(f"UPDATE partner SET options = {address}"))
        session.execute(
            text(
                "INSERT INTO partner (id, slug, name, kind, options, created_at) "
                "SELECT 'ptn_else', 'else', 'Else', kind, '{}', created_at FROM partner LIMIT 1"
            )
        )
        session.execute(text("UPDATE webhook_endpoint SET owner = 'ptn_else' WHERE id = :id"), {"id": other})
    mail.refused["gone@shop.example"] = answer
    look(mailing(runtime, mail))
    assert mail.to == ["ops@example.com"]
    assert endpoint < other, "it came first"
    mail.refused.clear()
    look(mailing(runtime, mail))
    assert mail.to.count("gone@shop.example") == later


def test_without_a_mail_server_nothing_waits_for_one(shop, endpoint, runtime, mail):
    tried(runtime, endpoint, 9)
    look(runtime)
    look(mailing(runtime, mail))
    assert mail.mails == []


def test_what_has_died_is_an_alarm_in_the_log(shop, endpoint, runtime, caplog):
    tried(runtime, endpoint, 1)
    with runtime.sessions.begin() as session:
        session.execute(text("UPDATE webhook_attempt SET verdict = 'failed'"))
    look(runtime)
    [record] = [one for one in caplog.records if one.getMessage() == "messages will not be sent any more"]
    assert (record.endpoint_id, record.count) == (endpoint, 1)
