"""What a process is made of: built once at the composition root, handed to whoever needs it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from gateway import db
from gateway.config import Settings
from gateway.crypto import Vault


def system_clock() -> datetime:
    return datetime.now(UTC)


def nobody() -> None:
    """Where no workers are to be woken: the tick finds what is due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """`wake` is called after a commit that may have made webhooks due."""

    settings: Settings
    engine: Engine
    sessions: sessionmaker[Session]
    vault: Vault
    clock: Callable[[], datetime]
    wake: Callable[[], None] = nobody

    def close(self) -> None:
        self.engine.dispose()


def build(settings: Settings, *, clock: Callable[[], datetime] = system_clock, pool_size: int = 10) -> Runtime:
    engine = db.connect(settings.database_url, pool_size=pool_size)
    return Runtime(
        settings=settings,
        engine=engine,
        sessions=db.sessions(engine),
        vault=Vault(settings.secret_key),
        clock=clock,
    )
