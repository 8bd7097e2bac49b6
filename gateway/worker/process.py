"""The worker process: a courier that delivers webhooks, RQ that rings it, and a poller that asks who does not call."""

import logging
import os
import random
import resource
import signal
import threading
from dataclasses import replace
from functools import partial
from types import FrameType

from redis import Redis
from redis.exceptions import RedisError, ResponseError
from rq.serializers import JSONSerializer

from gateway import runtime as runtimes
from gateway.config import ConfigurationError, Settings
from gateway.endpoints import folders
from gateway.endpoints.dialect import Judges
from gateway.endpoints.secrets import credentials_opener, opener
from gateway.polling import service as polling
from gateway.polling.poller import Poller
from gateway.polling.polls import Polls
from gateway.runtime import Runtime
from gateway.sandbox.chaos import deliveries
from gateway.sandbox.inbox import service as inbox
from gateway.worker import wake
from gateway.worker.tasks import TaskWorker
from webhooks import policy
from webhooks.calling import Caller, Schemes
from webhooks.courier import Courier, Pace, Tools
from webhooks.hours import DatabaseClock
from webhooks.tokens import Tokens
from webhooks.transport import Transport

log = logging.getLogger(__name__)

SCHEDULES = {"live": policy.LIVE, "sandbox": policy.SANDBOX}
USER_AGENT = "Stecker/1 (+webhooks)"
CONNECTIONS = 5
"""The courier holds one at a time; one is for who looks a dialect up, or fills inboxes, or asks for a folder; pages
that were read wait for the others."""

FILES = 65_536
"""Open at once, where we may: idle connections to receivers are kept, up to some thousands."""

PAUSE = 1.0
GATHER = 0.02
"""Seconds in which many commits share one job: a job costs RQ some milliseconds at both ends."""

DIED = 70


def run(settings: Settings) -> None:
    """Deliver until SIGTERM or SIGINT; then what is in flight comes back first. A dead courier ends the process."""
    stopping = threading.Event()
    _stop_on_signal(stopping)
    allow_files()
    runtime = runtimes.build(settings, pool_size=CONNECTIONS)
    runtime = replace(runtime, clock=DatabaseClock(runtime.engine))
    transport = Transport(allow=settings.egress_allow, proxy=settings.egress_proxy)
    courier = courier_of(runtime, transport)
    courier.start()
    poller = poller_of(replace(runtime, wake=courier.ring), transport)
    poller.start()
    threading.Thread(target=_guard, args=(courier, stopping), name="guard", daemon=True).start()
    try:
        listen(settings.redis_url, courier, stopping)
    finally:
        stopping.set()
        poller.stop()
        poller.join()
        courier.stop()
        courier.join()
        transport.close()
        runtime.close()


def allow_files() -> None:
    """As many open files as we may have, up to `FILES`: 1024, which is usual, are connections to 64 busy hosts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def courier_of(runtime: Runtime, transport: Transport) -> Courier:
    tools = Tools(
        sessions=runtime.sessions,
        caller=caller_of(runtime, transport),
        schedules=SCHEDULES,
        clock=runtime.clock,
        chance=random.random,
    )
    return Courier(tools, Pace())


def poller_of(runtime: Runtime, transport: Transport) -> Poller:
    tools = polling.Tools(runtime=runtime, transport=transport, chance=random.random)
    return Poller(tools, Polls(runtime, transport))


def caller_of(runtime: Runtime, transport: Transport) -> Caller:
    return Caller(
        transport=transport,
        schemes=Schemes(
            open_secret=opener(runtime.vault),
            open_credentials=credentials_opener(runtime.vault),
            ask=partial(Tokens, transport, runtime.clock),
        ),
        judges=Judges(runtime.sessions, runtime.clock),
        folder=folders.finder(runtime),
        put_down=inbox.putter(runtime),
        disturb=deliveries.disturber(runtime),
        user_agent=USER_AGENT,
    )


def listen(redis_url: str, courier: Courier, stopping: threading.Event) -> None:
    """Ring the courier for every job until we are told to stop. Redis may come and go."""
    away = False
    while not stopping.is_set():
        try:
            with Redis.from_url(redis_url, socket_connect_timeout=3, health_check_interval=15) as redis:
                check_eviction(redis)
                _work(redis, courier, stopping)
            away = False
        except RedisError as error:
            if not away:
                log.warning("Redis is away, the courier looks by itself: %s", type(error).__name__)
            away = True
        # RQ puts its own handlers in place, and the second signal would end us in the middle of a delivery.
        _stop_on_signal(stopping)
        stopping.wait(PAUSE)


def check_eviction(redis: Redis) -> None:
    """Raise `ConfigurationError` where Redis drops what it was given when it is full (security.md Q10)."""
    try:
        found = redis.config_get("maxmemory-policy")
    except ResponseError:
        return  # a managed Redis that does not tell
    if found.get("maxmemory-policy", "noeviction") != "noeviction":
        raise ConfigurationError("Redis must run with maxmemory-policy noeviction: it drops queued jobs otherwise")


def _work(redis: Redis, courier: Courier, stopping: threading.Event) -> None:
    """Until Redis goes away, or a signal comes."""

    def deliver() -> None:
        courier.ring()
        stopping.wait(GATHER)
        # Whoever commits from now on rings again; whoever did before is found by this look.
        redis.delete(wake.key(wake.DELIVER))
        courier.ring()

    worker = TaskWorker(
        [wake.DELIVER],
        connection=redis,
        serializer=JSONSerializer,
        worker_ttl=30,
        maintenance_interval=15,
        job_monitoring_interval=5,
        log_job_description=False,
        tasks={wake.TASKS[wake.DELIVER]: deliver},
        stopping=stopping,
    )
    courier.ring()
    worker.work(logging_level="WARNING")


def _guard(courier: Courier, stopping: threading.Event) -> None:
    courier.join()
    if not stopping.is_set():
        log.error("the courier died")
        os._exit(DIED)


def _stop_on_signal(stopping: threading.Event) -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
