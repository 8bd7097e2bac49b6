"""A sandbox's rows, as one document and back: the same rows that a reset removes, but for chaos."""

from collections.abc import Mapping

from sqlalchemy import text

_MINE = "t.partner_id = :partner_id AND t.environment = 'sandbox'"
_BOXES = """
    SELECT m.* FROM webhook_endpoint e JOIN webhook_mailbox m ON m.endpoint_id = e.id
     WHERE e.owner = :partner_id AND e.environment = 'sandbox' AND e.status <> 'deleted'
       AND split_part(m.subject, '/', 1) IN (
           SELECT id FROM job WHERE partner_id = :partner_id AND environment = 'sandbox')
"""
_MESSAGES = f"""
    SELECT m.* FROM ({_BOXES}) box
      JOIN webhook_message m ON m.endpoint_id = box.endpoint_id AND m.subject = box.subject
     WHERE m.owner = :partner_id AND m.environment = 'sandbox'
"""

# In the order of their foreign keys. A key that is in use just now has no answer yet.
TABLES: Mapping[str, str] = {
    **{
        table: f"SELECT t.* FROM {table} t WHERE {_MINE}"
        for table in ("support_order", "job", "job_event", "inbound_message", "slot_hold", "privacy_wish")
    },
    "sandbox_inbox_message": f"SELECT t.* FROM sandbox_inbox_message t WHERE {_MINE}",
    "idempotency_record": f"SELECT t.* FROM idempotency_record t WHERE {_MINE} AND t.status IS NOT NULL",
    "sandbox_run": f"SELECT t.* FROM sandbox_run t WHERE {_MINE}",
    "webhook_payload": f"SELECT p.* FROM webhook_payload p WHERE p.id IN (SELECT payload_id FROM ({_MESSAGES}) m)",
    "webhook_message": _MESSAGES,
    "webhook_attempt": f"SELECT a.* FROM ({_MESSAGES}) m JOIN webhook_attempt a ON a.message_id = m.id",
    "webhook_mailbox": _BOXES,
}

# How many there are, and their bytes; the counting itself is bounded.
SIZE = text(
    " UNION ALL ".join(
        f"""SELECT '{table}' AS name, count(*) AS rows, coalesce(sum(pg_column_size(r.*)), 0) AS bytes
              FROM (SELECT * FROM ({query}) q LIMIT :most) r"""
        for table, query in TABLES.items()
    )
)

# One statement, so that all of it is of one moment.
TAKE = text(
    """
    INSERT INTO sandbox_checkpoint (id, partner_id, environment, label, revision, counts, rows, at, created_at)
    SELECT :id, :partner_id, 'sandbox', :label, (SELECT max(version_num) FROM alembic_version),
           (SELECT jsonb_object_agg(kept.key, jsonb_array_length(kept.value))
              FROM jsonb_each(taken.rows) kept WHERE kept.key <> 'webhook_mailbox'),
           taken.rows, :at, :created_at
      FROM (SELECT jsonb_build_object({}) AS rows) taken
""".format(
        ", ".join(
            f"'{table}', (SELECT coalesce(jsonb_agg(to_jsonb(r)), '[]') FROM ({query}) r)"
            for table, query in TABLES.items()
        )
    )
)

# Endpoints that were deleted meanwhile are sent nothing more.
_THERE = """EXISTS (SELECT FROM webhook_endpoint e
                     WHERE e.id = r.endpoint_id AND e.owner = :partner_id AND e.status <> 'deleted')"""
_KEPT: Mapping[str, str] = {
    "webhook_message": _THERE,
    "webhook_mailbox": _THERE,
    "webhook_attempt": "EXISTS (SELECT FROM webhook_message m WHERE m.id = r.message_id)",
    "webhook_payload": f"""r.id IN (
        SELECT r.payload_id
          FROM sandbox_checkpoint k, jsonb_populate_recordset(NULL::webhook_message, k.rows -> 'webhook_message') r
         WHERE k.id = :id AND {_THERE})""",
}


def _put(table: str) -> str:
    # The key of the request that asks for it is taken.
    conflict = "ON CONFLICT DO NOTHING" if table == "idempotency_record" else ""
    return f"""
        INSERT INTO {table} OVERRIDING SYSTEM VALUE
        SELECT r.*
          FROM sandbox_checkpoint c, jsonb_populate_recordset(NULL::{table}, c.rows -> '{table}') r
         WHERE c.id = :id AND {_KEPT.get(table, "true")} {conflict}
    """


PUT = {table: text(_put(table)) for table in TABLES}

# What waited keeps what was left of its wait.
AFTERWARDS = (
    text("""
        UPDATE sandbox_run
           SET status = 'paused', remaining = greatest(extract(epoch FROM due_at - CAST(:at AS timestamptz)), 0)
         WHERE partner_id = :partner_id AND environment = 'sandbox' AND status = 'running'
           AND id IN (SELECT r ->> 'id' FROM sandbox_checkpoint c, jsonb_array_elements(c.rows -> 'sandbox_run') r
                       WHERE c.id = :id)
    """),
    text("""
        UPDATE slot_hold SET until = until + CAST(:shift AS interval)
         WHERE partner_id = :partner_id AND environment = 'sandbox' AND state = 'held'
           AND id IN (SELECT r ->> 'id' FROM sandbox_checkpoint c, jsonb_array_elements(c.rows -> 'slot_hold') r
                       WHERE c.id = :id)
    """),
    text("""
        UPDATE webhook_message message SET next_attempt_at = message.next_attempt_at + CAST(:shift AS interval)
          FROM sandbox_checkpoint c, jsonb_array_elements(c.rows -> 'webhook_message') r
         WHERE c.id = :id AND message.id = r ->> 'id' AND message.status = 'pending'
    """),
    # Who claimed a mailbox before the reset, and comes back now, must find a generation that it never had: milliseconds
    # run faster than claims.
    text("""
        UPDATE webhook_mailbox box
           SET leased = false, retrying = coalesce(head.attempts > 0, true),
               due_at = CASE head.status WHEN 'pending' THEN head.next_attempt_at END,
               generation = greatest(box.generation, CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint))
          FROM sandbox_checkpoint c
          JOIN LATERAL jsonb_populate_recordset(NULL::webhook_mailbox, c.rows -> 'webhook_mailbox') r ON true
          LEFT JOIN LATERAL (
               SELECT status, next_attempt_at, attempts FROM webhook_message m
                WHERE m.endpoint_id = r.endpoint_id AND m.subject = r.subject AND m.status IN ('pending', 'parked')
                ORDER BY position LIMIT 1) head ON true
         WHERE c.id = :id AND box.endpoint_id = r.endpoint_id AND box.subject = r.subject
    """),
)
