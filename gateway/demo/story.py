"""The story, chapter by chapter. Whatever does not hold ends it."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from lxml import etree

from adapters import xml
from gateway.demo import documents
from gateway.demo.caller import Caller, login
from gateway.demo.page import Page, folded
from gateway.demo.receiver import Heard, Receiver, is_good, listening, signed_string
from gateway.demo.system import DoesNotHold, running
from gateway.demo.visits import Order, Visits

PARTIES = ("demo", "brack", "dispatch")
BRACK_ORDER, SHOP_ORDER = "1990810500", "W-7788123"
ANSWERED = ("ORDER_ID>", "LINE_ITEM_ID>", "SUPPLIER_PID>", "QUANTITY>", "START_DATE>", "END_DATE>")
REPORTED = ("ORDER_ID>", "LINE_ITEM_ID>", "SUPPLIER_PID>", "DELIVERY_COMPLETED>")


@dataclass(frozen=True)
class Stage:
    """Everything on it. `secrets` are those of the endpoints, by path."""

    page: Page
    receiver: Receiver
    callers: Mapping[str, Caller]
    clock: Callable[[], datetime]
    secrets: dict[str, str] = field(default_factory=dict)


def perform(page: Page, data_dir: Path, environ: Mapping[str, str], clock: Callable[[], datetime]) -> None:
    """Raises `CannotStart` or `DoesNotHold`; nothing of the system is left then, either."""
    began = time.monotonic()
    page.title(
        "Stecker: shops sell a technician's visit, and hear of every step, signed",
        "brack, a retailer, speaks openTRANS; demo, a web shop, JSON; dispatch sends the technicians.",
    )
    page.chapter(1, "The system starts, on a folder of its own")
    with running(data_dir, environ, PARTIES) as system, listening() as receiver:
        page.say(f"PostgreSQL, Redis, web, two workers and a tick: {system.url} after {time.monotonic() - began:.0f} s")
        stage = Stage(page, receiver, {party: login(party, system) for party in PARTIES}, clock)
        _play(stage, began)
    page.say("Everything is stopped again. Your turn: make run, and then README.md, First afternoon.")
    page.write("")


def _play(stage: Stage, began: float) -> None:
    _register(stage)
    from_brack = _order_in_opentrans(stage)
    from_shop = _order_in_json(stage)
    _refuse(stage)
    _visit(stage, from_brack, from_shop)
    _report_in_opentrans(stage)
    _sum_up(stage, from_brack.jobs + from_shop.jobs, time.monotonic() - began)


def _register(stage: Stage) -> None:
    stage.page.chapter(2, "Each shop says where to call it, and gets a secret")
    _endpoint(stage, "demo", "/shop", "plain", "*")
    _endpoint(stage, "brack", "/brack", "plain", "*")
    greeting = _endpoint(stage, "brack", "/brack/opentrans", "dialect", "job.completed")
    _open(stage, greeting)


def _endpoint(stage: Stage, party: str, path: str, form: str, events: str) -> Heard:
    wish = {"url": stage.receiver.url + path, "event_types": [events], "format": form}
    stage.secrets[path] = stage.callers[party].post("/v1/webhook-endpoints", wish, expect=201).json()["secret"]
    words = "JSON" if form == "plain" else "openTRANS"
    stage.page.said(party, "Stecker", f"call me at {path}, in {words}", "201, with a secret")
    greeting = stage.receiver.wait_for(f"The greeting to {path}", lambda heard: heard.path == path)
    _check(stage, greeting)
    stage.page.said("Stecker", party, f"{path}: webhook_endpoint.created", "signature good")
    return greeting


def _open(stage: Stage, heard: Heard) -> None:
    page = stage.page
    page.write("")
    page.say("How does a shop know that it is us? This is the last one, as it came:")
    shown = {name: value for name, value in heard.headers.items() if name.startswith(("webhook-", "content-type"))}
    page.quote(f"POST {heard.path}\n" + "\n".join(f"{name}: {value}" for name, value in shown.items()))
    page.say("What was signed is webhook-id, webhook-timestamp and the body as it came, with dots between:")
    page.quote(folded(signed_string(heard.headers, heard.body).decode()))
    page.say("base64(HMAC-SHA256(secret, that)) is the signature behind `v1,`. Nothing else is needed.")


def _order_in_opentrans(stage: Stage) -> Order:
    page, brack = stage.page, stage.callers["brack"]
    page.chapter(3, "brack orders two visits, in its own words")
    document = documents.opentrans_order(BRACK_ORDER, stage.clock().date())
    placed_at = time.monotonic()
    answer = brack.send("/inbound/brack", document, documents.XML, expect=201)
    page.said("brack", "Stecker", f"ORDER {BRACK_ORDER}, two lines, {documents.ISO}", "POST /inbound/brack")
    page.said("Stecker", "brack", "ORDERRESPONSE", "201")
    page.quote(_excerpt(answer.content, ANSWERED, 7))
    (order,) = brack.get("/v1/orders", partner_order_id=BRACK_ORDER)["items"]
    _tell(page, order)
    return Order("brack", placed_at, order["jobs"], stage.secrets["/brack"])


def _order_in_json(stage: Stage) -> Order:
    page, shop = stage.page, stage.callers["demo"]
    page.chapter(4, "demo orders one, in JSON")
    document, key = documents.json_order(SHOP_ORDER, stage.clock()), f"order-{SHOP_ORDER}"
    placed_at = time.monotonic()
    order = shop.post("/v1/orders", document, expect=201, key=key).json()
    page.said("demo", "Stecker", f"POST /v1/orders {SHOP_ORDER}", f"201, {len(order['jobs'])} job")
    _tell(page, order)
    again = shop.post("/v1/orders", document, expect=201, key=key)
    if again.json() != order or again.headers.get("Idempotency-Replayed") != "true":
        raise DoesNotHold("The same order under the same Idempotency-Key was not answered as before.")
    page.said("demo", "Stecker", "the same again, as no answer had come", "201, as before: one order")
    return Order("demo", placed_at, order["jobs"], stage.secrets["/shop"])


def _refuse(stage: Stage) -> None:
    page, shop = stage.page, stage.callers["demo"]
    page.chapter(5, "demo makes mistakes, and hears of all of them at once")
    refused = shop.post("/v1/orders", documents.faulty_order("W-7788124", stage.clock()), expect=422).json()
    page.said("demo", "Stecker", "POST /v1/orders W-7788124", f"422, {len(refused['errors'])} faults")
    for fault in refused["errors"]:
        page.fault(fault["pointer"], fault["detail"])


def _visit(stage: Stage, from_brack: Order, from_shop: Order) -> None:
    stage.page.chapter(6, "The visits: dispatch says each step, and the shop hears of it")
    visits = Visits(stage.page, stage.receiver, stage.callers["dispatch"])
    visits.completed(from_brack, 0, f"brack {BRACK_ORDER}, line 10: a television is mounted to a wall")
    failed = visits.failed(from_brack, 1, f"brack {BRACK_ORDER}, line 20: a router, but nobody is at home")
    reason = failed["reason"]
    stage.page.say(
        f"     Why: {reason['code']}. Whose fault: the {reason['fault']}'s, so the {reason['fault']} pays for it."
    )
    visits.completed(from_shop, 0, f"demo {SHOP_ORDER}, line 10: another television")


def _report_in_opentrans(stage: Stage) -> None:
    stage.page.chapter(7, "brack also hears it in its own words")
    heard = stage.receiver.wait_for(
        "The DISPATCHNOTIFICATION",
        lambda heard: heard.path == "/brack/opentrans" and b"<DISPATCHNOTIFICATION" in heard.body,
    )
    _check(stage, heard)
    stage.page.said("Stecker", "brack", "/brack/opentrans: DISPATCHNOTIFICATION", "signature good")
    stage.page.quote(_excerpt(heard.body, REPORTED, 4))


def _sum_up(stage: Stage, jobs: list[Any], seconds: float) -> None:
    """Once more over everything that came: each signature, each order of events, and that none came twice."""
    heard = list(stage.receiver.heard)
    for one in heard:
        _check(stage, one)
    twice = [name for name, times in Counter(one.headers["webhook-id"] for one in heard).items() if times > 1]
    if twice:
        raise DoesNotHold(f"{len(twice)} webhooks came more than once: {', '.join(twice)}.")
    for job in jobs:
        sequences = [one.event["data"]["sequence"] for one in heard if one.is_about(job["id"])]
        if sequences != list(range(1, len(sequences) + 1)):
            raise DoesNotHold(f"The webhooks of {job['id']} came as {sequences}.")
    stage.page.good(
        f"2 orders, {len(jobs)} jobs, {len(heard)} webhooks: all signatures good, in order, none twice; {seconds:.0f} s"
    )


def _check(stage: Stage, heard: Heard) -> None:
    if not is_good(stage.secrets[heard.path], heard.headers, heard.body):
        raise DoesNotHold(f"The signature of {heard.headers['webhook-id']} is not of the endpoint's secret.")


def _tell(page: Page, order: Any) -> None:
    """What Stecker has understood: names with their umlauts, the phone as E.164, the window in local time."""
    who, where, window = order["customer"], order["service_address"], order["jobs"][0]["window"]
    street = " ".join(filter(None, (where["street"], where.get("house_number"))))
    page.say(
        f"Understood: {who['given_name']} {who['family_name']}, {who['phone']}, {street}, {where['postcode']} "
        f"{where['city']}; {window['start'][:10]}, {window['start'][11:16]} to {window['end'][11:16]} "
        f"({window['timezone']}); {', '.join(job['service'] for job in order['jobs'])}"
    )


def _excerpt(document: bytes, wanted: tuple[str, ...], most: int) -> str:
    """The first lines with these elements, as they stand in the document."""
    root = xml.parse(document)
    etree.indent(root)
    lines = [line.strip() for line in etree.tostring(root, encoding="unicode").splitlines()]
    found = [f"  {line}" for line in lines if any(word in line for word in wanted)]
    return "\n".join([f"<{xml.local_name(root)} …>", *found[:most], "  …"])
