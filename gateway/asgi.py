"""The ASGI entry: a web process from its settings to its end."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import uvicorn

from gateway import runtime as runtimes
from gateway.app import create_app
from gateway.config import Settings
from gateway.guard import App
from gateway.oauth.assembly import assemble
from gateway.oauth.attempts import redis_attempts
from gateway.runtime import Runtime
from gateway.wire import Protocol
from gateway.worker.wake import Bell, Ringer

# More of them wait for each other (one runs at a time) more than they wait for the database.
THREADS = 6
# Threads that answer, and the one that looks after clients' standing.
CONNECTIONS = THREADS + 2
# Less than an orchestrator waits before it kills.
DRAIN_SECONDS = 25


def serve(settings: Settings, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; requests that are under way are answered first."""
    runtime = runtimes.build(settings, pool_size=CONNECTIONS)
    with opened(runtime) as app:
        # What is built by now stays: no need to look through it for garbage, and that after every 700 objects.
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)
        uvicorn.run(
            app,
            host=host,
            port=port,
            http=Protocol,
            log_config=None,
            access_log=False,
            lifespan="on",
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )


@contextmanager
def opened(runtime: Runtime) -> Iterator[App]:
    """The application with all that runs beside it; closed with the runtime at the end."""
    oauth = assemble(runtime, redis_attempts(runtime.settings.redis_url))
    ringer = Ringer(Bell(runtime.settings.redis_url))
    ringer.start()
    try:
        yield create_app(replace(runtime, wake=ringer.wake), oauth, threads=THREADS)
    finally:
        ringer.stop()
        oauth.close()
        runtime.close()
