"""What an examination finds at an EHR that answers, and at Microsoft."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from tests.builders.configurations import TEST_BASE, clients, endpoints
from tests.builders.examinations import BY, beat, entered, examine, examine_entered, of
from tests.builders.world import World
from tests.fakes.examination import GRANTS, SCOPES

from connector.adapters.ehr.examination import WriteBackPlaces
from connector.domain.errors import Reason, Refused
from connector.domain.findings import Check, Verdict
from connector.domain.graph_permissions import NEEDED
from connector.domain.scopes import WRITE_BACK_SCOPE
from connector.ports.errors import BadAnswer, Denied, Gone, NotConnected, OutsideError, TryLater
from connector.ports.examination import Metadata
from connector.usecases.examine_ehr import ExamineEhr

ROOT = TEST_BASE.removesuffix("/api/FHIR/R4")
DSTU2 = f"{ROOT}/api/FHIR/DSTU2"
WITHOUT_SUFFIX = f"{ROOT}/api/FHIR"


@pytest.fixture
def world(world: World) -> World:
    return beat(world)


def stated(world: World, **changes: object) -> Metadata:
    """What the EHR's `/metadata` says, one thing of it changed."""
    good = Metadata(world.clock.now(), "CapabilityStatement", "4.0.1")
    return replace(good, **changes)  # type: ignore[arg-type] # any field


# /metadata and the version suffix (E1) ------------------------------------------------------------


@pytest.mark.parametrize("version", ["4.0.0", "4.0.1", "4.0"])
def test_r4_is_what_the_connector_speaks(version: str, world: World) -> None:
    world.ehr_examination.answers[TEST_BASE] = stated(world, fhir_version=version)
    found = examine(world)[Check.METADATA]
    assert (of(found), found.facts) == ((Verdict.OK, ""), {"version": version})


@pytest.mark.parametrize("version", ["1.0.2", "3.0.2", "4.3.0", "5.0.0", "4.01", ""])
def test_e1_another_fhir_version_is_named(version: str, world: World) -> None:
    world.ehr_examination.answers[TEST_BASE] = stated(world, fhir_version=version)
    found = examine(world)[Check.METADATA]
    assert (of(found), found.facts) == ((Verdict.FAILED, "fhir_version"), {"version": version})


@pytest.mark.parametrize("resource_type", ["", "OperationOutcome", "Bundle"])
def test_what_is_no_capability_statement_is_no_fhir_server(
    resource_type: str, world: World
) -> None:
    world.ehr_examination.answers[TEST_BASE] = stated(world, resource_type=resource_type)
    assert of(examine(world)[Check.METADATA]) == (Verdict.FAILED, "no_capability_statement")


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        ("http_401", Verdict.WARNING),
        ("http_403", Verdict.WARNING),
        ("http_404", Verdict.FAILED),
        ("http_302", Verdict.FAILED),
        ("too_large", Verdict.FAILED),
        ("content_type", Verdict.FAILED),
    ],
)
def test_metadata_that_cannot_be_read_says_why(code: str, verdict: Verdict, world: World) -> None:
    world.ehr_examination.answers[TEST_BASE] = Metadata(None, code=code)
    found = examine(world)
    assert of(found[Check.METADATA]) == (verdict, code)
    assert of(found[Check.SMART_CONFIGURATION]) == (Verdict.OK, "")


def test_e1_a_missing_suffix_is_suggested_in_the_order_of_likelihood(world: World) -> None:
    world.ehr_examination.faults.fail("smart_configuration", Gone("http_404"))
    world.ehr_examination.also_smart = {TEST_BASE, DSTU2}
    found = examine_entered(world, WITHOUT_SUFFIX)[Check.VERSION_SUFFIX]
    assert of(found) == (Verdict.FAILED, "sibling_answers")
    assert found.facts == {"suggestions": f"{TEST_BASE} {DSTU2}"}


def test_e1_an_old_version_leads_to_the_address_of_r4(world: World) -> None:
    world.ehr_examination.add_ehr(DSTU2, endpoints())
    world.ehr_examination.answers[DSTU2] = stated(
        world, resource_type="Conformance", fhir_version="1.0.2"
    )
    world.ehr_examination.also_smart = {TEST_BASE}
    found = examine_entered(world, DSTU2)
    assert of(found[Check.METADATA]) == (Verdict.FAILED, "fhir_version")
    assert found[Check.VERSION_SUFFIX].facts == {"suggestions": TEST_BASE}


@pytest.mark.parametrize(
    "error", [Gone("http_404"), BadAnswer("content_type"), BadAnswer("http_302")]
)
def test_e1_nothing_is_suggested_that_does_not_answer(error: OutsideError, world: World) -> None:
    world.ehr_examination.faults.fail("smart_configuration", error)
    found = examine(world)
    assert of(found[Check.SMART_CONFIGURATION]) == (Verdict.FAILED, error.code)
    assert of(found[Check.VERSION_SUFFIX]) == (Verdict.FAILED, "no_sibling_answers")


@pytest.mark.parametrize("error", [Denied("pkce_missing"), TryLater("http_503")])
def test_an_address_that_is_right_is_not_doubted(error: OutsideError, world: World) -> None:
    world.ehr_examination.faults.fail("smart_configuration", error)
    assert of(examine(world)[Check.VERSION_SUFFIX]) == (Verdict.OK, "")
    assert world.ehr_examination.asked("is_smart") == []


def test_suggestions_can_be_asked_for_alone(world: World) -> None:
    world.ehr_examination.also_smart = {TEST_BASE}
    assert world.diagnose.suggestions(f"{ROOT}/") == [TEST_BASE]
    assert world.ehr_examination.asked("metadata") == []


def test_suggestions_are_not_looked_for_beside_what_is_no_base_url(world: World) -> None:
    with pytest.raises(Refused) as refused:
        world.diagnose.suggestions("http://ehr.example/R4")
    assert refused.value.reason is Reason.URL_REFUSED
    assert world.ehr_examination.calls == []


def test_a_host_that_cannot_be_reached_is_not_tried_with_every_suffix(world: World) -> None:
    world.ehr_examination.faults.fail("is_smart", NotConnected("no_connection"), times=None)
    assert world.diagnose.suggestions(ROOT) == []
    assert len(world.ehr_examination.asked("is_smart")) == 1


def test_the_search_for_a_suffix_ends_after_ten_seconds(world: World) -> None:
    world.ehr_examination.while_asked = lambda _method: world.clock.advance(6)
    world.diagnose.suggestions(ROOT)
    assert len(world.ehr_examination.asked("is_smart")) == 2


# Clocks -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "verdict", "said"),
    [
        (0, Verdict.OK, "+0"),
        (30, Verdict.OK, "+30"),
        (31, Verdict.WARNING, "+31"),
        (-31, Verdict.WARNING, "-31"),
        (120, Verdict.WARNING, "+120"),
        (121, Verdict.FAILED, "+121"),
        (-3600, Verdict.FAILED, "-3600"),
    ],
)
@pytest.mark.parametrize("check", [Check.EHR_CLOCK, Check.GRAPH_CLOCK])
def test_a_clock_that_differs_is_a_warning_and_then_a_failure(
    check: Check, seconds: int, verdict: Verdict, said: str, world: World
) -> None:
    date = world.clock.now() + timedelta(seconds=seconds)
    world.ehr_examination.answers[TEST_BASE] = stated(world, date=date)
    world.microsoft_examination.date = lambda: date
    found = examine(world)[check]
    assert (found.verdict, found.facts["seconds"]) == (verdict, said)


@pytest.mark.parametrize("check", [Check.EHR_CLOCK, Check.GRAPH_CLOCK])
def test_a_server_that_does_not_say_its_time_cannot_be_compared(check: Check, world: World) -> None:
    world.ehr_examination.answers[TEST_BASE] = stated(world, date=None)
    world.microsoft_examination.date = lambda: None
    assert of(examine(world)[check]) == (Verdict.WARNING, "date_missing")


def test_an_answer_that_took_long_is_not_taken_for_a_wrong_clock(world: World) -> None:
    began: datetime = world.clock.now()
    world.ehr_examination.answers[TEST_BASE] = stated(world, date=began)
    world.ehr_examination.while_asked = lambda name: name == "metadata" and world.clock.advance(35)
    assert of(examine(world)[Check.EHR_CLOCK]) == (Verdict.OK, "")


# Grants, scopes, endpoints ------------------------------------------------------------------------


def test_an_ehr_that_publishes_other_endpoints_than_were_approved_is_told(world: World) -> None:
    moved = endpoints(token_endpoint=f"{ROOT}/oauth3/token", jwks_uri=f"{ROOT}/oauth3/jwks")
    world.ehr_examination.add_ehr(TEST_BASE, moved)
    found = examine(world)[Check.PINNED_ENDPOINTS]
    assert of(found) == (Verdict.WARNING, "endpoints_changed")
    assert found.facts == {"fields": "token_endpoint jwks_uri"}


def test_a_token_is_asked_for_at_the_approved_endpoint_only(world: World) -> None:
    world.ehr_examination.add_ehr(TEST_BASE, endpoints(token_endpoint=f"{ROOT}/elsewhere"))
    examine(world)
    assert world.ehr_examination.asked("granted_scopes") == [endpoints().token_endpoint]


def test_a_missing_grant_type_is_a_warning_the_token_decides(world: World) -> None:
    world.ehr_examination.add_ehr(
        TEST_BASE, endpoints(), grant_types=GRANTS - {"client_credentials"}
    )
    found = examine(world)
    assert of(found[Check.GRANT_TYPES]) == (Verdict.WARNING, "client_credentials_missing")
    assert of(found[Check.CLIENT_KNOWN]) == (Verdict.OK, "")


@pytest.mark.parametrize(
    ("gone", "named"),
    [
        ("system/Appointment.u", "system/Appointment.u"),
        ("user/*.cruds", "user/Appointment.rs"),
        ("patient/*.rs", "patient/Appointment.rs"),
        ("fhirUser", "fhirUser"),
    ],
)
def test_a_scope_the_ehr_does_not_list_is_named(gone: str, named: str, world: World) -> None:
    world.ehr_examination.add_ehr(TEST_BASE, endpoints(), scopes=SCOPES - {gone})
    found = examine(world)[Check.SCOPES]
    assert (of(found), found.facts) == ((Verdict.WARNING, "scopes_missing"), {"scopes": named})


def test_an_ehr_that_lists_no_scopes_may_know_them_all(world: World) -> None:
    world.ehr_examination.add_ehr(TEST_BASE, endpoints(), scopes=None)
    assert of(examine(world)[Check.SCOPES]) == (Verdict.OK, "scopes_not_listed")


# Our client at the EHR (E2) and the write-back ----------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        Denied("invalid_client"),
        Denied("unauthorized_client"),
        Denied("http_400"),
        TryLater("timeout"),
        BadAnswer("token_type"),
    ],
)
def test_e2_a_client_the_ehr_does_not_take_is_found(error: OutsideError, world: World) -> None:
    world.ehr_examination.faults.fail("granted_scopes", error)
    found = examine(world)
    assert of(found[Check.CLIENT_KNOWN]) == (Verdict.FAILED, error.code)
    assert found[Check.WRITE_BACK].facts == {"check": "client_known"}


def test_a_client_without_the_scope_is_known_but_may_not_write_back(world: World) -> None:
    world.ehr_examination.faults.fail("granted_scopes", Denied("invalid_scope"))
    found = examine(world)
    assert of(found[Check.CLIENT_KNOWN]) == (Verdict.OK, "")
    assert of(found[Check.WRITE_BACK]) == (Verdict.FAILED, "scope_not_granted")


@pytest.mark.parametrize(
    "granted", [set(), {"system/Appointment.rs"}, {"user/Appointment.u"}, {"system/Patient.cruds"}]
)
def test_a_scope_that_does_not_allow_write_backs_is_named(granted: set[str], world: World) -> None:
    world.ehr_examination.scopes_granted = frozenset(granted)
    found = examine(world)[Check.WRITE_BACK]
    assert of(found) == (Verdict.FAILED, "scope_not_granted")
    assert found.facts == {"scope": WRITE_BACK_SCOPE, "granted": " ".join(granted)}


@pytest.mark.parametrize("granted", ["system/*.cruds", "system/Appointment.write", "system/*.*"])
def test_a_wider_scope_allows_write_backs(granted: str, world: World) -> None:
    world.ehr_examination.scopes_granted = frozenset({granted})
    assert of(examine(world)[Check.WRITE_BACK]) == (Verdict.OK, "")


def test_an_address_without_epics_shape_has_no_place_for_write_backs(world: World) -> None:
    base = "https://ehr.contoso.example/fhir"
    world.ehr_examination.add_ehr(base, endpoints())
    assert of(examine_entered(world, base)[Check.WRITE_BACK]) == (Verdict.FAILED, "not_epic_url")


def test_without_a_client_id_no_token_is_asked_for(world: World) -> None:
    nobody = replace(entered(), clients=clients(backend=""))
    found = {f.check: f for f in world.diagnose(nobody, BY)}
    assert of(found[Check.CLIENT_KNOWN]) == (Verdict.FAILED, "client_id_missing")
    assert world.ehr_examination.asked("granted_scopes") == []


# Microsoft ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("permission", NEEDED, ids=lambda each: each.name)
def test_a_permission_that_is_missing_is_named_with_what_needs_it(
    permission: object, world: World
) -> None:
    name, feature, required = permission.name, permission.feature, permission.required  # type: ignore[attr-defined] # of the table
    world.microsoft_examination.roles -= {name}
    found = examine(world)[Check.CONSENT]
    assert of(found) == (Verdict.FAILED if required else Verdict.WARNING, "permissions_missing")
    assert found.facts == {"permissions": name, "features": feature}


@pytest.mark.parametrize("error", [Denied("AADSTS700016"), TryLater("entra_failed")])
def test_without_a_token_of_the_tenant_the_policy_is_not_tried(
    error: OutsideError, world: World
) -> None:
    world.microsoft_examination.faults.fail("permissions", error)
    found = examine(world)
    assert of(found[Check.CONSENT]) == (Verdict.FAILED, error.code)
    assert found[Check.MEETING_POLICY].facts == {"check": "consent"}
    assert world.microsoft_examination.asked("require_meeting_policy") == []


def test_a_token_that_cannot_be_looked_into_leaves_the_word_to_graph(world: World) -> None:
    world.microsoft_examination.faults.fail("permissions", BadAnswer("token_opaque"))
    found = examine(world)
    assert of(found[Check.CONSENT]) == (Verdict.WARNING, "token_opaque")
    assert of(found[Check.MEETING_POLICY]) == (Verdict.OK, "")


@pytest.mark.parametrize(
    ("error", "verdict", "code"),
    [
        (Denied("application_access_policy"), Verdict.WARNING, "application_access_policy"),
        (Gone("ResourceNotFound"), Verdict.WARNING, "person_unknown"),
        (Denied("Authorization_RequestDenied"), Verdict.FAILED, "Authorization_RequestDenied"),
        (TryLater("http_503"), Verdict.FAILED, "http_503"),
    ],
)
def test_case_66_what_graph_says_about_the_approvers_meetings_is_told(
    error: OutsideError, verdict: Verdict, code: str, world: World
) -> None:
    world.microsoft_examination.faults.fail("require_meeting_policy", error)
    assert of(examine(world)[Check.MEETING_POLICY]) == (verdict, code)


def test_graph_that_cannot_be_reached_is_found(world: World) -> None:
    world.microsoft_examination.faults.fail("graph_date", NotConnected("no_connection"))
    assert of(examine(world)[Check.GRAPH_CLOCK]) == (Verdict.FAILED, "no_connection")


# Order --------------------------------------------------------------------------------------------


def test_a_step_that_comes_before_what_it_rests_on_finds_nothing_and_asks_nobody(
    world: World,
) -> None:
    exam = ExamineEhr(world.ehr_examination, WriteBackPlaces(), world.clock, entered())
    with pytest.raises(BadAnswer, match="smart_configuration"):
        exam.scopes()
    assert world.ehr_examination.calls == []


# Bounds -------------------------------------------------------------------------------------------


def test_case_40_an_examination_in_which_everything_is_slow_comes_to_an_end(world: World) -> None:
    world.ehr_examination.while_asked = lambda _method: world.clock.advance(8)
    world.ehr_examination.faults.fail("smart_configuration", Gone("http_404"))
    began = world.clock.now()
    examine_entered(world, WITHOUT_SUFFIX)
    assert world.clock.now() - began <= timedelta(seconds=8 + 48)


def test_what_there_was_no_time_for_says_so(world: World) -> None:
    world.ehr_examination.while_asked = lambda name: (
        name == "smart_configuration" and world.clock.advance(41)
    )
    found = examine(world)
    assert of(found[Check.SMART_CONFIGURATION]) == (Verdict.OK, "")
    assert of(found[Check.VERSION_SUFFIX]) == (Verdict.SKIPPED, "out_of_time")
    assert of(found[Check.CONSENT]) == (Verdict.SKIPPED, "out_of_time")
