"""E11: a refused launch stands in the audit trail of whose launch it was, and in nobody else's."""

import json
from typing import Any

from bs4 import BeautifulSoup
from flask.testing import FlaskClient
from tests.builders.configurations import OTHER_TENANT, TENANT, TEST_BASE, an_admin
from tests.builders.launches import PROVIDER_USER
from tests.builders.web import Site
from tests.builders.world import context_of

from connector.domain.launch import LaunchKind


def launched_with_a_record_of_production(site: Site, browser: FlaskClient) -> str:
    """The reference number on the refusing page."""
    begun = site.begin(browser, "provider", TEST_BASE)
    context = context_of(LaunchKind.PROVIDER) | {"environment": "production"}
    query = site.answer(begun, PROVIDER_USER, context)
    answer = site.get(browser, "/launch/callback", query_string=query)
    assert answer.status_code == 409
    return _reference(answer.get_data(as_text=True))


def _reference(page: str) -> str:
    found = BeautifulSoup(page, "html.parser").select_one("#reference")
    assert found is not None
    return found.text


def refused_line(site: Site) -> Any:
    return [row for row in site.world.rows("audit_event") if row["outcome"] == "refused"][-1]


def trail_of(site: Site, tenant_id: str, reference: str) -> str:
    browser = site.signed_in(site.browser(), an_admin(tenant_id=tenant_id))
    return site.get(browser, f"/audit?reference={reference}").get_data(as_text=True)


def test_e11_the_line_names_tenant_and_environment_but_no_person(
    site: Site, browser: FlaskClient
) -> None:
    launched_with_a_record_of_production(site, browser)
    line = refused_line(site)
    assert (line["tenant_id"], line["actor"]) == (TENANT, "")
    assert line["environment_id"] is not None
    assert json.loads(line["facts"])["environment"] == "test"


def test_e11_the_administrator_finds_it_by_the_number_that_was_read_out(
    site: Site, browser: FlaskClient
) -> None:
    reference = launched_with_a_record_of_production(site, browser)
    assert "environment_mismatch" in trail_of(site, TENANT, reference)


def test_case_74_an_administrator_of_another_tenant_does_not(
    site: Site, browser: FlaskClient
) -> None:
    reference = launched_with_a_record_of_production(site, browser)
    assert "environment_mismatch" not in trail_of(site, OTHER_TENANT, reference)


def test_whoever_is_signed_in_to_the_portal_in_the_same_browser_is_not_named(
    site: Site, browser: FlaskClient
) -> None:
    site.signed_in(browser, an_admin())
    launched_with_a_record_of_production(site, browser)
    assert refused_line(site)["actor"] == ""


def test_a_launch_from_an_unknown_ehr_belongs_to_no_tenant(
    site: Site, browser: FlaskClient
) -> None:
    site.begin(browser, "provider", "https://stranger.example.org/api/FHIR/R4")
    line = refused_line(site)
    assert (line["tenant_id"], line["environment_id"]) == (None, None)


def test_a_callback_nobody_began_belongs_to_no_tenant(site: Site, browser: FlaskClient) -> None:
    site.get(browser, "/launch/callback", query_string={"state": "invented", "code": "c"})
    line = refused_line(site)
    assert (line["tenant_id"], line["environment_id"]) == (None, None)
