"""What a scrape tells of the delivery."""

from datetime import timedelta

from sqlalchemy import text

from gateway.ops import metrics as ours
from tests.support.orders import json_order


def metrics(caller):
    answer = caller.get("/metrics")
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = [line for line in answer.body.decode().splitlines() if not line.startswith("#")]
    return {name.removeprefix("stecker_webhook_"): float(value) for name, value in (line.split() for line in lines)}


def test_a_scrape_tells_what_is_due_and_how_it_went(api, runtime, clock):
    shop, ops = api.caller("demo"), api.caller("dispatch", "live", "ops")
    assert set(metrics(ops).values()) == {0.0}
    shop.post("/v1/webhook-endpoints", {"url": "http://127.0.0.1:9/hook"})
    shop.post("/v1/orders", json_order("W-1", clock()))
    clock.advance(30)
    found = metrics(ops)
    assert (found["due"], found["oldest_due_seconds"], found["in_flight"]) == (2, 30, 0)
    with runtime.sessions.begin() as session:
        leased = "UPDATE webhook_mailbox SET leased = true, due_at = :until WHERE subject LIKE 'job_%'"
        session.execute(text(leased), {"until": clock() + timedelta(seconds=30)})
        for verdict in ("retry", "retry", "delivered"):
            session.execute(_ATTEMPT, {"verdict": verdict, "at": clock()})
        for number, minutes in enumerate((1, -1, -1)):
            session.execute(_GATE, {"id": f"whep_{number}", "minutes": timedelta(minutes=minutes)})
    ours.count(runtime), ours.count(runtime)
    found = metrics(ops)
    assert (found["due"], found["in_flight"]) == (1, 1)
    verdicts = ("delivered", "retry", "failed")
    tried = [found[f'attempts_total{{environment="sandbox",way="http",verdict="{verdict}"}}'] for verdict in verdicts]
    assert tried == [1, 2, 0]
    assert found['wait_seconds_bucket{environment="sandbox",way="http",le="60"}'] == 3
    assert (found['circuits{state="open"}'], found['circuits{state="half_open"}']) == (1, 2)


def test_only_who_operates_it_may_scrape(api):
    assert api.call("GET", "/metrics").status == 401
    assert api.caller("demo").get("/metrics").status == 403
    assert api.caller("dispatch").get("/metrics").status == 403


_ATTEMPT = text("""
    INSERT INTO webhook_attempt (message_id, owner, environment, at, duration_ms, verdict)
    SELECT id, owner, environment, :at, 1, :verdict FROM webhook_message LIMIT 1
""")
_GATE = text("INSERT INTO webhook_gate (endpoint_id, open_until) VALUES (:id, now() + :minutes)")
