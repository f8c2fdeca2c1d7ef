"""Attendance reports: microsoft.md 3.9."""

from typing import Any

import pytest
from tests.conformance.mock_microsoft.microsoft_desk import ADAM, OTHER_APP, Desk, quoted

MEETINGS = f"users/{ADAM}/onlineMeetings"


def advance(desk: Desk, seconds: int) -> None:
    desk.sim("POST", "clock", {"advance_seconds": seconds})


def reports(desk: Desk, meeting: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = desk.graph(
        "GET", f"{MEETINGS}/{meeting['id']}/attendanceReports"
    ).get_json()["value"]
    return found


def held(desk: Desk, meeting: dict[str, Any]) -> None:
    """A call: the patient waits a minute, is in for two, leaves, comes back for one."""
    clinician = desk.join(meeting, user_id=ADAM)
    patient = desk.join(meeting, display_name="Amy Shaw")
    advance(desk, 60)
    desk.act(meeting, patient, "admit")
    advance(desk, 120)
    desk.act(meeting, patient, "leave")
    again = desk.act(meeting, patient, "rejoin").get_json()
    desk.act(meeting, again, "admit")
    advance(desk, 60)
    desk.act(meeting, clinician, "leave")
    desk.act(meeting, again, "leave")


def test_nothing_is_reported_while_the_call_goes_on(desk: Desk) -> None:
    """Docs issue 12670"""
    meeting = desk.meeting()
    desk.join(meeting, user_id=ADAM)
    assert reports(desk, meeting) == []


def test_the_report_counts_time_in_the_call_over_all_intervals(desk: Desk) -> None:
    meeting = desk.meeting()
    held(desk, meeting)
    (report,) = reports(desk, meeting)
    path = f"{MEETINGS}/{meeting['id']}/attendanceReports/{report['id']}?$expand=attendanceRecords"
    records = {
        r["identity"]["displayName"]: r
        for r in desk.graph("GET", path).get_json()["attendanceRecords"]
    }
    assert report["totalParticipantCount"] == 2
    assert records["Amy Shaw"]["totalAttendanceInSeconds"] == pytest.approx(180, abs=2)
    assert len(records["Amy Shaw"]["attendanceIntervals"]) == 2
    assert (records["Adam Careful"]["role"], records["Amy Shaw"]["role"]) == (
        "Organizer",
        "Attendee",
    )


def test_a_patient_is_known_by_the_typed_name_only(desk: Desk) -> None:
    meeting = desk.meeting()
    held(desk, meeting)
    path = f"{MEETINGS}/{meeting['id']}/attendanceReports/{reports(desk, meeting)[0]['id']}/attendanceRecords"
    record = next(
        r for r in desk.graph("GET", path).get_json()["value"] if r["identity"]["id"] is None
    )
    assert (record["emailAddress"], record["identity"]["displayName"]) == (None, "Amy Shaw")


def test_records_come_only_when_expanded(desk: Desk) -> None:
    meeting = desk.meeting()
    held(desk, meeting)
    path = f"{MEETINGS}/{meeting['id']}/attendanceReports/{reports(desk, meeting)[0]['id']}"
    assert "attendanceRecords" not in desk.graph("GET", path).get_json()
    assert desk.graph("GET", f"{path}?$expand=everything").status_code == 400


def test_a_call_nobody_was_admitted_to_leaves_no_report(desk: Desk) -> None:
    meeting = desk.meeting()
    patient = desk.join(meeting, display_name="Amy Shaw")
    desk.act(meeting, patient, "leave")
    assert reports(desk, meeting) == []


def test_only_the_ten_newest_reports_are_listed(desk: Desk) -> None:
    """Docs-contrib issue 506"""
    meeting = desk.meeting()
    for _ in range(12):
        desk.join(meeting, user_id=ADAM)
        desk.sim("POST", f"meetings/{quoted(meeting)}/end")
        advance(desk, 60)
    starts = [report["meetingStartDateTime"] for report in reports(desk, meeting)]
    assert len(starts) == 10
    assert starts == sorted(starts, reverse=True)


def test_an_unknown_report_is_not_found(desk: Desk) -> None:
    path = f"{MEETINGS}/{desk.meeting()['id']}/attendanceReports/none"
    assert desk.graph("GET", path).status_code == 404


def test_attendance_needs_its_own_role(desk: Desk) -> None:
    path = f"{MEETINGS}/{desk.meeting()['id']}/attendanceReports"
    assert desk.graph("GET", path, token=desk.app_token(client_id=OTHER_APP)).status_code == 403
