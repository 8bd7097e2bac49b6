"""How many statements an order takes, counted at the driver in this process; BEGIN and COMMIT are not among them."""

from datetime import UTC, datetime

from tests.bench import load
from tests.bench.system import System
from tests.support.api import Caller, running_api
from tests.support.statements import noted

ORDERS = 20


def per_order(tested: System) -> float:
    now = datetime.now(UTC)
    with running_api(tested.runtime) as api:
        shop = api.caller("demo", "live")
        place(shop, "first", now)
        with noted(tested.runtime.engine) as said:
            for number in range(ORDERS):
                place(shop, f"count-{number}", now)
            # What is asked once a second for all requests is nobody's.
            return sum("oauth" not in one for one in said) / ORDERS


def place(shop: Caller, number: str, now: datetime) -> None:
    answer = shop.call("POST", "/v1/orders", load.order(number, now), {"Content-Type": "application/json"})
    if answer.status != 201:
        raise RuntimeError(f"an order was answered with {answer.status}")
