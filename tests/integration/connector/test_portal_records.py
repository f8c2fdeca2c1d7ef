"""Integration records in the portal: download, and paste back what the EHR holds (E4, E9, E13, case 44)."""

import re
from typing import Any

import pytest
from tests.builders.configurations import (
    OTHER_TENANT,
    PRODUCTION_BASE,
    active,
    an_admin,
    endpoints,
    environment,
    identity,
    the_approver,
)
from tests.builders.portal import Visitor
from tests.builders.web import ORIGIN, Site
from tests.unit.web.page_reading import faults_of

from connector.domain.integration_record import IntegrationRecord
from connector.domain.launch import LaunchKind
from connector.domain.organization import EnvironmentKind
from connector.domain.visit_settings import VisitSettings

PAGE = "/configurations/env-test"


@pytest.fixture
def analyst(site: Site) -> Visitor:
    return Visitor(site, the_approver()).open(PAGE)


def with_groups(site: Site) -> None:
    site.world.approve(active(id="rev-test-2", number=2, settings=VisitSettings(group_visits=True)))
    with site.world.store.write() as tx:
        for kind in LaunchKind:
            tx.records.add(IntegrationRecord(f"group-{kind.value}", "env-test", kind, group=True))


def with_production(site: Site, name: str = "Contoso Health") -> None:
    where = environment(
        id="env-production",
        kind=EnvironmentKind.PRODUCTION,
        organization_name=name,
        organization_id="org-contoso" if name == "Contoso Health" else "org-other",
    )
    site.world.add_environment(where)
    site.world.approve(
        active(
            id="rev-production",
            environment_id=where.id,
            fhir_base_url=PRODUCTION_BASE,
            endpoints=endpoints(PRODUCTION_BASE),
        )
    )


# Pasting back -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["provider", "patient"])
def test_a_record_that_came_back_unchanged_is_marked_with_the_sites_time(
    name: str, analyst: Visitor
) -> None:
    analyst.press(f"verify-{name}", pasted=analyst.value(f"record-{name}"))
    assert analyst.path == PAGE
    assert "2 March 2026, 06:00 CST" in analyst.text(f"#verified-{name}")
    assert len(analyst.page.select('[data-verified="no"]')) == 1


def test_case_44_a_record_that_differs_by_one_token_shows_it_and_keeps_what_was_pasted(
    analyst: Visitor,
) -> None:
    pasted = analyst.value("record-provider").replace("%CSN%", "%CONFERENCEID%")
    analyst.press("verify-provider", pasted=pasted)
    (row,) = analyst.page.select("#differences [data-token]")
    cells = [cell.get_text(strip=True) for cell in row(["th", "td"])]
    assert cells == ["sessionId", "%CSN%", "%CONFERENCEID%"]
    assert analyst.value("pasted") == pasted
    assert faults_of(analyst.answer.text) == []

    analyst.press("verify", pasted=pasted.replace("%CONFERENCEID%", "%CSN%"))
    assert analyst.path == PAGE
    assert analyst.element("#verified-provider")["data-verified"] == "yes"


@pytest.mark.parametrize(
    ("was", "becomes", "advice", "anchor"),
    [
        ("&departmentId=%LOGINDEPTID%", "", "department column stays blank", "e13"),
        ("%CSN%", "%CONFERENCEID%", "group visits", "e9"),
        ("environment=test", "environment=production", "other EHR environment", "e4"),
        ("/launch/provider", "/launch/patient", "ends in provider", "e4"),
        ("sessionId", "sessionID", "Remove it", "e4"),
    ],
)
def test_each_difference_says_what_it_means_and_where_to_read_on(
    was: str, becomes: str, advice: str, anchor: str, analyst: Visitor
) -> None:
    pasted = analyst.value("record-provider").replace(was, becomes)
    analyst.press("verify-provider", pasted=pasted)
    assert advice in analyst.text("#differences")
    links = {str(a["href"]) for a in analyst.page.select("#differences a")}
    assert f"/help/errors#{anchor}" in links


def test_e4_the_record_of_the_other_environment_is_named(site: Site, analyst: Visitor) -> None:
    with_production(site)
    production = Visitor(site, the_approver()).open("/configurations/env-production")
    analyst.press("verify-provider", pasted=production.value("record-provider"))
    assert "record of your production environment" in analyst.text("#owner")


def test_clinicians_and_patients_records_that_changed_places_are_told(analyst: Visitor) -> None:
    analyst.press("verify-provider", pasted=analyst.value("record-patient"))
    assert "changed places" in analyst.text("#owner")


def test_e9_group_visits_have_records_of_their_own(site: Site) -> None:
    with_groups(site)
    analyst = Visitor(site, the_approver()).open(PAGE)
    assert "%CONFERENCEID%" in analyst.value("record-patient-group")
    assert faults_of(analyst.answer.text) == []
    analyst.press("verify-patient-group", pasted=analyst.value("record-patient"))
    assert "changed places" in analyst.text("#owner")


@pytest.mark.parametrize("pasted", ["", "<script>alert(1)</script>: x", "\u202e=\x00&" * 50])
def test_whatever_is_pasted_is_shown_as_text(pasted: str, analyst: Visitor) -> None:
    analyst.press("verify-provider", pasted=pasted)
    assert analyst.status == 200
    assert "<script>alert" not in analyst.answer.text
    assert faults_of(analyst.answer.text) == []


def test_e8_somebody_who_neither_approved_nor_administers_cannot_compare(site: Site) -> None:
    reader = Visitor(site, identity()).open(PAGE)
    token = reader.element("[name=csrf_token]")["value"]
    answer = reader.browser.post(
        f"{PAGE}/records/record-provider/verify",
        base_url=ORIGIN,
        data={"csrf_token": token, "pasted": reader.value("record-provider")},
    )
    assert answer.status_code == 403
    assert "Your account's roles" in answer.text


# Downloads --------------------------------------------------------------------------------------


def test_a_record_is_downloaded_as_it_is_shown(analyst: Visitor) -> None:
    answer = analyst.browser.get(
        str(analyst.element("#download-provider")["href"]), base_url=ORIGIN
    )
    assert answer.text == analyst.value("record-provider")
    assert answer.mimetype == "text/plain"
    disposition = 'attachment; filename="contoso-health-test-provider.txt"'
    assert answer.headers["Content-Disposition"] == disposition


def test_all_records_are_downloaded_at_once_with_their_client_ids(site: Site) -> None:
    with_groups(site)
    analyst = Visitor(site, the_approver()).open(PAGE)
    answer = analyst.browser.get(str(analyst.element("#download-all")["href"]), base_url=ORIGIN)
    assert answer.text.count("Launch URL: ") == 4
    assert answer.text.count("Client ID: client-patient") == 2


@pytest.mark.parametrize("name", ["record-provider.txt", "all.txt", "unknown.txt", "..%2fall.txt"])
def test_case_74_nobody_downloads_another_tenants_records(name: str, site: Site) -> None:
    stranger = Visitor(site, an_admin(tenant_id=OTHER_TENANT, country="US"))
    assert stranger.open(f"{PAGE}/records/{name}").status == 404


def test_a_record_of_another_environment_is_not_downloaded_through_this_one(site: Site) -> None:
    with_production(site)
    analyst = Visitor(site, the_approver())
    assert analyst.open(f"{PAGE}/records/record-provider-env-production.txt").status == 404


def test_before_the_first_approval_there_is_nothing_to_download(site: Site) -> None:
    where = environment(id="env-new", organization_name="New", organization_id="org-new")
    site.world.add_environment(where)
    analyst = Visitor(site, the_approver())
    assert analyst.open("/configurations/env-new/records/all.txt").status == 404


# Names of every kind (case 45) ------------------------------------------------------------------

NAMES: dict[str, str] = {
    "XSS": "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>",
    "CSV": '=HYPERLINK("https://evil.example","x")',
    "CRLF": "Contoso\r\nSet-Cookie: x=1\r\n\r\n<b>",
    "emoji": "Clinic 🏥👩🏽‍⚕️",
    "RTL": "\u202eعيادة الشمال\u202c",
    "quotes": 'a"; filename="evil.exe',
    "path": "../../etc/passwd",
    "200 characters": "Ü" * 200,
    "template": "{{ 7 * 7 }}{% include 'x' %}",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_case_45_a_name_is_stored_as_typed_and_shown_as_text(name: str, site: Site) -> None:
    admin = Visitor(site, an_admin()).open("/configurations/new")
    base = "https://other.example/api/FHIR/R4"
    site.world.smart.add_ehr(base)
    admin.press("save", organization=name, fhir_base_url=base, approver=the_approver().sign_in_name)
    assert admin.status == 200
    assert name.strip() in [row["name"] for row in site.world.rows("organization")]
    for path in (admin.path, "/"):
        admin.open(path)
        assert faults_of(admin.answer.text) == []
        assert not re.search(
            r"<(script>|img|b>)", admin.answer.text.replace('<img src="/static', "")
        )


@pytest.mark.parametrize("name", ["x" * 201, "x" * 10_000, "🏥" * 2_000, "", "   "])
def test_case_45_a_name_too_long_or_of_nothing_is_refused_and_kept_to_be_corrected(
    name: str, site: Site
) -> None:
    admin = Visitor(site, an_admin()).open("/configurations/new")
    admin.press(
        "save", organization=name, fhir_base_url="https://x.example/R4", approver="a@b.example"
    )
    assert admin.status == 422
    assert admin.has("#organization-error-1")
    assert admin.value("organization") == name
    assert len(site.world.rows("organization")) == 1


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_case_45_downloads_are_safe_whatever_the_organization_is_called(
    name: str, site: Site
) -> None:
    with_production(site, name)
    analyst = Visitor(site, the_approver())
    answer: Any = analyst.browser.get(
        "/configurations/env-production/records/all.txt", base_url=ORIGIN
    )
    assert re.fullmatch(
        r'attachment; filename="[a-z0-9-]{1,100}\.txt"', answer.headers["Content-Disposition"]
    )
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie: x" not in str(answer.headers)
    assert answer.text.splitlines()[0].endswith(", production")


def test_case_45_the_overview_of_ten_thousand_letters_of_names_stays_readable(site: Site) -> None:
    for number in range(50):
        site.world.add_environment(
            environment(
                id=f"e{number}",
                organization_id=f"o{number}",
                organization_name=f"{number:03}" + "x" * 197,
            )
        )
        site.world.approve(
            active(
                id=f"r{number}",
                environment_id=f"e{number}",
                fhir_base_url=f"https://h{number}.example/R4",
            )
        )
    reader = Visitor(site, an_admin()).open("/")
    assert len(reader.page.select("[data-organization]")) == 51
    assert faults_of(reader.answer.text) == []
