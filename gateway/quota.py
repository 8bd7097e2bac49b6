"""How often a client may call: sliding windows counted in Redis, and a local brake while Redis is away."""

import asyncio
import logging
import time
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from limits import RateLimitItem, RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError
from redis.asyncio import Redis

from gateway.config import Settings
from gateway.errors import Problem
from gateway.guard import App, Receive, Scope, Send

log = logging.getLogger(__name__)

# A process draws a hundredth of a limit at a time, so that Redis is asked once in that many requests, and gives no
# portion longer than this: what is drawn and not used is lost to the client.
PORTION = 100
PORTION_SECONDS = 1.0
# Without Redis nobody knows what the other processes have given; each gives this part.
LOCAL_PART = 4
WAIT = 0.05  # seconds for Redis
AWAY_SECONDS = 1.0


@dataclass(slots=True)
class _Portion:
    left: int = 0
    until: float = 0.0
    remaining: int = 0
    resets_at: float = 0.0
    drawing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def take(self) -> bool:
        """Take one, where there is one that is still good."""
        if self.left < 1 or self.until < time.monotonic():
            return False
        self.left -= 1
        return True


@dataclass(slots=True)
class _Limit:
    name: str
    item: RateLimitItem
    local: RateLimitItem
    portions: dict[str, _Portion] = field(default_factory=dict)

    @property
    def portion(self) -> int:
        return max(1, self.item.amount // PORTION)


class Quota:
    """Two limits a client: so many a minute, and so many at once."""

    def __init__(self, settings: Settings) -> None:
        minute, burst = settings.requests_per_minute, settings.requests_burst
        self.limits = (
            _Limit("minute", RateLimitItemPerMinute(minute), RateLimitItemPerMinute(ceil(minute / LOCAL_PART))),
            _Limit("burst", RateLimitItemPerSecond(burst), RateLimitItemPerSecond(ceil(burst / LOCAL_PART))),
        )
        self.redis = Redis.from_url(settings.redis_url, socket_timeout=WAIT, socket_connect_timeout=WAIT)
        self.shared = SlidingWindowCounterRateLimiter(_storage(settings.redis_url, self.redis))
        self.local = SlidingWindowCounterRateLimiter(MemoryStorage())
        self.away_until = 0.0

    async def take(self, client: str) -> dict[str, str]:
        """Count one request; returns the `RateLimit` headers. Raises `Problem` (429) where there is none left."""
        for limit in self.limits:
            portion = limit.portions.setdefault(client, _Portion())
            if not portion.take():
                await self._draw(limit, portion, client)
        return self._headers(client)

    async def _draw(self, limit: _Limit, portion: _Portion, client: str) -> None:
        """Get a portion and take one of it; of many that come at once, one asks and the others share what it got."""
        async with portion.drawing:
            if portion.take():
                return
            try:
                if time.monotonic() >= self.away_until:
                    await self._draw_from(self.shared, limit, limit.item, portion, client)
                    self.away_until = 0.0
                    return
            except StorageError:
                if not self.away_until:
                    log.warning("redis_away: rate limits are counted by each process for itself")
                self.away_until = time.monotonic() + AWAY_SECONDS
            await self._draw_from(self.local, limit, limit.local, portion, client)

    async def _draw_from(
        self,
        limiter: SlidingWindowCounterRateLimiter,
        limit: _Limit,
        item: RateLimitItem,
        portion: _Portion,
        client: str,
    ) -> None:
        granted = await self._hit(limiter, limit, item, client)
        stats = await limiter.get_window_stats(item, client)
        portion.remaining, portion.resets_at = stats.remaining, stats.reset_time
        portion.until = time.monotonic() + PORTION_SECONDS
        portion.left = granted
        if not portion.take():
            wait = max(1, ceil(portion.resets_at - time.time()))
            headers = {**self._headers(client), "Retry-After": str(wait)}
            detail = f"The limit is {limit.item.amount} requests a {limit.item.GRANULARITY.name}."
            raise Problem(code="too-many-requests", detail=detail, headers=headers)

    @staticmethod
    async def _hit(limiter: SlidingWindowCounterRateLimiter, limit: _Limit, item: RateLimitItem, client: str) -> int:
        """How many requests were granted: a portion, or the last ones one by one, or none."""
        for cost in dict.fromkeys((limit.portion, 1)):
            if await limiter.hit(item, client, cost=cost):
                return cost
        return 0

    def _headers(self, client: str) -> dict[str, str]:
        """draft-ietf-httpapi-ratelimit-headers-10."""
        policy = ", ".join(f'"{one.name}";q={one.item.amount};w={one.item.get_expiry()}' for one in self.limits)
        tightest = min(self.limits, key=lambda one: self._left(one, client) / one.item.amount)
        resets = max(0, ceil(tightest.portions[client].resets_at - time.time())) if client in tightest.portions else 0
        return {
            "RateLimit-Policy": policy,
            "RateLimit": f'"{tightest.name}";r={self._left(tightest, client)};t={resets}',
        }

    @staticmethod
    def _left(limit: _Limit, client: str) -> int:
        portion = limit.portions.get(client)
        return portion.remaining + portion.left if portion else limit.item.amount

    async def close(self) -> None:
        await self.redis.aclose(close_connection_pool=True)

    def forget_idle(self) -> None:
        """Drop the portions nobody may use any more; called now and then, so that clients gone cost nothing."""
        now = time.monotonic()
        for limit in self.limits:
            limit.portions = {client: one for client, one in limit.portions.items() if one.until >= now}


def _storage(url: str, client: Redis) -> RedisStorage:
    uri = f"async+redis+{url}" if url.startswith("unix:") else f"async+{url}"
    pool: Any = client.connection_pool
    return RedisStorage(uri, wrap_exceptions=True, implementation="redispy", connection_pool=pool)


class RateLimits:
    """ASGI middleware behind the security check: counts each caller's request, and says in headers what is left."""

    FORGET_EVERY = 10_000

    def __init__(self, app: App, quota: Quota) -> None:
        self.app, self.quota, self.count = app, quota, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller = scope.get("stecker.caller")
        if caller is None:
            return await self.app(scope, receive, send)
        self.count += 1
        if self.count % self.FORGET_EVERY == 0:
            self.quota.forget_idle()
        scope["stecker.headers"].update(await self.quota.take(caller.client_id))
        await self.app(scope, receive, send)
