"""What is launched, by whom and from which record: cases 6, 11, 44 of reliability.md; C09-C11."""

from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from tests.builders.configurations import TEST_BASE
from tests.builders.launches import (
    PROVIDER_USER,
    appointment,
)
from tests.builders.world import World

from connector.domain.errors import Reason, Refused
from connector.domain.launch import EhrUser, FhirUserType, LaunchKind
from connector.ports.errors import (
    BadAnswer,
    Denied,
    Gone,
    OutsideError,
    TryLater,
)
from connector.usecases.begin_launch import AuthorizationRequest
from connector.usecases.complete_launch import (
    appointment_id_of,
    conference_id_of,
)

Refusal = Callable[..., Refused]
Query = dict[str, str]
PROVIDER, PATIENT = LaunchKind.PROVIDER, LaunchKind.PATIENT


@pytest.fixture
def request_(world: World) -> AuthorizationRequest:
    return world.begin_launch(PROVIDER, TEST_BASE, "launch-token")


# Whose record, which kind of user ---------------------------------------------------------------


@pytest.mark.parametrize("named", ["production", "TEST", "", "prod"])
def test_case_06_a_record_of_the_other_environment_is_named_as_such(
    world: World, refusal: Refusal, named: str
) -> None:
    refused = refusal(Reason.ENVIRONMENT_MISMATCH, world.launch, context={"environment": named})

    assert refused.facts == {"record": "other", "environment": "test"}
    assert world.appointments.reads == []


@pytest.mark.parametrize("record_id", ["record-of-somebody", "record-patient", "", "r\u00e9cord"])
def test_case_44_a_record_that_is_not_this_launch_s_own_is_refused(
    world: World, refusal: Refusal, record_id: str
) -> None:
    refused = refusal(Reason.RECORD_UNKNOWN, world.launch, context={"recordId": record_id})

    assert refused.facts == {"kind": "provider", "environment": "test"}
    assert world.appointments.reads == []


def test_case_44_the_record_of_providers_does_not_open_the_patients_door(
    world: World, refusal: Refusal
) -> None:
    context = {"recordId": "record-provider"}

    refusal(Reason.RECORD_UNKNOWN, world.launch, PATIENT, context=context)


def test_plain_smart_sends_no_record_and_is_believed(
    world: World, request_: AuthorizationRequest
) -> None:
    context = {"fhirContext": '[{"reference": "Appointment/eAppointment1"}]'}
    url = f"{request_.endpoint}?{urlencode(request_.parameters)}"

    query = world.smart.sign_in(url, PROVIDER_USER, context)

    assert world.complete_launch(request_.transaction, query)


@pytest.mark.parametrize(
    ("kind", "fhir_type"),
    [
        (PROVIDER, FhirUserType.PATIENT),
        (PROVIDER, FhirUserType.RELATED_PERSON),
        (PROVIDER, FhirUserType.PERSON),
        (PATIENT, FhirUserType.PRACTITIONER),
        (PATIENT, FhirUserType.PRACTITIONER_ROLE),
        (PATIENT, FhirUserType.PERSON),
    ],
)
def test_c10_the_wrong_kind_of_user_is_refused_before_anything_is_read(
    world: World, refusal: Refusal, kind: LaunchKind, fhir_type: FhirUserType
) -> None:
    refusal(Reason.WRONG_KIND_OF_USER, world.launch, kind, EhrUser("u", fhir_type, "eX"))

    assert world.appointments.reads == []


# Which appointment ------------------------------------------------------------------------------

FHIR_CONTEXT = '[{"reference": "Encounter/e1"}, {"reference": "Appointment/eFromFhirContext"}]'


@pytest.mark.parametrize(
    ("context", "read"),
    [
        (
            {"fhirContext": FHIR_CONTEXT, "appointment": "eOther", "sessionId": "1"},
            ("read", "eFromFhirContext"),
        ),
        ({"appointment": "eFromKey", "sessionId": "1"}, ("read", "eFromKey")),
        ({"appointment": "", "sessionId": "300", "csn": "400"}, ("find", "300")),
        ({"appointment": "", "sessionId": "", "csn": "400"}, ("find", "400")),
    ],
)
def test_c09_an_appointment_is_identified_in_a_fixed_order(
    world: World, context: dict[str, str], read: tuple[str, str]
) -> None:
    for appointment_id in ("eFromFhirContext", "eFromKey"):
        world.book(appointment(appointment_id=appointment_id, conference_id="1"))
    world.book(appointment(appointment_id="eBySession", conference_id="300"))
    world.book(appointment(appointment_id="eByCsn", conference_id="400"))

    world.launch(context=context)

    assert world.appointments.reads == [read]


def test_c09_without_any_appointment_nothing_is_guessed(world: World, refusal: Refusal) -> None:
    context = {"appointment": "", "sessionId": ""}

    refusal(Reason.APPOINTMENT_MISSING, world.launch, context=context)
    assert world.appointments.reads == []


@pytest.mark.parametrize("broken", ["{", "null", "7", "true", "\x00"])
def test_case_11_a_fhir_context_that_is_no_list_is_an_invalid_answer(
    world: World, refusal: Refusal, broken: str
) -> None:
    refused = refusal(Reason.EHR_ANSWER_INVALID, world.launch, context={"fhirContext": broken})

    assert refused.facts == {"field": "fhirContext"}


@pytest.mark.parametrize(
    "fhir_context",
    [
        "[]",
        "{}",
        '"Appointment/x"',
        '["Appointment/x", 7, null]',
        '[{"reference": "https://evil.example/Appointment/x"}]',
        '[{"reference": 7}, {"canonical": "Appointment/x"}]',
        '[{"reference": "appointment/x"}]',
        '[{"reference": "Appointment"}]',
    ],
)
def test_a_fhir_context_without_a_relative_appointment_is_passed_over(fhir_context: str) -> None:
    context = {"fhirContext": fhir_context, "appointment": "eFromKey"}

    assert appointment_id_of(context) == "eFromKey"


def test_an_empty_appointment_reference_is_none() -> None:
    assert not appointment_id_of({"fhirContext": '[{"reference": "Appointment/"}]'})


def test_contexts_without_identifiers_have_none() -> None:
    assert appointment_id_of({}) is None
    assert conference_id_of({}) is None


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Gone("http_404"), Reason.APPOINTMENT_UNKNOWN),
        (Gone("not_one"), Reason.APPOINTMENT_UNKNOWN),
        (Denied("insufficient_scope"), Reason.PERMISSION_MISSING),
        (TryLater("http_503"), Reason.EHR_UNREACHABLE),
        (BadAnswer("not_json"), Reason.EHR_ANSWER_INVALID),
    ],
    ids=str,
)
def test_c11_an_appointment_that_cannot_be_read_has_its_own_reason(
    world: World, refusal: Refusal, error: OutsideError, reason: Reason
) -> None:
    world.appointments.faults.fail("read", error)

    refused = refusal(reason, world.launch)

    assert refused.facts["code"] == error.code


@pytest.mark.parametrize("status", ["cancelled", "noshow", "entered-in-error"])
def test_an_appointment_that_will_not_take_place_is_refused(
    world: World, refusal: Refusal, status: str
) -> None:
    world.book(appointment(status=status))

    refused = refusal(Reason.APPOINTMENT_CANCELLED, world.launch)

    assert refused.facts == {"status": status}
