"""The revision of a database, asked without Alembic: importing that takes longer than everything else at a start.

python -m gateway.migrations.current          the URL on standard input; exit 0 where it is at the newest
"""

import sys
from pathlib import Path

import psycopg

QUESTION = "SELECT max(version_num) FROM alembic_version"


def newest() -> str:
    """The newest revision, by the names of the files: they begin with it. A test holds this to what Alembic says."""
    return max(file.name.partition("_")[0] for file in (Path(__file__).parent / "versions").glob("[0-9]*.py"))


def current(url: str) -> str | None:
    """Where the database stands; None where it was never migrated or does not answer."""
    try:
        with psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://"), connect_timeout=3) as connection:
            found = connection.execute(QUESTION).fetchone()
    except psycopg.Error:
        return None
    return found[0] if found else None


if __name__ == "__main__":
    sys.exit(0 if current(sys.stdin.read()) == newest() else 1)
