"""`stecker listen` and `stecker trigger` as an engineer uses them, while everybody is restarted in turn."""

import json
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.remote import Remote
from tests.support.system import PATIENCE, STECKER, System, alive, eventually, free_port
from webhooks.verify import verify

STORY = 8
"""So many webhooks has the story of the customer who was not there."""


@dataclass
class Shop:
    """A receiver on a port of its own; what it has heard outlives its restarts."""

    port: int = field(default_factory=free_port)
    secret: str = ""
    greeted: list[Any] = field(default_factory=list)
    heard: list[Any] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)

    @contextmanager
    def open(self) -> Iterator[None]:
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                shop.ids.append(verify(shop.secret, dict(self.headers), body))
                event = {"path": self.path, **json.loads(body)}
                (shop.heard if event["type"].startswith("job.") else shop.greeted).append(event)
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *values: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join(5)

    def hears(self, count: int) -> None:
        eventually(lambda: len(self.heard) >= count, f"{count} webhooks came, and not only {len(self.heard)}")
        assert len(self.heard) == count

    def stories(self) -> list[list[Any]]:
        return [self.heard[at : at + STORY] for at in range(0, len(self.heard), STORY)]


@dataclass
class Terminal:
    """Where commands are run, with the settings of the engineer."""

    environ: Mapping[str, str]
    folder: Path

    def run(self, *words: str) -> str:
        ran = subprocess.run((*STECKER, *words), env=self.environ, capture_output=True, text=True, timeout=PATIENCE)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    @contextmanager
    def listening(self, url: str, *more: str) -> Iterator[subprocess.Popen[bytes]]:
        with (self.folder / "said").open("a") as said, (self.folder / "aside").open("a") as aside:
            command = (*STECKER, "listen", "--forward-to", url, *more)
            running = subprocess.Popen(command, env=self.environ, stdout=said, stderr=aside)
        try:
            yield running
        finally:
            running.kill()
            running.wait()

    @property
    def said(self) -> list[str]:
        return (self.folder / "said").read_text().splitlines()

    @property
    def aside(self) -> str:
        return (self.folder / "aside").read_text()


@pytest.fixture
def terminal(stecker_system: System, client: Mapping[str, str], remote: Remote, tmp_path: Path) -> Iterator[Terminal]:
    """Whatever becomes of the test, the system runs at the end, and nobody listens there."""
    yield Terminal({**stecker_system.environ, **client, "XDG_STATE_HOME": str(tmp_path / "state")}, tmp_path)
    if not alive(stecker_system.pids()):
        stecker_system.start()
    for endpoint in remote.get("/v1/webhook-endpoints")["items"]:
        remote.delete(f"/v1/webhook-endpoints/{endpoint['id']}")


def test_deliveries_are_forwarded_and_whoever_is_restarted_is_waited_for(
    stecker_system: System, terminal: Terminal, remote: Remote
) -> None:
    shop = Shop(secret=terminal.run("listen", "--print-secret").strip())
    url = f"http://localhost:{shop.port}/hook?from=stecker"

    with terminal.listening(url):
        with shop.open():
            assert "(customer_absent)" in terminal.run("trigger", "customer_absent")
            shop.hears(STORY)
        terminal.run("trigger", "customer_absent")  # nobody is there to hear it
        eventually(lambda: "is not there (connection_refused)" in terminal.aside, "it waits for the receiver")
        with shop.open():
            shop.hears(2 * STORY)

            stecker_system.end(signal.SIGTERM)
            eventually(lambda: "does not answer" in terminal.aside, "it waits for the server")
            stecker_system.start()
            terminal.run("trigger", "customer_absent")
            shop.hears(3 * STORY)
        # Killed: the next one goes on where this one was.
    terminal.run("trigger", "customer_absent")
    with shop.open(), terminal.listening(url) as running:
        shop.hears(4 * STORY)
        eventually(lambda: len(terminal.said) == 1 + 4 * STORY, "each is shown")
        running.send_signal(signal.SIGINT)
        assert running.wait(PATIENCE) == 0, terminal.aside

    for story in shop.stories():
        assert [one["data"]["sequence"] for one in story] == list(range(1, STORY + 1))
        assert story[-1]["data"]["reason"]["code"] == "customer_absent"
    assert [one["type"] for one in shop.greeted] == ["webhook_endpoint.created"]
    assert len(set(shop.ids)) == len(shop.ids) == 1 + 4 * STORY, "none came twice"
    assert {one["path"] for one in shop.heard} == {"/hook?from=stecker"}
    assert all(" 204 " in line for line in terminal.said)
    assert sum("job.failed" in line for line in terminal.said) == 4
    assert terminal.aside.count(shop.secret) == 2
    assert remote.get("/v1/webhook-endpoints")["items"] == []
    assert list((terminal.folder / "state" / "stecker").glob("*.json")) == []
