"""Keys that engineers make for themselves: few, labelled, and gone when nobody uses them."""

from datetime import timedelta

import pytest
from sqlalchemy import event

from gateway.oauth.sandbox_keys import IDLE_DAYS, MOST
from tests.support.api import Caller
from tests.support.outbox import rows


def token(api, key):
    form = f"grant_type=client_credentials&client_id={key['client_id']}&client_secret={key['client_secret']}"
    return api.call("POST", "/oauth/token", form.encode(), {"Content-Type": "application/x-www-form-urlencoded"})


def make(caller, label="Ada", **more):
    return caller.post("/v1/sandbox/keys", {"label": label, **more})


def test_a_key_opens_the_sandbox_and_its_secret_is_shown_once(api, shop):
    made = make(shop)
    assert (made.status, made.json["label"], made.json["last_used_at"]) == (201, "Ada", None)
    assert made.json["client_id"].startswith("stk_test_")
    answer = token(api, made.json)
    mine = Caller(api, answer.json["access_token"])
    [listed] = mine.get("/v1/sandbox/keys").json["items"]
    assert "client_secret" not in listed
    assert listed["last_used_at"] == api.runtime.clock().isoformat()
    assert set(listed["scopes"]) == set(answer.json["scope"].split())


def test_five_are_enough(api, shop):
    made = [make(shop, f"key {number}").json for number in range(MOST)]
    refused = make(shop)
    assert (refused.status, refused.json["code"]) == (409, "conflict")
    assert make(api.caller("brack")).status == 201
    assert shop.call("DELETE", f"/v1/sandbox/keys/{made[0]['id']}").status == 204
    assert make(shop, "again").status == 201
    labels = {one["label"] for one in shop.get("/v1/sandbox/keys").json["items"]}
    assert labels == {*(f"key {number}" for number in range(1, MOST)), "again"}


def test_five_are_enough_also_at_once(api, shop):
    asked = [shop.request("POST", "/v1/sandbox/keys", {"label": f"key {number}"}) for number in range(MOST + 3)]
    assert sorted(one.status for one in api.together(*asked)) == [201] * MOST + [409] * 3


def test_a_revoked_key_gets_no_token_and_its_tokens_end(api, shop, runtime):
    made = make(shop).json
    mine = Caller(api, token(api, made).json["access_token"])
    assert mine.get("/v1/sandbox/keys").status == 200
    assert mine.post("/v1/sandbox/chaos", {"kind": "duplicate"}).status == 201
    assert shop.post("/v1/sandbox/chaos", {"kind": "delay"}).status == 201
    assert shop.call("DELETE", f"/v1/sandbox/keys/{made['id']}").status == 204
    assert token(api, made).status == 401
    goes_on = "SELECT kind FROM sandbox_chaos WHERE stopped_at IS NULL"
    assert rows(runtime.sessions, goes_on) == [("delay",)], "what nobody else could end has ended"
    assert shop.call("DELETE", f"/v1/sandbox/keys/{made['id']}").status == 404


def test_those_that_have_ended_are_no_heap(api, clock, shop, runtime):
    for _ in range(3):
        shop.call("DELETE", f"/v1/sandbox/keys/{make(shop).json['id']}")
    query = "SELECT count(*) FROM oauth_client WHERE idle_days IS NOT NULL"
    clock.advance(600)
    make(shop)
    assert rows(runtime.sessions, query) == [(4,)]
    clock.advance(7200)
    make(api.caller("demo"))
    assert rows(runtime.sessions, query) == [(2,)]


def test_an_idle_key_expires_and_a_used_one_does_not(api, clock, shop):
    idle, used = make(shop, "idle").json, make(shop, "used").json
    clock.advance(timedelta(days=IDLE_DAYS - 1).total_seconds())
    assert token(api, used).status == 200
    clock.advance(timedelta(days=1).total_seconds())
    assert (token(api, idle).status, token(api, used).status) == (401, 200)
    labels = [one["label"] for one in api.caller("demo").get("/v1/sandbox/keys").json["items"]]
    assert labels == ["used"]


def test_a_use_is_written_down_once_in_a_while_and_never_for_a_request(api, clock, shop, runtime):
    made = make(shop).json
    written = []

    def look(connection, cursor, statement, *_):
        if statement.startswith("UPDATE oauth_client"):
            written.append(statement)

    event.listen(runtime.engine, "before_cursor_execute", look)
    mine = Caller(api, token(api, made).json["access_token"])
    for _ in range(3):
        assert token(api, made).status == 200
        assert mine.get("/v1/sandbox/keys").status == 200
    assert len(written) == 1
    clock.advance(301)
    token(api, made)
    assert len(written) == 2
    event.remove(runtime.engine, "before_cursor_execute", look)


def test_nobody_gives_away_what_he_does_not_have(api, shop):
    few = api.caller("demo", "sandbox", "sandbox", "orders:read")
    assert set(make(few).json["scopes"]) == {"sandbox", "orders:read"}
    refused = make(few, scopes=["sandbox", "orders:write"])
    assert (refused.status, refused.pointers) == (422, ["/scopes/1"])
    assert make(few, scopes=["sandbox"]).json["scopes"] == ["sandbox"]


@pytest.mark.parametrize("wish", [{}, {"label": ""}, {"label": "x" * 101}, {"label": "x", "scopes": []}])
def test_a_key_that_cannot_be_is_refused(shop, wish):
    assert shop.post("/v1/sandbox/keys", wish).status == 422
    assert shop.get("/v1/sandbox/keys").json["items"] == []


def test_a_key_of_somebody_else_and_one_that_an_operator_made_are_not_there(api, shop):
    made = make(shop).json
    assert api.caller("brack").call("DELETE", f"/v1/sandbox/keys/{made['id']}").status == 404
    assert [one["id"] for one in shop.get("/v1/sandbox/keys").json["items"]] == [made["id"]]
    assert token(api, made).status == 200


def test_the_same_key_is_not_made_twice(shop):
    first, second = (shop.post("/v1/sandbox/keys", {"label": "Ada"}, Idempotency_Key="k") for _ in range(2))
    assert first.json == second.json
    assert len(shop.get("/v1/sandbox/keys").json["items"]) == 1
