"""Entering an EHR environment in the portal: questions, suggestions, settings (F14-F20, E1)."""

from pathlib import Path
from typing import Any

import pytest
from tests.builders.configurations import TEST_BASE, active, an_admin, approver, identity
from tests.builders.portal import Visitor
from tests.builders.web import Site
from tests.builders.world import World
from tests.unit.web.page_reading import faults_of

from connector.domain.configuration import Approver
from connector.domain.visit_settings import Department, Lobby, VisitSettings
from connector.ports.errors import Denied, Gone, TryLater

OTHER_BASE = "https://ehr.fabrikam.example/api/FHIR/R4"
MISTYPED = "https://ehr.fabrikam.example/api/FHIR"


@pytest.fixture
def empty_site(tmp_path: Path) -> Site:
    """Contoso's geography is confirmed and nothing else."""
    site = Site(World(tmp_path))
    site.world.confirm_geography(an_admin(), site.world.confirm_geography.geography, "ref")
    site.world.smart.add_ehr(OTHER_BASE)
    return site


@pytest.fixture
def admin(empty_site: Site) -> Visitor:
    return Visitor(empty_site, an_admin()).open("/configurations/new")


FILLED: dict[str, Any] = {
    "organization": "Fabrikam Clinics",
    "fhir_base_url": OTHER_BASE,
    "approver": approver().sign_in_name,
    "time_zone": "Europe/Berlin",
    "department": Department.PERFORMING.value,
    "group_visits": "y",
    "lobby": Lobby.EVERYBODY.value,
    "join_opens_minutes": "45",
    "join_closes_minutes": "90",
    "frame_ancestors": "https://hyperspace.example.org\nhttps://citrix.example.org",
}


# Before anything else ---------------------------------------------------------------------------


def test_case_75_nothing_is_entered_before_the_geography_is_confirmed(tmp_path: Path) -> None:
    site = Site(World(tmp_path))
    admin = Visitor(site, an_admin()).open("/configurations/new")
    assert admin.path.startswith("/tenant")
    assert admin.has("#confirm-geography")
    assert admin.has("#first-note")


def test_everything_that_was_entered_is_stored_with_the_revision(
    admin: Visitor, empty_site: Site
) -> None:
    admin.press("save", **FILLED)
    with empty_site.world.store.read() as tx:
        (revision,) = tx.configurations.revisions(admin.path.rpartition("/")[2])
    assert admin.status == 200
    assert revision.settings == VisitSettings(
        department=Department.PERFORMING,
        group_visits=True,
        browser_join=True,
        lobby=Lobby.EVERYBODY,
        join_opens_minutes=45,
        join_closes_minutes=90,
        frame_ancestors=("https://hyperspace.example.org", "https://citrix.example.org"),
    )


@pytest.mark.parametrize(
    ("field", "typed", "told"),
    [
        ("join_opens_minutes", "1441", "0 to 1440"),
        ("join_closes_minutes", "-1", "0 to 1440"),
        ("join_opens_minutes", "an hour", "0 to 1440"),
        ("join_opens_minutes", "", "0 to 1440"),
        ("frame_ancestors", "http://plain.example.org", "https origin"),
        ("frame_ancestors", "https://a.example/path", "https origin"),
        ("frame_ancestors", "\n".join(f"https://h{i}.example" for i in range(11)), "https origin"),
        ("frame_ancestors", "'self' *", "https origin"),
        ("department", "%SOMETHING%", "Not a valid choice"),
        ("lobby", "nobody", "Not a valid choice"),
        ("vendor", "acme", "Not a valid choice"),
        ("environment", "production", "Not a valid choice"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_at_its_field(
    field: str, typed: str, told: str, admin: Visitor
) -> None:
    admin.press("save", **FILLED | {field: typed})
    assert admin.status == 422
    assert told in admin.text(f'[id^="{field}-error"]')
    assert admin.value("organization") == "Fabrikam Clinics"
    assert faults_of(admin.answer.text) == []


@pytest.mark.parametrize("button", ["check-address", "search-approver", "save"])
def test_every_value_survives_every_button(button: str, admin: Visitor) -> None:
    typed = FILLED | {"fhir_base_url": MISTYPED, "organization": "Fabrikam & <b>Söhne</b>"}
    admin.press(button, **typed)
    for name, value in typed.items():
        if name != "group_visits":
            assert admin.value(name) == value, name
    assert admin.element("#group_visits").has_attr("checked")


# The address ------------------------------------------------------------------------------------


def test_an_address_can_be_checked_before_anything_is_saved(
    admin: Visitor, empty_site: Site
) -> None:
    admin.press("check-address", fhir_base_url=OTHER_BASE)
    assert admin.status == 200
    assert "https://ehr.fabrikam.example/oauth2" in admin.text("#checked")
    assert empty_site.world.rows("configuration_revision") == []
    assert not admin.has("#problems")


@pytest.mark.parametrize("button", ["check-address", "save"])
def test_e1_an_address_that_answers_beside_a_mistyped_one_is_suggested_and_taken(
    button: str, admin: Visitor, empty_site: Site
) -> None:
    empty_site.world.smart.faults.fail("discover", Gone("http_404"))
    empty_site.world.ehr_examination.also_smart.add(OTHER_BASE)
    admin.press(button, **FILLED | {"fhir_base_url": MISTYPED})
    assert admin.status == 422
    assert "no SMART configuration" in admin.text("#fhir_base_url-error-1")
    assert OTHER_BASE in admin.text("#suggestions")

    admin.press("use-address-1")
    assert admin.status == 200
    assert admin.value("fhir_base_url") == OTHER_BASE
    assert admin.has("#checked")


@pytest.mark.parametrize(
    "address", ["", "https://127.0.0.1%2f@evil.example/R4", "http://ehr.example.org/R4", "ehr"]
)
def test_case_37_an_address_of_another_shape_is_refused_unasked(
    address: str, admin: Visitor, empty_site: Site
) -> None:
    admin.press("check-address", fhir_base_url=address)
    assert admin.status == 422
    assert admin.has("#fhir_base_url-error-1")
    assert not admin.has("#suggestions")
    assert [c for c in empty_site.world.smart.calls if c[0] == "discover"] == []
    assert empty_site.world.audited("admin.configuration.refuse")[-1]["reason"] == "url_refused"


def test_an_ehr_that_does_not_answer_is_not_searched_for_other_addresses(
    admin: Visitor, empty_site: Site
) -> None:
    empty_site.world.smart.faults.fail("discover", TryLater("no_connection"))
    admin.press("check-address", fhir_base_url=OTHER_BASE)
    assert admin.status == 422
    assert empty_site.world.ehr_examination.calls == []


# The approver -----------------------------------------------------------------------------------


def test_f20_people_the_directory_knows_are_offered_and_the_chosen_one_is_saved(
    admin: Visitor, empty_site: Site
) -> None:
    empty_site.world.directory.add(an_admin().tenant_id, Approver("o2", "olaf@contoso.example"))
    admin.press("search-approver", **FILLED | {"approver": "ol"})
    offered = [radio["value"] for radio in admin.page.select("[name=found_approver]")]
    assert offered == ["olaf@contoso.example", approver().sign_in_name]
    assert faults_of(admin.answer.text) == []

    admin.press("save", found_approver="olaf@contoso.example")
    assert "olaf@contoso.example" in admin.text(".facts")


def test_f8_an_admin_who_finds_themselves_is_told_so_and_may_approve(
    admin: Visitor, empty_site: Site
) -> None:
    me = Approver(an_admin().object_id, an_admin().sign_in_name)
    empty_site.world.directory.add(an_admin().tenant_id, me)
    admin.press("search-approver", **FILLED | {"approver": "adele"})
    assert "(you)" in admin.text("#found-people")
    admin.press("save", found_approver=me.sign_in_name)
    assert admin.status == 200


@pytest.mark.parametrize("text", ["", "o", "zzz", "<script>"])
def test_nobody_found_says_how_to_search(text: str, admin: Visitor) -> None:
    admin.press("search-approver", approver=text)
    assert admin.status == 200
    assert "at least two letters" in admin.text("#found-nobody")


@pytest.mark.parametrize("failure", [TryLater("timeout"), Denied("Authorization_RequestDenied")])
def test_a_directory_that_does_not_answer_is_said_on_top(
    failure: Exception, admin: Visitor, empty_site: Site
) -> None:
    empty_site.world.directory.faults.fail("search", failure)
    admin.press("search-approver", approver="olivia")
    assert admin.status == 422
    assert "Microsoft does not answer" in admin.text("#problems")


@pytest.mark.parametrize("button", ["check", "search", "save", "anything"])
def test_e8_who_holds_no_role_can_ask_nothing(button: str, empty_site: Site) -> None:
    reader = Visitor(empty_site, identity()).open("/")
    token = reader.element("[name=csrf_token]")["value"]
    answer = reader.browser.post(
        "/configurations/new",
        base_url="https://connector.example",
        data={"csrf_token": token, "action": button, "fhir_base_url": OTHER_BASE},
    )
    assert answer.status_code == 403
    assert empty_site.world.smart.calls == []


# A new revision ---------------------------------------------------------------------------------


def test_a_new_revision_begins_with_the_settings_of_the_newest_one(tmp_path: Path) -> None:
    site = Site(World(tmp_path))
    site.world.add_environment()
    settings = VisitSettings(
        browser_join=False, join_opens_minutes=15, frame_ancestors=("https://a.example",)
    )
    site.world.approve(active(settings=settings))
    admin = Visitor(site, an_admin()).open("/configurations/new?of=env-test")
    assert not admin.element("#browser_join").has_attr("checked")
    assert admin.value("join_opens_minutes") == "15"
    assert admin.value("frame_ancestors") == "https://a.example"
    assert admin.value("fhir_base_url") == TEST_BASE


def test_case_46_a_revision_stays_with_its_organization_whatever_is_posted(tmp_path: Path) -> None:
    site = Site(World(tmp_path))
    site.world.add_environment()
    site.world.approve()
    admin = Visitor(site, an_admin()).open("/configurations/new?of=env-test")
    admin.press("save", organization="Somebody else's", status="active", tenant_id="x")
    assert admin.path == "/configurations/env-test"
    assert [row["name"] for row in site.world.rows("organization")] == ["Contoso Health"]
    states = [row["state"] for row in site.world.rows("configuration_revision")]
    assert sorted(states) == ["active", "awaiting_approval"]
