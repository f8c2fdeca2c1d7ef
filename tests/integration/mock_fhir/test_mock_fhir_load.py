"""What load tests ask of the EHR: thousands of visits at once, and how often it took each report."""

import time
from collections import Counter

import pytest
from tests.conformance.mock_fhir.ehr_driver import EhrDriver
from tests.integration.mock_fhir.test_mock_fhir_writeback import Backend

COLUMNS = ["csn", "party", "status", "accepted"]


def test_visits_are_booked_by_number_and_can_be_begun_now(ehr: EhrDriver) -> None:
    booked = ehr.post("/sim/visits", json={"count": 28}).get_json()["visits"]
    shown = {one["csn"]: one for one in ehr.visits()}
    assert all(shown[one["csn"]]["now"] for one in booked)
    assert [shown[one["csn"]]["appointment"] for one in booked] == [
        one["appointment"] for one in booked
    ]
    assert set(Counter(one["practitioner"] for one in booked).values()) == {7}
    assert set(Counter(one["patient"] for one in booked).values()) == {4}


def test_visits_are_booked_for_the_clinicians_named(ehr: EhrDriver) -> None:
    asked = {"count": 5, "clinicians": ["acareful"]}
    booked = ehr.post("/sim/visits", json=asked).get_json()["visits"]
    assert {one["clinician_login"] for one in booked} == {"ACAREFUL"}
    assert {one["practitioner"] for one in booked} == {"example"}


def test_a_booked_visit_is_a_resource_like_any_other(ehr: EhrDriver) -> None:
    [booked] = ehr.post("/sim/visits", json={"count": 1}).get_json()["visits"]
    bearer = ehr.bearer(
        "launch openid fhirUser user/Appointment.rs", appointment=booked["appointment"]
    )
    read = ehr.get(f"/api/FHIR/R4/Appointment/{booked['appointment']}", headers=bearer).get_json()
    assert (read["status"], read["meta"]["versionId"]) == ("booked", "1")


@pytest.mark.parametrize(
    "document", [{"count": -1}, {"count": "many"}, {"count": 1, "clinicians": ["NOBODY"]}]
)
def test_a_wrong_order_for_visits_is_refused(ehr: EhrDriver, document: dict[str, object]) -> None:
    before = len(ehr.visits())
    answer = ehr.post("/sim/visits", json=document)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")
    assert len(ehr.visits()) == before


def test_ten_thousand_visits_take_seconds_not_minutes(ehr: EhrDriver) -> None:
    began = time.process_time()
    booked = ehr.post("/sim/visits", json={"count": 10_000}).get_json()["visits"]
    assert len({one["csn"] for one in booked}) == 10_000
    assert time.process_time() - began < 5


def test_the_ledger_counts_every_report_taken_repeats_included(ehr: EhrDriver) -> None:
    backend = Backend(ehr)
    csn = backend.visit["csn"]
    backend.report()
    backend.report()
    backend.report(VendorContext="event-7")
    backend.report_patient()
    backend.report_patient(ConnectionStatus="2", VendorContext="event-3")
    ledger = ehr.get("/sim/ledger").get_json()
    assert ledger == {
        "columns": COLUMNS,
        "rows": [
            [csn, "provider", "connected", 3],
            [csn, "patient", "connected", 1],
            [csn, "patient", "disconnected", 1],
        ],
        "next": None,
        "total": 5,
    }


def test_a_refused_report_is_not_in_the_ledger(ehr: EhrDriver) -> None:
    backend = Backend(ehr)
    ehr.post("/sim/write-back", json={"csn": "*", "lock_failed_times": 1})
    assert backend.report().status_code == 400
    assert ehr.get("/sim/ledger").get_json()["rows"] == []


def test_the_ledger_comes_in_pages(ehr: EhrDriver) -> None:
    backend = Backend(ehr)
    backend.report()
    backend.report_patient()
    first = ehr.get("/sim/ledger?limit=1").get_json()
    second = ehr.get(f"/sim/ledger?limit=1&offset={first['next']}").get_json()
    last = ehr.get(f"/sim/ledger?limit=1&offset={second['next']}").get_json()
    assert [row[1] for row in first["rows"] + second["rows"]] == ["provider", "patient"]
    assert (last["rows"], last["next"]) == ([], None)


def test_a_reset_forgets_the_ledger(ehr: EhrDriver) -> None:
    Backend(ehr).report()
    ehr.post("/sim/reset")
    assert ehr.get("/sim/ledger").get_json()["rows"] == []
