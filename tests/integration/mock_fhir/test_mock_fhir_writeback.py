"""SetExternalConnectionStatus, Epic-shaped: spec/ehr.md 4.4."""

from typing import Any

import pytest
from tests.conformance.mock_fhir.ehr_driver import EhrDriver

PATH = "/api/epic/2018/Telehealth/ContextLinking/SetExternalConnectionStatus"
FHIR = "/api/FHIR/R4"


class Backend:
    """The connector's side: a backend token and the visit it reports on."""

    def __init__(self, ehr: EhrDriver) -> None:
        self.ehr = ehr
        token, client_id = ehr.backend_token()
        self.headers = {"Authorization": f"Bearer {token}", "Epic-Client-ID": client_id}
        self.visit = ehr.open_visit()

    def parameters(self, **changes: Any) -> dict[str, Any]:
        """The provider connects; a parameter given as None is left out."""
        full = {
            "ConferenceID": self.visit["csn"],
            "ConferenceIDType": "CSN",
            "ExternalID": self.visit["practitioner"],
            "ExternalIDType": "2",
            "VendorName": "TeamsEHRConnector",
            "ConnectionStatus": "1",
            "VendorContext": "event-1",
            **changes,
        }
        return {name: value for name, value in full.items() if value is not None}

    def report(self, **changes: Any) -> Any:
        return self.ehr.post(PATH, query_string=self.parameters(**changes), headers=self.headers)

    def report_patient(self, **changes: Any) -> Any:
        who = {
            "ExternalID": self.visit["patient"],
            "ExternalIDType": "3",
            "VendorContext": "event-2",
        }
        return self.report(**{**who, **changes})

    def connections(self) -> list[tuple[str, str]]:
        found = self.ehr.get("/sim/state").get_json()["connections"]
        return [(one["party"], one["words"]) for one in found]

    def current(self) -> tuple[str, str]:
        visit = next(one for one in self.ehr.visits() if one["csn"] == self.visit["csn"])
        return visit["status"], visit["encounter_status"]


@pytest.fixture
def backend(ehr: EhrDriver) -> Backend:
    return Backend(ehr)


def word(answer: Any) -> str:
    body = answer.get_json()
    assert answer.status_code == 400, answer.text
    assert body["ExceptionType"] == "Epic.ServiceModel.Internal.ServiceCommandException"
    assert body["InnerException"]["ExceptionType"] == "Epic.Core.Communication.EcfCommandException"
    start = "An error occurred while executing the command: "
    assert body["ExceptionMessage"].startswith(start)
    return str(body["ExceptionMessage"].removeprefix(start).split(" details:")[0].rstrip("."))


@pytest.mark.parametrize("way", ["GET query", "POST query", "POST form", "POST json"])
def test_a_report_is_taken_in_every_way_it_may_be_sent(backend: Backend, way: str) -> None:
    method, _, place = way.partition(" ")
    option = {"query": "query_string", "form": "data", "json": "json"}[place]
    sent = {option: backend.parameters()}
    answer = backend.ehr.call(method, PATH, headers=backend.headers, **sent)
    assert (answer.status_code, answer.get_json()) == (200, {"Status": "1"})
    assert backend.connections() == [("provider", "connected")]


def test_the_provider_connecting_puts_the_encounter_in_progress(backend: Backend) -> None:
    backend.report()
    assert backend.current() == ("booked", "in-progress")


def test_the_patient_connecting_arrives_the_appointment_once(backend: Backend) -> None:
    backend.report_patient(ConnectionStatus="3", VendorContext="lobby")
    assert backend.current() == ("booked", "planned")
    for place, status in enumerate(("1", "2", "1")):
        backend.report_patient(ConnectionStatus=status, VendorContext=f"event-{place}")
    assert backend.current() == ("arrived", "planned")
    bearer = backend.ehr.bearer("user/Appointment.r")
    answer = backend.ehr.get(f"{FHIR}/Appointment/{backend.visit['appointment']}", headers=bearer)
    assert answer.headers["ETag"] == 'W/"2"'


def test_the_same_vendor_context_twice_is_one_row(backend: Backend) -> None:
    backend.report()
    backend.report(ConnectionStatus="2", VendorContext="event-2")
    again = backend.report()
    assert again.get_json() == {"Status": "1"}
    assert backend.connections() == [("provider", "connected"), ("provider", "disconnected")]


def test_the_same_state_twice_is_one_row(backend: Backend) -> None:
    backend.report()
    assert backend.report(VendorContext="event-9").get_json() == {"Status": "1"}
    assert backend.connections() == [("provider", "connected")]


def test_each_row_is_an_audit_event_on_the_appointment(backend: Backend) -> None:
    backend.report()
    backend.report_patient()
    bearer = backend.ehr.bearer("user/AuditEvent.rs")
    query = f"entity=Appointment/{backend.visit['appointment']}"
    bundle = backend.ehr.get(f"{FHIR}/AuditEvent?{query}", headers=bearer).get_json(force=True)
    details = [one["resource"]["entity"][0]["detail"][0]["valueString"] for one in bundle["entry"]]
    assert (bundle["total"], details) == (2, ["connected", "connected"])


def test_the_schedule_and_the_visit_show_who_is_connected_since_when(backend: Backend) -> None:
    ehr = backend.ehr
    ehr.post("/sim/clock", json={"now": "2026-11-25T16:03:00Z"})
    ehr.post("/sim/reset")
    backend = Backend(ehr)
    backend.report()
    ehr.post("/hyperspace/sign-in", data={"username": "ACAREFUL", "password": "sandbox"})
    assert "provider connected 10:03" in ehr.get("/hyperspace/").text
    detail = ehr.get(f"/hyperspace/appointments/{backend.visit['appointment']}").text
    assert "Adam Careful (provider)" in detail
    assert "25 Nov 2026 10:03:0" in detail
    assert "event-1" in detail


@pytest.mark.parametrize(
    ("user", "user_type", "party"),
    [
        ("ACAREFUL", "1", "provider"),
        ("EMP-1001", "EMP", "provider"),
        ("f007", "2", "provider"),
        ("WPR-1001", "4", "patient"),
        ("example", "EPT", "patient"),
    ],
)
def test_a_person_may_be_named_by_any_of_the_id_types(
    backend: Backend, user: str, user_type: str, party: str
) -> None:
    assert backend.report(ExternalID=user, ExternalIDType=user_type).status_code == 200
    assert backend.connections() == [(party, "connected")]


def test_newer_parameter_names_are_understood(backend: Backend) -> None:
    newer = {"UserID": backend.visit["practitioner"], "UserIDType": "2"}
    assert backend.report(ExternalID=None, ExternalIDType=None, **newer).status_code == 200


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"ConferenceID": None}, "NO-CONFERENCE-ID"),
        ({"ExternalID": None}, "NO-USER-ID"),
        ({"ExternalIDType": None}, "NO-USER-ID-TYPE"),
        ({"VendorName": None}, "NO-VENDOR-NAME"),
        ({"ConnectionStatus": None}, "NO-CONNECTION-STATUS"),
        ({"ConferenceID": "1"}, "INVALID-CONFERENCE-ID"),
        ({"ConferenceIDType": "EXTERNAL"}, "INVALID-CONFERENCE-ID"),
        ({"ExternalIDType": "9"}, "INVALID-USER-ID-TYPE"),
        ({"ExternalID": "nobody"}, "INVALID-USER-ID"),
        ({"ExternalID": "f001", "ExternalIDType": "3"}, "INVALID-USER-ID"),
        ({"ExternalID": "WPR-1002", "ExternalIDType": "4"}, "INVALID-USER-ID"),
        ({"ExternalID": "NOBODY", "ExternalIDType": "1"}, "INVALID-USER-ID"),
        ({"ConnectionStatus": "7"}, "INVALID-CONNECTION-STATUS"),
        ({"ConnectionStatus": "on"}, "INVALID-CONNECTION-STATUS"),
    ],
)
def test_a_wrong_report_is_refused_in_epics_words_and_changes_nothing(
    backend: Backend, change: dict[str, Any], expected: str
) -> None:
    assert word(backend.report(**change)) == expected
    assert backend.connections() == []


@pytest.mark.parametrize("csn", ["*", "the visit"])
def test_a_locked_record_can_be_asked_for_and_passes(backend: Backend, csn: str) -> None:
    asked = {"csn": csn.replace("the visit", backend.visit["csn"]), "lock_failed_times": 2}
    assert backend.ehr.post("/sim/write-back", json=asked).status_code == 200
    assert [word(backend.report()) for _ in range(2)] == ["LOCK-FAILED"] * 2
    assert backend.report().status_code == 200


def test_a_lock_of_another_visit_does_not_matter(backend: Backend) -> None:
    backend.ehr.post("/sim/write-back", json={"csn": "1", "lock_failed_times": 1})
    assert backend.report().status_code == 200


@pytest.mark.parametrize(
    "document", [{}, {"lock_failed_times": "2"}, {"csn": 1, "lock_failed_times": 1}]
)
def test_a_wrong_lock_order_is_refused(ehr: EhrDriver, document: dict[str, Any]) -> None:
    assert ehr.post("/sim/write-back", json=document).status_code == 400


def test_a_lost_answer_is_reported_again_without_a_second_row(backend: Backend) -> None:
    fault = {"route": PATH, "status": 503, "after": True, "times": 1}
    backend.ehr.post("/sim/faults", json=fault)
    assert [backend.report().status_code, backend.report().status_code] == [503, 200]
    assert backend.connections() == [("provider", "connected")]


def test_without_a_token_the_call_is_challenged(backend: Backend) -> None:
    del backend.headers["Authorization"]
    answer = backend.report()
    assert (answer.status_code, "Message" in answer.get_json()) == (401, True)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("scope", ["system/Appointment.r", "system/Patient.rs"])
def test_another_scope_is_not_authorized_for_the_service(backend: Backend, scope: str) -> None:
    backend.headers["Authorization"] = f"Bearer {backend.ehr.backend_token(scope)[0]}"
    answer = backend.report()
    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]


def test_a_persons_token_is_not_authorized_for_the_service(backend: Backend) -> None:
    backend.headers |= backend.ehr.bearer("user/Appointment.u")
    assert backend.report().status_code == 403


@pytest.mark.parametrize("client_id", ["", "nobody"])
def test_the_calling_client_must_be_named(backend: Backend, client_id: str) -> None:
    backend.headers["Epic-Client-ID"] = client_id
    answer = backend.report()
    assert (answer.status_code, "Epic-Client-ID" in answer.headers["WWW-Authenticate"]) == (
        403,
        True,
    )


def test_a_visit_of_test_is_unknown_in_production(backend: Backend, production: EhrDriver) -> None:
    other = Backend(production)
    assert word(other.report(ConferenceID=backend.visit["csn"])) == "INVALID-CONFERENCE-ID"
