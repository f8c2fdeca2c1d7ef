"""`ports.ehr.Appointments`: `FhirAppointments` on the wire, and the fake held to the same."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.fakes.ehr import FakeAppointments
from tests.fakes.system import FixedClock
from tests.fakes.wire import DROPPED, Reply
from tests.fakes.wired_ehr import WiredEhr
from tests.payloads import payload

from connector.adapters.ehr.appointments import FhirAppointments
from connector.adapters.system.http import GuardedHttp
from connector.domain.launch import AppointmentFacts
from connector.ports.ehr import Appointments
from connector.ports.errors import BadAnswer, Denied, Gone, OutsideError, TryLater

PATH = "/interconnect/api/FHIR/R4/Appointment"
FACTS = AppointmentFacts(
    appointment_id="eA1",
    conference_id="200001234",
    patient_id="eT1",
    status="booked",
    start=datetime(2026, 3, 2, 15, 0, tzinfo=UTC),
    end=datetime(2026, 3, 2, 15, 30, tzinfo=UTC),
)


@dataclass
class World:
    """An EHR with the appointment of `FACTS`; `duplicate` books another under the same number."""

    appointments: Appointments
    base_url: str
    duplicate: Callable[[], None]


def _bundle(*resources: Any, mode: str = "match") -> dict[str, Any]:
    entries = [{"resource": each, "search": {"mode": mode}} for each in resources]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries}


@pytest.fixture
def appointments(http: GuardedHttp, clock: FixedClock, ehr: WiredEhr) -> FhirAppointments:
    ehr.wire.answer("GET", f"{PATH}/eA1", Reply(200, payload("appointment")))
    known = {"200001234": [payload("appointment")]}
    ehr.wire.answer(
        "GET", PATH, lambda heard: Reply(200, _bundle(*known.get(heard.query["identifier"], [])))
    )
    return FhirAppointments(http, clock)


@pytest.fixture(params=["fhir", "fake"])
def world(request: pytest.FixtureRequest, appointments: FhirAppointments, ehr: WiredEhr) -> World:
    if request.param == "fhir":
        other = payload("appointment") | {"id": "eA2"}
        bundle = Reply(200, _bundle(payload("appointment"), other))
        return World(appointments, ehr.fhir_base_url, lambda: ehr.wire.answer("GET", PATH, bundle))
    fake = FakeAppointments()
    fake.add(ehr.fhir_base_url, FACTS)
    twin = AppointmentFacts("eA2", "200001234", None, "booked", None, None)
    return World(fake, ehr.fhir_base_url, lambda: fake.add(ehr.fhir_base_url, twin))


# --- what both must do ----------------------------------------------------------------------------


def test_an_appointment_is_read_by_its_id(world: World) -> None:
    assert world.appointments.read(world.base_url, "token", "eA1") == FACTS
    assert world.appointments.read(f"{world.base_url}/", "token", "eA1") == FACTS


def test_an_appointment_is_found_by_its_number(world: World) -> None:
    assert world.appointments.find(world.base_url, "token", "200001234") == FACTS


def test_an_unknown_appointment_is_gone(world: World) -> None:
    with pytest.raises(Gone):
        world.appointments.read(world.base_url, "token", "eA9")
    with pytest.raises(Gone):
        world.appointments.find(world.base_url, "token", "9")


def test_two_appointments_of_one_number_are_never_guessed_between(world: World) -> None:
    world.duplicate()
    with pytest.raises(Gone):
        world.appointments.find(world.base_url, "token", "200001234")


# --- the wire -------------------------------------------------------------------------------------


def test_the_token_goes_into_the_header_only(appointments: FhirAppointments, ehr: WiredEhr) -> None:
    appointments.find(ehr.fhir_base_url, "the-token", "200001234")
    (heard,) = ehr.wire.heard
    assert heard.headers["authorization"] == "Bearer the-token"
    assert heard.headers["accept"] == "application/fhir+json"
    assert heard.query == {"identifier": "200001234"}


def test_no_reference_and_no_next_link_is_followed(
    appointments: FhirAppointments, ehr: WiredEhr
) -> None:
    bundle = _bundle(payload("appointment"))
    bundle["link"] = [{"relation": "next", "url": f"{ehr.wire.url}/next"}]
    ehr.wire.answer("GET", PATH, Reply(200, bundle))
    appointments.find(ehr.fhir_base_url, "token", "200001234")
    assert [heard.path for heard in ehr.wire.heard] == [PATH]


def test_nothing_but_the_facts_is_kept(appointments: FhirAppointments, ehr: WiredEhr) -> None:
    assert "CANARY" not in repr(appointments.read(ehr.fhir_base_url, "token", "eA1"))


@pytest.mark.parametrize(
    "appointment_id",
    ["", "..", "a/b", "../Patient/eT1", "eA1?_include=x", "e A1", "x" * 65, "é"],
)
def test_an_id_that_is_no_fhir_id_is_gone_unasked(
    appointments: FhirAppointments, ehr: WiredEhr, appointment_id: str
) -> None:
    ehr.wire.answer("GET", f"{PATH}/..", Reply(200, payload("appointment")))
    with pytest.raises((Gone, BadAnswer)):
        appointments.read(ehr.fhir_base_url, "token", appointment_id)


@pytest.mark.parametrize(
    ("reply", "error", "code"),
    [
        (Reply(401, {}), Denied, "http_401"),
        (Reply(403, {}), Denied, "http_403"),
        (
            Reply(
                403,
                {},
                {"WWW-Authenticate": 'Bearer error="insufficient_scope", error_description="x"'},
            ),
            Denied,
            "insufficient_scope",
        ),
        (Reply(404, {}), Gone, "http_404"),
        (Reply(410, {}), Gone, "http_410"),
        (Reply(429, {}), TryLater, "http_429"),
        (Reply(500, {}), TryLater, "http_500"),
        (Reply(503, {}), TryLater, "http_503"),
        (Reply(301, None, {"Location": "https://elsewhere.example/"}), BadAnswer, "http_301"),
        (Reply(204, None), BadAnswer, "http_204"),
        (Reply(200, "<html>"), BadAnswer, "content_type"),
        (Reply(200, b"x" * 600_000), BadAnswer, "too_large"),
        (DROPPED, TryLater, "connection_lost"),
    ],
)
def test_c11_a_refusal_says_what_kind_it_is(
    appointments: FhirAppointments,
    ehr: WiredEhr,
    reply: Reply,
    error: type[OutsideError],
    code: str,
) -> None:
    ehr.wire.answer("GET", f"{PATH}/eA1", reply)
    with pytest.raises(error) as failed:
        appointments.read(ehr.fhir_base_url, "token", "eA1")
    assert (type(failed.value), failed.value.code) == (error, code)
    assert failed.value.host == "localhost"


@pytest.mark.parametrize("header", ["30", "30.0"])
def test_c11_retry_after_is_passed_on(
    appointments: FhirAppointments, ehr: WiredEhr, header: str
) -> None:
    ehr.wire.answer("GET", f"{PATH}/eA1", Reply(429, {}, {"Retry-After": header}))
    with pytest.raises(TryLater) as failed:
        appointments.read(ehr.fhir_base_url, "token", "eA1")
    assert failed.value.retry_after_seconds == 30.0


CSN = "urn:oid:1.2.840.114350.1.13.0.1.7.3.698084.8"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"resourceType": "Encounter"}, "resourceType"),
        ({"resourceType": None}, "resourceType"),
        ({"id": None}, "id"),
        ({"id": "another"}, "id"),
        ({"id": "e A1"}, "id"),
        ({"status": None}, "status"),
        ({"status": ["booked"]}, "status"),
        ({"identifier": None}, "identifier"),
        ({"identifier": "200001234"}, "identifier"),
        ({"identifier": [{"system": CSN}]}, "identifier"),
        ({"identifier": [{"system": CSN, "value": ""}]}, "identifier"),
        ({"identifier": [{"system": CSN, "value": 200001234}]}, "identifier"),
        (
            {"identifier": [{"system": CSN, "value": "1"}, {"system": CSN, "value": "2"}]},
            "identifier",
        ),
        (
            {"identifier": [{"system": "a", "value": "1"}, {"system": "b", "value": "2"}]},
            "identifier",
        ),
        ({"start": "tomorrow"}, "start"),
        ({"start": 1772463600}, "start"),
        ({"start": "2026-03-02T15:00:00"}, "start"),
        ({"end": "2026-13-02T15:00:00Z"}, "end"),
        ({"end": {"value": "2026-03-02T15:00:00Z"}}, "end"),
    ],
    ids=str,
)
def test_an_appointment_with_a_malformed_element_is_a_bad_answer(
    appointments: FhirAppointments, ehr: WiredEhr, change: dict[str, Any], code: str
) -> None:
    ehr.wire.answer("GET", f"{PATH}/eA1", Reply(200, payload("appointment") | change))
    with pytest.raises(BadAnswer) as bad:
        appointments.read(ehr.fhir_base_url, "token", "eA1")
    assert bad.value.code == code


@pytest.mark.parametrize(
    ("change", "facts"),
    [
        ({"identifier": [{"system": "urn:x", "value": "only-one"}]}, {"conference_id": "only-one"}),
        ({"identifier": [{"value": "no-system"}]}, {"conference_id": "no-system"}),
        ({"start": None, "end": None}, {"start": None, "end": None}),
        ({"status": "cancelled"}, {"status": "cancelled"}),
        ({"participant": None}, {"patient_id": None}),
        ({"participant": [7, {"actor": None}, {"actor": {"reference": 7}}]}, {"patient_id": None}),
        (
            {"participant": [{"actor": {"reference": "https://ehr.example/R4/Patient/eT9"}}]},
            {"patient_id": "eT9"},
        ),
        (
            {"participant": [{"actor": {"reference": f"Patient/{n}"}} for n in ("a", "b")]},
            {"patient_id": None},
        ),
    ],
    ids=str,
)
def test_what_an_appointment_may_lack_or_spell_otherwise(
    appointments: FhirAppointments,
    ehr: WiredEhr,
    change: dict[str, Any],
    facts: dict[str, Any],
) -> None:
    ehr.wire.answer("GET", f"{PATH}/eA1", Reply(200, payload("appointment") | change))
    found = appointments.read(ehr.fhir_base_url, "token", "eA1")
    assert {name: getattr(found, name) for name in facts} == facts


@pytest.mark.parametrize(
    "bundle",
    [
        _bundle(),
        _bundle(payload("appointment"), mode="include"),
        _bundle({"resourceType": "OperationOutcome"}),
        _bundle(payload("appointment") | {"identifier": [{"system": CSN, "value": "other"}]}),
        {"resourceType": "Bundle", "type": "searchset"},
        {"resourceType": "Bundle", "entry": [7, {"resource": None}]},
    ],
    ids=range(6),
)
def test_a_search_without_exactly_the_asked_number_is_gone(
    appointments: FhirAppointments, ehr: WiredEhr, bundle: dict[str, Any]
) -> None:
    ehr.wire.answer("GET", PATH, Reply(200, bundle))
    with pytest.raises(Gone):
        appointments.find(ehr.fhir_base_url, "token", "200001234")


@pytest.mark.parametrize(
    "bundle", [payload("appointment"), {"resourceType": "Bundle", "entry": {}}, {}], ids=range(3)
)
def test_a_search_that_gives_no_bundle_is_a_bad_answer(
    appointments: FhirAppointments, ehr: WiredEhr, bundle: dict[str, Any]
) -> None:
    ehr.wire.answer("GET", PATH, Reply(200, bundle))
    with pytest.raises(BadAnswer, match="resourceType"):
        appointments.find(ehr.fhir_base_url, "token", "200001234")


def test_matches_are_told_from_what_is_included(
    appointments: FhirAppointments, ehr: WiredEhr
) -> None:
    bundle = _bundle(payload("appointment"))
    bundle["entry"] += _bundle(payload("appointment") | {"id": "eA2"}, mode="include")["entry"]
    bundle["entry"] += _bundle({"resourceType": "OperationOutcome"}, mode="outcome")["entry"]
    ehr.wire.answer("GET", PATH, Reply(200, bundle))
    assert appointments.find(ehr.fhir_base_url, "token", "200001234") == FACTS
