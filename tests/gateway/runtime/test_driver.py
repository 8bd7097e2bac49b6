"""Statements on the driver's own cursor, and the connections they run on."""

from contextlib import suppress
from datetime import datetime

import pytest
from sqlalchemy import select, text

from gateway import driver
from gateway.catalogue.tables import PartnerArticle
from gateway.db import REMEMBERED
from gateway.runtime import Runtime
from tests.support.statements import noted

BACKEND = text("SELECT pg_backend_pid()")
INSERT = (
    f"""
    INSERT INTO partner_article ({driver.columns(PartnerArticle)})
    SELECT {driver.columns(PartnerArticle)} FROM json_populate_recordset(NULL::partner_article, %(articles)s)
    """,
)


def article(code: str) -> dict[str, str]:
    return {"partner_id": "ptn_1", "environment": "sandbox", "kind": "sku", "code": code, "service": "tv.wall_mount_l"}


def add(runtime: Runtime, *codes: str) -> None:
    with driver.together(runtime.sessions) as session:
        for code in codes:
            driver.write(session, INSERT, {"articles": driver.rows([article(code)])})


def codes(runtime: Runtime) -> list[str]:
    with runtime.sessions() as session:
        return list(session.scalars(select(PartnerArticle.code).order_by(PartnerArticle.code)))


def test_what_travels_together_is_committed_together(runtime: Runtime) -> None:
    add(runtime, "a", "b")
    assert codes(runtime) == ["a", "b"]


def test_of_what_is_taken_nothing_has_happened_and_the_connection_is_whole(runtime: Runtime) -> None:
    add(runtime, "a")
    with pytest.raises(driver.Taken):
        add(runtime, "b", "a", "c")
    assert codes(runtime) == ["a"]
    with runtime.engine.connect() as first:
        assert first.scalar(text("SELECT 1")) == 1


def test_what_is_read_on_the_way_is_there_and_what_is_written_is_not_yet(runtime: Runtime) -> None:
    add(runtime, "a")
    with driver.together(runtime.sessions) as session:
        driver.write(session, INSERT, {"articles": driver.rows([article("b")])})
        found = driver.execute(session, "SELECT code FROM partner_article WHERE kind = %(kind)s", {"kind": "sku"})
        assert found.fetchall() == [("a",)]
    assert codes(runtime) == ["a", "b"]


CODES = "SELECT kind, code FROM partner_article WHERE environment = %(environment)s ORDER BY code"


def add_and_recall(runtime: Runtime, code: str) -> list[tuple[str, str]]:
    with driver.together(runtime.sessions) as session:
        known = list(driver.recall(session, CODES, {"environment": "sandbox"}))
        driver.write(session, INSERT, {"articles": driver.rows([article(code)])})
    return known


def test_what_is_remembered_is_not_asked_again(runtime: Runtime) -> None:
    with driver.together(runtime.sessions) as session:
        assert driver.recall(session, CODES, {"environment": "live"}) == []
    with noted(runtime.engine) as statements, driver.together(runtime.sessions) as session:
        assert driver.recall(session, CODES, {"environment": "live"}) == []
        assert driver.recall(session, CODES, {"environment": "live"}) == []
        driver.write(session, INSERT, {"articles": driver.rows([article("a")])})
    assert len(statements) == 1
    assert codes(runtime) == ["a"]


def test_what_is_not_as_remembered_any_more_takes_everything_back_and_is_asked_anew(runtime: Runtime) -> None:
    assert add_and_recall(runtime, "a") == []
    with pytest.raises(driver.Taken):
        add_and_recall(runtime, "b")
    assert codes(runtime) == ["a"]
    assert add_and_recall(runtime, "b") == [("sku", "a")]
    assert codes(runtime) == ["a", "b"]


def test_a_memory_is_bounded(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "MEMORY", 3)
    for number in range(5):
        with driver.together(runtime.sessions) as session:
            driver.recall(session, CODES, {"environment": f"{number}"})
            assert len(session.info[REMEMBERED]) <= 3


def test_outside_of_what_travels_together_nothing_is_remembered(runtime: Runtime) -> None:
    for known in ([], [("sku", "a")]):
        with runtime.sessions() as session:
            assert driver.recall(session, CODES, {"environment": "sandbox"}) == known
        add(runtime, "a" if not known else "b")


def test_an_exception_takes_everything_back(runtime: Runtime) -> None:
    with suppress(ZeroDivisionError), driver.together(runtime.sessions) as session:
        driver.write(session, INSERT, {"articles": driver.rows([article("a")])})
        raise ZeroDivisionError
    assert codes(runtime) == []


def test_a_time_without_an_offset_is_no_column() -> None:
    with pytest.raises(TypeError):
        driver.rows([{"at": datetime(2026, 1, 14)}])  # noqa: DTZ001


def test_a_connection_that_the_server_has_ended_is_replaced_unnoticed(runtime: Runtime) -> None:
    with runtime.sessions() as one, runtime.sessions() as other:
        ended, kept = one.scalar(BACKEND), other.scalar(BACKEND)
    with runtime.engine.connect() as connection:
        still = connection.scalar(BACKEND)
        [victim] = {ended, kept} - {still}
        assert connection.scalar(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": victim})
        with runtime.sessions() as fresh:
            assert fresh.scalar(BACKEND) not in (victim, still)
