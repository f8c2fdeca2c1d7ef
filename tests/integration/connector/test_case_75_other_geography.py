"""Case 75: somebody of another geography's tenant leaves no trace here, and learns where to go."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from tests.builders.configurations import OTHER_TENANT, TENANT, an_admin, tenant
from tests.builders.web import ORIGIN, Site
from tests.builders.world import World
from werkzeug.test import TestResponse

from connector.adapters.telemetry.operator_view import OperatorView
from connector.domain.audit import Event
from connector.domain.organization import MicrosoftIdentity

GERMAN = an_admin(
    tenant_id="eeeeeeee-1111-4111-8111-0000000000e1",
    object_id="eeeeeeee-2222-4222-8222-0000000000e2",
    sign_in_name="greta.admin@klinikum.example",
    country="DE",
    region_scope="EU",
)
SILENT = an_admin(
    tenant_id="cccccccc-1111-4111-8111-0000000000c1",
    object_id="cccccccc-2222-4222-8222-0000000000c2",
    sign_in_name="silent.admin@nowhere.example",
    country="",
    region_scope="",
)


@dataclass
class Traces:
    """Everything this deployment keeps of a request: its database and its logs."""

    site: Site
    output: pytest.CaptureFixture[str]
    log: pytest.LogCaptureFixture

    def of(self, who: MicrosoftIdentity) -> list[str]:
        told = "".join(self.output.readouterr()) + self.log.text
        kept = self.site.world.stored_bytes() + told.encode()
        assert b"http.request" in kept, "the log is watched"
        words = [who.tenant_id, who.object_id, who.sign_in_name, who.sign_in_name.split("@")[1]]
        return [word for word in words if word.encode() in kept]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(World(tmp_path), telemetry=OperatorView(None))  # type: ignore[arg-type] # the real one


@pytest.fixture
def traces(
    site: Site, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> Traces:
    return Traces(site, capsys, caplog)


def arrive(site: Site, browser: FlaskClient, who: MicrosoftIdentity) -> TestResponse:
    """Sign in to the portal; where the callback leads."""
    away = site.get(browser, "/signin/microsoft")
    query = site.sign_in.sign_in(away.location, who)
    back = site.get(browser, "/signin/microsoft/callback", query_string=query)
    return site.get(browser, back.location)


def post(site: Site, browser: FlaskClient, path: str, **form: str) -> TestResponse:
    page = site.get(browser, "/tenant").get_data(as_text=True)
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    return browser.post(path, base_url=ORIGIN, data={"csrf_token": token, **form})


# Entra says another geography -------------------------------------------------------------------


@pytest.mark.parametrize("country", ["DE", "GB", "ZA", "JP"])
def test_case_75_a_tenant_of_another_geography_is_turned_away(
    site: Site, browser: FlaskClient, country: str
) -> None:
    elsewhere = an_admin(tenant_id=OTHER_TENANT, country=country)
    answer = arrive(site, browser, elsewhere)
    assert answer.status_code == 421
    assert 'id="sign-in"' in site.get(browser, "/").get_data(as_text=True), "no session began"


def test_case_75_nothing_about_the_person_is_stored_audited_or_logged(
    site: Site, browser: FlaskClient, traces: Traces
) -> None:
    assert arrive(site, browser, GERMAN).status_code == 421
    site.get(browser, "/tenant")
    assert traces.of(GERMAN) == []


def test_case_75_the_audit_line_holds_the_geography_and_nobody(
    site: Site, browser: FlaskClient
) -> None:
    page = arrive(site, browser, GERMAN).get_data(as_text=True)
    (line,) = site.world.rows("audit_event")
    assert (line["event"], line["tenant_id"], line["actor"]) == (Event.SIGN_IN_REFUSED, None, "")
    assert site.world.audited(Event.SIGN_IN_REFUSED) == [
        {"reason": "geography_other", "geography": "emea"}
    ]
    assert line["reference"] in page


def test_case_75_the_page_leads_to_the_right_portal(site: Site, browser: FlaskClient) -> None:
    page = arrive(site, browser, GERMAN).get_data(as_text=True)
    assert 'href="https://visits.example.eu"' in page


def test_case_75_without_a_known_portal_the_page_says_it_in_words(
    site: Site, browser: FlaskClient
) -> None:
    page = arrive(site, browser, an_admin(country="JP")).get_data(as_text=True)
    assert 'id="right-portal"' not in page
    assert "Use the portal of your geography." in page
    assert '<strong id="right-geography">Asia Pacific</strong>' in page


def test_case_75_the_page_can_be_asked_for_twice(site: Site, browser: FlaskClient) -> None:
    """Chromium sends a request that was answered 421 once more (seen with Chromium, 2026-11-23)."""
    away = site.get(browser, "/signin/microsoft")
    query = site.sign_in.sign_in(away.location, GERMAN)
    back = site.get(browser, "/signin/microsoft/callback", query_string=query)
    assert back.status_code == 303
    first, again = site.get(browser, back.location), site.get(browser, back.location)
    assert (first.status_code, again.status_code) == (421, 421)


def test_case_75_an_earlier_session_of_the_browser_neither_stays_nor_is_blamed(
    site: Site, browser: FlaskClient
) -> None:
    site.world.add_environment()
    site.signed_in(browser, an_admin())
    assert arrive(site, browser, GERMAN).status_code == 421
    assert 'id="sign-in"' in site.get(browser, "/").get_data(as_text=True)
    assert site.world.rows("audit_event")[-1]["actor"] == ""


def test_case_75_a_tenant_confirmed_here_is_turned_away_once_entra_names_another_geography(
    site: Site, browser: FlaskClient
) -> None:
    with site.world.store.write() as tx:
        tx.configurations.register_tenant(tenant())
    assert arrive(site, browser, an_admin(country="DE")).status_code == 421


@pytest.mark.parametrize("geography", ["americas", "mars", "EMEA", "emea%0d%0a"])
def test_our_own_or_an_unknown_geography_is_not_elsewhere(
    site: Site, browser: FlaskClient, geography: str
) -> None:
    assert site.get(browser, f"/signin/microsoft/elsewhere/{geography}").status_code == 404


# Entra says ours --------------------------------------------------------------------------------


def test_a_tenant_of_ours_is_signed_in_and_audited_by_id(site: Site, browser: FlaskClient) -> None:
    assert arrive(site, browser, an_admin()).status_code == 200
    (line,) = site.world.rows("audit_event")
    assert (line["tenant_id"], line["actor"]) == (TENANT, an_admin().object_id)


def test_the_admin_confirms_what_entra_says(site: Site, browser: FlaskClient) -> None:
    site.signed_in(browser, an_admin())
    assert post(site, browser, "/tenant/geography", geography="americas").status_code == 303
    page = site.get(browser, "/tenant").get_data(as_text=True)
    assert an_admin().object_id in page
    assert 'id="confirm-geography"' not in page


def test_what_contradicts_entra_is_refused_by_name(site: Site, browser: FlaskClient) -> None:
    site.signed_in(browser, an_admin())
    answer = post(site, browser, "/tenant/geography", geography="emea")
    assert answer.status_code == 422
    assert site.world.audited(Event.TENANT_REFUSED)[0]["reason"] == "geography_contradicted"
    assert site.world.rows("tenant") == []


# Entra says nothing -----------------------------------------------------------------------------


def test_case_75_until_somebody_confirms_no_trace_names_anybody(
    site: Site, browser: FlaskClient, traces: Traces
) -> None:
    arrive(site, browser, SILENT)
    site.get(browser, "/configurations/new")
    assert post(site, browser, "/tenant/geography", geography="emea").status_code == 421
    assert post(site, browser, "/tenant/licence", licences="held").status_code == 409
    assert traces.of(SILENT) == []
    assert [line["actor"] for line in site.world.rows("audit_event")] == ["", "", ""]


def test_somebody_without_the_role_is_not_named_either(
    site: Site, browser: FlaskClient, traces: Traces
) -> None:
    site.signed_in(browser, replace(SILENT, directory_roles=frozenset()))
    answer = browser.get("/tenant", base_url=ORIGIN)
    assert 'id="confirm-geography"' not in answer.get_data(as_text=True)
    assert post(site, browser, "/tenant/geography", geography="americas").status_code == 403
    assert traces.of(SILENT) == []


@pytest.mark.parametrize("path", ["/configurations/new", "/configurations/x", "/approvals/x"])
def test_until_somebody_confirms_the_portal_is_the_page_that_asks(
    site: Site, browser: FlaskClient, path: str
) -> None:
    site.signed_in(browser, SILENT)
    answer = site.get(browser, path)
    assert (answer.status_code, answer.location) == (303, "/tenant")


def test_a_confirmed_tenant_is_named_from_then_on(site: Site, browser: FlaskClient) -> None:
    site.signed_in(browser, SILENT)
    post(site, browser, "/tenant/geography", geography="americas")
    post(site, browser, "/tenant/licence", licences="held")
    assert site.get(browser, "/configurations/x").status_code == 404, "and no way back to /tenant"
    names = {row["event"]: row["tenant_id"] for row in site.world.rows("audit_event")}
    assert names == {
        Event.SIGN_IN_COMPLETED: None,
        Event.GEOGRAPHY_CONFIRMED: SILENT.tenant_id,
        Event.LICENCE_CONFIRMED: SILENT.tenant_id,
        Event.CONFIGURATION_REFUSED: SILENT.tenant_id,
    }


def test_a_colleague_who_signed_in_before_goes_on_after_the_confirmation(site: Site) -> None:
    early, admin = site.signed_in(site.browser(), SILENT), site.signed_in(site.browser(), SILENT)
    post(site, admin, "/tenant/geography", geography="americas")
    assert site.get(early, "/tenant").status_code == 200
    assert site.get(early, "/configurations/x").status_code == 404, "and no way back to /tenant"


def test_the_next_sign_in_of_a_confirmed_tenant_is_audited_by_id(
    site: Site, browser: FlaskClient
) -> None:
    with site.world.store.write() as tx:
        tx.configurations.register_tenant(tenant(SILENT.tenant_id))
    site.signed_in(browser, SILENT)
    assert site.world.rows("audit_event")[0]["actor"] == SILENT.object_id


@pytest.mark.parametrize("geography", ["", "mars", "AMERICAS"])
def test_a_choice_that_is_no_geography_is_refused(
    site: Site, browser: FlaskClient, geography: str
) -> None:
    site.signed_in(browser, an_admin())
    assert post(site, browser, "/tenant/geography", geography=geography).status_code == 400
    assert site.world.rows("tenant") == []


@pytest.mark.parametrize("licences", ["", "on", "true"])
def test_licences_are_confirmed_by_the_words_and_not_by_a_bare_post(
    site: Site, browser: FlaskClient, licences: str
) -> None:
    site.signed_in(browser, an_admin())
    post(site, browser, "/tenant/geography", geography="americas")
    assert post(site, browser, "/tenant/licence", licences=licences).status_code == 400
    assert site.world.rows("tenant")[0]["licence_confirmed_at"] is None
