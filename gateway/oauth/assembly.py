"""OAuth of one process, put together: the first key, the routes, the check of each request, and its thread."""

from dataclasses import dataclass

from flask import Blueprint

from gateway.connections.security import Doorkeeper
from gateway.oauth import api, keys
from gateway.oauth.attempts import Attempts
from gateway.oauth.bearer import Bearer
from gateway.oauth.security import SecurityMap, security_map
from gateway.oauth.standing import Standing
from gateway.runtime import Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth:
    """`routes` are for Flask, `security_map` is for Connexion; `close` ends the thread that keeps `standing`."""

    routes: Blueprint
    security_map: SecurityMap
    standing: Standing

    def close(self) -> None:
        self.standing.stop()


def assemble(runtime: Runtime, attempts: Attempts) -> OAuth:
    """Needs a migrated database. Raises `SQLAlchemyError` without one, `CannotDecrypt` under another secret key."""
    with runtime.sessions.begin() as session:
        keys.ensure(session, runtime.vault, runtime.clock())
    ring = keys.KeyRing(runtime.sessions, runtime.vault, runtime.clock)
    ring.signing()
    standing = Standing(runtime.sessions, runtime.clock)
    standing.start()
    bearer = Bearer(runtime.settings, standing, runtime.clock)
    doorkeeper = Doorkeeper(standing, runtime.vault, runtime.settings.live_enabled)
    return OAuth(
        routes=api.routes(runtime, ring, attempts), security_map=security_map(bearer, doorkeeper), standing=standing
    )
