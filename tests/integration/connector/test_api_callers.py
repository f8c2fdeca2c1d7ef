"""Who gets through the API's door: access tokens of registered tenants, with the right they need."""

import pytest
from flask.testing import FlaskClient
from tests.builders.api import BASE, ApiClient, api_of, configuration, fill, pipeline_of
from tests.builders.configurations import an_admin, identity
from tests.builders.sharing import guest_admin
from tests.builders.web import ORIGIN, Site

from connector.domain.api_caller import AppRole
from connector.ports.errors import TryLater
from connector.web.api.operations import OPERATIONS

STRANGER = "33333333-3333-4333-8333-333333333333"

IDS = {"environment_id": "env-test", "record_id": "record-provider", "share_id": "share-1"}


def every_route(site: Site) -> list[tuple[str, str]]:
    rules = [r for r in site.app.url_map.iter_rules() if r.rule.startswith("/api/")]
    return [
        (method, fill(r.rule, IDS))
        for r in rules
        for method in (r.methods or set()) - {"HEAD", "OPTIONS"}
    ]


@pytest.mark.parametrize(
    "header", ["", "Basic YTpi", "Bearer", "Bearer ", "Token x", "bearer", "Bearerx"]
)
def test_without_a_bearer_token_every_route_asks_for_one(header: str, site: Site) -> None:
    """RFC 6750 section 3: no error code when the request lacks any authentication information."""
    client = site.app.test_client()
    for method, path in every_route(site):
        answer = client.open(
            path, method=method, base_url=ORIGIN, headers={"Authorization": header}
        )
        assert (answer.status_code, answer.json["reason"]) == (401, "token_missing"), path
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_token_that_is_not_believed_is_refused_everywhere_and_told_nothing(site: Site) -> None:
    for method, path in every_route(site):
        answer = ApiClient(site, "forged").send(method, path.removeprefix(BASE))
        assert (answer.status_code, answer.json["reason"]) == (401, "token_invalid"), path
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
        assert "signature" not in answer.text
    assert site.world.audited("caller.request.refuse")[-1]["code"] == "signature"


def test_a_route_of_the_api_without_a_declared_right_does_not_exist(site: Site) -> None:
    """A new route that is not registered with `operation` is found here."""
    endpoints = {r.endpoint for r in site.app.url_map.iter_rules() if r.rule.startswith("/api/")}
    assert endpoints == set(OPERATIONS)
    assert site.app.config["ACCESS"]["api"] == "api"


def test_a_portal_session_opens_nothing_and_no_cookie_is_touched(site: Site) -> None:
    """So no form of another site can call the API with the session of somebody's browser."""
    browser: FlaskClient = site.signed_in(site.browser(), an_admin())
    for method, path in every_route(site):
        answer = browser.open(path, method=method, base_url=ORIGIN)
        assert answer.status_code == 401, path
        assert "Set-Cookie" not in answer.headers


def test_a_request_with_a_token_needs_no_form_token(site: Site) -> None:
    assert api_of(site).post("/environments", configuration()).status_code == 201


def test_a_token_without_the_scope_is_told_which(site: Site) -> None:
    api = ApiClient(site, site.access_tokens.of_person(an_admin(), "openid"))
    answer = api.get("/tenant")
    assert (answer.status_code, answer.json["reason"]) == (403, "scope_missing")
    assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]
    assert 'scope="Configuration.ReadWrite"' in answer.headers["WWW-Authenticate"]


def test_a_member_without_a_role_looks_and_changes_nothing(site: Site) -> None:
    """Case 30's sibling: the roles that would do are named."""
    member = api_of(site, identity())
    assert member.get("/environments").status_code == 200
    answer = member.post("/environments", configuration())
    assert (answer.status_code, answer.json["reason"]) == (403, "role_missing")
    assert "Virtual Visits Administrator" in answer.json["facts"]["one_of"]
    assert site.world.rows("configuration_revision")[1:] == []


def test_a_guest_sees_nothing(site: Site) -> None:
    answer = api_of(site, an_admin(is_guest=True)).get("/environments")
    assert (answer.status_code, answer.json["reason"]) == (403, "role_missing")


@pytest.mark.parametrize("roles", [(), ("Connector.Owner",)])
def test_an_application_without_a_role_sees_nothing(site: Site, roles: tuple[str, ...]) -> None:
    answer = pipeline_of(site, *roles).get("/tenant")
    assert answer.status_code == 403
    assert answer.json["facts"] == {"one_of": "Connector.Admin, Connector.Reader"}


def test_an_application_that_reads_changes_nothing(site: Site) -> None:
    reader = pipeline_of(site, AppRole.READER)
    assert reader.get("/environments").status_code == 200
    for operation in OPERATIONS.values():
        if operation.needs == "change":
            path = fill(operation.rule, IDS)
            answer = reader.send(operation.method, path, json={})
            assert answer.status_code == 403, operation.name
            assert answer.json["facts"] == {"one_of": "Connector.Admin"}


def test_an_application_that_administers_is_named_as_who_did_it(site: Site) -> None:
    made = pipeline_of(site, AppRole.ADMIN).post("/environments", configuration())
    assert made.status_code == 201
    assert made.json["created_by"] == "application x"
    (line,) = [r for r in site.world.rows("audit_event") if "submit" in r["event"]]
    assert line["actor"] == "99999999-0000-4000-8000-000000000001"


def test_an_approval_cannot_be_given_through_the_api(site: Site) -> None:
    """It needs a person's two sign-ins: there is no operation, whatever its path."""
    assert not any("approv" in operation.rule for operation in OPERATIONS.values())
    pipeline = pipeline_of(site, AppRole.ADMIN)
    revision = pipeline.post("/environments", configuration()).json["id"]
    for path in (f"/approvals/{revision}/approve", f"/revisions/{revision}/approval"):
        assert pipeline.post(path).status_code == 404


# Tenants ----------------------------------------------------------------------------------------


def test_a_tenant_nobody_registered_is_sent_to_the_portal_first(site: Site) -> None:
    newcomer = api_of(site, an_admin(tenant_id=STRANGER))
    for method, path in every_route(site):
        answer = newcomer.send(method, path.removeprefix(BASE), json={})
        assert (answer.status_code, answer.json["reason"]) == (409, "geography_unconfirmed"), path
    assert site.world.rows("tenant")[1:] == []


@pytest.mark.parametrize("who", [{"country": "DE", "region_scope": "EU"}, {"region_scope": "AS"}])
def test_case_75_a_tenant_of_another_geography_is_turned_away_and_not_named(
    site: Site, who: dict[str, str]
) -> None:
    caller = an_admin(tenant_id=STRANGER, object_id="secret-oid", **{"country": ""} | who)
    answer = api_of(site, caller).get("/tenant")
    assert (answer.status_code, answer.json["reason"]) == (421, "geography_other")
    known = {"geography": "emea", "portal": "https://visits.example.eu"}
    assert answer.json["facts"] in (known, {"geography": "apac"})
    (line,) = site.world.rows("audit_event")
    assert (line["tenant_id"], line["actor"]) == (None, "")
    assert b"secret-oid" not in site.world.stored_bytes()
    assert STRANGER.encode() not in site.world.stored_bytes()


def test_an_unregistered_tenant_of_our_geography_is_not_named_either(site: Site) -> None:
    api_of(site, guest_admin()).get("/tenant")
    (line,) = site.world.rows("audit_event")
    assert (line["tenant_id"], line["actor"]) == (None, "")


def test_while_entra_cannot_be_reached_callers_are_asked_to_come_again(site: Site) -> None:
    api = api_of(site)
    site.access_tokens.faults.fail("caller", TryLater("jwks_timeout"))
    answer = api.get("/tenant")
    assert (answer.status_code, answer.json["reason"]) == (503, "microsoft_unreachable")
    assert api.get("/tenant").status_code == 200
