"""Failed logins: so many per client and address, so many per address. Nobody can lock out somebody elsewhere."""

import logging
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from time import monotonic, time
from typing import Any, Protocol

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage, Storage
from limits.strategies import MovingWindowRateLimiter

log = logging.getLogger(__name__)

PER_CLIENT = RateLimitItemPerMinute(10, namespace="oauth-client")
PER_ADDRESS = RateLimitItemPerMinute(100, namespace="oauth-address")
REDIS_SECONDS = 0.2
AWAY_SECONDS = 5.0


class Attempts(Protocol):
    """What the token endpoint asks before it looks at a secret, and tells after a wrong one."""

    def wait(self, client_id: str, address: str) -> int:
        """Seconds until this client may try again from this address; 0 for now."""
        ...

    def failed(self, client_id: str, address: str) -> None: ...


class CountedAttempts:
    """Counts in Redis; while Redis is away, each process counts for itself."""

    def __init__(self, shared: Storage) -> None:
        self._shared = MovingWindowRateLimiter(shared)
        self._local = MovingWindowRateLimiter(MemoryStorage())
        self._away_until = 0.0

    def wait(self, client_id: str, address: str) -> int:
        keys = _keys(client_id, address)
        if monotonic() >= self._away_until:
            try:
                return max(_wait(self._shared, item, key) for item, key in keys)
            except StorageError:
                self._away()
        return max(_wait(self._local, item, key) for item, key in keys)

    def failed(self, client_id: str, address: str) -> None:
        keys = _keys(client_id, address)
        if monotonic() >= self._away_until:
            try:
                return _hit(self._shared, keys)
            except StorageError:
                self._away()
        _hit(self._local, keys)

    def _away(self) -> None:
        log.warning("redis_away: failed logins are counted by each process for itself")
        self._away_until = monotonic() + AWAY_SECONDS


def redis_attempts(url: str) -> CountedAttempts:
    uri = f"redis+{url}" if url.startswith("unix:") else url
    timeouts: dict[str, Any] = {"socket_timeout": REDIS_SECONDS, "socket_connect_timeout": REDIS_SECONDS}
    return CountedAttempts(RedisStorage(uri, wrap_exceptions=True, **timeouts))


Keys = tuple[tuple[RateLimitItem, str], ...]


def _keys(client_id: str, address: str) -> Keys:
    place = _neighbourhood(address)
    # Hashed, since a client's id may be any text that a stranger sent.
    who = sha256(f"{client_id}\x1f{place}".encode()).hexdigest()[:32]
    return (PER_CLIENT, who), (PER_ADDRESS, place)


def _neighbourhood(address: str) -> str:
    """An IPv6 customer owns a /64; an IPv4 one an address."""
    try:
        ip = ip_address(address)
    except ValueError:
        return "unknown"
    return str(ip_network((ip, 64), strict=False)) if isinstance(ip, IPv6Address) else str(ip)


def _wait(limiter: MovingWindowRateLimiter, item: RateLimitItem, key: str) -> int:
    if limiter.test(item, key):
        return 0
    return min(60, max(1, ceil(limiter.get_window_stats(item, key).reset_time - time())))


def _hit(limiter: MovingWindowRateLimiter, keys: Keys) -> None:
    for item, key in keys:
        limiter.hit(item, key)
