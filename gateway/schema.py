"""Every table, in one place: what the migrations compare with and what a fresh database is made of."""

from sqlalchemy import MetaData

import gateway.catalogue.tables
import gateway.connections.tables
import gateway.idempotency
import gateway.intake.tables
import gateway.jobs.tables
import gateway.oauth.tables
import gateway.partners.tables
import gateway.polling.tables
import gateway.privacy.tables
import gateway.requestlog.tables
import gateway.sandbox.chaos.tables
import gateway.sandbox.checkpoints.tables
import gateway.sandbox.clock.tables
import gateway.sandbox.inbox.tables
import gateway.sandbox.tables
import gateway.scheduling.tables  # noqa: F401  (imported for what they declare)
from gateway import db
from webhooks import health, metrics, recovery, retention  # noqa: F401
from webhooks import tables as webhook_tables

METADATA: tuple[MetaData, ...] = (db.Base.metadata, webhook_tables.metadata)
