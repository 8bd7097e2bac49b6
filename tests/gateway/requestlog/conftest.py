"""A partner, and the log once everything is written."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from gateway.requestlog.tables import RequestRecord
from tests.support.api import Api, Caller
from tests.support.system import eventually


@pytest.fixture
def shop(api: Api) -> Caller:
    return api.caller("demo")


@pytest.fixture
def logged(api: Api) -> Callable[[Caller, int], list[dict[str, Any]]]:
    """The log of a caller, once there are so many entries, oldest first."""

    def wait(caller: Caller, count: int) -> list[dict[str, Any]]:
        def there() -> bool:
            with api.runtime.sessions() as session:
                return (session.scalar(select(func.count()).select_from(RequestRecord)) or 0) >= count

        eventually(there, f"{count} requests are written down", within=10)
        listed: list[dict[str, Any]] = caller.get("/v1/sandbox/requests").json["items"][::-1]
        assert len(listed) == count
        return [caller.get(f"/v1/sandbox/requests/{one['id']}").json for one in listed]

    return wait
