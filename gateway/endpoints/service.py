"""Endpoints are made and changed: the rules that the API and the command share."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from adapters.errors import Problem as Fault
from adapters.objects import minified
from adapters.plain.writer import API_VERSION
from gateway import tracing
from gateway.catalogue import service as catalogue
from gateway.config import Settings
from gateway.crypto import Vault
from gateway.endpoints import shapes
from gateway.endpoints.documents import document
from gateway.endpoints.folders import is_theirs
from gateway.endpoints.secrets import sealed_authentication, sealer
from gateway.ids import new_id
from webhooks import clocks, egress, endpoints, folders, outbox, schemes
from webhooks.calling import INBOX
from webhooks.endpoints import NewEndpoint
from webhooks.tables import Endpoint
from webhooks.tenant import Tenant as Owner

# What webhooks.egress says of a URL, and webhooks.schemes of an authentication: for people.
WORDS: Mapping[str, str] = {
    "too_long": "This is too long.",
    "malformed": "This is not of the form it must have.",
    "not_https": "Only https is called.",
    "userinfo": "A URL with a user or a password in it is not taken.",
    "fragment": "A URL has no fragment when it is called.",
    "host_is_address": "The host must be a name, not an address.",
    "host_invalid": "The host is not a valid name.",
    "host_is_ours": "This is our own host, and nobody is called there.",
    "host_not_qualified": "The host must be a full name with a dot in it.",
    "port_not_allowed": "The port must be 443 or 8443.",
    "unknown_scheme": f"The scheme is one of {', '.join(schemes.CALLING)}.",
    "unknown_member": "This scheme knows no such member.",
    "required": "This is missing.",
    "not_text": "This must be text.",
    "not_a_choice": "This is none of the values it may have.",
    "no_such_folder": "You have no drop folder of this name here.",
    "of_a_folder": "Into a drop folder nothing is called, so there is nothing to authenticate.",
    "of_an_inbox": "An inbox shows the signature of Standard Webhooks, and calls nobody.",
    "sandbox_only": "Only the sandbox has an inbox.",
    "not_signed": "Calls that are authenticated otherwise are not signed, so there is no signature to choose.",
    "unknown_service": f"There is no such service; there are {', '.join(sorted(catalogue.services()))}.",
    "header_taken": "This header has a meaning of its own and cannot be taken.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """An endpoint somebody asks for. `url` and `authentication` have no `faults`."""

    url: str
    authentication: Mapping[str, str] | None = None
    event_types: tuple[str, ...] = ("*",)
    services: tuple[str, ...] | None = None
    format: str = "plain"
    content: str = "full"
    signature: str = "v1"
    description: str | None = None
    ordered: bool = True
    concurrency: int | None = None
    rate_per_second: float | None = None


def faults(session: Session, owner: Owner, wish: Mapping[str, Any], settings: Settings) -> tuple[Fault, ...]:
    """Everything that speaks against the `url`, the `authentication` and the `services` of a wish that names any."""
    named = enumerate(wish.get("services") or ())
    strange = [_fault(f"/services/{n}", "unknown_service") for n, one in named if one not in catalogue.services()]
    return (*_place_faults(session, owner, wish, settings), *strange)


def _place_faults(session: Session, owner: Owner, wish: Mapping[str, Any], settings: Settings) -> tuple[Fault, ...]:
    url, said = wish.get("url"), wish.get("authentication")
    if url is not None and is_folder(url):
        name = folders.name_of(url)
        ours = name is not None and is_theirs(session, owner, name)
        found = [] if ours else [_fault("/url", "no_such_folder")]
        return (*found, *([_fault("/authentication", "of_a_folder")] if said is not None else []))
    if url == INBOX:
        found = [] if owner.environment == "sandbox" else [_fault("/url", "sandbox_only")]
        return (*found, *([_fault("/authentication", "of_an_inbox")] if said is not None else []))
    check = partial(egress.check_url, allow=settings.egress_allow, ours=settings.public_host)
    found = [] if url is None else [_fault("/url", code) for code in check(url)]
    if said is not None:
        codes = [("scheme", "unknown_scheme")] if said["scheme"] == schemes.FOLDER else schemes.faults(said, check)
        found += [_fault(f"/authentication/{member}", code) for member, code in codes]
        if wish.get("signature") == "v1a" and said["scheme"] in schemes.MEMBERS.keys() - schemes.SIGNING:
            found.append(_fault("/signature", "not_signed"))
    return tuple(found)


def is_folder(url: str) -> bool:
    return url.startswith(folders.PREFIX)


def place_of(url: str) -> str:
    """`folder:` or `inbox:` where nobody is called; nothing where somebody is."""
    return next((one for one in (folders.PREFIX, INBOX) if url.startswith(one)), "")


def _fault(pointer: str, code: str) -> Fault:
    return Fault(pointer=pointer, code=code, detail=WORDS[code])


def add(session: Session, vault: Vault, owner: Owner, wish: Wish, now: datetime) -> tuple[Endpoint, str]:
    """The endpoint and its secret. A test message goes to it, where it is one that can make sense of it."""
    endpoint_id = new_id("whep", now)
    usual = {"scheme": schemes.FOLDER if is_folder(wish.url) else schemes.STANDARD}
    scheme, credentials = sealed_authentication(vault, wish.authentication or usual, owner.owner, endpoint_id)
    new = NewEndpoint(
        id=endpoint_id,
        url=wish.url,
        event_types=wish.event_types,
        services=wish.services,
        format=wish.format,
        content=wish.content,
        description=wish.description,
        secret_bytes=secrets.token_bytes(32),
        seed=secrets.token_bytes(32) if wish.signature == "v1a" else None,
        scheme=scheme,
        credentials=credentials,
        ordered=wish.ordered,
        concurrency=wish.concurrency,
        rate_per_second=wish.rate_per_second,
    )
    endpoint, secret = endpoints.create(session, owner, new, seal=sealer(vault), now=now)
    if _is_greeted(endpoint):
        _greet(session, vault, endpoint, now)
    return endpoint, secret


def keeps_credentials(endpoint: Endpoint, url: str) -> bool:
    """Whether what authenticates us there may be sent to this URL: nobody else is told what was told to us."""
    if endpoint.credentials is None or endpoint.scheme in schemes.SIGNING:
        return True
    before, after = urlsplit(endpoint.url), urlsplit(url)
    return (before.scheme, before.netloc.lower()) == (after.scheme, after.netloc.lower())


def _is_greeted(endpoint: Endpoint) -> bool:
    """Not a folder, and not what is really a partner's own API."""
    if endpoint.scheme == schemes.FOLDER:
        return False
    return endpoint.format != "dialect" or endpoint.scheme in schemes.SIGNING


def _greet(session: Session, vault: Vault, endpoint: Endpoint, now: datetime) -> None:
    """The signed test message. It waits for nothing and nothing waits for it: the endpoint is its own subject."""
    event_id = new_id("evt", now)
    said = {
        "id": event_id,
        "type": "webhook_endpoint.created",
        "timestamp": now.isoformat(),
        "environment": endpoint.environment,
        "api_version": API_VERSION,
        "data": {"webhook_endpoint": document(endpoint, vault)},
    }
    words = shapes.shaped(minified(said), endpoint.format if endpoint.format in shapes.SHAPES else "plain")
    event = outbox.OutgoingEvent(
        subject=endpoint.id,
        event_id=event_id,
        event_type="webhook_endpoint.created",
        sequence=1,
        payloads={endpoint.format: (words,)},
        trace=tracing.trace_for(endpoint.owner),
    )
    to_itself = outbox.Subscription(endpoint.id, endpoint.format, ("*",))
    owner, make = Owner(endpoint.owner, endpoint.environment), partial(new_id, now=now)
    theirs = clocks.now_of(session, owner, now)
    outbox.enqueue(outbox.writing(session), owner, [event], [to_itself], new_id=make, now=theirs)
