"""The stage: a whole system of its own, from a fresh folder, stopped at the end."""

import json
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests

from gateway.embedded.data import CannotStart, DataDir
from gateway.embedded.process import Spec
from gateway.supervisor import Child, Supervisor

STECKER = (sys.executable, "-m", "gateway.cli")
WITHIN = 120.0
PATIENCE = 45.0
MARK = "demo"


class DoesNotHold(Exception):
    """Something is not as the demo says it is; the text says what."""


@dataclass(frozen=True, slots=True)
class System:
    """A running system: where it is, the credentials of each party, and the environment of its commands."""

    url: str
    data_dir: Path
    keys: Mapping[str, Mapping[str, str]]
    environ: Mapping[str, str] = field(repr=False)


@contextmanager
def running(data_dir: Path, environ: Mapping[str, str], parties: Sequence[str]) -> Iterator[System]:
    """Start it, make a client for each party, stop it. Raises `CannotStart` in a sentence."""
    data = _fresh(data_dir)
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    # Nothing of a real deployment may reach the demo, above all not its database.
    ours = {name: value for name, value in environ.items() if not name.startswith("STECKER_") and name != "PORT"}
    supervisor = Supervisor(say=lambda line: None, changed=_nobody_asks)
    try:
        supervisor.start([_up(data, port, ours)], within=WITHIN)
        yield System(url, data.root, _clients(data, ours, parties), ours)
    finally:
        supervisor.stop()
        supervisor.close()


def _fresh(data_dir: Path) -> DataDir:
    """An empty folder; only one that an earlier demo has made is emptied."""
    data = DataDir(data_dir.resolve())
    if data.held():
        raise CannotStart(
            f"A system runs on {data.root} already; wait for its end, or name another folder: --data-dir."
        )
    if data.root.exists() and any(data.root.iterdir()) and not (data.root / MARK).exists():
        raise CannotStart(f"{data.root} is not a folder of the demo, and is left alone; name another: --data-dir.")
    shutil.rmtree(data.root, ignore_errors=True)
    data.make()
    (data.root / MARK).touch()
    return data


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _up(data: DataDir, port: int, environ: Mapping[str, str]) -> Spec:
    log = data.logs / "demo.log"
    return Spec(
        name="stecker",
        command=(*STECKER, "up", "--port", str(port), "--data-dir", str(data.root)),
        environ=environ,
        ready=lambda pid: data.state.exists() and _is_ready(port),
        explain=lambda: f"The system did not start. Its last words, from {log}:\n{_last_words(log)}",
        where="",
        rank=0,
        patience=PATIENCE,
        orphan=signal.SIGTERM,
        log=log,
    )


def _is_ready(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/healthz/ready", timeout=1).ok
    except requests.RequestException:
        return False


def _last_words(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-5:]) if log.exists() else "(none)"


def _clients(data: DataDir, environ: Mapping[str, str], parties: Sequence[str]) -> dict[str, dict[str, str]]:
    """What `stecker client create` prints for each party; side by side, as each takes a second to start."""
    command = (*STECKER, "client", "create", "--environment", "sandbox", "--json", "--data-dir", str(data.root))
    started = {
        party: subprocess.Popen(
            (*command, "--partner", party), env=dict(environ), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for party in parties
    }
    ended = {party: (*process.communicate(), process.returncode) for party, process in started.items()}
    for party, (_, error, code) in ended.items():
        if code:
            raise CannotStart(f"There is no client for {party}: {error.strip()}")
    return {party: json.loads(printed) for party, (printed, _, _) in ended.items()}


def _nobody_asks(children: Sequence[Child]) -> None:
    """The demo takes nothing over: its folder is new each time."""
