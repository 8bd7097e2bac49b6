"""Drop folders: files in, orders made, answers and reasons out."""

import os
from dataclasses import replace

import pytest
from sqlalchemy import select

from gateway.connections import service as connections
from gateway.connections.service import NewConnection
from gateway.folders import service
from gateway.intake import doors
from gateway.intake.tables import InboundMessage
from gateway.jobs.tables import Order
from gateway.partners.tables import Partner
from gateway.seed import seed
from gateway.tenant import Tenant
from tests.support.edifact import order
from tests.support.orders import opentrans

WINDOW = ("2026-01-20T08:00:00+01:00", "2026-01-20T12:00:00+01:00")


@pytest.fixture
def system(runtime, tmp_path):
    """A runtime with drop folders of Brack and Interdiscount."""
    seed(runtime)
    for slug, dialect in (("brack", "opentrans"), ("interdiscount", "edifact")):
        with runtime.sessions.begin() as session:
            partner_id = session.scalars(select(Partner.id).where(Partner.slug == slug)).one()
            new = NewConnection(tenant=Tenant(partner_id, "sandbox"), door="folder", name=slug)
            connections.add(session, runtime.vault, new, dialect, runtime.clock())
    return replace(runtime, settings=replace(runtime.settings, folders=tmp_path))


@pytest.fixture
def lay(system, clock):
    def lay(name, body, slug="brack", age=60.0):
        file = system.settings.folders / slug / "in" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
        os.utime(file, (clock().timestamp() - age,) * 2)
        return file

    return lay


def there(system, part, slug="brack"):
    return sorted(file.name for file in (system.settings.folders / slug / part).iterdir())


def numbers(system):
    with system.sessions() as session:
        return list(session.scalars(select(Order.partner_order_id).order_by(Order.id)))


def test_a_file_becomes_an_order_and_its_answer_a_file(system, lay):
    lay("order-1.xml", opentrans("4711", WINDOW))
    assert service.look(system) == 1
    assert numbers(system) == ["4711"]
    assert there(system, "in") == []
    assert there(system, "out") == ["order-1.xml.answer.xml"]
    answer = system.settings.folders / "brack" / "out" / "order-1.xml.answer.xml"
    assert b"ORDERRESPONSE" in answer.read_bytes()


def test_one_bad_file_never_stops_the_next_and_has_its_reason_beside_it(system, lay):
    lay("a.xml", b"<ORDER>")
    lay("b.xml", opentrans("4712", WINDOW))
    assert service.look(system) == 2
    assert numbers(system) == ["4712"]
    assert there(system, "error") == ["a.xml", "a.xml.reason.txt"]
    reason = (system.settings.folders / "brack" / "error" / "a.xml.reason.txt").read_text()
    assert "a.xml was not taken" in reason
    assert "(not_xml)" in reason
    with system.sessions() as session:
        assert sorted(session.scalars(select(InboundMessage.outcome))) == ["accepted", "refused"]


def test_a_refusal_in_their_words_is_a_file_too(system, lay):
    lay("a.edi", order().replace("UNT+", "UNT+9").encode("latin-1"), "interdiscount")
    service.look(system)
    assert there(system, "out", "interdiscount") == ["a.edi.answer.edi"]
    assert there(system, "error", "interdiscount") == ["a.edi", "a.edi.reason.txt"]


@pytest.mark.parametrize("name", [".order.xml", "order.xml.tmp", "order.xml.filepart", "order.xml.part", "order.xml~"])
def test_a_temporary_name_is_nobodys_order(system, lay, name):
    file = lay(name, opentrans("4711", WINDOW))
    assert service.look(system) == 0
    assert file.exists()


def test_a_file_that_is_still_being_written_waits(system, lay, clock):
    lay("a.xml", opentrans("4711", WINDOW), age=1.0)
    assert service.look(system) == 0
    clock.advance(service.QUIET_SECONDS)
    assert service.look(system) == 1


def test_a_link_is_not_followed(system, lay, tmp_path):
    service.look(system)
    secret = tmp_path / "secret.xml"
    secret.write_bytes(opentrans("4711", WINDOW))
    (tmp_path / "brack" / "in" / "a.xml").symlink_to(secret)
    assert service.look(system) == 0
    assert numbers(system) == []


@pytest.mark.parametrize("slug", ["brack", "interdiscount"])
def test_the_same_file_twice_is_one_order(system, lay, slug):
    body = opentrans("4711", WINDOW) if slug == "brack" else order().encode("latin-1")
    for name in ("a", "b"):
        lay(name, body, slug)
        service.look(system)
    assert len(numbers(system)) == 1
    assert there(system, "error", slug) == []


def test_a_death_between_the_order_and_the_end_of_the_file_costs_nothing(system, lay, monkeypatch):
    lay("a.edi", order().encode("latin-1"), "interdiscount")

    def dies(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(service.folders, "write", dies)
        with pytest.raises(KeyboardInterrupt):
            service.look(system)
    assert len(numbers(system)) == 1
    assert there(system, "in", "interdiscount") == ["a.edi"]
    assert service.look(system) == 1
    assert len(numbers(system)) == 1
    answer = system.settings.folders / "interdiscount" / "out" / "a.edi.answer.edi"
    assert b"ORDRSP" in answer.read_bytes()


def test_a_fault_of_ours_leaves_the_file_where_it_is(system, lay, monkeypatch):
    lay("a.xml", opentrans("4711", WINDOW))

    def fails(*_):
        raise RuntimeError("ours")

    with monkeypatch.context() as patched:
        patched.setattr(doors, "taken", fails)
        assert service.look(system) == 0
    assert there(system, "in") == ["a.xml"]
    assert service.look(system) == 1


def test_a_file_that_is_too_large_is_set_aside_unread(system, lay):
    lay("a.xml", b" " * (11 * 1024 * 1024))
    assert service.look(system) == 1
    assert "may have" in (system.settings.folders / "brack" / "error" / "a.xml.reason.txt").read_text()


def test_a_name_as_long_as_names_can_be_has_its_answer(system, lay):
    lay("x" * 251 + ".xml", opentrans("4711", WINDOW))
    assert service.look(system) == 1
    assert len(there(system, "out")) == 1


def test_without_a_root_there_are_no_folders(runtime):
    assert service.look(runtime) == 0
