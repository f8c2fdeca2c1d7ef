"""The overview: organizations, where each environment stands, who must act next, in the real routes."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.web.page_reading import get, text_of
from tests.unit.web.pages_world import (
    ADMIN,
    ANALYST,
    NOW,
    TENANT,
    PagesWorld,
    environment,
    live,
    record,
    revision,
)

from connector.domain.configuration import Revision, RevisionState
from connector.domain.integration_record import IntegrationRecord
from connector.domain.launch import LaunchKind
from connector.domain.organization import EnvironmentKind, MicrosoftIdentity
from connector.domain.sharing import Grant, GrantState

PRODUCTION = EnvironmentKind.PRODUCTION


def test_a_stranger_is_told_what_this_is_and_offered_the_sign_in(world: PagesWorld) -> None:
    page = get(world.client(None), "/")
    assert page.select_one("#sign-in")["href"] == "/signin/microsoft"
    assert "Americas" in text_of(page, "footer")


def test_a_stranger_sees_no_organization(world: PagesWorld) -> None:
    world.store.add(environment(), live(environment()))
    assert "Contoso" not in get(world.client(None), "/").text


def test_another_tenants_organizations_do_not_appear(world: PagesWorld) -> None:
    world.store.add(environment(), live(environment()))
    stranger = MicrosoftIdentity("other-tenant", "o", "o@other.example", frozenset(), False)
    assert "Contoso" not in get(world.client(stranger), "/").text


@pytest.mark.parametrize(
    ("stamps", "told"),
    [
        ({}, "opens the approval link"),
        ({"microsoft_signed_in_at": NOW}, "signs in to the EHR"),
        ({"microsoft_signed_in_at": NOW, "ehr_signed_in_at": NOW}, "reviews the configuration"),
        ({"state": RevisionState.CHANGES_REQUESTED}, "An administrator enters a corrected"),
        ({"state": RevisionState.ACTIVE}, "copies the integration records"),
        ({"state": RevisionState.RETIRED}, "Nobody"),
    ],
)
def test_the_overview_says_who_must_act_next(
    stamps: dict[str, Any], told: str, world: PagesWorld
) -> None:
    world.store.add(environment(), revision(environment(), **stamps))
    assert told in text_of(get(world.client(), "/"), ".environments")


def test_the_link_to_send_is_absolute_and_leads_to_the_approval(world: PagesWorld) -> None:
    world.store.add(environment(), revision(environment()))
    link = get(world.client(), "/").select_one(".environments input[readonly]")
    assert link["value"] == "https://connector.example/approvals/env1-rev1"


def verified(environment_id: str) -> list[IntegrationRecord]:
    return [record(environment_id, kind, verified_at=NOW) for kind in LaunchKind]


@pytest.mark.parametrize(
    ("state", "whom", "leads_to"),
    [
        ("awaiting_approval", "the approver", "/approvals/env1-rev1"),
        ("changes_requested", "an administrator", "/configurations/new?of=env1"),
        ("active", "the EHR analyst", "/configurations/env1"),
    ],
)
def test_whoever_must_act_next_can_be_sent_a_link(
    state: str, whom: str, leads_to: str, world: PagesWorld
) -> None:
    world.store.add(environment(), revision(environment(), state=RevisionState(state)))
    page = get(world.client(), "/")
    link = page.select_one(".environments input[readonly]")
    assert link["value"] == f"https://connector.example{leads_to}"
    assert text_of(page, f'label[for="{link["id"]}"]') == f"Link to send to {whom}"


def test_a_live_test_environment_whose_records_came_back_goes_to_production_next(
    world: PagesWorld,
) -> None:
    world.store.add(environment(), live(environment()))
    world.store.records_["env1"] = verified("env1")
    link = get(world.client(), "/").select_one(".environments input[readonly]")
    assert link["value"] == "https://connector.example/configurations/env1/promote"


def test_an_environment_that_waits_for_nobody_has_no_link(world: PagesWorld) -> None:
    where = environment(kind=PRODUCTION)
    world.store.add(where, live(where))
    world.store.records_["env1"] = verified("env1")
    page = get(world.client(), "/")
    assert page.select_one(".environments input") is None
    assert "Nobody" in text_of(page, ".environments")


def test_an_unconfirmed_geography_is_said_first(world: PagesWorld) -> None:
    world.store.tenant_ = None
    assert get(world.client(), "/").select_one("#unconfirmed a")["href"] == "/tenant"


@pytest.mark.parametrize(
    ("changed", "notices"),
    [
        ({}, 1),
        ({"state": GrantState.DECLINED}, 0),
        ({"guest_tenant_id": "other", "owner_tenant_id": TENANT}, 0),
    ],
    ids=["offered to us", "declined", "offered by us"],
)
def test_an_offer_to_share_is_told_while_it_waits_for_us(
    changed: dict[str, Any], notices: int, world: PagesWorld
) -> None:
    offered = Grant("g", "https://x.example/R4", "e", "o", TENANT, GrantState.OFFERED, NOW, "x")
    world.store.offers = [replace(offered, **changed)]
    assert len(get(world.client(), "/").select("#offers")) == notices


def test_a_pending_change_of_a_live_environment_says_what_launches_use(world: PagesWorld) -> None:
    world.store.add(environment(), live(environment()), revision(environment(), 2))
    assert "Launches keep using revision 1" in text_of(get(world.client(), "/"), ".environments")


def test_what_waits_for_me_comes_before_everything_else(world: PagesWorld) -> None:
    world.store.add(environment(), revision(environment()))
    page = get(world.client(ANALYST), "/")
    first = page.select("main h2")[0]
    assert first.text == "Waiting for your approval"
    assert page.select_one("#to-approve a")["href"] == "/approvals/env1-rev1"


def test_what_waits_for_somebody_else_is_not_mine_to_approve(world: PagesWorld) -> None:
    world.store.add(environment(), revision(environment()))
    assert get(world.client(ADMIN), "/").select_one("#to-approve") is None


def test_somebody_without_a_role_is_told_which_roles_may_change_things(world: PagesWorld) -> None:
    page = get(world.client(ANALYST), "/")
    assert page.select_one("#add-environment") is None
    assert "Virtual Visits Administrator" in page.text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("organization=NORTH", {"Contoso Clinics North"}),
        ("organization=%20berg%20", {"Bergklinik"}),
        ("state=active", {"Bergklinik"}),
        ("state=awaiting_approval", {"Contoso Clinics North", "Bergklinik"}),
        ("organization=contoso&state=active", set()),
        ("organization=%3Cscript%3E", set()),
        ("state=nonsense", set()),
        ("", {"Contoso Clinics North", "Bergklinik"}),
    ],
)
def test_the_filter_works_without_scripts(query: str, found: set[str], world: PagesWorld) -> None:
    berg = environment(2, organization_name="Bergklinik")
    world.store.add(environment(), revision(environment()))
    world.store.add(berg, live(berg), revision(berg, 2))
    page = get(world.client(), f"/?{query}")
    assert {s["data-organization"] for s in page.select("[data-organization]")} == found


def test_a_filter_that_finds_nothing_says_so_and_offers_everything(world: PagesWorld) -> None:
    world.store.add(environment(), revision(environment()))
    page = get(world.client(), "/?organization=nobody")
    assert "No environment matches" in text_of(page, "#filter-found")
    assert "Show all" in text_of(page, "#filter")


def test_production_is_offered_once_test_is_live(world: PagesWorld) -> None:
    world.store.add(environment(), live(environment()))
    link = get(world.client(), "/").select_one('.environments a.button[href$="/promote"]')
    assert link["href"] == "/configurations/env1/promote"


@pytest.mark.parametrize(
    ("who", "test", "production"),
    [
        (ADMIN, revision(environment()), None),
        (ADMIN, live(environment()), revision(environment(2, kind=PRODUCTION))),
        (ANALYST, live(environment()), None),
    ],
    ids=["test not approved", "production there already", "no role"],
)
def test_production_is_not_offered_before_its_time(
    who: MicrosoftIdentity, test: Revision, production: Revision | None, world: PagesWorld
) -> None:
    same = environment(2, kind=PRODUCTION, organization_id="org1")
    world.store.environments_ = [environment()] + [same] * bool(production)
    world.store.revisions_ = {r.id: r for r in (test, production) if r}
    assert (
        get(world.client(who), "/").select_one('.environments a.button[href$="/promote"]') is None
    )


@pytest.mark.parametrize("path", ["/", "/configurations/env1"])
def test_after_a_rollback_the_live_revision_is_what_stands(path: str, world: PagesWorld) -> None:
    left = live(environment(), 2, state=RevisionState.RETIRED, fhir_base_url="https://left.example")
    world.store.add(environment(), live(environment()), left)
    page = get(world.client(), path)
    assert "Live" in text_of(page, ".environments .standing, #state")
    assert "Retired" not in text_of(page, ".environments .standing, #state")
    assert "left.example" not in text_of(page, ".environments, .facts")


def test_after_a_rollback_a_new_revision_begins_with_what_is_live(world: PagesWorld) -> None:
    left = live(environment(), 2, state=RevisionState.RETIRED, fhir_base_url="https://left.example")
    world.store.add(environment(), live(environment()), left)
    page = get(world.client(), "/configurations/new?of=env1")
    assert page.select_one("#fhir_base_url")["value"] == live(environment()).fhir_base_url
