"""Entering a revision, its records and its approval, through the real routes."""

from typing import Any

import pytest
from tests.unit.web.page_reading import get, read, text_of
from tests.unit.web.pages_world import (
    ADMIN,
    ANALYST,
    NOW,
    PagesWorld,
    environment,
    live,
    revision,
)

from connector.domain.configuration import Revision, RevisionState
from connector.domain.errors import Reason, Refused
from connector.domain.organization import EnvironmentKind, MicrosoftIdentity

PRODUCTION = EnvironmentKind.PRODUCTION


# Entering a revision


def form(**changed: str) -> dict[str, str]:
    standard = {
        "organization": "Contoso Clinics North",
        "environment": "test",
        "fhir_base_url": "https://ehr.example.org/api/FHIR/R4",
        "approver": "ana@contoso.example",
        "time_zone": "America/Chicago",
        "provider_client_id": "test-provider-id",
        "patient_client_id": "test-patient-id",
        "backend_client_id": "test-backend-id",
        "browser_join": "y",
    }
    return standard | changed


def send(world: PagesWorld, data: dict[str, str], path: str = "/configurations/new") -> Any:
    world.app.config["WTF_CSRF_ENABLED"] = False
    return world.client().post(path, data=data, base_url="https://localhost")


def accept(_who: MicrosoftIdentity, _entered: Any, _reference: str) -> Revision:
    return revision(environment())


def test_a_good_form_leads_to_its_environment(world: PagesWorld) -> None:
    world.enter = accept
    answer = send(world, form())
    assert (answer.status_code, answer.location) == (303, "/configurations/env1")


def test_a_form_without_its_token_changes_nothing(world: PagesWorld) -> None:
    world.enter = accept
    answer = world.client().post("/configurations/new", data=form(), base_url="https://localhost")
    assert answer.status_code == 400
    assert world.entered == []


@pytest.mark.parametrize(
    "name", ["organization", "fhir_base_url", "approver", "time_zone", "provider_client_id"]
)
def test_an_empty_field_is_named_in_the_summary_and_at_the_field(
    name: str, world: PagesWorld
) -> None:
    answer = send(world, form(**{name: ""}))
    page = read(answer.text)
    field = page.select_one(f"#{name}")
    assert answer.status_code == 422
    assert field["aria-invalid"] == "true"
    assert f"{name}-error-1" in field["aria-describedby"]
    assert page.select_one(f'#problems a[href="#{name}"]') is not None


def test_what_was_typed_is_still_there_after_an_error(world: PagesWorld) -> None:
    page = read(send(world, form(time_zone="Mars/Olympus", approver="typed@x.example")).text)
    assert page.select_one("#approver")["value"] == "typed@x.example"
    assert "Choose a zone from the list" in text_of(page, "#time_zone-error-1")


@pytest.mark.parametrize(
    ("refused", "at", "told"),
    [
        (Refused(Reason.URL_REFUSED, facts={"why": "query"}), "fhir_base_url", "after ? or #"),
        (Refused(Reason.URL_REFUSED, facts={"why": "address_not_public"}), "fhir_base_url", "priv"),
        (Refused(Reason.URL_REFUSED, facts={"why": "new_code"}), "fhir_base_url", "public https"),
        (Refused(Reason.URL_TAKEN), "fhir_base_url", "Another environment"),
        (
            Refused(Reason.CLIENTS_MIXED_UP, facts={"clients": "provider, backend"}),
            "backend_client_id",
            "other environment",
        ),
        (
            Refused(Reason.EHR_UNREACHABLE, facts={"code": "certificate_expired"}),
            "fhir_base_url",
            "certificate has expired",
        ),
        (Refused(Reason.EHR_UNREACHABLE, facts={"code": "http_503"}), "fhir_base_url", "spelling"),
        (
            Refused(Reason.EHR_ANSWER_INVALID, facts={"code": "http_404"}),
            "fhir_base_url",
            "/api/FHIR/R4",
        ),
        (
            Refused(Reason.EHR_ANSWER_INVALID, facts={"code": "pkce_missing"}),
            "fhir_base_url",
            "PKCE",
        ),
        (Refused(Reason.APPROVER_UNKNOWN), "approver", "No enabled member"),
    ],
)
def test_a_refusal_stands_at_its_field_with_cause_and_remedy(
    refused: Refused, at: str, told: str, world: PagesWorld
) -> None:
    def refuse(*_args: Any) -> None:
        raise refused

    world.enter = refuse
    answer = send(world, form())
    assert answer.status_code >= 400
    assert told in text_of(read(answer.text), f"#{at}-error-1")


@pytest.mark.parametrize("reason", [Reason.MICROSOFT_UNREACHABLE, Reason.GEOGRAPHY_OTHER])
def test_a_refusal_that_is_no_fields_fault_stands_on_top(reason: Reason, world: PagesWorld) -> None:
    def refuse(*_args: Any) -> None:
        raise Refused(reason)

    world.enter = refuse
    page = read(send(world, form()).text)
    assert page.select_one(".field .error") is None
    assert "Nothing was saved" in text_of(page, "#problems")


def live_production(world: PagesWorld) -> str:
    """Where a new revision of production is entered."""
    where = environment(kind=PRODUCTION)
    world.store.add(where, live(where))
    return "/configurations/new?of=env1"


def test_a_client_id_of_test_is_refused_in_production(world: PagesWorld) -> None:
    """E11: a production launch that uses the test registration, found before anything is stored."""
    world.enter = accept
    typed = form(environment="production", patient_client_id="production-patient-id")
    answer = send(world, typed, live_production(world))
    page = read(answer.text)
    assert answer.status_code == 422
    assert "other environment" in text_of(page, "#provider_client_id-error-1")
    assert page.select_one("#patient_client_id-error-1") is None
    assert world.entered == []


def test_a_client_id_of_ones_own_is_taken_as_it_is(world: PagesWorld) -> None:
    world.enter = accept
    names = ["provider_client_id", "patient_client_id", "backend_client_id"]
    typed = form(environment="production") | dict.fromkeys(names, "own")
    assert send(world, typed, live_production(world)).status_code == 303


def test_the_form_starts_with_the_client_ids_of_test(world: PagesWorld) -> None:
    page = get(world.client(), "/configurations/new")
    assert page.select_one("#provider_client_id")["value"] == "test-provider-id"
    assert [o["value"] for o in page.select("#environment option")] == ["test"]


def test_production_is_not_entered_without_a_test_environment(world: PagesWorld) -> None:
    world.enter = accept
    assert send(world, form(environment="production")).status_code == 422
    assert world.entered == []


def test_a_new_revision_starts_from_the_newest_one(world: PagesWorld) -> None:
    own = revision(environment(), 2, fhir_base_url="https://own.example/R4")
    world.store.add(environment(), live(environment()), own)
    page = get(world.client(), "/configurations/new?of=env1")
    assert page.select_one("#fhir_base_url")["value"] == "https://own.example/R4"
    assert page.select_one("#organization").has_attr("readonly")
    assert [o["value"] for o in page.select("#environment option")] == ["test"]


def test_nobody_starts_from_another_tenants_environment(world: PagesWorld) -> None:
    world.store.add(environment(tenant_id="other"), live(environment()))
    get(world.client(), "/configurations/new?of=env1", status=404)


def test_the_form_is_refused_without_the_role(world: PagesWorld) -> None:
    page = get(world.client(ANALYST), "/configurations/new", status=403)
    assert "Virtual Visits Administrator" in text_of(page, "#cause")


# State, records and history


def test_the_records_appear_with_the_client_they_belong_to(world: PagesWorld) -> None:
    world.store.add(environment(), live(environment()))
    page = get(world.client(), "/configurations/env1")
    record = page.select_one("#record-patient")
    assert record.has_attr("readonly")
    assert "recordId=patient-record-of-env1" in record.text
    assert "Launch URL: https://connector.example/launch/patient" in record.text
    assert "test-patient-id" in text_of(page, "#record-patient-client")


def test_nothing_can_be_copied_into_an_ehr_before_the_approval(world: PagesWorld) -> None:
    world.store.add(environment(), revision(environment()))
    page = get(world.client(), "/configurations/env1")
    assert page.select_one("textarea") is None
    assert "when the first revision is approved" in page.text


def test_what_the_approver_asked_for_is_shown_to_the_administrator(world: PagesWorld) -> None:
    asked = revision(
        environment(), state=RevisionState.CHANGES_REQUESTED, change_request="Wrong port."
    )
    world.store.add(environment(), asked)
    page = get(world.client(), "/configurations/env1")
    assert "Wrong port." in text_of(page, "#change-request")
    assert page.select_one("#approval-link") is None
    assert page.select_one("#new-revision")["href"] == "/configurations/new?of=env1"


def test_somebody_without_the_role_sees_the_records_but_no_way_to_change(world: PagesWorld) -> None:
    """F29: who is not an administrator sees and does not add."""
    world.store.add(environment(), live(environment()))
    page = get(world.client(ANALYST), "/configurations/env1")
    assert page.select_one("#new-revision") is None
    assert page.select_one("#record-provider") is not None


def test_the_history_shows_the_sites_time(world: PagesWorld) -> None:
    world.store.add(environment(), live(environment()))
    assert "28 February 2026, 09:04 CST" in get(world.client(), "/configurations/env1").text


@pytest.mark.parametrize(("kind", "word"), [("test", "No real patients"), ("production", "Real")])
def test_test_and_production_are_told_apart_by_word_and_class(
    kind: str, word: str, world: PagesWorld
) -> None:
    where = environment(kind=EnvironmentKind(kind))
    world.store.add(where, live(where))
    assert word in text_of(get(world.client(), "/configurations/env1"), f".band.{kind}")


# Approval


def test_opening_the_approval_is_the_first_stamp_and_offers_the_second(world: PagesWorld) -> None:
    world.store.add(environment(), revision(environment()))
    page = get(world.client(ANALYST), "/approvals/env1-rev1")
    assert page.select_one("#sign-in-ehr")["href"] == "/approvals/env1-rev1/ehr"
    assert page.select_one("#approve") is None
    assert len(page.select(".steps li.done")) == 1


def test_with_both_stamps_the_approval_carries_the_digest_of_what_is_shown(
    world: PagesWorld,
) -> None:
    world.store.add(environment(), revision(environment(), ehr_signed_in_at=NOW))
    page = get(world.client(ANALYST), "/approvals/env1-rev1")
    shown = world.store.revisions_["env1-rev1"]
    button = page.select_one("#approve")
    assert button.find_parent("form").select_one("[name=digest]")["value"] == shown.digest()
    assert button.text == "Approve for test"


def test_everything_an_approval_covers_is_on_the_page(world: PagesWorld) -> None:
    world.store.add(environment(), revision(environment()))
    page = get(world.client(ANALYST), "/approvals/env1-rev1")
    shown = world.store.revisions_["env1-rev1"]
    facts = text_of(page, ".facts")
    for covered in (
        shown.fhir_base_url,
        shown.endpoints.issuer,
        shown.endpoints.authorization_endpoint,
        shown.endpoints.token_endpoint,
        shown.endpoints.jwks_uri,
        shown.clients.provider,
        shown.clients.patient,
        shown.clients.backend,
        shown.approver.sign_in_name,
        "Test",
    ):
        assert covered in facts


def test_what_differs_from_the_live_revision_is_compared_and_marked(world: PagesWorld) -> None:
    changed = revision(environment(), 2, fhir_base_url="https://new.example/R4")
    world.store.add(environment(), live(environment()), changed)
    page = get(world.client(ANALYST), "/approvals/env1-rev2")
    (row,) = page.select("#comparison tbody tr")
    told = [cell.get_text(strip=True) for cell in row(["th", "td"])]
    assert told == ["FHIR base URL", live(environment()).fhir_base_url, "https://new.example/R4"]
    assert text_of(page, ".facts .changed") == "Changed"


def test_a_first_revision_has_nothing_to_be_compared_with(world: PagesWorld) -> None:
    world.store.add(environment(), revision(environment()))
    assert get(world.client(ANALYST), "/approvals/env1-rev1").select_one("#comparison") is None


def test_somebody_else_than_the_approver_is_not_shown_what_waits(world: PagesWorld) -> None:
    world.store.add(environment(), revision(environment()))
    page = get(world.client(ADMIN), "/approvals/env1-rev1", status=403)
    assert "ehr.example.org" not in page.text


def test_asking_for_changes_is_sent_back_to_the_administrator(world: PagesWorld) -> None:
    world.app.config["WTF_CSRF_ENABLED"] = False
    world.store.add(environment(), revision(environment()))
    answer = world.client(ANALYST).post(
        "/approvals/env1-rev1/return", data={"text": " Wrong. "}, base_url="https://localhost"
    )
    assert answer.status_code == 303
    assert world.store.revisions_["env1-rev1"].change_request == "Wrong."
