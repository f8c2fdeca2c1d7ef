"""What a run asks of the simulators, and what they wrote down, over HTTP."""

from collections.abc import Callable
from unittest.mock import Mock

import pytest
import requests
from loadtest.records import MeetingMade, Persona, WriteBack
from loadtest.stage.controls import Controls
from tests.conformance.mock_microsoft.microsoft_desk import ADAM, quoted
from tests.integration.mock_fhir.test_mock_fhir_writeback import Backend
from tests.loadtest.stage.conftest import Outside

from loadtest.stage import controls as controls_module


def test_visits_are_booked_for_the_clinicians_in_turn_and_open_now(outside: Outside) -> None:
    visits = outside.controls.book(3, ["ACAREFUL", "EBROEK"])
    shown = {one["csn"]: one for one in outside.ehr.visits()}
    assert len({one.csn for one in visits}) == 3
    assert all(shown[one.csn]["now"] for one in visits)
    assert [one.clinician for one in visits] == ["ACAREFUL", "EBROEK", "ACAREFUL"]
    assert all(shown[one.csn]["clinician_login"] == one.clinician for one in visits)
    assert all(shown[one.csn]["patient"] == one.patient_id for one in visits)


def test_a_report_taken_twice_is_counted_twice(outside: Outside) -> None:
    backend = Backend(outside.ehr)
    backend.report()
    backend.report()
    backend.report_patient()
    csn = backend.visit["csn"]
    assert list(outside.controls.write_backs()) == [
        WriteBack(visit=csn, persona=Persona.PROVIDER, status="connected", accepted=2),
        WriteBack(visit=csn, persona=Persona.PATIENT, status="connected", accepted=1),
    ]
    assert outside.controls.reports_taken() == 3


def test_every_page_of_a_ledger_is_asked_for(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(controls_module, "PAGE_ROWS", 2)
    made = [outside.microsoft.meeting(f"visit-{number}") for number in range(5)]
    assert list(outside.controls.meetings()) == [
        MeetingMade(meeting=one["chatInfo"]["threadId"], external_id=f"visit-{number}")
        for number, one in enumerate(made)
    ]


def test_an_environment_without_integration_records_is_not_configured_yet(
    outside: Outside,
) -> None:
    assert not outside.controls.has_records()


def test_calls_that_are_still_on_are_ended(outside: Outside) -> None:
    desk = outside.microsoft
    held, over = desk.meeting("held"), desk.meeting("over")
    for meeting in (held, over):
        desk.join(meeting, user_id=ADAM)
    desk.sim("POST", f"meetings/{quoted(over)}/end")
    outside.controls.end_calls()
    rows = desk.sim("GET", "ledger").get_json()["rows"]
    assert [row[2:4] for row in rows] == [[1, 1], [1, 1]]


def test_nothing_is_on_its_way_at_first(outside: Outside) -> None:
    assert outside.controls.pending_deliveries() == 0


def test_a_fault_is_set_and_cleared_by_its_id(outside: Outside) -> None:
    controls = outside.controls
    first = controls.add_fault(controls.ehr_url, {"route": "*", "delay_seconds": 0.5})
    second = controls.add_fault(controls.ehr_url, {"route": "*", "status": 503})
    controls.clear_fault(controls.ehr_url, first)
    left = outside.ehr.get("/sim/faults").get_json()["faults"]
    assert [one["id"] for one in left] == [second]


def test_a_simulator_that_refuses_is_an_error(outside: Outside) -> None:
    with pytest.raises(requests.HTTPError):
        outside.controls.book(1, ["NOBODY"])


@pytest.mark.parametrize("ask", [Controls.reports_taken, Controls.pending_deliveries])
def test_nobody_waits_for_ever(ask: Callable[[Controls], int]) -> None:
    session = Mock(spec=requests.Session)
    session.request.side_effect = requests.Timeout
    with pytest.raises(requests.Timeout):
        ask(Controls(session, "https://ehr", "https://microsoft"))
    assert session.request.call_args.kwargs["timeout"] == controls_module.TIMEOUT_SECONDS
