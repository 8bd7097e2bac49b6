"""Logging: JSON lines on standard error, readable lines where that is a terminal, or as it is set.

What may be logged is a short list. A value from outside never stands in a template, control characters never reach
the reader (security.md I12), and of a foreign exception only its kind and its place are told: drivers repeat values in
their texts.
"""

import json
import logging
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from traceback import extract_tb
from typing import Any, TextIO

from gateway import tracing
from webhooks.tracing import trace_id

CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069]")

FIELDS = (
    "request_id",
    "trace_id",
    "operation",
    "status",
    "duration_ms",
    "partner",
    "environment",
    "job_id",
    "order_id",
    "message_id",
    "event_id",
    "endpoint_id",
    "subject",
    "attempt",
    "reason",
    "dialect",
    "count",
    "pid",
)
"""The `extra` that may be told: ids, figures and names of our own. Queue libraries put arguments there (Q14). Request
and trace are known wherever a request is served.
"""

LEVELS: Mapping[str, int] = {
    "authlib": logging.INFO,  # logs whole tokens at DEBUG (O25)
    "joserfc": logging.INFO,
    "connexion": logging.ERROR,  # a warning on every call of an operation with two media types (C9)
    "uvicorn.error": logging.WARNING,
    "rq": logging.WARNING,
    "rq.worker": logging.WARNING,  # job descriptions at INFO (Q14)
    "urllib3": logging.ERROR,  # addresses with their query
    "requests": logging.ERROR,
    "alembic": logging.WARNING,
    "sqlalchemy": logging.WARNING,  # parameters at INFO
    "psycopg": logging.ERROR,  # a warning with the values of a row that is not unique
    "redis": logging.WARNING,
    "limits": logging.WARNING,
}


def configure(level: str, stream: TextIO, form: str = "auto") -> None:
    """Log everything from this level on to this stream, and nothing anywhere else: as `json`, or as `text` for people,
    which `auto` is where they sit before it.
    """
    handler = logging.StreamHandler(stream)
    readable = form == "text" or (form == "auto" and stream.isatty())
    handler.setFormatter(Readable() if readable else JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(True)
    logging.raiseExceptions = False
    for name, least in LEVELS.items():
        logging.getLogger(name).setLevel(max(least, logging.getLevelName(level)))
    access = logging.getLogger("uvicorn.access")
    access.handlers, access.propagate = [], False


def printable(text: str) -> str:
    """Control characters and those that turn the direction of writing, as `\\u001b`."""
    return CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class JsonLines(logging.Formatter):
    """One object a line: time, level, logger, message, the allowed fields, and what went wrong where."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _moment(record).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": printable(record.getMessage()),
            **_fields(record),
        }
        if record.exc_info and record.exc_info[1]:
            line["error"] = list(_causes(record.exc_info[1]))
        return json.dumps(line, default=str)  # ASCII alone


class Readable(logging.Formatter):
    """For people: `14:32:10 web warning: text (status=500)`."""

    def format(self, record: logging.LogRecord) -> str:
        fields = ", ".join(f"{name}={value}" for name, value in _fields(record).items())
        text = f"{_moment(record).astimezone():%H:%M:%S} {record.levelname.lower():<7} {record.getMessage()}"
        lines = [printable(text + (f" ({fields})" if fields else ""))]
        if record.exc_info and record.exc_info[1]:
            lines += [f"  {printable(part)}" for cause in _causes(record.exc_info[1]) for part in _told(cause)]
        return "\n".join(lines)


def _moment(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    cause = tracing.cause()
    known = {"request_id": cause.request_id, "trace_id": trace_id(cause.trace)} | record.__dict__
    return {name: _plain(value) for name in FIELDS if (value := known.get(name)) is not None}


def _plain(value: object) -> object:
    return value if isinstance(value, int | float) else printable(str(value))


def _causes(error: BaseException) -> Iterator[dict[str, Any]]:
    """The exception and what led to it, newest first."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        told: dict[str, Any] = {"type": f"{type(cause).__module__}.{type(cause).__qualname__}"}
        if isinstance(cause, OSError) and cause.strerror:
            told["text"] = printable(cause.strerror)
        if sqlstate := getattr(cause, "sqlstate", None):
            told["sqlstate"] = sqlstate
        told["at"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in extract_tb(cause.__traceback__)]
        yield told
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)


def _told(cause: dict[str, Any]) -> Iterator[str]:
    yield " ".join(str(cause[name]) for name in ("type", "sqlstate", "text") if name in cause)
    yield from (f"  {place}" for place in cause["at"])
