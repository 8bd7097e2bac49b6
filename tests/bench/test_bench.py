"""That the benchmarks run and say what they found. Never how fast: machines differ."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from adapters import ADAPTERS, by_name
from adapters.canonical import PlaceOrder
from adapters.contract import RawMessage
from tests.bench import dialects, report
from tests.bench.__main__ import ROWS, main
from tests.bench.report import Row
from tests.bench.size import TINY
from tests.bench.system import durable_servers
from tests.support.servers import Servers


@pytest.fixture(scope="module")
def durable() -> Iterator[Servers]:
    with durable_servers() as running:
        yield running


@pytest.mark.parametrize("name", ROWS)
def test_a_row_is_measured(name: str, durable: Servers, tmp_path: Path) -> None:
    found = list(ROWS[name](durable, TINY))

    assert found
    assert all(row.samples and row.row.startswith(name.rstrip("s")) for row in found)
    assert any(row.goal is not None for row in found)
    report.write(tmp_path / "bench.json", found, report.machine())
    written = json.loads((tmp_path / "bench.json").read_text())
    assert [row["row"] for row in written["rows"]] == [row.row for row in found]
    assert {"machine", "versions"} <= written.keys()


def test_a_row_is_reached_on_its_own_side_of_the_goal() -> None:
    rate = Row(row="a", value=0.9, unit="ratio", samples=(0.9,), goal=0.8)
    delay = Row(row="b", value=120.0, unit="ms", samples=(120.0,), goal=100.0, lower_is_better=True)
    assert (rate.reached, delay.reached) == (True, False)
    table = report.table([rate, delay])
    assert ">= 0.8" in table
    assert "<= 100" in table


@pytest.mark.parametrize("name", dialects.TWO_LINES)
def test_each_dialect_reads_the_same_order_of_two_lines(name: str) -> None:
    adapter = by_name(name)({})
    [intent] = adapter.parse(RawMessage(body=dialects.TWO_LINES[name], media_type=adapter.profile.media_types[0]))
    assert isinstance(intent, PlaceOrder)
    assert [line.sku for line in intent.order.lines] == ["SVC-TV-WALL-65", "SVC-NET-SETUP"]


def test_every_dialect_has_a_document_to_measure_it_by() -> None:
    assert {adapter.profile.name for adapter in ADAPTERS} <= dialects.documents().keys()


def test_an_unknown_row_is_refused() -> None:
    assert CliRunner().invoke(main, ["nothing"]).exit_code == 2
