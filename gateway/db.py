"""The database: one engine a process, the base of the gateway's tables, and how times are kept."""

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import DateTime, Dialect, Engine, MetaData, TypeDecorator, create_engine
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

# random_page_cost: on an SSD, and in memory, an index lookup costs what the next page costs.
# lock_timeout is also how long a second request with one Idempotency-Key waits for the first.
OPTIONS = (
    "-c statement_timeout=5000 -c lock_timeout=2000 -c idle_in_transaction_session_timeout=15000 -c timezone=UTC "
    "-c random_page_cost=1.1"
)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment. Refuses naive times on the way in; gives UTC on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a time without an offset cannot be stored")
        return value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The base of every table of the gateway. `webhooks` has a base of its own."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: UtcDateTime}


def connect(url: str, *, pool_size: int = 10, **options: Any) -> Engine:
    """An engine with every timeout set: connect 3 s, statement 5 s, lock 2 s, waiting for a pooled connection 5 s."""
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=5,
        pool_pre_ping=True,
        hide_parameters=True,  # an error's text never carries what was to be stored
        connect_args={"connect_timeout": 3, "options": OPTIONS, "application_name": "stecker"},
        **options,
    )


def sessions(engine: Engine) -> sessionmaker[Session]:
    return sessionmaker(engine, expire_on_commit=False)
