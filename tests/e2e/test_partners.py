"""Every partner's whole business against the running system: an order done, an order cancelled, each answer valid."""

import re
from collections import Counter
from collections.abc import Iterator

import pytest

from gateway.demo.page import Page
from gateway.demo.partner import play
from gateway.demo.parts import PARTS
from gateway.demo.parts.house import Exchange, House
from gateway.demo.system import System, running
from gateway.runtime import system_clock
from tests.support.validity import SHARED, fault_of, needs_schemas

NINE = {
    "swisscom",
    "interdiscount",
    "lumimart",
    "otto",
    "amazon_de",
    "brack",
    "bosch",
    "google",
    "logitech",
}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    folder = tmp_path_factory.mktemp("partners") / "system"
    with running(folder, {"PATH": "/usr/bin:/bin"}, (*PARTS, "dispatch")) as system:
        yield system


def test_each_of_the_nine_has_a_part() -> None:
    assert set(PARTS) == NINE


@pytest.mark.parametrize("slug", PARTS)
def test_a_partner_orders_and_cancels_and_hears_of_it_in_its_own_words(system: System, slug: str) -> None:
    lines: list[str] = []
    house = play(Page(lines.append), PARTS[slug], system, system_clock)
    assert _statuses(house) == {"completed": 1, "cancelled": 1}
    told = [*house.said, *house.theirs.asked]
    if SHARED.exists():
        assert [fault for one in told if (fault := fault_of(slug, one))] == []
    assert any(one.by == "stecker" for one in told)
    assert max(len(re.sub(r"\x1b\[\d+m", "", line)) for line in lines) <= 100


def _statuses(house: House) -> Counter[str]:
    return Counter(order["status"] for order in house.partner.get("/v1/orders")["items"])


@needs_schemas
def test_what_is_not_valid_is_found() -> None:
    """The judges are none that say yes to everything."""
    answer = Exchange(
        by="partner",
        method="POST",
        path="/inbound/interdiscount",
        body=b"",
        media_type="application/edifact",
        status=201,
        answer=b"UNB+UNOC:3'UNZ+1'",
        answer_type="application/edifact",
    )
    assert fault_of("interdiscount", answer)
