"""From test to production, and back, by clicking through the portal (flow 5, cases 42 and 43)."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.builders.configurations import (
    OTHER_TENANT,
    PRODUCTION_BASE,
    TEST_BASE,
    active,
    an_admin,
    identity,
    the_approver,
)
from tests.builders.portal import Visitor
from tests.builders.promotions import PRODUCTION_CLIENTS, live, make_ready, production
from tests.builders.web import Site
from tests.builders.world import World
from tests.unit.web.page_reading import faults_of

from connector.ports.errors import Gone, TryLater

PROMOTE = "/configurations/env-test/promote"
FILLED: dict[str, Any] = {
    "fhir_base_url": PRODUCTION_BASE,
    "approver": the_approver().sign_in_name,
    "provider_client_id": PRODUCTION_CLIENTS.provider,
    "patient_client_id": PRODUCTION_CLIENTS.patient,
    "backend_client_id": PRODUCTION_CLIENTS.backend,
}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Test is live and ready for production."""
    site = Site(World(tmp_path))
    site.world.add_environment()
    site.world.approve()
    site.world.book()
    make_ready(site.world)
    return site


@pytest.fixture
def admin(site: Site) -> Visitor:
    return Visitor(site, an_admin()).open(PROMOTE)


def blocked(admin: Visitor) -> set[str]:
    return {str(item["data-readiness"]) for item in admin.page.select('#items [data-ready="no"]')}


# Planning and applying --------------------------------------------------------------------------


def test_a_plan_lists_what_is_ready_and_changes_nothing(admin: Visitor, site: Site) -> None:
    admin.press("plan", **FILLED)
    assert admin.status == 200
    assert blocked(admin) == set()
    assert len(admin.page.select("#items li")) == 9
    assert PRODUCTION_BASE in admin.text(".facts")
    assert len(site.world.rows("configuration_revision")) == 1
    assert faults_of(admin.answer.text) == []


def test_an_applied_plan_waits_for_its_approver_in_production(admin: Visitor, site: Site) -> None:
    admin.press("plan", **FILLED).press("apply")
    assert "Waiting for approval" in admin.text("#state")
    assert "Promoted from test" in admin.text("#revisions")
    assert admin.has(".band.production")
    assert admin.value("approval-link").endswith(site.world.rows("configuration_revision")[1]["id"])
    assert [r["state"] for r in site.world.rows("configuration_revision")] == [
        "active",
        "awaiting_approval",
    ]


def test_case_42_a_plan_that_something_changed_under_is_shown_anew(
    admin: Visitor, site: Site
) -> None:
    admin.press("plan", **FILLED)
    site.world.clock.advance(timedelta(minutes=1))
    site.world.approve(active(id="rev-test-2", number=2, approved_at=site.world.clock.now()))
    admin.press("apply")
    assert admin.status == 409
    assert "Something changed" in admin.text("#problems")
    assert blocked(admin) == {"test_visits"}
    assert not admin.has("#apply")


def test_case_42_what_was_typed_after_the_plan_is_not_applied(admin: Visitor, site: Site) -> None:
    admin.press("plan", **FILLED).press("apply", patient_client_id="never-planned")
    assert admin.status == 409
    assert len(site.world.rows("configuration_revision")) == 1


def test_applying_twice_makes_one_revision(admin: Visitor, site: Site) -> None:
    """The second press sends the same form again."""
    admin.press("plan", **FILLED)
    page, path = admin.page, admin.path
    admin.press("apply")
    admin.page, admin.path = page, path
    admin.press("apply")
    assert admin.status == 200
    assert len(site.world.rows("configuration_revision")) == 2


def test_a_plan_that_was_applied_already_leads_to_its_revision(admin: Visitor) -> None:
    admin.press("plan", **FILLED).press("apply")
    admin.open(PROMOTE).press("plan", **FILLED)
    assert "/configurations/" in str(admin.element("#applied a")["href"])
    assert not admin.has("#apply")


@pytest.mark.parametrize(
    ("typed", "item", "told"),
    [
        ({"fhir_base_url": TEST_BASE}, "address_free", "production's own address"),
        (
            {"patient_client_id": "client-patient"},
            "clients_of_production",
            "Client ID for patients",
        ),
        ({"approver": "nobody@contoso.example"}, "approver_known", "No enabled member"),
        ({"fhir_base_url": "https://other.example/R4"}, "production_probed", "no SMART"),
    ],
    ids=["case 43 address of test", "case 43 client of test", "approver", "no EHR there"],
)
def test_case_43_what_stands_in_the_way_is_named_with_its_remedy(
    typed: dict[str, str], item: str, told: str, admin: Visitor, site: Site
) -> None:
    site.world.smart.faults.fail("discover", Gone("http_404")) if "other" in str(typed) else None
    admin.press("plan", **FILLED | typed)
    assert item in blocked(admin)
    assert told in admin.text(f'[data-readiness="{item}"]')
    assert admin.text(f'[data-readiness="{item}"] .remedy strong')
    assert not admin.has("#apply")


def test_what_the_test_environment_lacks_is_named(tmp_path: Path) -> None:
    site = Site(World(tmp_path))
    site.world.add_environment()
    site.world.approve()
    site.world.smart.add_ehr(PRODUCTION_BASE)
    admin = Visitor(site, an_admin()).open(PROMOTE).press("plan", **FILLED)
    assert blocked(admin) == {"test_visits", "records_verified", "licence_confirmed"}
    assert "3 of 9 points are missing" in admin.text("#readiness")


@pytest.mark.parametrize("name", ["fhir_base_url", "approver", "backend_client_id"])
def test_an_empty_field_is_named_before_anybody_is_asked(
    name: str, admin: Visitor, site: Site
) -> None:
    asked = len(site.world.smart.calls)
    admin.press("plan", **FILLED | {name: ""})
    assert admin.status == 422
    assert admin.has(f"#{name}-error-1")
    assert len(site.world.smart.calls) == asked


@pytest.mark.parametrize("address", ["http://ehr.example/R4", "https://10.0.0.1/../R4", "nonsense"])
def test_an_address_of_another_shape_is_refused_at_its_field(address: str, admin: Visitor) -> None:
    admin.press("plan", **FILLED | {"fhir_base_url": address})
    assert admin.status == 422
    assert admin.has("#fhir_base_url-error-1")


@pytest.mark.parametrize("button", ["check-address", "search-approver"])
def test_asking_on_the_way_plans_nothing_and_keeps_what_was_typed(
    button: str, admin: Visitor, site: Site
) -> None:
    admin.press(button, **FILLED | {"approver": "olivia"})
    assert admin.status == 200
    assert admin.value("fhir_base_url") == PRODUCTION_BASE
    assert site.world.audited("admin.promotion.plan") == []


def test_an_outage_of_the_ehr_is_a_point_of_the_plan(admin: Visitor, site: Site) -> None:
    site.world.smart.faults.fail("discover", TryLater("timeout"), times=None)
    admin.press("plan", **FILLED)
    assert blocked(admin) == {"production_probed"}
    assert "did not answer in time" in admin.text('[data-readiness="production_probed"]')


# Who, and where ---------------------------------------------------------------------------------

CHANGING = ["/rollback", "/retirement", "/promote"]


@pytest.mark.parametrize("page", CHANGING)
@pytest.mark.parametrize("who", [identity(), the_approver()], ids=["member", "approver"])
def test_e8_who_holds_no_role_is_told_which_one_is_missing_and_which_they_have(
    page: str, who: Any, site: Site
) -> None:
    reader = Visitor(site, who).open(f"/configurations/env-test{page}")
    assert reader.status == 403
    assert "Virtual Visits Administrator" in reader.text("#cause")
    assert reader.text("#roles") == "Your account's roles: none."
    assert who.sign_in_name in reader.text("#signed-in-as")


def test_e8_a_role_that_is_not_enough_is_named(site: Site) -> None:
    roles = frozenset(
        {"f2ef992c-3afb-46b9-b7cf-a126ee74c451", "b79fbf4d-3ef9-4689-8143-76b194e85509"}
    )
    reader = Visitor(site, identity(directory_roles=roles)).open(PROMOTE)
    assert "Global Reader" in reader.text("#roles")


@pytest.mark.parametrize("page", CHANGING)
def test_case_74_another_tenants_environment_does_not_exist(page: str, site: Site) -> None:
    stranger = Visitor(site, an_admin(tenant_id=OTHER_TENANT))
    assert stranger.open(f"/configurations/env-test{page}").status == 404


def test_only_test_is_promoted(site: Site) -> None:
    with site.world.store.write() as tx:
        tx.configurations.add_environment(production(), site.world.clock.now())
    live(site.world, 1)
    admin = Visitor(site, an_admin()).open("/configurations/env-production/promote")
    assert admin.status == 404


def test_f29_a_member_without_a_role_sees_everything_and_no_button(site: Site) -> None:
    reader = Visitor(site, identity()).open("/configurations/env-test")
    assert reader.has("#record-provider")
    assert not reader.page.select("#new-revision, #promote, #roll-back, #retire, [name=pasted]")


# Going back, and out of use ---------------------------------------------------------------------


@pytest.fixture
def production_site(site: Site) -> Site:
    """Production has two approved revisions; the second one has another client id for patients."""
    with site.world.store.write() as tx:
        tx.configurations.add_environment(production(), site.world.clock.now())
    live(site.world, 1)
    live(site.world, 2, clients=replace(PRODUCTION_CLIENTS, patient="new-patient"))
    return site


def states(site: Site) -> dict[str, str]:
    return {row["id"]: row["state"] for row in site.world.rows("configuration_revision")}


def test_a_rollback_is_shown_before_it_is_done(production_site: Site) -> None:
    admin = Visitor(production_site, an_admin()).open("/configurations/env-production")
    admin.open(str(admin.element("#roll-back")["href"]))
    assert "Go back to revision 1?" in admin.text("h1")
    assert "new-patient" in admin.text("#comparison")
    assert states(production_site)["rev-production-2"] == "active"
    assert faults_of(admin.answer.text) == []

    admin.press("confirm-roll-back")
    assert admin.path == "/configurations/env-production"
    assert states(production_site)["rev-production-1"] == "active"
    assert not admin.has("#roll-back")


def test_a_double_click_on_rollback_goes_back_once(production_site: Site) -> None:
    first = Visitor(production_site, an_admin()).open("/configurations/env-production/rollback")
    second = Visitor(production_site, an_admin()).open("/configurations/env-production/rollback")
    first.press("confirm-roll-back")
    second.press("confirm-roll-back")
    assert second.status == 200
    assert states(production_site)["rev-production-1"] == "active"


def test_what_changed_since_it_was_shown_is_not_rolled_back(production_site: Site) -> None:
    admin = Visitor(production_site, an_admin()).open("/configurations/env-production/rollback")
    live(production_site.world, 3)
    admin.press("confirm-roll-back")
    assert admin.status == 409
    assert states(production_site)["rev-production-3"] == "active"


def test_without_an_earlier_approval_there_is_nothing_to_go_back_to(site: Site) -> None:
    admin = Visitor(site, an_admin()).open("/configurations/env-test")
    assert not admin.has("#roll-back")
    assert admin.open("/configurations/env-test/rollback").status == 409


def test_an_environment_is_taken_out_of_use_after_it_was_asked(production_site: Site) -> None:
    admin = Visitor(production_site, an_admin()).open("/configurations/env-production")
    admin.open(str(admin.element("#retire")["href"]))
    assert faults_of(admin.answer.text) == []
    assert PRODUCTION_BASE in admin.text("main")
    admin.press("confirm-retire")
    assert "Retired" in admin.text("#state")
    assert "out of use" in admin.text("main")
    assert not admin.page.select("#retire, #roll-back, #record-provider")


def test_what_is_out_of_use_can_be_neither_retired_nor_rolled_back(production_site: Site) -> None:
    admin = Visitor(production_site, an_admin())
    admin.open("/configurations/env-production/retirement").press("confirm-retire")
    for page in ("retirement", "rollback"):
        assert admin.open(f"/configurations/env-production/{page}").status == 409


def test_the_history_says_what_each_revision_changed(production_site: Site) -> None:
    admin = Visitor(production_site, an_admin()).open("/configurations/env-production")
    (row,) = admin.page.select("#history-2 tbody tr")
    assert row["data-field"] == "client_patient"
    assert not admin.has("#history-1")
