"""Our own processes: one web, workers, one tick."""

import sys
from collections.abc import Callable, Sequence
from http.client import HTTPConnection, HTTPException

from gateway.embedded.process import Spec
from gateway.up.servers import Environ

HOST = "127.0.0.1"
STECKER = (sys.executable, "-m", "gateway.cli")


def ours(workers: int) -> Callable[[Environ, int], Sequence[Spec]]:
    """Start one web, so many workers and one tick, told this environment."""

    def specs(environ: Environ, port: int) -> Sequence[Spec]:
        web = (*STECKER, "web", "--port", str(port), "--stop-with-parent")
        url = f"http://{HOST}:{port}"
        names = [f"worker {number}" for number in range(1, workers + 1)] if workers > 1 else ["worker"]
        return (
            app("web", web, environ, rank=0, where=url, ready=lambda pid: healthy(port)),
            *(app(name, (*STECKER, "worker", "--stop-with-parent"), environ, rank=1) for name in names),
            app("tick", (*STECKER, "tick", "--stop-with-parent"), environ, rank=2),
        )

    return specs


def app(
    name: str,
    command: tuple[str, ...],
    environ: Environ,
    *,
    rank: int,
    where: str = "",
    ready: Callable[[int], bool] = lambda pid: True,
) -> Spec:
    """One process of ours. It drains within what a delivery may take, and within what the web process waits."""
    return Spec(
        name=name,
        command=command,
        environ=environ,
        ready=ready,
        explain=lambda: f"{name} does not come up; its own words stand above.",
        where=where,
        rank=rank,
        patience=30.0,
    )


def healthy(port: int) -> bool:
    connection = HTTPConnection(HOST, port, timeout=1)
    try:
        connection.request("GET", "/healthz/ready")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
