"""Attendance reports: one for each call session, made when the call ends.

https://learn.microsoft.com/graph/api/resources/meetingattendancereport
"""

from typing import Any

from flask import Response, jsonify, request

from mock_microsoft.graph.access import READ_ATTENDANCE, require_organizer
from mock_microsoft.graph.errors import BadRequest, NotFound
from mock_microsoft.graph.meetings import owned_meeting
from mock_microsoft.graph.versions import context_of, graph_blueprint
from mock_microsoft.identifiers import stable_guid
from mock_microsoft.instants import graph_text
from mock_microsoft.teams.meeting import Meeting
from mock_microsoft.teams.participants import AttendanceRecord, AttendanceReport

# Graph returns no more than the newest reports of a meeting (microsoft-graph-docs-contrib issue 506).
NEWEST_REPORTS = 10
RECORDS = "attendanceRecords"

blueprint = graph_blueprint("graph_attendance", __name__)


@blueprint.get("/users/<user_id>/onlineMeetings/<meeting_id>/attendanceReports")
def list_reports(user_id: str, meeting_id: str) -> Response:
    """Newest first."""
    meeting = _meeting(user_id, meeting_id)
    newest = meeting.reports[::-1][:NEWEST_REPORTS]
    return _collection("attendanceReports", [_report(report) for report in newest])


@blueprint.get("/users/<user_id>/onlineMeetings/<meeting_id>/attendanceReports/<report_id>")
def read_report(user_id: str, meeting_id: str, report_id: str) -> Response:
    report = _find(_meeting(user_id, meeting_id), report_id)
    expand = request.args.get("$expand")
    if expand not in (None, RECORDS):
        raise BadRequest(f"Could not find a property named '{expand}'.")
    records = {RECORDS: [_record(one) for one in report.records]} if expand else {}
    return jsonify(
        {"@odata.context": context_of("attendanceReports/$entity"), **_report(report), **records}
    )


@blueprint.get(
    "/users/<user_id>/onlineMeetings/<meeting_id>/attendanceReports/<report_id>/attendanceRecords"
)
def list_records(user_id: str, meeting_id: str, report_id: str) -> Response:
    report = _find(_meeting(user_id, meeting_id), report_id)
    return _collection(RECORDS, [_record(one) for one in report.records])


def _meeting(user_id: str, meeting_id: str) -> Meeting:
    return owned_meeting(require_organizer(user_id, READ_ATTENDANCE), meeting_id)


def _find(meeting: Meeting, report_id: str) -> AttendanceReport:
    report = next((r for r in meeting.reports if r.id == report_id), None)
    if report is None:
        raise NotFound("The attendance report was not found.")
    return report


def _collection(name: str, value: list[dict[str, Any]]) -> Response:
    return jsonify({"@odata.context": context_of(name), "value": value})


def _report(report: AttendanceReport) -> dict[str, Any]:
    return {
        "id": report.id,
        "totalParticipantCount": len(report.records),
        "meetingStartDateTime": graph_text(report.started),
        "meetingEndDateTime": graph_text(report.ended),
    }


def _record(record: AttendanceRecord) -> dict[str, Any]:
    """Of someone without account only the name they typed is known."""
    person = record.visitor.person
    return {
        "id": person.id if person else stable_guid("attendance", record.person_key),
        "emailAddress": person.mail if person else None,
        "totalAttendanceInSeconds": record.total_seconds,
        "role": record.role,
        "identity": {
            "id": person.id if person else None,
            "displayName": record.visitor.display_name,
            "tenantId": person.tenant.id if person else None,
        },
        "attendanceIntervals": [
            {
                "joinDateTime": graph_text(joined),
                "leaveDateTime": graph_text(left),
                "durationInSeconds": round((left - joined).total_seconds()),
            }
            for joined, left in record.intervals
        ],
    }
