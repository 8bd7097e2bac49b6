"""What a log line may say, and that it stays one line."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from gateway import log
from tests.support.logs import logged

OURS = logging.getLogger("gateway.test")


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    with logged() as stream:
        yield stream


def told(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_i12_a_value_from_outside_stays_in_its_line(lines: io.StringIO) -> None:
    OURS.info("refused %s", "a\r\n{}%s\x1b[2J\u202e", extra={"request_id": "x\ny"})
    (line,) = told(lines)
    assert line["message"] == "refused a\\u000d\\u000a{}%s\\u001b[2J\\u202e"
    assert line["request_id"] == "x\\u000ay"
    assert lines.getvalue().isascii()


def test_i12_so_it_does_for_people() -> None:
    record = logging.LogRecord("gateway.web", logging.WARNING, "f", 1, "refused %s", ("a\n\x1b[2Jb",), None)
    assert log.Readable().format(record).endswith("refused a\\u000a\\u001b[2Jb")


def test_q14_fields_that_nobody_allowed_are_dropped(lines: io.StringIO) -> None:
    OURS.info("job failed", extra={"job_id": "job_1", "arguments": ["Sandra Keller"], "kwargs": {"a": 1}})
    (line,) = told(lines)
    assert set(line) == {"time", "level", "logger", "message", "job_id"}


def test_of_an_exception_only_its_kind_and_place_are_told(lines: io.StringIO) -> None:
    try:
        try:
            raise KeyError("sandra.keller@example.ch")
        except KeyError as error:
            raise ValueError("Key (email)=(sandra.keller@example.ch) already exists") from error
    except ValueError:
        OURS.exception("failed")
    (line,) = told(lines)
    errors = line["error"]
    assert isinstance(errors, list)
    assert [error["type"] for error in errors] == ["builtins.ValueError", "builtins.KeyError"]
    assert "test_of_an_exception" in errors[0]["at"][0]
    assert "keller" not in lines.getvalue()


@pytest.mark.parametrize(
    ("name", "level"),
    [
        pytest.param("authlib.oauth2", logging.DEBUG, id="O25: tokens"),
        pytest.param("connexion.operations", logging.WARNING, id="C9: media types"),
        pytest.param("rq.worker", logging.INFO, id="Q14: descriptions of jobs"),
        pytest.param("uvicorn.access", logging.INFO, id="addresses"),
    ],
)
def test_libraries_keep_to_themselves_what_nobody_should_read(lines: io.StringIO, name: str, level: int) -> None:
    logging.getLogger(name).log(level, "secret")
    assert lines.getvalue() == ""
    OURS.debug("not everything is quiet")
    assert len(told(lines)) == 1


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("form", "stream", "is_json"),
    [
        ("auto", io.StringIO, True),
        ("auto", Terminal, False),
        ("json", Terminal, True),
        ("text", io.StringIO, False),
    ],
)
def test_who_reads_it_decides_how_it_looks_or_the_settings(
    lines: io.StringIO, form: str, stream: type[io.StringIO], is_json: bool
) -> None:
    written = stream()
    log.configure("INFO", written, form)
    OURS.info("hello")
    assert written.getvalue().startswith("{") is is_json
