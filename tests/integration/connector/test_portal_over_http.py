"""The portal's edges over HTTP: sessions, forms of other sites, refusals that leave a trace."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from tests.builders.configurations import ADMIN_ID, OTHER_TENANT, TEAMS_ADMINISTRATOR, TENANT
from tests.builders.web import ORIGIN, Site

from connector.domain.organization import MicrosoftIdentity

ADMIN = MicrosoftIdentity(
    TENANT, ADMIN_ID, "admin@contoso.example", frozenset({TEAMS_ADMINISTRATOR}), is_guest=False
)
READER = MicrosoftIdentity(TENANT, "reader", "reader@contoso.example", frozenset(), is_guest=False)
STRANGER = MicrosoftIdentity(
    OTHER_TENANT,
    "x",
    "admin@fabrikam.example",
    frozenset({TEAMS_ADMINISTRATOR}),
    is_guest=False,
    country="US",
)
PORTAL_PAGES = ["/configurations/new", "/configurations/env-test", "/approvals/rev-test-1"]


@pytest.fixture
def admin(site: Site) -> FlaskClient:
    return site.signed_in(site.browser(), ADMIN)


@pytest.mark.parametrize("path", PORTAL_PAGES)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_portal_page_asks_for_a_sign_in_and_comes_back(
    path: str, method: str, site: Site, browser: FlaskClient
) -> None:
    answer = browser.open(path, method=method, base_url=ORIGIN)
    assert answer.status_code == 302
    assert answer.location.endswith(f"/signin/microsoft?next={path}")


@pytest.mark.parametrize("idle", [timedelta(minutes=31), timedelta(hours=9)])
def test_a_session_left_alone_is_over(idle: timedelta, site: Site, admin: FlaskClient) -> None:
    assert site.get(admin, "/configurations/new").status_code == 200
    site.world.clock.advance(idle)
    assert site.get(admin, "/configurations/new").status_code == 302


def test_a_session_ends_after_eight_hours_of_work(site: Site, admin: FlaskClient) -> None:
    for _ in range(24):
        site.world.clock.advance(timedelta(minutes=20))
        site.get(admin, "/")
    site.world.clock.advance(timedelta(minutes=1))
    assert site.get(admin, "/configurations/new").status_code == 302


def test_a_form_sent_after_the_session_ended_leads_to_the_front_page(
    site: Site, admin: FlaskClient
) -> None:
    site.world.clock.advance(timedelta(minutes=31))
    answer = admin.post("/configurations/new", base_url=ORIGIN, data={"organization": "x"})
    assert (answer.status_code, answer.location) == (303, "/")


@pytest.mark.parametrize("site_of_form", ["cross-site", "same-site"])
def test_a_form_of_another_site_is_refused(
    site_of_form: str, site: Site, admin: FlaskClient
) -> None:
    """Case 76: approve from another origin."""
    answer = admin.post(
        "/approvals/rev-test-1/approve",
        base_url=ORIGIN,
        headers={"Sec-Fetch-Site": site_of_form},
        data={"digest": "x"},
    )
    assert answer.status_code == 400


def test_a_form_without_its_token_is_refused(site: Site, admin: FlaskClient) -> None:
    answer = admin.post("/configurations/new", base_url=ORIGIN, data={"organization": "x"})
    assert answer.status_code == 400
    assert site.world.rows("configuration_revision")[1:] == []


def test_somebody_without_the_role_is_told_which_roles_may(site: Site) -> None:
    reader = site.signed_in(site.browser(), READER)
    answer = site.get(reader, "/configurations/new")
    assert answer.status_code == 403
    assert "Virtual Visits Administrator" in answer.get_data(as_text=True)


@pytest.mark.parametrize("path", PORTAL_PAGES[1:])
def test_case_74_another_tenants_pages_do_not_exist(path: str, site: Site) -> None:
    stranger = site.signed_in(site.browser(), STRANGER)
    assert site.get(stranger, path).status_code == 404


def test_a_refused_base_url_keeps_what_was_typed_and_leaves_an_audit_line(
    site: Site, admin: FlaskClient
) -> None:
    token = _token(site.get(admin, "/configurations/new").get_data(as_text=True))
    typed = {
        "csrf_token": token,
        "organization": "Contoso South",
        "environment": "test",
        "fhir_base_url": "https://127.0.0.1%2f@evil.example/R4",
        "approver": "olivia.analyst@contoso.example",
        "time_zone": "America/Chicago",
        "provider_client_id": "p",
        "patient_client_id": "m",
        "backend_client_id": "b",
    }
    answer = admin.post("/configurations/new", base_url=ORIGIN, data=typed)
    assert answer.status_code == 422
    assert "Contoso South" in answer.get_data(as_text=True)
    assert site.world.audited("admin.configuration.refuse")[-1]["reason"] == "url_refused"


def test_an_environment_of_no_kind_is_a_message_and_no_error(
    site: Site, admin: FlaskClient
) -> None:
    token = _token(site.get(admin, "/configurations/new").get_data(as_text=True))
    answer = admin.post(
        "/configurations/new", base_url=ORIGIN, data={"csrf_token": token, "environment": "foo"}
    )
    assert answer.status_code == 422


def _token(page: str) -> str:
    return (
        page.partition('name="csrf_token" type="hidden" value="')[2].partition('"')[0]
        or (page.partition('name="csrf_token" value="')[2].partition('"')[0])
    )


def test_every_route_has_an_access_decision(site: Site) -> None:
    """A blueprint gets in through `access.register` only; a stray route is found here."""
    decided = set(site.app.config["ACCESS"])
    routes = {rule.endpoint.partition(".")[0] for rule in site.app.url_map.iter_rules()}
    assert routes - decided == {"static"}


def test_what_is_open_to_everybody_is_named_here(site: Site) -> None:
    """A new route of a public blueprint is public too: it is found here, and somebody decides."""
    public = {name for name, access in site.app.config["ACCESS"].items() if access == "public"}
    endpoints = {rule.endpoint for rule in site.app.url_map.iter_rules()}
    assert {e for e in endpoints if e.partition(".")[0] in public} == {
        "front.overview",
        "help.index",
        "help.page",
        "openapi.openapi",
        "sign_in.begin",
        "sign_in.callback",
        "sign_in.elsewhere",
        "sign_in.sign_out",
        "wellknown.healthz",
        "wellknown.jwks",
        "wellknown.metrics",
        "wellknown.readyz",
    }


def test_portal_routes_are_closed_to_somebody_who_is_not_signed_in(
    site: Site, browser: FlaskClient
) -> None:
    decided = site.app.config["ACCESS"].items()
    closed = {name for name, access in decided if access in {"portal", "approver"}}
    for rule in site.app.url_map.iter_rules():
        if rule.endpoint.partition(".")[0] in closed and "GET" in (rule.methods or set()):
            path = rule.rule.replace("<environment_id>", "x").replace("<revision_id>", "x")
            assert site.get(browser, path).status_code == 302, path
