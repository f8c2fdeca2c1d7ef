"""The page that examines a configuration, over HTTP: who may, what it shows, what it leaves behind."""

import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient
from tests.builders.configurations import (
    ADMIN_ID,
    OTHER_TENANT,
    TEAMS_ADMINISTRATOR,
    TENANT,
    TEST_BASE,
    tenant,
)
from tests.builders.web import ORIGIN, Site
from tests.unit.web.page_reading import faults_of, read
from tests.unit.web.pages_world import HOSTILE
from werkzeug.test import TestResponse

from connector.domain.findings import Check
from connector.domain.organization import MicrosoftIdentity
from connector.ports.errors import Denied, Gone, NotConnected
from connector.ports.examination import Metadata

READER = MicrosoftIdentity(TENANT, "reader", "reader@contoso.example", frozenset(), is_guest=False)
STRANGER = MicrosoftIdentity(
    OTHER_TENANT, ADMIN_ID, "a@fabrikam.example", frozenset({TEAMS_ADMINISTRATOR}), is_guest=False
)
PATH = "/configurations/env-test/check"
EVENT = "admin.configuration.examine"


@pytest.fixture
def reader(site: Site) -> FlaskClient:
    with site.world.store.write() as tx:
        tx.heartbeat("worker", site.world.clock.now())
    return site.signed_in(site.browser(), READER)


def press(site: Site, browser: FlaskClient, path: str = PATH) -> TestResponse:
    """Open the page and send its form."""
    page = read(site.get(browser, path).text)
    token = page.select_one("main form input[name=csrf_token]")["value"]
    return browser.post(path, base_url=ORIGIN, data={"csrf_token": token})


def text_of(page: BeautifulSoup, selector: str) -> str:
    return " ".join(found.get_text(" ", strip=True) for found in page.select(selector))


def test_anybody_of_the_tenant_may_look_and_nothing_is_asked_yet(
    site: Site, reader: FlaskClient
) -> None:
    answer = site.get(reader, PATH)
    assert answer.status_code == 200
    assert read(answer.text).select_one("#examine") is not None
    assert site.world.ehr_examination.calls == []
    assert site.world.audited(EVENT) == []


def test_pressing_the_button_shows_every_check_in_order(site: Site, reader: FlaskClient) -> None:
    page = read(press(site, reader).text)
    assert [item["id"] for item in page.select("#findings > li")] == [c.value for c in Check]
    assert text_of(page, "#summary h2") == "Everything is in order"
    assert len(site.world.audited(EVENT)) == 1


def test_what_failed_is_shown_with_cause_remedy_and_who_can_help(
    site: Site, reader: FlaskClient
) -> None:
    site.world.ehr_examination.faults.fail("granted_scopes", Denied("invalid_client"))
    page = read(press(site, reader).text)
    item = page.select_one("#client_known")
    assert (item["data-verdict"], item["data-code"]) == ("failed", "invalid_client")
    assert "does not know the client ID" in text_of(page, "#client_known .cause")
    assert "EHR technical contact" in text_of(page, "#client_known .remedy")
    assert page.select_one("#write_back")["data-verdict"] == "skipped"
    assert text_of(page, "#summary h2") == "1 of 18 not in order"


def test_e1_the_address_that_answers_is_suggested(site: Site, reader: FlaskClient) -> None:
    site.world.ehr_examination.faults.fail("smart_configuration", Gone("http_404"))
    site.world.ehr_examination.also_smart = {TEST_BASE.replace("R4", "DSTU2")}
    page = read(press(site, reader).text)
    assert "api/FHIR/DSTU2" in text_of(page, "#version_suffix .remedy")


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE.keys())
def test_the_page_keeps_its_promises_whatever_the_ehr_says(
    hostile: str, site: Site, reader: FlaskClient
) -> None:
    ehr = site.world.ehr_examination
    ehr.answers[TEST_BASE] = Metadata(None, "CapabilityStatement", hostile)
    ehr.faults.fail("smart_configuration", Gone(hostile, host=hostile))
    ehr.also_smart = {TEST_BASE.replace("R4", "DSTU2")}
    html = press(site, reader).text
    assert faults_of(html) == []
    assert "<script>alert" not in html


@pytest.mark.parametrize("page", [PATH])
def test_the_page_before_any_examination_keeps_its_promises(
    page: str, site: Site, reader: FlaskClient
) -> None:
    assert faults_of(site.get(reader, page).text) == []


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", [PATH, "/configurations/env-none/check"])
def test_case_74_another_tenants_configuration_is_not_found_and_not_examined(
    method: str, path: str, site: Site
) -> None:
    site.app.config["WTF_CSRF_ENABLED"] = False
    with site.world.store.write() as tx:
        tx.configurations.register_tenant(tenant(OTHER_TENANT))
    stranger = site.signed_in(site.browser(), STRANGER)
    assert stranger.open(path, method=method, base_url=ORIGIN).status_code == 404
    assert site.world.ehr_examination.calls == []
    assert site.world.audited(EVENT) == []


def test_nobody_examines_without_a_session(site: Site, browser: FlaskClient) -> None:
    site.app.config["WTF_CSRF_ENABLED"] = False
    answer = browser.post(PATH, base_url=ORIGIN)
    assert answer.status_code in {302, 303, 401}
    assert site.world.ehr_examination.calls == []


@pytest.mark.parametrize("token", [{}, {"csrf_token": "forged"}])
def test_case_76_a_form_of_another_site_examines_nothing(
    token: dict[str, str], site: Site, reader: FlaskClient
) -> None:
    assert reader.post(PATH, base_url=ORIGIN, data=token).status_code == 400
    assert site.world.ehr_examination.calls == []


def test_an_examination_leaves_nothing_but_a_line_of_the_audit_trail(
    site: Site, reader: FlaskClient
) -> None:
    site.world.ehr_examination.faults.fail("metadata", NotConnected("no_connection"))
    answer = press(site, reader)
    [row] = [r for r in site.world.rows("audit_event") if r["event"] == EVENT]
    assert (row["actor"], row["tenant_id"], row["environment_id"]) == ("reader", TENANT, "env-test")
    assert row["reference"] in answer.text
    assert "connection" in site.world.audited(EVENT)[0]["failed"]
    assert "#findings" not in site.get(reader, PATH).text


def test_the_configurations_page_leads_to_the_examination(site: Site, reader: FlaskClient) -> None:
    page = read(site.get(reader, "/configurations/env-test").text)
    assert page.select_one("#examine-link")["href"] == PATH
