"""A small real system to start, kill and start again: real PostgreSQL and Redis, tiny processes in place of ours."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gateway.embedded import process
from gateway.embedded.data import DataDir, read_json
from gateway.up import notes

ROOT = Path(__file__).parents[3]
TINY = (sys.executable, str(ROOT / "tests/support/tiny_system.py"))
PATIENCE = 30.0


def eventually(holds: Callable[[], Any], what: str) -> None:
    """Wait until it holds; fail in words when it does not within PATIENCE seconds."""
    until = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < until, f"it never came to this: {what}"
        time.sleep(0.02)


@dataclass(slots=True)
class System:
    """One run of the system on a data folder; the same folder may be started again."""

    data: DataDir
    port: int
    environ: Mapping[str, str]
    words: Path
    process: subprocess.Popen[bytes] | None = None
    started: dict[str, int] = field(default_factory=dict)

    def launch(self, *, environ: Mapping[str, str] | None = None, worker: str = "worker") -> subprocess.Popen[bytes]:
        command = [*TINY, str(self.data.root), str(self.port), worker]
        with self.words.open("w") as words:
            env = {**self.environ, **(environ or {})}
            self.process = subprocess.Popen(command, env=env, stdout=words, stderr=subprocess.STDOUT)
        return self.process

    def start(self, *, environ: Mapping[str, str] | None = None, worker: str = "worker") -> None:
        running = self.launch(environ=environ, worker=worker)
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

    def end(self, how: signal.Signals = signal.SIGINT) -> tuple[int, str]:
        """Exit code and everything it said."""
        assert self.process is not None
        self.process.send_signal(how)
        return self.process.wait(PATIENCE), self.words.read_text()


def alive(pids: Mapping[str, int]) -> list[str]:
    return [name for name, pid in pids.items() if process.identity(pid)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def made_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder of a system that has run and was stopped; to be copied."""
    folder = tmp_path_factory.mktemp("made") / "data"
    system = System(DataDir(folder), free_port(), environment(), folder.parent / "words")
    system.start()
    assert system.end()[0] == 0
    return folder


@pytest.fixture
def system(made_data: Path, tmp_path: Path) -> Iterator[System]:
    """A system on a folder that has been used before; stopped at the end, and whoever it left is killed."""
    shutil.copytree(made_data, tmp_path / "data")
    made = System(DataDir(tmp_path / "data"), free_port(), environment(), tmp_path / "words")
    yield made
    if made.process is not None and made.process.poll() is None:
        made.end(signal.SIGTERM)
    notes.take_over(made.data)
    assert alive(made.started) == []


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STECKER_")}
    return {**kept, "PYTHONPATH": str(ROOT)}
