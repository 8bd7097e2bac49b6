"""The ASGI entry: a web process from its settings to its end."""

import gc
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from types import FrameType

import uvicorn

from gateway import runtime as runtimes
from gateway.app import create_app
from gateway.config import Settings
from gateway.guard import BodyGuard
from gateway.oauth.assembly import assemble
from gateway.oauth.attempts import redis_attempts
from gateway.requestlog.recorder import Recorder
from gateway.runtime import Runtime
from gateway.wire import Protocol
from gateway.worker.wake import Bell, Ringer
from webhooks.hours import DatabaseClock

# What one of them does is half waiting for its commit; more of them would wait for each other (one runs at a time).
THREADS = 10
# Threads that answer, the one that looks after clients' standing, those that look for who waits, the request log's, the
# one that looks for chaos, and the one that asks for the time.
CONNECTIONS = THREADS + 6
STARTUP_FAILURE = 3  # as uvicorn's own
# Less than an orchestrator waits before it kills.
DRAIN_SECONDS = 25


def serve(settings: Settings, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; requests that are under way are answered first."""
    runtime = runtimes.build(settings, pool_size=CONNECTIONS)
    clock = DatabaseClock(runtime.engine, every=math.inf)
    with opened(replace(runtime, clock=clock)) as app, clock.followed():
        # What is built by now stays: no need to look through it for garbage, and that after every 700 objects.
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)
        config = uvicorn.Config(
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
        server = _Server(config, app.release)
        with suppress(KeyboardInterrupt):
            server.run()
        if not server.started:
            sys.exit(STARTUP_FAILURE)


class _Server(uvicorn.Server):
    """Lets go of who waits as soon as it is told to end: the drain is for what is being done."""

    def __init__(self, config: uvicorn.Config, release: Callable[[], None]) -> None:
        super().__init__(config)
        self._release = release

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._release()
        super().handle_exit(sig, frame)


@contextmanager
def opened(runtime: Runtime) -> Iterator[BodyGuard]:
    """The application with all that runs beside it; closed with the runtime at the end."""
    oauth = assemble(runtime, redis_attempts(runtime.settings.redis_url))
    ringer = Ringer(Bell(runtime.settings.redis_url))
    ringer.start()
    recorder = Recorder(runtime)
    recorder.start()
    try:
        yield create_app(replace(runtime, wake=ringer.wake), oauth, threads=THREADS, see=recorder.see)
    finally:
        recorder.stop()
        ringer.stop()
        oauth.close()
        runtime.close()
