"""Years of business in a moment: one order that really came in, many times over, with all that was said about it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import create_engine, text
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import NullPool

from gateway.embedded import postgres
from gateway.intake.tables import InboundMessage
from gateway.jobs.tables import Job, JobEvent, Order
from tests.bench import statements
from tests.bench.system import System
from tests.support.api import running_api
from tests.support.servers import Servers
from webhooks.outbox import Subscription
from webhooks.tables import Attempt, Mailbox, Message, Payload

EVENTS = 5
"""A job's, each with a message that was delivered."""

AT_ONCE = 20_000

# The ids are older than any that is made today, and as long.
JOB = "lpad(n::text, 26, '0')"
STEP = f"lpad((n * {EVENTS} + step)::text, 26, '0')"
EAR = "(CAST(:ears AS text[]))[1 + n % :many]"

ORDER_OF: Mapping[str, str] = {"partner_order_id": f"'old-' || {JOB}", "order_id": f"'ord_' || {JOB}"}
TRIED: Mapping[str, str] = {"at": "src.created_at", "status_code": "204", "duration_ms": "5", "verdict": "'delivered'"}

# Table, how often a job is in it, and what differs from the row it is made like. In the order in which they name
# each other.
COPIES: Sequence[tuple[type[DeclarativeBase], int, Mapping[str, str]]] = (
    (InboundMessage, 1, {"id": f"'msg_' || {JOB}", "order_id": ORDER_OF["order_id"]}),
    (Order, 1, {"id": ORDER_OF["order_id"], "partner_order_id": ORDER_OF["partner_order_id"]}),
    (Job, 1, {"id": f"'job_' || {JOB}", **ORDER_OF}),
    (JobEvent, EVENTS, {"id": f"'evt_' || {STEP}", "job_id": f"'job_' || {JOB}", "sequence": "step"}),
    (Payload, EVENTS, {"id": f"'whp_' || {STEP}", "event_id": f"'evt_' || {STEP}"}),
    (
        Message,
        EVENTS,
        {
            "id": f"'whm_' || {STEP}",
            "event_id": f"'evt_' || {STEP}",
            "payload_id": f"'whp_' || {STEP}",
            "endpoint_id": EAR,
            "subject": f"'job_' || {JOB}",
            "sequence": "step",
            "status": "'delivered'",
            "attempts": "1",
            "next_attempt_at": "NULL",
            "finished_at": "src.created_at",
        },
    ),
    (Mailbox, 1, {"endpoint_id": EAR, "subject": f"'job_' || {JOB}", "due_at": "NULL"}),
)


def fill(running: Servers, tested: System, ears: Sequence[Subscription], jobs: int) -> None:
    """So many finished jobs in the tables, which are then as vacuum leaves them and on disk. One is really placed."""
    with running_api(tested.runtime) as api:
        statements.place(api.caller("demo"), "the first of all", datetime.now(UTC))
    database = str(tested.runtime.engine.url.database)
    engine = create_engine(running.url(postgres.OWNER, database), isolation_level="AUTOCOMMIT", poolclass=NullPool)
    heard = {"ears": [one.endpoint_id for one in ears], "many": len(ears)}
    with engine.connect() as connection:
        for first in range(0, jobs, AT_ONCE):
            span = heard | {"first": first, "last": min(first + AT_ONCE, jobs) - 1}
            for table, times, changes in COPIES:
                connection.execute(text(_copy(table, times, changes)), span)
            connection.execute(text(_ATTEMPTS), span)
        connection.execute(text("VACUUM ANALYZE"))
        connection.execute(text("CHECKPOINT"))
    engine.dispose()


def _copy(table: type[DeclarativeBase], times: int, changes: Mapping[str, str]) -> str:
    """Rows like the oldest one that was not made here."""
    name = table.__tablename__
    columns = [one.name for one in table.__table__.columns if one.identity is None and one.name != "tx"]
    values = [changes.get(column, f"src.{column}") for column in columns]
    return f"""
        INSERT INTO {name} ({", ".join(columns)})
        SELECT {", ".join(values)}
          FROM (SELECT * FROM {name} ORDER BY 1 DESC LIMIT 1) src
         CROSS JOIN generate_series(CAST(:first AS bigint), :last) n
         CROSS JOIN generate_series(1, {times}) step
    """


_ATTEMPTS = f"""
    INSERT INTO {Attempt.__tablename__} (message_id, owner, environment, {", ".join(TRIED)})
    SELECT src.id, src.owner, src.environment, {", ".join(TRIED.values())}
      FROM {Message.__tablename__} src
     WHERE src.id = ANY(ARRAY(
           SELECT 'whm_' || {STEP}
             FROM generate_series(CAST(:first AS bigint), :last) n CROSS JOIN generate_series(1, {EVENTS}) step))
"""
