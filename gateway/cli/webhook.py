"""`stecker webhook`: where partners want to be called, what they were told, and whether a signature is good."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway.cli import Refused, data_dir_option
from gateway.cli.authentication import authentication_options, told
from gateway.cli.layout import facts, moment, table
from gateway.cli.recovery import recover
from gateway.cli.session import transaction
from gateway.endpoints import service, signatures
from gateway.endpoints.documents import delivery_document, document
from gateway.partners import service as partners
from gateway.partners.tables import Partner
from gateway.runtime import system_clock
from webhooks import clocks, endpoints, rotation, schemes
from webhooks.endpoints import Delivery
from webhooks.tables import Endpoint, Message
from webhooks.tenant import Tenant
from webhooks.verify import InvalidSignature
from webhooks.verify import verify as check

UNKNOWN_ENDPOINT = "There is no such endpoint; see `stecker webhook list`."
UNKNOWN_MESSAGE = "There is no such delivery; its id begins with whm_ and is the webhook-id the partner received."
RECENT = 20
LISTED = ("id", "partner", "environment", "status", "format")

KINDS = click.Choice(["v1", "v1a"])

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def command() -> None:
    """Webhooks: endpoints, deliveries, signatures."""


command.add_command(recover)


@command.command("list")
@as_json_option
@data_dir_option
def show_all(as_json: bool, data_dir: Path) -> None:
    """Every endpoint, with how its deliveries stand."""
    with transaction(data_dir) as (runtime, session):
        counts = _counts(session)
        rows = session.execute(
            select(Endpoint, Partner.slug)
            .join(Partner, Partner.id == Endpoint.owner)
            .where(Endpoint.deleted_at.is_(None))
            .order_by(Endpoint.id)
        ).all()
    found = [
        {"partner": slug, **document(row, runtime.vault), "deliveries": counts.get(row.id, {})} for row, slug in rows
    ]
    if as_json:
        return click.echo(json.dumps(found, indent=2))
    if not found:
        return click.echo("No partner has an endpoint yet; they make them with POST /v1/webhook-endpoints.")
    table(
        ("endpoint", "partner", "environment", "status", "format", "failing", "deliveries", "url"),
        [(*(one[name] for name in LISTED), _share(one["health"]), _sum(one), one["url"]) for one in found],
    )


@command.command()
@click.argument("endpoint_id", metavar="ENDPOINT")
@as_json_option
@data_dir_option
def show(endpoint_id: str, as_json: bool, data_dir: Path) -> None:
    """One endpoint and its last deliveries, newest first."""
    with transaction(data_dir) as (runtime, session):
        endpoint = session.get(Endpoint, endpoint_id)
        if endpoint is None:
            raise Refused(UNKNOWN_ENDPOINT)
        recent = endpoints.deliveries(session, _tenant(endpoint), endpoint_id, before=None, limit=RECENT)
        partner = session.get_one(Partner, endpoint.owner).slug
        used = rotation.last_signed(session, _tenant(endpoint), [endpoint_id]).get(endpoint_id)
        record = {"partner": partner, **document(endpoint, runtime.vault, used)}
    if as_json:
        deliveries = [delivery_document(one) for one in recent]
        return click.echo(json.dumps(record | {"deliveries": deliveries}, indent=2))
    facts(_flat(record))
    if recent:
        click.echo(f"\nThe last {len(recent)} deliveries")
        table(("delivery", "event", "status", "tries", "last answer", "when"), [_line(one) for one in recent])


@command.command()
@click.option("--partner", "slug", required=True, metavar="SLUG")
@click.option("--environment", type=click.Choice(["sandbox", "live"]), required=True)
@click.option("--url", required=True, help="Where to call; folder:NAME for the partner's drop folder.")
@click.option(
    "--format", "form", type=click.Choice(["plain", "cloudevents", "dialect"]), default="plain", show_default=True
)
@click.option("--thin", is_flag=True, help="Only what happened to which job, with links to the rest.")
@click.option("--signature", type=KINDS, default="v1", show_default=True, help="v1a: ed25519 beside the HMAC.")
@click.option("--event", "event_types", multiple=True, metavar="TYPE", help="Repeatable; without it: all.")
@click.option("--service", "services", multiple=True, metavar="SERVICE", help="Repeatable; without it: all.")
@click.option("--unordered", is_flag=True, help="No message waits for another of its job.")
@click.option("--concurrency", type=click.IntRange(1, 64), help="Calls at once, at most.")
@click.option("--rate", "rate_per_second", type=click.FloatRange(0.01, 1000), help="Calls a second, at most.")
@authentication_options
@as_json_option
@data_dir_option
def add(slug: str, environment: str, as_json: bool, data_dir: Path, **said: Any) -> None:
    """A new endpoint. The secret of its signatures is shown this once."""
    wish = service.Wish(
        url=said["url"],
        authentication=told(said["scheme"], said["options"], said["secrets_file"]),
        event_types=said["event_types"] or ("*",),
        services=said["services"] or None,
        format=said["form"],
        content="thin" if said["thin"] else "full",
        signature=said["signature"],
        ordered=not said["unordered"],
        concurrency=said["concurrency"],
        rate_per_second=said["rate_per_second"],
    )
    with transaction(data_dir) as (runtime, session):
        partner = _partner(session, slug)
        if wish.format == "dialect" and partner.adapter is None:
            raise Refused("This partner has no dialect.")
        if wish.format == "dialect" and wish.content != "full":
            raise Refused("A dialect's documents are as they are; thin are our own events only.")
        owner = Tenant(partner.id, environment)
        named = {name: getattr(wish, name) for name in ("url", "authentication", "signature", "services")}
        if faults := service.faults(session, owner, named, runtime.settings):
            raise Refused("Not added: " + " ".join(f"{fault.pointer}: {fault.detail}" for fault in faults))
        endpoint, secret = service.add(session, runtime.vault, owner, wish, runtime.clock())
        record = {"partner": slug, **document(endpoint, runtime.vault)}
    if endpoint.scheme in schemes.SIGNING:
        record["secret"] = secret
    click.echo(json.dumps(record, indent=2)) if as_json else facts(_flat(record))


def _partner(session: Session, slug: str) -> Partner:
    try:
        return partners.get(session, slug)
    except partners.NoSuchPartner as error:
        raise Refused("There is no such partner; see `stecker partner list`.") from error


def _flat(record: dict[str, Any]) -> dict[str, object]:
    """Without lists and objects, for people."""
    found = {**record, "event_types": ", ".join(record["event_types"])}
    found["services"] = ", ".join(record["services"] or ["*"])
    found["health"] = ", ".join(f"{name} {value}" for name, value in record["health"].items() if value is not None)
    found["authentication"] = ", ".join(record["authentication"].values())
    found["secrets"] = "; ".join(_secret(one) for one in record["secrets"])
    return found


def _secret(one: dict[str, Any]) -> str:
    said = {"until": one["expires_at"], "last used": one["last_used_at"], "public key": one["public_key"]}
    return ", ".join([f"{one['prefix']}…", *(f"{name} {value}" for name, value in said.items() if value)])


@command.command()
@click.argument("endpoint_id", metavar="ENDPOINT")
@click.option("--overlap-hours", "hours", type=click.IntRange(0, 168), default=24, show_default=True, metavar="N")
@click.option("--signature", type=KINDS, help="Change the kind with it.")
@as_json_option
@data_dir_option
def rotate(endpoint_id: str, hours: int, signature: str | None, as_json: bool, data_dir: Path) -> None:
    """Another secret, and key pair, for an endpoint's signatures. It is shown this once.

    The one before signs as well for N hours; with 0, for one that leaked, nothing older signs from now on.
    """
    with transaction(data_dir) as (runtime, session):
        endpoint = session.get(Endpoint, endpoint_id, with_for_update=True)
        if endpoint is None or endpoint.deleted_at is not None:
            raise Refused(UNKNOWN_ENDPOINT)
        overlap, now = timedelta(hours=hours), runtime.clock()
        try:
            secret = signatures.rotate(session, runtime.vault, endpoint, overlap, signature, now)
        except signatures.NotSigned as error:
            raise Refused("The calls of this endpoint are authenticated otherwise, and not signed.") from error
        except rotation.InRotation as error:
            raise Refused(
                f"The secret before signs until {moment(error.until)}; wait, or let none overlap (--overlap-hours 0)."
            ) from error
        record = {**document(endpoint, runtime.vault), "secret": secret}
    click.echo(json.dumps(record, indent=2)) if as_json else facts(_flat(record))


@command.command()
@click.argument("message_id", metavar="DELIVERY")
@data_dir_option
def retry(message_id: str, data_dir: Path) -> None:
    """Send one delivery again, in its old place before all later ones of its job."""
    with transaction(data_dir) as (runtime, session):
        message = session.get(Message, message_id)
        if message is None:
            raise Refused(UNKNOWN_MESSAGE)
        tenant = _tenant(message)
        now = clocks.now_of(session, tenant, runtime.clock())
        rearmed = endpoints.retry(session, tenant, message.endpoint_id, message_id, now=now)
    if rearmed == "expired":
        raise Refused("What this delivery said is not kept any more (STECKER_KEEP_BODIES_DAYS).")
    if rearmed == "parked":
        raise Refused(
            "This delivery is parked: it could not be put into the partner's words, so there is nothing to send."
        )
    click.echo(
        f"{message_id} is on its way." if rearmed == "armed" else f"{message_id} is waiting for its turn already."
    )


@command.command()
@click.option("--secret", "secrets", required=True, multiple=True, metavar="S", help="whsec_… or whpk_…; repeatable.")
@click.option("--headers", "headers_file", required=True, type=click.File("r", encoding="utf-8"), metavar="H")
@click.option("--any-age", is_flag=True, help="Do not mind that webhook-timestamp is long ago.")
@click.argument("file", type=click.File("rb"))
def verify(secrets: tuple[str, ...], headers_file: Any, any_age: bool, file: Any) -> None:
    """Check a received webhook: FILE has its body, byte for byte; H its headers, as lines `name: value` or as JSON.

    S is the endpoint's secret or, for `v1a`, its public key; of several, one must do. Exit 0 when the signature is
    good, 1 with what is wrong.
    """
    headers, body = _headers(headers_file.read()), file.read()
    now = _sent_at(headers) if any_age else system_clock()
    try:
        check(secrets, headers, body, now=now.timestamp())
    except ValueError as error:
        raise Refused(
            f"The secret cannot be used: {error}. It is the whsec_… that was shown with the endpoint, or its whpk_…"
        ) from None
    except InvalidSignature as error:
        click.echo(f"Not good: {_hint(secrets, headers, body) or error}.", err=True)
        raise click.exceptions.Exit(1) from None
    click.echo("Good: it is from Stecker, and nobody has changed it on the way.")


def _hint(secrets: Sequence[str], headers: dict[str, str], body: bytes) -> str | None:
    """What is usually wrong: an old capture, or an editor's line break at the end."""
    if _verifies(secrets, headers, body):
        return "the signature is right, and webhook-timestamp more than five minutes away from now (see --any-age)"
    if body.endswith(b"\n") and _verifies(secrets, headers, body.rstrip(b"\r\n")):
        return "the body has a line break at its end that was not sent; keep the bytes as they came"
    return None


def _verifies(secrets: Sequence[str], headers: dict[str, str], body: bytes) -> bool:
    try:
        check(secrets, headers, body, now=_sent_at(headers).timestamp())
    except InvalidSignature:
        return False
    return True


def _sent_at(headers: dict[str, str]) -> datetime:
    """What webhook-timestamp says; the year 1970 where it says nothing, which is never now."""
    stamp = headers.get("webhook-timestamp", "")
    usable = stamp.isascii() and stamp.isdecimal() and len(stamp) < 12
    return datetime.fromtimestamp(int(stamp) if usable else 0, UTC)


def _headers(text: str) -> dict[str, str]:
    """Header lines, or a JSON object; names in lower case."""
    if text.lstrip().startswith("{"):
        try:
            pairs = [(str(name), str(value)) for name, value in json.loads(text).items()]
        except ValueError as error:
            raise Refused(
                "The file of headers begins like JSON and is none; write lines `name: value` instead."
            ) from error
    else:
        pairs = [(name, value) for name, colon, value in (line.partition(":") for line in text.splitlines()) if colon]
    return {name.strip().lower(): value.strip() for name, value in pairs}


def _counts(session: Session) -> dict[str, dict[str, int]]:
    counted: dict[str, dict[str, int]] = {}
    query = select(Message.endpoint_id, Message.status, func.count()).group_by(Message.endpoint_id, Message.status)
    for endpoint_id, status, number in session.execute(query.order_by(Message.status)):
        counted.setdefault(endpoint_id, {})[status] = number
    return counted


def _share(health: dict[str, Any]) -> str | None:
    """Of the calls within a day, those that failed."""
    return None if health["ratio"] is None else f"{health['ratio']:.0%}"


def _sum(endpoint: dict[str, Any]) -> str:
    return ", ".join(f"{number} {status}" for status, number in endpoint["deliveries"].items())


def _line(delivery: Delivery) -> tuple[object, ...]:
    message, attempts = delivery.message, delivery.attempts
    last = attempts[-1] if attempts else None
    said = (last.status_code, last.error) if last else (message.error,)
    answer = " ".join(str(one) for one in said if one is not None)
    return message.id, message.event_type, message.status, len(attempts), answer, last and moment(last.at)


def _tenant(row: Endpoint | Message) -> Tenant:
    return Tenant(row.owner, row.environment)
