"""Partners are added once, with options that their dialect knows."""

from typing import ClassVar

import marshmallow
import pytest

from adapters.canonical import JobState
from adapters.contract import Profile
from gateway.partners import dialect, service
from gateway.partners.service import InvalidPartner, NewPartner, NoSuchPartner
from gateway.runtime import Runtime


class Options(marshmallow.Schema):
    currency = marshmallow.fields.String(required=True)
    digits = marshmallow.fields.Integer(strict=True)


class Dialects:
    known: ClassVar[dict[str, Profile]] = {
        "morse": Profile(
            name="morse",
            title="Morse",
            media_types=("text/plain",),
            intents=(),
            states=dict.fromkeys(JobState),
            options=Options,
            inbound_auth=(),
            outbound_auth=(),
            max_bytes=1,
            spec_url="",
            maturity="draft",
        )
    }


def new(slug: str = "acme", adapter: str | None = "morse", **options: object) -> NewPartner:
    return NewPartner(slug=slug, name="Acme", kind="retailer", adapter=adapter, options=options)


def add(runtime: Runtime, partner: NewPartner) -> None:
    with runtime.sessions.begin() as session:
        service.add(session, partner, Dialects.known, runtime.clock())


def test_adds_and_finds_a_partner(runtime: Runtime) -> None:
    add(runtime, new(currency="CHF"))
    add(runtime, new("zeta", None))
    with runtime.sessions() as session:
        found = service.get(session, "acme")
        assert found.id.startswith("ptn_")
        assert (found.adapter, found.options, found.status) == ("morse", {"currency": "CHF"}, "active")
        assert [one.slug for one in service.every(session)] == ["acme", "zeta"]


def test_tells_every_fault_of_the_options_at_once(runtime: Runtime) -> None:
    with pytest.raises(InvalidPartner) as caught:
        add(runtime, new("Acme!", digits="two", colour="red"))
    assert [fault.partition(":")[0] for fault in caught.value.faults][1:] == [
        "option colour",
        "option currency",
        "option digits",
    ]
    assert "slug" in caught.value.faults[0]


def test_refuses_a_dialect_that_nobody_speaks(runtime: Runtime) -> None:
    with pytest.raises(InvalidPartner, match="there are morse"):
        add(runtime, new(adapter="klingon"))
    with pytest.raises(InvalidPartner, match="options need an adapter"):
        add(runtime, new(adapter=None, currency="CHF"))


def test_refuses_a_slug_twice_and_keeps_the_transaction(runtime: Runtime) -> None:
    with runtime.sessions.begin() as session:
        service.add(session, new(currency="CHF"), Dialects.known, runtime.clock())
        with pytest.raises(InvalidPartner, match="taken"):
            service.add(session, new(currency="EUR"), Dialects.known, runtime.clock())
    with runtime.sessions() as session:
        assert service.get(session, "acme").options == {"currency": "CHF"}


def test_says_when_nobody_has_the_slug(runtime: Runtime) -> None:
    with runtime.sessions() as session, pytest.raises(NoSuchPartner):
        service.get(session, "nobody")


def test_every_partner_may_have_an_address_for_mail(runtime: Runtime) -> None:
    add(runtime, new(currency="CHF", contact_email="it@acme.example"))
    add(runtime, new("zeta", None, contact_email="it@zeta.example"))
    with pytest.raises(InvalidPartner) as caught:
        add(runtime, new("beta", None, contact_email="not one"))
    assert caught.value.faults == ("option contact_email: is not an e-mail address",)
    with runtime.sessions() as session:
        assert dialect.of_dialect(service.get(session, "acme").options) == {"currency": "CHF"}
