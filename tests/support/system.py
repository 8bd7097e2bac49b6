"""A whole system as processes: started, killed in every part, and started again on the same data."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from gateway import embedded
from gateway.embedded import process
from gateway.embedded.data import DataDir, read_json
from gateway.up import notes

ROOT = Path(__file__).parents[2]
STECKER = (sys.executable, "-m", "gateway.cli")
PATIENCE = 60.0


def eventually(holds: Callable[[], Any], what: str, within: float = PATIENCE) -> None:
    """Wait until it holds; fail in words when it does not in time."""
    until = time.monotonic() + within
    while not holds():
        assert time.monotonic() < until, f"it never came to this: {what}"
        time.sleep(0.02)


@dataclass(slots=True)
class System:
    """A command that runs a system on a data folder; it may be started there again and again."""

    command: tuple[str, ...]
    data: DataDir
    port: int
    environ: Mapping[str, str]
    words: Path
    process: subprocess.Popen[bytes] | None = None
    started: dict[str, int] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def launch(self, *more: str, environ: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        with self.words.open("w") as words:
            env = {**self.environ, **(environ or {})}
            self.process = subprocess.Popen([*self.command, *more], env=env, stdout=words, stderr=subprocess.STDOUT)
        return self.process

    def start(self, *more: str, environ: Mapping[str, str] | None = None) -> None:
        running = self.launch(*more, environ=environ)
        eventually(
            lambda: read_json(self.data.state).get("pid") == running.pid or running.poll() is not None, "it runs"
        )
        assert running.poll() is None, self.words.read_text()
        self.started = self.pids()

    def refusal(self, *, environ: Mapping[str, str] | None = None) -> str:
        """What it says when it cannot start."""
        code = self.launch(environ=environ).wait(PATIENCE)
        said = self.words.read_text()
        assert code == 1, said
        assert "refused: " in said
        assert "Traceback" not in said
        return said

    def pids(self) -> dict[str, int]:
        """Who is recorded as running, by name."""
        return {one["name"]: one["pid"] for one in read_json(self.data.processes).get("processes", [])}

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> int:
        """Send it to this process, and return its pid."""
        pid = self.pids()[name]
        os.kill(pid, how)
        return pid

    def replaced(self, name: str, pid: int) -> None:
        """Wait until somebody else runs in its place."""
        eventually(lambda: self.pids().get(name, pid) != pid, f"{name} is started again")

    def owner(self) -> psycopg.Connection[Any]:
        """The database, as whom nothing is refused; every statement commits."""
        url = embedded.owner_url(self.data.root).replace("postgresql+psycopg", "postgresql")
        return psycopg.connect(url, autocommit=True, connect_timeout=10)

    def end(self, how: signal.Signals = signal.SIGINT) -> tuple[int, str]:
        """Exit code and everything it said."""
        assert self.process is not None
        self.process.send_signal(how)
        return self.process.wait(PATIENCE), self.words.read_text()

    def clear(self) -> None:
        """Stop it, kill whoever it left, and see that nobody is there any more."""
        if self.process is not None and self.process.poll() is None:
            self.end(signal.SIGTERM)
        notes.take_over(self.data)
        assert alive(self.started) == []


def stecker_up(folder: Path) -> System:
    """Our own system, not yet started, with its data below `folder`."""
    port = free_port()
    command = (*STECKER, "up", "--port", str(port), "--data-dir", str(folder / "data"))
    return System(command, DataDir(folder / "data"), port, environment(), folder / "words")


def alive(pids: Mapping[str, int]) -> list[str]:
    return [name for name, pid in pids.items() if process.identity(pid)]


def free_port() -> int:
    """Of those that no kernel gives to a connection, so that it is free, too, after a while without a listener."""
    while True:
        port = 10_000 + secrets.randbelow(20_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def environment() -> dict[str, str]:
    """Ours without any setting, and with the code of this tree."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STECKER_")}
    return {**kept, "PYTHONPATH": str(ROOT)}
