"""What was said about some subjects, removed for good: for a sandbox that begins anew."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from webhooks.tenant import Tenant


def erase(session: Session, tenant: Tenant, subjects: Sequence[str]) -> int:
    """Remove all messages about these subjects with their attempts and payloads; how many messages there were.

    The mailboxes first: who comes back with an attempt of one finds that it is not his any more, and records nothing.
    """
    whose = {"owner": tenant.owner, "environment": tenant.environment}
    boxes = session.execute(_BOXES, {**whose, "subjects": list(subjects)}).all()
    if not boxes:
        return 0
    endpoint_ids, found = zip(*boxes, strict=True)
    messages = session.execute(_MESSAGES, {**whose, "endpoint_ids": list(endpoint_ids), "subjects": list(found)}).all()
    session.execute(_ATTEMPTS, {"ids": [row.id for row in messages]})
    session.execute(_REMOVE, {"ids": [row.id for row in messages]})
    session.execute(_PAYLOADS, {"ids": sorted({row.payload_id for row in messages if row.payload_id})})
    return len(messages)


# What stands before the slash is the subject; a message that waits for no other one has a mailbox behind it.
_BOXES = text("""
    DELETE FROM webhook_mailbox box
     USING (SELECT m.endpoint_id, m.subject
              FROM webhook_endpoint e
              JOIN webhook_mailbox m ON m.endpoint_id = e.id AND split_part(m.subject, '/', 1) = ANY(:subjects)
             WHERE e.owner = :owner AND e.environment = :environment
             ORDER BY m.subject, m.endpoint_id FOR UPDATE OF m) old
     WHERE box.endpoint_id = old.endpoint_id AND box.subject = old.subject
    RETURNING box.endpoint_id, box.subject
""")

_MESSAGES = text("""
    SELECT m.id, m.payload_id
      FROM unnest(CAST(:endpoint_ids AS text[]), CAST(:subjects AS text[])) AS box (endpoint_id, subject)
      JOIN webhook_message m ON m.endpoint_id = box.endpoint_id AND m.subject = box.subject
     WHERE m.owner = :owner AND m.environment = :environment
""")

_ATTEMPTS = text("DELETE FROM webhook_attempt WHERE message_id = ANY(:ids)")

_REMOVE = text("DELETE FROM webhook_message WHERE id = ANY(:ids)")

# A payload is for all endpoints of its format; it goes with the last message of it.
_PAYLOADS = text("""
    DELETE FROM webhook_payload payload
     WHERE payload.id = ANY(:ids)
       AND NOT EXISTS (SELECT FROM webhook_message message WHERE message.payload_id = payload.id)
""")
