"""Health: whether the process runs, and whether it can serve."""

import logging
from functools import lru_cache
from typing import Any

from flask import Response
from redis import Redis, RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from gateway.call import Call, as_json
from gateway.migrations import migrate
from gateway.runtime import Runtime

log = logging.getLogger(__name__)

REDIS_SECONDS = 0.2

# One statement answers all that the database must be able to: it takes writes, it is migrated, the keys are there.
DATABASE = text("""
    SELECT NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off' AS database,
           (SELECT max(version_num) FROM alembic_version) = :head AS migrated,
           EXISTS (SELECT FROM oauth_signing_key) AS keys
""")


ALIVE = {"status": "alive"}
"""This answer is the proof."""


def get_live(call: Call) -> Response:
    """`GET /healthz/live`."""
    return as_json(ALIVE)


def get_ready(call: Call) -> Response:
    """`GET /healthz/ready`."""
    return as_json(*readiness(call.runtime))


def readiness(runtime: Runtime) -> tuple[dict[str, Any], int]:
    """The answer and its status: 200 `ready`, 200 `degraded` where only Redis is away, else 503."""
    needed, redis = _database(runtime), _redis(runtime)
    able = all(needed.values())
    status = ("ready" if redis else "degraded") if able else "unavailable"
    return {"status": status, "checks": {**needed, "redis": redis}}, 200 if able else 503


def _database(runtime: Runtime) -> dict[str, bool]:
    try:
        with runtime.sessions() as session:
            found = session.execute(DATABASE, {"head": _head()}).one()
    except SQLAlchemyError as error:
        log.warning("not_ready: %s", type(error).__name__)
        return {"database": False, "migrated": False, "keys": False}
    return {name: bool(holds) for name, holds in found._mapping.items()}


@lru_cache(maxsize=1)
def _head() -> str | None:
    return migrate.head()


def _redis(runtime: Runtime) -> bool:
    url, limit = runtime.settings.redis_url, REDIS_SECONDS
    try:
        with Redis.from_url(url, socket_timeout=limit, socket_connect_timeout=limit) as client:
            return bool(client.ping())
    except RedisError:
        return False
