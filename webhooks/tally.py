"""How far the attempts are counted, by whoever goes the rounds: those who deliver write nothing for it.

An attempt counts once and none is passed over, however late its transaction ends: only what was written before every
running transaction began is counted.
"""

from typing import NamedTuple

from sqlalchemy import BigInteger, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from webhooks.tables import Base


class Tally(Base):
    """How far the attempts are counted: up to `upto`. Those up to `seen` were there when `horizon` was the next
    transaction; when all before that are over, so that none can appear any more, they are counted, too.
    """

    __tablename__ = "webhook_tally"

    name: Mapped[str] = mapped_column(primary_key=True)
    upto: Mapped[int] = mapped_column(BigInteger)
    seen: Mapped[int] = mapped_column(BigInteger)
    horizon: Mapped[int] = mapped_column(BigInteger)


class Batch(NamedTuple):
    """The attempts to count: their ids are above `after`, up to `upto`. There may be `more` in another batch."""

    after: int
    upto: int
    more: bool


def advance(session: Session, name: str, *, most: int) -> Batch | None:
    """The next batch, of `most` ids, for who counts under this name; to be counted in this transaction.

    None where there is nothing to count now. Whoever else counts under this name waits for the commit.
    """
    session.execute(_BEGIN, {"name": name})
    mark = session.execute(_MARK, {"name": name}).one()
    if mark.oldest < mark.horizon:
        return None
    batch = Batch(mark.upto, min(mark.seen, mark.upto + most), mark.seen > mark.upto + most)
    seen, horizon = (mark.seen, mark.horizon) if batch.more else (mark.newest, mark.next)
    if (batch.upto, seen) != (mark.upto, mark.seen):
        session.execute(_MOVE, {"name": name, "upto": batch.upto, "seen": seen, "horizon": horizon})
    return batch if batch.upto > batch.after else None


_BEGIN = text("INSERT INTO webhook_tally (name, upto, seen, horizon) VALUES (:name, 0, 0, 0) ON CONFLICT DO NOTHING")

_MARK = text("""
    SELECT upto, seen, horizon, (SELECT coalesce(max(id), 0) FROM webhook_attempt) AS newest,
           CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint) AS oldest,
           CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint) AS next
      FROM webhook_tally WHERE name = :name FOR UPDATE
""")

_MOVE = text("UPDATE webhook_tally SET upto = :upto, seen = :seen, horizon = :horizon WHERE name = :name")
