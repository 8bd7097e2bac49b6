"""PostgreSQL and Redis for one machine, when no URL is given: the wheels' servers, with their data in one folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.embedded.data import DataDir, NotRunning, read_json


def attach(data_dir: Path) -> Mapping[str, str]:
    """The `STECKER_*` variables of the system that runs on this folder. Raises `NotRunning`."""
    variables: dict[str, str] = _state(data_dir)["variables"]
    return variables


def owner_url(data_dir: Path) -> str:
    """The database as the owner of its tables, for migrations. Raises `NotRunning`."""
    return str(_state(data_dir)["owner_database_url"])


def _state(data_dir: Path) -> dict[str, Any]:
    data = DataDir(data_dir.resolve())
    if not data.held():
        raise NotRunning(
            f"Nothing runs on {data.root}: start it with `make run` or `stecker up`, name its folder with --data-dir, "
            "or set STECKER_DATABASE_URL and STECKER_REDIS_URL."
        )
    state = read_json(data.state)
    if not state:
        raise NotRunning(f"The system on {data.root} is just starting or stopping; try again in a moment.")
    return state
