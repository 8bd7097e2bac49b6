"""How our calls are authenticated, as partners say it: taken whole, kept sealed, and never shown again."""

import json
from dataclasses import replace

import pytest
import yaml
from joserfc.jwk import RSAKey
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

import specs
from gateway.connections import service as connections
from gateway.connections.service import NewConnection
from gateway.endpoints import documents, service
from gateway.endpoints.folders import finder
from gateway.endpoints.secrets import credentials_opener
from gateway.partners.tables import Partner
from gateway.tenant import Tenant
from webhooks import egress, policy, schemes, transport
from webhooks.calling import NotNow
from webhooks.tables import Attempt, Endpoint, Message
from webhooks.tenant import Tenant as Owner

URL = "http://127.0.0.1:9999/hook"
PEM = RSAKey.generate_key(2048).as_pem(private=True).decode()

TOLD = {
    "standard-webhooks": {},
    "hmac": {"header": "X-Signature", "algorithm": "sha256", "encoding": "hex", "prefix": "", "secret": "c4nary-1"},
    "basic": {"username": "stecker", "password": "c4nary-2"},
    "bearer": {"token": "c4nary-3"},
    "header": {"name": "X-Shopify-Access-Token", "value": "c4nary-4"},
    "oauth2": {
        "token_url": "http://127.0.0.1:9999/token",
        "client_id": "us",
        "client_secret": "c4nary-5",
        "scope": "",
        "client_auth": "basic",
    },
    "lwa": {
        "client_id": "us",
        "client_secret": "c4nary-6",
        "refresh_token": "c4nary-7",
        "token_url": "https://api.amazon.com/auth/o2/token",
    },
    "google": {
        "client_email": "a@b.example",
        "private_key": PEM,
        "scope": "https://www.googleapis.com/auth/mapsbooking",
        "token_url": "https://oauth2.googleapis.com/token",
    },
}


@pytest.fixture
def shop(api):
    return api.caller("demo")


def make(shop, scheme="bearer", **more):
    wish = {"url": URL, "authentication": {"scheme": scheme, **TOLD[scheme]}, **more}
    answer = shop.post("/v1/webhook-endpoints", wish)
    assert answer.status == 201, answer.body
    return answer.json


def kept(runtime, endpoint_id):
    with runtime.sessions() as session:
        row = session.get_one(Endpoint, endpoint_id)
        if row.credentials is None:
            return row, {}
        return row, json.loads(credentials_opener(runtime.vault)(row.credentials, row.owner, row.id))


def test_the_specification_names_every_scheme_and_member():
    whole = yaml.safe_load(specs.read("partner.yaml"))["components"]["schemas"]["NewAuthentication"]["properties"]
    members = {member.name: member for known in schemes.MEMBERS.values() for member in known}
    assert whole.pop("scheme")["enum"] == list(schemes.CALLING) == list(TOLD)
    assert whole.keys() == members.keys()
    for name, said in whole.items():
        assert said.get("writeOnly", False) == members[name].secret, name
        assert said.get("enum", []) == sorted(members[name].choices, key=said.get("enum", []).index), name
        if "enum" not in said:
            assert said["maxLength"] == schemes.LONGEST.get(members[name].kind, schemes.MOST), name


@pytest.mark.parametrize("scheme", TOLD)
def test_what_is_told_is_kept_sealed_and_shown_without_its_secrets(shop, runtime, scheme):
    made = make(shop, scheme)
    row, told = kept(runtime, made["id"])
    assert (row.scheme, told) == (scheme, TOLD[scheme])
    assert (row.credentials is None) == (TOLD[scheme] == {})
    shown = shop.get(f"/v1/webhook-endpoints/{made['id']}").json
    public = {name: value for name, value in TOLD[scheme].items() if "c4nary" not in value and value != PEM}
    assert shown["authentication"] == made["authentication"] == {"scheme": scheme, **public}
    assert shown["signature"] == ("v1" if scheme in {"standard-webhooks", "hmac"} else None)
    listed = shop.get("/v1/webhook-endpoints").body
    with runtime.sessions() as session:
        stored = session.scalars(select(Endpoint.credentials)).one() or b""
    for place in (listed, stored, json.dumps(made).encode()):
        assert b"c4nary" not in place
        assert b"PRIVATE KEY" not in place


def test_credentials_of_one_endpoint_open_no_other(shop, runtime):
    """K8"""
    first, second = make(shop), make(shop)
    with runtime.sessions.begin() as session:
        one, other = (session.get_one(Endpoint, made["id"]) for made in (first, second))
        one.credentials, other.credentials = other.credentials, one.credentials
    answer = shop.get(f"/v1/webhook-endpoints/{first['id']}")
    assert answer.status == 500
    assert b"c4nary" not in answer.body


def test_all_faults_are_told_at_once_and_nothing_is_repeated(shop):
    wish = {
        "url": "http://shop.example.com/",
        "authentication": {"scheme": "oauth2", "token_url": "https://10.0.0.1/c4nary", "token": "c4nary"},
    }
    answer = shop.post("/v1/webhook-endpoints", wish)
    assert answer.status == 422
    assert {(fault["pointer"], fault["code"]) for fault in answer.json["errors"]} == {
        ("/url", "not_https"),
        ("/authentication/token", "unknown_member"),
        ("/authentication/token_url", "host_is_address"),
        ("/authentication/client_id", "required"),
        ("/authentication/client_secret", "required"),
    }
    assert b"c4nary" not in answer.body


@pytest.mark.parametrize(
    ("authentication", "pointer"),
    [
        ({"scheme": "folder"}, "/authentication/scheme"),
        ({"scheme": "basic", "username": "a", "password": 7}, "/authentication/password"),
        ({"scheme": "basic", "username": "a", "password": "b", "extra": "c"}, "/authentication/extra"),
        ({}, "/authentication/scheme"),
        ("basic", "/authentication"),
    ],
)
def test_what_the_specification_does_not_know_is_refused(shop, authentication, pointer):
    answer = shop.post("/v1/webhook-endpoints", {"url": URL, "authentication": authentication})
    assert (answer.status, answer.pointers) == (422, [pointer])


def test_authentication_is_changed_as_a_whole(shop, runtime):
    made = make(shop, "oauth2")
    url = f"/v1/webhook-endpoints/{made['id']}"
    changed = shop.call("PATCH", url, {"authentication": {"scheme": "basic", "username": "u", "password": "c4nary-8"}})
    assert changed.json["authentication"] == {"scheme": "basic", "username": "u"}
    assert kept(runtime, made["id"])[1] == {"username": "u", "password": "c4nary-8"}
    back = shop.call("PATCH", url, {"authentication": {"scheme": "standard-webhooks"}})
    assert back.json["authentication"] == {"scheme": "standard-webhooks"}
    assert kept(runtime, made["id"])[0].credentials is None
    assert shop.call("PATCH", url, {"authentication": {"scheme": "bearer"}}).pointers == ["/authentication/token"]


def test_what_was_told_for_one_host_is_told_to_no_other(shop, runtime):
    made = make(shop)
    url = f"/v1/webhook-endpoints/{made['id']}"
    elsewhere = "http://127.0.0.1:9998/hook"
    assert shop.call("PATCH", url, {"url": f"{URL}/other"}).status == 200
    refused = shop.call("PATCH", url, {"url": elsewhere})
    assert (refused.status, refused.pointers) == (422, ["/authentication"])
    assert kept(runtime, made["id"])[0].url == f"{URL}/other"
    again = {"scheme": "bearer", "token": "for the other host"}
    assert shop.call("PATCH", url, {"url": elsewhere, "authentication": again}).status == 200
    # A signature tells no secret.
    for scheme in ("standard-webhooks", "hmac"):
        signed = make(shop, scheme)
        assert shop.call("PATCH", f"/v1/webhook-endpoints/{signed['id']}", {"url": elsewhere}).status == 200


@pytest.mark.parametrize(
    ("scheme", "form", "greeted"),
    [("bearer", "plain", True), ("hmac", "dialect", True), ("bearer", "dialect", False)],
)
def test_a_partners_own_api_gets_no_test_message(api, runtime, scheme, form, greeted):
    make(api.caller("brack"), scheme, format=form)
    with runtime.sessions() as session:
        assert len(session.scalars(select(Message)).all()) == greeted


def test_what_was_told_to_us_goes_with_the_endpoint(shop, runtime):
    made = make(shop)
    assert shop.call("DELETE", f"/v1/webhook-endpoints/{made['id']}").status == 204
    assert kept(runtime, made["id"])[0].credentials is None


# --- folders -----------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(api, runtime, clock):
    """A drop folder of brack's, in the sandbox."""
    brack = api.caller("brack")
    with runtime.sessions.begin() as session:
        owner = session.execute(select_partner("brack")).scalar_one()
        new = NewConnection(tenant=Tenant(owner, "sandbox"), door="folder", name="brack-test")
        connection = connections.add(session, runtime.vault, new, "opentrans", clock())
    return brack, Owner(owner, "sandbox"), connection.id


def select_partner(slug):
    return select(Partner.id).where(Partner.slug == slug)


def test_an_endpoint_may_be_ones_own_drop_folder(folder, runtime):
    brack, _, _ = folder
    made = brack.post("/v1/webhook-endpoints", {"url": "folder:brack-test", "format": "dialect"})
    assert made.status == 201, made.body
    assert (made.json["authentication"], made.json["signature"]) == ({"scheme": "folder"}, None)
    with runtime.sessions() as session:
        assert session.scalars(select(Message)).all() == []
    url = f"/v1/webhook-endpoints/{made.json['id']}"
    assert brack.call("PATCH", url, {"event_types": ["job.completed"]}).status == 200
    assert brack.call("PATCH", url, {"url": URL}).status == 409
    assert brack.call("PATCH", url, {"authentication": {"scheme": "standard-webhooks"}}).status == 409


def test_nobody_elses_folder_can_be_named(api, folder):
    brack, _, _ = folder
    for caller in (api.caller("demo"), api.caller("brack", "live")):
        answer = caller.post("/v1/webhook-endpoints", {"url": "folder:brack-test"})
        assert (answer.status, answer.pointers) == (422, ["/url"])
    for name in ("unknown", "../brack-test", ""):
        assert brack.post("/v1/webhook-endpoints", {"url": f"folder:{name}"}).pointers == ["/url"]
    both = {"url": "folder:brack-test", "authentication": {"scheme": "bearer", "token": "t"}}
    assert brack.post("/v1/webhook-endpoints", both).pointers == ["/authentication"]
    url = f"/v1/webhook-endpoints/{make(brack)['id']}"
    assert brack.call("PATCH", url, {"url": "folder:brack-test"}).status == 409


def test_a_folder_that_is_somebody_elses_by_now_is_found_no_more(folder, runtime, tmp_path):
    _, owner, connection_id = folder
    find = finder(replace(runtime, settings=replace(runtime.settings, folders=tmp_path)))
    assert find(owner, "brack-test") == tmp_path
    assert find(Owner(owner.owner, "live"), "brack-test") is None
    assert find(Owner("ptn_other", "sandbox"), "brack-test") is None
    with runtime.sessions.begin() as session:
        connections.remove(connections.get(session, connection_id))
    assert find(owner, "brack-test") is None
    assert finder(runtime)(owner, "brack-test") is None


# --- what an attempt came to -------------------------------------------------------------------------------------


def codes():
    transports = {name for _, name in transport._NAMES} | {"bad_response"}
    policies = {policy.fault(policy.Answer(status_code=code)) for code in (302, 410, 500)} | {"refused", "not_taken"}
    tokens = {"token_refused", "token_unavailable", "token_unreadable"}
    ours = {"aborted", "internal_error", "no_folder", "no_inbox", "folder_unavailable", "held_back", "disturbed"}
    return transports | policies | tokens | ours


def test_every_code_has_words():
    assert documents.ERRORS.keys() == codes()
    known = {"too_long", "malformed", *egress.check_url("ftp://x", ())}
    assert known <= service.WORDS.keys()


def test_an_attempt_says_its_verdict_and_why(shop, runtime, clock):
    made = make(shop)
    with runtime.sessions.begin() as session:
        message = session.scalars(select(Message)).one()
        for step, verdict, error in (
            ("token", "retry", "token_refused"),
            ("call", "failed", "refused"),
            ("probe", "delivered", None),
        ):
            session.add(
                Attempt(
                    message_id=message.id,
                    owner=message.owner,
                    environment=message.environment,
                    at=clock(),
                    duration_ms=1,
                    status_code=None,
                    step=step,
                    verdict=verdict,
                    error=error,
                )
            )
            session.flush()
    [delivery] = shop.get(f"/v1/webhook-endpoints/{made['id']}/deliveries").json["items"]
    assert [(one["step"], one["verdict"], one["detail"]) for one in delivery["attempts"]] == [
        ("token", "retry", "The request for a token: the credentials were refused. It is tried again."),
        (
            "call",
            "failed",
            "The call: the answer refuses it for good, in the partner's own terms. It is not tried again.",
        ),
        (
            "probe",
            "delivered",
            "The question before the call showed that nothing is left to do, so nothing was sent.",
        ),
    ]


def test_a_database_that_is_away_is_not_the_folders_fault(runtime, tmp_path):
    def away():
        raise OperationalError("SELECT", {}, Exception("away"))

    broken = replace(runtime, settings=replace(runtime.settings, folders=tmp_path), sessions=away)
    with pytest.raises(NotNow):
        finder(broken)(Owner("ptn", "sandbox"), "x")
