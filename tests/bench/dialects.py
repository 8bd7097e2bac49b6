"""Row dialects: orders a second on one core, from bytes to intents, beside our own JSON."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from adapters import by_name
from adapters.contract import RawMessage
from gateway.demo.documents import opentrans_order
from tests.bench.report import Row, median_of
from tests.bench.size import Size
from tests.support.edifact import two_lines
from tests.support.orders import json_order
from tests.support.servers import Servers

NOW = datetime(2026, 1, 14, 14, 32, 10, tzinfo=UTC)
PLAIN = "plain"


def _two_lines() -> bytes:
    order = json_order("W-1", NOW)
    return json.dumps({**order, "lines": [*order["lines"], {"line_id": "20", "sku": "SVC-NET-SETUP"}]}).encode()


# An order of two lines in each dialect, and what any reader of it must do at least.
DOCUMENTS: dict[str, tuple[bytes, str, Callable[[bytes], Any]]] = {
    PLAIN: (_two_lines(), "application/json", json.loads),
    "opentrans": (opentrans_order("W-1", NOW.date()), "application/xml", etree.fromstring),
    "edifact": (two_lines(), "application/edifact", lambda body: [part.split(b"+") for part in body.split(b"'")]),
}


def rows(running: Servers, size: Size) -> Iterator[Row]:
    """They take turns; processor time is counted, so that the figures are those of a quiet core."""
    rates: dict[str, list[float]] = {name: [] for name in DOCUMENTS}
    bare: dict[str, list[float]] = {name: [] for name in DOCUMENTS}
    for _ in range(size.rounds):
        for name, (body, media_type, parse) in DOCUMENTS.items():
            adapter = by_name(name)({})
            message = RawMessage(body=body, media_type=media_type)
            rates[name].append(_rate(lambda a=adapter, m=message: a.parse(m), size.dialect_seconds))
            bare[name].append(_rate(lambda p=parse, b=body: p(b), size.dialect_seconds))
    yield median_of(rates[PLAIN], row="dialect plain", unit="orders/s", goal=5000)
    for name in DOCUMENTS:
        if name != PLAIN:
            ratios = [mine / plain for mine, plain in zip(rates[name], rates[PLAIN], strict=True)]
            yield median_of(ratios, row=f"dialect {name}", unit="of plain", goal=0.4)
            yield median_of(rates[name], row=f"dialect {name}: rate", unit="orders/s")
        share = [mine / parse for mine, parse in zip(rates[name], bare[name], strict=True)]
        yield median_of(share, row=f"dialect {name}: bare parse", unit="of it")


def _rate(act: Callable[[], object], seconds: float) -> float:
    act()
    count, start = 0, time.process_time()
    while (took := time.process_time() - start) < seconds:
        for _ in range(20):
            act()
        count += 20
    return count / took
