"""Row dialects: orders a second on one core, from bytes to intents, beside our own JSON."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lxml import etree

from adapters import ADAPTERS, by_name
from adapters.contract import RawMessage
from gateway.demo.documents import opentrans_order
from tests.bench.report import Row, median_of
from tests.bench.size import Size
from tests.support.dialects import smallest
from tests.support.edifact import two_lines
from tests.support.orders import json_order
from tests.support.servers import Servers

NOW = datetime(2026, 1, 14, 14, 32, 10, tzinfo=UTC)
PLAIN, SMALL = "plain", "plain, one line"
_IDOC = Path(__file__).parents[1] / "adapters" / "idoc" / "samples" / "two_services" / "order.xml"


def _json() -> bytes:
    order = json_order("W-1", NOW)
    return json.dumps({**order, "lines": [*order["lines"], {"line_id": "20", "sku": "SVC-NET-SETUP"}]}).encode()


def _idoc() -> bytes:
    return _IDOC.read_bytes().replace(b"SVC-710001", b"SVC-TV-WALL-65").replace(b"SVC-710009", b"SVC-NET-SETUP")


# The same order of two lines, as partners write it. The other dialects are measured by their smallest order.
TWO_LINES: dict[str, bytes] = {
    PLAIN: _json(),
    "opentrans": opentrans_order("W-1", NOW.date()),
    "edifact": two_lines(),
    "idoc": _idoc(),
}

# What any reader must do at least, by the end of the media type.
_BARE: dict[str, Callable[[bytes], Any]] = {
    "json": json.loads,
    "xml": etree.fromstring,
    "edifact": lambda body: [part.split(b"+") for part in body.split(b"'")],
}


def documents() -> dict[str, bytes]:
    """For each dialect the order it is measured by, and the smallest of ours for those that have only such a one."""
    names = [adapter.profile.name for adapter in ADAPTERS]
    return {SMALL: smallest(PLAIN), **{name: TWO_LINES.get(name) or smallest(name) for name in names}}


def rows(running: Servers, size: Size) -> Iterator[Row]:
    """They take turns; processor time is counted, so that the figures are those of a quiet core."""
    rates: dict[str, list[float]] = {name: [] for name in documents()}
    bare: dict[str, list[float]] = {name: [] for name in documents()}
    for _ in range(size.rounds):
        for name, body in documents().items():
            read, parse = _readers(name)
            rates[name].append(_rate(lambda r=read, b=body: r(b), size.dialect_seconds))
            bare[name].append(_rate(lambda p=parse, b=body: p(b), size.dialect_seconds))
    yield median_of(rates[PLAIN], row="dialect plain", unit="orders/s", goal=5000)
    for name in list(documents())[1:]:
        if name != PLAIN:
            beside, note = (PLAIN, "") if name in TWO_LINES else (SMALL, "an order of one line")
            ratios = [mine / plain for mine, plain in zip(rates[name], rates[beside], strict=True)]
            yield median_of(ratios, row=f"dialect {name}", unit="of plain", goal=0.4, note=note)
            yield median_of(rates[name], row=f"dialect {name}: rate", unit="orders/s")
        share = [mine / parse for mine, parse in zip(rates[name], bare[name], strict=True)]
        yield median_of(share, row=f"dialect {name}: bare parse", unit="of it")


def _readers(name: str) -> tuple[Callable[[bytes], Any], Callable[[bytes], Any]]:
    """The dialect's own, and the bare one."""
    adapter = by_name(PLAIN if name == SMALL else name)({})
    media_type = adapter.profile.media_types[0]
    bare = next(parse for end, parse in _BARE.items() if media_type.endswith(end))
    return lambda body: adapter.parse(RawMessage(body=body, media_type=media_type)), bare


def _rate(act: Callable[[], object], seconds: float) -> float:
    act()
    count, start = 0, time.process_time()
    while (took := time.process_time() - start) < seconds:
        for _ in range(20):
            act()
        count += 20
    return count / took
