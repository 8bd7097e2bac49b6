"""Mail about endpoints, through somebody's SMTP server: to the partner's contact, else to the operator."""

import logging
import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from sqlalchemy.orm import Session

from gateway.config import Settings
from gateway.partners.dialect import CONTACT
from gateway.partners.tables import Partner
from gateway.runtime import Runtime
from webhooks import health
from webhooks.tables import Endpoint

log = logging.getLogger(__name__)

TIMEOUT = 5.0
"""Seconds for each step: the other rounds wait meanwhile."""

AT_ONCE = 20
SUBJECTS: Mapping[str, str] = {
    "failing": "Your webhook endpoint is failing",
    "disabled": "Your webhook endpoint was disabled",
    "recovered": "Your webhook endpoint works again",
}
WORDS: Mapping[str, str] = {
    "failing": "Of its last {attempts} calls, {failures} failed. What was not taken is tried again for three days.",
    "disabled": (
        "It answered nothing but failures for days, or said that it is gone. Nothing is sent there any more; what "
        "happens meanwhile waits. When it works again, enable it: PATCH /v1/webhook-endpoints/{id} with "
        '{{"status": "enabled"}}. What had failed before comes with POST /v1/webhook-endpoints/{id}/recover.'
    ),
    "recovered": (
        "It takes our calls again. What had failed for good meanwhile comes with "
        "POST /v1/webhook-endpoints/{id}/recover."
    ),
}


class Letter(NamedTuple):
    endpoint_id: str
    kind: str
    message: EmailMessage


def write_all(runtime: Runtime) -> None:
    """Write what is to be written. What the server does not take now is tried in the next round, what it refuses for
    good is given up.
    """
    settings = runtime.settings
    if not settings.smtp_url:
        return
    with runtime.sessions() as session:
        letters = [_letter(session, settings, *one) for one in health.unmailed(session, most=AT_ONCE)]
    if not letters:
        return
    try:
        with _server(settings.smtp_url) as server:
            for letter in letters:
                if _is_over(server, letter):
                    with runtime.sessions.begin() as session:
                        health.mailed(session, letter.endpoint_id, letter.kind)
    except (OSError, smtplib.SMTPException) as error:
        log.warning("mail was not taken: %s", type(error).__name__, extra={"count": len(letters)})


def _is_over(server: smtplib.SMTP, letter: Letter) -> bool:
    """Send it; whether it was taken, or never will be. That one is refused holds up no other."""
    try:
        server.send_message(letter.message)
    except smtplib.SMTPServerDisconnected:
        raise
    except smtplib.SMTPException as error:
        log.warning("mail was refused: %s", type(error).__name__, extra={"endpoint_id": letter.endpoint_id})
        return _is_for_good(error)
    return True


def _is_for_good(error: smtplib.SMTPException) -> bool:
    """Whether it is the address, or the letter, that the server will never take (5xx, RFC 5321 §4.2.1)."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= 500


def _letter(session: Session, settings: Settings, endpoint_id: str, kind: str) -> Letter:
    endpoint = session.get_one(Endpoint, endpoint_id)
    partner = session.get(Partner, endpoint.owner)
    message = EmailMessage()
    message["From"] = settings.mail_from
    message["To"] = (partner.options.get(CONTACT) if partner else None) or settings.mail_to
    message["Subject"] = SUBJECTS[kind]
    told = WORDS[kind].format(id=endpoint_id, **{name: endpoint.health[name] for name in ("attempts", "failures")})
    lines = (f"Endpoint: {endpoint_id} ({endpoint.environment})", f"URL: {endpoint.url}", "", told, "")
    message.set_content("\n".join(lines))
    return Letter(endpoint_id, kind, message)


def _server(url: str) -> smtplib.SMTP:
    """`smtp://` says STARTTLS where the server can; `smtps://` speaks TLS from the beginning."""
    parts = urlsplit(url)
    host, context = parts.hostname or "", ssl.create_default_context()
    if parts.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, timeout=TIMEOUT, context=context)
    else:
        server = smtplib.SMTP(host, parts.port or 25, timeout=TIMEOUT)
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls(context=context)
    if parts.username:
        server.login(unquote(parts.username), unquote(parts.password or ""))
    return server
