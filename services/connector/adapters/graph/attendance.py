"""Attendance reports of a meeting: who was in its calls, read when they are over (microsoft.md 3.9).

https://learn.microsoft.com/graph/api/meetingattendancereport-get

Ten have been listed at most, without a next page (microsoft-graph-docs-contrib issue 506).
They are read tolerantly, for the schema makes every field nullable; names people are called by are
looked at for what kind of caller it is, and end here.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from connector.adapters.graph.client import V1, GraphClient
from connector.adapters.graph.instants import instant
from connector.domain.attendance import Stay
from connector.ports.errors import BadAnswer
from connector.ports.microsoft import AttendanceReport, Attendee, IdentityKind


class GraphAttendance:
    """Implements `ports.microsoft.Attendance`."""

    def __init__(self, graph: GraphClient) -> None:
        self._graph = graph

    def reports(
        self, *, tenant_id: str, organizer_id: str, meeting_id: str, since: datetime
    ) -> Sequence[AttendanceReport]:
        organizer, meeting = quote(organizer_id, safe=""), quote(meeting_id, safe="")
        listing = f"{V1}/users/{organizer}/onlineMeetings/{meeting}/attendanceReports"
        found = []
        for report in self._listed(tenant_id, listing):
            if report.get("meetingEndDateTime") is None:  # it goes on
                continue
            ended_at = instant(report.get("meetingEndDateTime"), "meetingEndDateTime")
            if ended_at <= since:
                continue
            records = f"{listing}/{quote(_id(report), safe='')}/attendanceRecords"
            attendees = [_attendee(each, ended_at) for each in self._listed(tenant_id, records)]
            found.append(AttendanceReport(ended_at, attendees))
        return sorted(found, key=lambda each: each.ended_at)

    def _listed(self, tenant_id: str, path: str) -> Iterator[Mapping[str, Any]]:
        for each in self._graph.listed(tenant_id, path):
            if not isinstance(each, dict):
                raise BadAnswer("value", host=self._graph.host)
            yield each


def _id(report: Mapping[str, Any]) -> str:
    report_id = report.get("id")
    if not isinstance(report_id, str) or not report_id:
        raise BadAnswer("id")
    return report_id


def _attendee(record: Mapping[str, Any], call_ended_at: datetime) -> Attendee:
    identity = record.get("identity")
    identity = identity if isinstance(identity, dict) else {}
    object_id = _lower(identity.get("id"))
    return Attendee(
        kind=IdentityKind.USER if object_id else _kind_of(identity.get("displayName")),
        object_id=object_id,
        tenant_id=_lower(identity.get("tenantId")) if object_id else None,
        stays=_stays(record.get("attendanceIntervals"), call_ended_at),
    )


def _kind_of(display_name: object) -> IdentityKind:
    """Of somebody without an account: who typed a name came by a link, a number is a telephone's."""
    if not isinstance(display_name, str) or not display_name.strip():
        return IdentityKind.UNNAMED
    is_name = any(character.isalpha() for character in display_name)
    return IdentityKind.GUEST if is_name else IdentityKind.PHONE


def _stays(intervals: object, call_ended_at: datetime) -> Sequence[Stay]:
    """In the call, whole or not: who has no time of leaving left with its end."""
    if intervals is None:
        return []
    if not isinstance(intervals, list) or not all(isinstance(each, dict) for each in intervals):
        raise BadAnswer("attendanceIntervals")
    stays = [
        Stay(
            instant(each["joinDateTime"], "joinDateTime"),
            instant(each["leaveDateTime"], "leaveDateTime")
            if each.get("leaveDateTime")
            else call_ended_at,
        )
        for each in intervals
        if each.get("joinDateTime")
    ]
    return [stay for stay in stays if stay.joined_at < stay.left_at]


def _lower(value: object) -> str | None:
    return value.lower() if isinstance(value, str) and value else None
