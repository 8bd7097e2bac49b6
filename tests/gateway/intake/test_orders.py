"""`POST /v1/orders`, through the whole application."""

from tests.support.orders import json_order


def test_an_order_becomes_one_scheduled_job(api, clock):
    shop = api.caller("demo")
    answer = shop.post("/v1/orders", json_order("W-1", clock()))
    assert answer.status == 201, answer.body
    order = answer.json
    assert answer.headers["location"] == f"/v1/orders/{order['id']}"
    assert [job["state"] for job in order["jobs"]] == ["scheduled"]
