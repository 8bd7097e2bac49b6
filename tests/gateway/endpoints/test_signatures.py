"""Secrets and public keys of webhook endpoints, as partners and the public see them (K2, K3)."""

from datetime import datetime, timedelta

import pytest
from joserfc.jwk import OKPKey
from sqlalchemy import select, text

from gateway.endpoints.secrets import opener
from webhooks import signing
from webhooks.tables import Endpoint
from webhooks.verify import verify

URL = "http://127.0.0.1:9/hook"
KEYS = "/.well-known/webhook-keys.json"


@pytest.fixture
def shop(api):
    return api.caller("demo")


@pytest.fixture
def endpoint(shop):
    return shop.post("/v1/webhook-endpoints", {"url": URL, "signature": "v1a"}).json


def rotate(shop, endpoint, **body):
    return shop.post(f"/v1/webhook-endpoints/{endpoint['id']}/rotate-secret", body)


def shown(shop, endpoint):
    return shop.get(f"/v1/webhook-endpoints/{endpoint['id']}").json


def keys(api, endpoint=None):
    return api.call("GET", KEYS + (f"?endpoint_id={endpoint['id']}" if endpoint else "")).json["keys"]


def signatures(runtime, endpoint_id):
    """The headers of a message that is sent there now, as the courier would sign it."""
    with runtime.sessions() as session:
        row = session.scalars(select(Endpoint).where(Endpoint.id == endpoint_id)).one()
        generations = signing.load(opener(runtime.vault)(row.secret, row.owner, row.id))
    stamp = int(runtime.clock().timestamp())
    value = signing.value(signing.signers(generations), "whm_1", stamp, b"{}")
    return {"webhook-id": "whm_1", "webhook-timestamp": str(stamp), "webhook-signature": value}


def takes(runtime, endpoint_id, secret):
    headers = signatures(runtime, endpoint_id)
    try:
        return verify(secret, headers, b"{}", now=runtime.clock().timestamp()) == "whm_1"
    except signing.InvalidSignature:
        return False


def test_an_endpoint_may_ask_for_ed25519_and_its_public_key_is_published_k2(api, shop, endpoint, runtime):
    assert endpoint["signature"] == "v1a"
    (one,) = endpoint["secrets"]
    (key,) = keys(api)
    assert key == keys(api, endpoint)[0]
    assert (key["public_key"], key["endpoint_id"], key["valid_until"]) == (one["public_key"], endpoint["id"], None)
    assert key["valid_from"] == endpoint["created_at"] == one["created_at"]
    assert OKPKey.import_key({name: key[name] for name in ("kty", "crv", "x")}).thumbprint() == key["kid"]
    assert takes(runtime, endpoint["id"], key["public_key"])
    assert takes(runtime, endpoint["id"], endpoint["secret"])


def test_no_two_endpoints_have_one_key_k2(api, shop, endpoint):
    """Else the receiver of one could pass a message on to the other, and it would be taken for ours."""
    again = api.caller("brack").post("/v1/webhook-endpoints", {"url": URL, "signature": "v1a"}).json
    assert len({key["public_key"] for key in keys(api)}) == 2
    assert [key["endpoint_id"] for key in keys(api, again)] == [again["id"]]
    assert keys(api, {"id": "whep_x"}) == []


def test_the_keys_of_v1_and_of_deleted_endpoints_are_not_published(api, shop, endpoint):
    shop.post("/v1/webhook-endpoints", {"url": URL})
    shop.call("DELETE", f"/v1/webhook-endpoints/{endpoint['id']}")
    answer = api.call("GET", KEYS)
    assert answer.json == {"keys": []}
    assert answer.headers["cache-control"] == "public, max-age=300"


def test_no_private_key_leaves_the_vault_k8(api, shop, endpoint, runtime):
    with runtime.sessions() as session:
        row = session.scalars(select(Endpoint)).one()
        (one,) = signing.load(opener(runtime.vault)(row.secret, row.owner, row.id))
        assert one.seed not in row.secret
        dumped = str(session.execute(text("SELECT row_to_json(e) FROM webhook_endpoint e")).all())
    assert one.seed.hex() not in dumped + str(endpoint) + str(keys(api))


def test_for_a_day_both_secrets_sign_and_then_the_old_one_never_again_k3(api, shop, endpoint, runtime, clock):
    clock.now += timedelta(days=1)
    shop = api.caller("demo")
    answer = rotate(shop, endpoint)
    assert answer.status == 200
    new = answer.json["secret"]
    newest, before = answer.json["secrets"]
    assert (newest["prefix"], before["prefix"]) == (new[:10], endpoint["secret"][:10])
    assert newest["expires_at"] is None
    assert datetime.fromisoformat(before["expires_at"]) == clock() + timedelta(hours=24)
    assert "secret" not in shown(shop, endpoint)
    public = [one["public_key"] for one in answer.json["secrets"]]
    assert [key["public_key"] for key in keys(api)] == public
    assert [key["valid_until"] for key in keys(api)] == [None, before["expires_at"]]

    clock.now += timedelta(hours=23)
    assert all(takes(runtime, endpoint["id"], one) for one in (new, endpoint["secret"], *public))
    clock.now += timedelta(hours=1)
    assert [takes(runtime, endpoint["id"], one) for one in (new, endpoint["secret"], *public)] == [1, 0, 1, 0]
    assert [key["public_key"] for key in keys(api)] == public[:1]


def test_twice_inside_the_overlap_is_refused_but_for_one_that_leaked_k3(api, shop, endpoint, runtime, clock):
    assert rotate(shop, endpoint, overlap_hours=168).status == 200
    refused = rotate(shop, endpoint)
    assert refused.status == 409
    assert "overlap_hours" in refused.json["detail"]
    leaked = rotate(shop, endpoint, overlap_hours=0)
    assert (leaked.status, len(leaked.json["secrets"])) == (200, 1)
    assert not takes(runtime, endpoint["id"], endpoint["secret"])
    assert takes(runtime, endpoint["id"], leaked.json["secret"])
    assert rotate(shop, endpoint).status == 200
    clock.now += timedelta(hours=24)
    assert rotate(api.caller("demo"), endpoint).status == 200


@pytest.mark.parametrize("hours", [-1, 169, "1", 1.5])
def test_an_overlap_is_of_whole_hours_up_to_a_week(shop, endpoint, hours):
    refused = rotate(shop, endpoint, overlap_hours=hours)
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, "/overlap_hours")


def test_the_kind_may_change_with_the_secret(api, shop, runtime):
    made = shop.post("/v1/webhook-endpoints", {"url": URL}).json
    changed = rotate(shop, made, signature="v1a").json
    assert (made["signature"], changed["signature"]) == ("v1", "v1a")
    assert changed["secrets"][1]["public_key"] is None
    assert takes(runtime, made["id"], keys(api)[0]["public_key"])
    back = rotate(shop, made, signature="v1", overlap_hours=0).json
    assert (back["signature"], keys(api)) == ("v1", [])


def test_the_answer_to_a_rotation_is_replayed_and_nothing_rotated_again(shop, endpoint):
    url = f"/v1/webhook-endpoints/{endpoint['id']}/rotate-secret"
    first, again = (shop.post(url, {}, Idempotency_Key="k") for _ in range(2))
    assert first.json["secret"] == again.json["secret"]
    assert again.headers["idempotency-replayed"] == "true"


def test_it_is_shown_when_each_secret_was_used_last_k3(shop, endpoint, runtime, clock):
    def used():
        return [one["last_used_at"] for one in shown(shop, endpoint)["secrets"]]

    def attempt(at):
        with runtime.sessions.begin() as session:
            session.execute(ATTEMPT, {"at": at})

    assert used() == [None]
    attempt(first := clock())
    assert used() == [first.isoformat()]
    clock.now += timedelta(minutes=1)
    rotate(shop, endpoint, overlap_hours=1)
    assert used() == [None, first.isoformat()]
    attempt(second := clock.now + timedelta(minutes=1))
    assert used() == [second.isoformat()] * 2
    attempt(third := clock.now + timedelta(hours=2))
    assert used() == [third.isoformat(), (clock.now + timedelta(hours=1)).isoformat()]
    (listed,) = shop.get("/v1/webhook-endpoints").json["items"]
    assert [one["last_used_at"] for one in listed["secrets"]] == used()


ATTEMPT = text("""
    INSERT INTO webhook_attempt (message_id, owner, environment, at, duration_ms, verdict)
    SELECT id, owner, environment, :at, 5, 'retry' FROM webhook_message
""")


def test_who_is_called_otherwise_has_no_signature_to_choose_or_replace(shop):
    bearer = {"scheme": "bearer", "token": "t0ken"}
    refused = shop.post("/v1/webhook-endpoints", {"url": URL, "authentication": bearer, "signature": "v1a"})
    assert (refused.status, refused.json["errors"][0]["code"]) == (422, "not_signed")
    made = shop.post("/v1/webhook-endpoints", {"url": URL, "authentication": bearer}).json
    assert (made["signature"], made["secrets"]) == (None, [])
    assert rotate(shop, made).status == 409


def test_nobody_rotates_or_reads_the_secrets_of_others(api, shop, endpoint):
    brack = api.caller("brack")
    assert rotate(brack, endpoint).status == 404
    assert brack.get(f"/v1/webhook-endpoints/{endpoint['id']}").status == 404
