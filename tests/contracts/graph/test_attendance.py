"""`GraphAttendance`: reports of Graph, read whole and tolerantly (microsoft.md 3.9); the fake as well."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from tests.builders.canaries import CANARIES
from tests.fakes.microsoft import FakeAttendance
from tests.fakes.wire import DROPPED, Heard, Reply, WireServer
from tests.fakes.wired_microsoft import OTHER_TENANT, PERSON, TENANT

from connector.adapters.graph.attendance import GraphAttendance
from connector.adapters.graph.client import MOST_PAGES, GraphClient
from connector.domain.attendance import Stay
from connector.ports.errors import BadAnswer, Denied, Gone, OutsideError, TryLater
from connector.ports.microsoft import Attendance, AttendanceReport, Attendee, IdentityKind

BEGAN = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
ENDED = BEGAN + timedelta(minutes=30)
MEETING = "MSo1N2Y5/+x="
REPORTS = f"/v1.0/users/{PERSON}/onlineMeetings/{quote(MEETING, safe='')}/attendanceReports"
NAME = min(name for name in CANARIES if name.replace(" ", "").isalpha())


def at(minutes: float) -> datetime:
    return BEGAN + timedelta(minutes=minutes)


def text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"  # seven digits, as Graph writes them


def record(*stays: tuple[float, float], **identity: Any) -> dict[str, Any]:
    return {
        "id": "record",
        "emailAddress": None,
        "totalAttendanceInSeconds": 60,
        "role": "Attendee",
        "identity": {"id": None, "displayName": NAME, "tenantId": None} | identity,
        "attendanceIntervals": [
            {"joinDateTime": text(at(a)), "leaveDateTime": text(at(b)), "durationInSeconds": 60}
            for a, b in stays
        ],
    }


def listed(report_id: str = "report-1", ended: datetime = ENDED) -> dict[str, Any]:
    return {
        "id": report_id,
        "totalParticipantCount": 1,
        "meetingStartDateTime": text(BEGAN),
        "meetingEndDateTime": text(ended),
    }


def records_of(report_id: str) -> str:
    return f"{REPORTS}/{quote(report_id, safe='')}/attendanceRecords"


@pytest.fixture
def publish(wire: WireServer) -> Callable[..., None]:
    """Graph has these reports, and these records in each."""

    def published(*reports: dict[str, Any], records: list[Any] | None = None) -> None:
        wire.answer("GET", REPORTS, Reply(200, {"value": list(reports)}))
        for each in reports:
            found = [record((1, 29))] if records is None else records
            wire.answer("GET", records_of(str(each.get("id"))), Reply(200, {"value": found}))

    return published


@pytest.fixture
def attendance(graph: GraphClient) -> GraphAttendance:
    return GraphAttendance(graph)


def ask(attendance: Attendance, since: datetime = BEGAN) -> list[AttendanceReport]:
    return list(
        attendance.reports(tenant_id=TENANT, organizer_id=PERSON, meeting_id=MEETING, since=since)
    )


def only(attendance: Attendance) -> Attendee:
    [report] = ask(attendance)
    [attendee] = report.attendees
    return attendee


# What is read -----------------------------------------------------------------------------------------


def test_who_was_there_and_when_is_read(
    attendance: GraphAttendance, publish: Callable[..., None]
) -> None:
    publish(
        listed(),
        records=[
            record((1, 10), (12, 29), id=PERSON.upper(), tenantId=TENANT.upper()),
            record((2, 28)),
        ],
    )
    assert ask(attendance) == [
        AttendanceReport(
            ENDED,
            [
                Attendee(
                    IdentityKind.USER,
                    PERSON,
                    TENANT,
                    [Stay(at(1), at(10)), Stay(at(12), at(29))],
                ),
                Attendee(IdentityKind.GUEST, None, None, [Stay(at(2), at(28))]),
            ],
        )
    ]


def test_names_end_at_the_adapter(
    attendance: GraphAttendance, publish: Callable[..., None]
) -> None:
    publish(listed())
    assert NAME not in repr(ask(attendance))


@pytest.mark.parametrize(
    ("called", "kind"),
    [
        ("Marie", IdentityKind.GUEST),
        ("山田", IdentityKind.GUEST),
        ("+1 (425) 555-0100", IdentityKind.PHONE),
        ("1425*******", IdentityKind.PHONE),
        ("", IdentityKind.UNNAMED),
        ("  ", IdentityKind.UNNAMED),
        (None, IdentityKind.UNNAMED),
        (7, IdentityKind.UNNAMED),
    ],
)
def test_a_number_is_a_telephone_s_and_nothing_is_nobody_s(
    attendance: GraphAttendance, publish: Callable[..., None], called: object, kind: IdentityKind
) -> None:
    publish(listed(), records=[record((1, 2), displayName=called)])
    assert only(attendance).kind is kind


def test_a_tenant_without_an_account_is_nobody_s(
    attendance: GraphAttendance, publish: Callable[..., None]
) -> None:
    publish(listed(), records=[record((1, 2), tenantId=OTHER_TENANT)])
    assert only(attendance).tenant_id is None


@pytest.mark.parametrize("identity", [None, "someone", []])
def test_who_has_no_identity_is_nobody(
    attendance: GraphAttendance, publish: Callable[..., None], identity: object
) -> None:
    publish(listed(), records=[record((1, 2)) | {"identity": identity}])
    assert only(attendance).kind is IdentityKind.UNNAMED


def test_who_has_no_time_of_leaving_left_with_the_call(
    attendance: GraphAttendance, publish: Callable[..., None]
) -> None:
    whole = record((1, 2))
    whole["attendanceIntervals"] = [{"joinDateTime": text(at(1)), "leaveDateTime": None}]
    publish(listed(), records=[whole])
    assert only(attendance).stays == [Stay(at(1), ENDED)]


@pytest.mark.parametrize(
    "intervals",
    [None, [], [{}], [{"joinDateTime": None, "leaveDateTime": text(ENDED)}]],
    ids=["null", "none", "empty", "no join"],
)
def test_who_has_no_time_in_the_call_has_no_stay(
    attendance: GraphAttendance, publish: Callable[..., None], intervals: object
) -> None:
    publish(listed(), records=[record() | {"attendanceIntervals": intervals}])
    assert list(only(attendance).stays) == []


@pytest.mark.parametrize("left", [1, 0.5])
def test_a_stay_of_no_length_is_none(
    attendance: GraphAttendance, publish: Callable[..., None], left: float
) -> None:
    publish(listed(), records=[record((1, left))])
    assert list(only(attendance).stays) == []


def test_reports_are_merged_oldest_first(
    attendance: GraphAttendance, publish: Callable[..., None]
) -> None:
    """Graph lists the newest first; a call that was started again has one of its own."""
    publish(listed("b/2", ENDED + timedelta(hours=1)), listed("a"))
    assert [each.ended_at for each in ask(attendance)] == [ENDED, ENDED + timedelta(hours=1)]


def test_pages_of_reports_and_records_are_followed(
    attendance: GraphAttendance, wire: WireServer
) -> None:
    def paged(heard: Heard) -> Reply:
        here = f"{wire.url}{heard.path}?$skiptoken=2"
        what = {REPORTS: [listed("a"), listed("b")]}.get(
            heard.path, [record((1, 2)), record((3, 4))]
        )
        if "$skiptoken" in heard.query:
            return Reply(200, {"value": what[1:]})
        return Reply(200, {"value": what[:1], "@odata.nextLink": here})

    for path in (REPORTS, records_of("a"), records_of("b")):
        wire.answer("GET", path, paged)

    assert [len(each.attendees) for each in ask(attendance)] == [2, 2]


def test_a_list_without_end_is_read_for_a_while(
    attendance: GraphAttendance, wire: WireServer
) -> None:
    endless = {"value": [], "@odata.nextLink": f"{wire.url}{REPORTS}"}
    wire.answer("GET", REPORTS, Reply(200, endless))
    assert ask(attendance) == []
    assert len(wire.requests(REPORTS)) == MOST_PAGES


@pytest.mark.parametrize("end", [None, "absent"])
def test_a_call_that_goes_on_has_no_report(
    attendance: GraphAttendance, publish: Callable[..., None], end: object
) -> None:
    """Docs issue 12670: empty while running."""
    going_on = listed() | {"meetingEndDateTime": None}
    if end == "absent":
        del going_on["meetingEndDateTime"]
    publish(going_on)
    assert ask(attendance) == []


def test_what_is_asked_names_organizer_and_meeting_and_changes_nothing(
    attendance: GraphAttendance, publish: Callable[..., None], wire: WireServer
) -> None:
    publish(listed())
    ask(attendance)
    assert [(h.method, h.headers["authorization"]) for h in wire.heard] == [
        ("GET", f"Bearer app-{TENANT}-0")
    ] * 2


def test_records_of_calls_before_are_not_asked_for(
    attendance: GraphAttendance, publish: Callable[..., None], wire: WireServer
) -> None:
    publish(listed())
    assert ask(attendance, since=ENDED) == []
    assert len(wire.heard) == 1


# What is refused --------------------------------------------------------------------------------------


POLICY = {
    "error": {
        "code": "Forbidden",
        "message": "No application access policy found for this app.",
    }
}
REFUSALS: list[tuple[Reply, type[OutsideError], str]] = [
    (Reply(403, POLICY), Denied, "application_access_policy"),
    (Reply(403, {"error": {"code": "Forbidden", "message": ""}}), Denied, "Forbidden"),
    (Reply(404, {"error": {"code": "NotFound", "message": ""}}), Gone, "NotFound"),
    (Reply(429, {}, {"Retry-After": "7"}), TryLater, "http_429"),
    (Reply(503, {}), TryLater, "http_503"),
    (Reply(200, {}), BadAnswer, "value"),
    (Reply(200, {"value": {}}), BadAnswer, "value"),
    (Reply(200, {"value": ["report"]}), BadAnswer, "value"),
    (
        Reply(200, {"value": [], "@odata.nextLink": "https://elsewhere.example/"}),
        BadAnswer,
        "next_link",
    ),
    (Reply(200, "<html>"), BadAnswer, "content_type"),
]


@pytest.mark.parametrize(("answer", "error", "code"), REFUSALS)
@pytest.mark.parametrize("where", ["reports", "records"])
def test_no_part_is_taken_for_the_whole(
    attendance: GraphAttendance,
    publish: Callable[..., None],
    wire: WireServer,
    where: str,
    answer: Reply,
    error: type[OutsideError],
    code: str,
) -> None:
    publish(listed("a"), listed("b"))
    wire.answer("GET", {"reports": REPORTS, "records": records_of("b")}[where], answer)

    with pytest.raises(error) as refused:
        ask(attendance)

    assert (type(refused.value), refused.value.code) == (error, code)


def test_graph_s_pause_is_passed_on(attendance: GraphAttendance, wire: WireServer) -> None:
    wire.answer("GET", REPORTS, Reply(429, {}, {"Retry-After": "7"}))
    with pytest.raises(TryLater) as throttled:
        ask(attendance)
    assert throttled.value.retry_after_seconds == 7


def test_an_answer_that_is_lost_may_be_asked_for_again(
    attendance: GraphAttendance, wire: WireServer
) -> None:
    wire.answer("GET", REPORTS, DROPPED)
    with pytest.raises(TryLater):
        ask(attendance)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"id": None}, "id"),
        ({"id": ""}, "id"),
        ({"id": 7}, "id"),
        ({"meetingEndDateTime": "soon"}, "meetingEndDateTime"),
        ({"meetingEndDateTime": 7}, "meetingEndDateTime"),
    ],
)
def test_a_malformed_report_is_not_guessed_at(
    attendance: GraphAttendance, publish: Callable[..., None], change: dict[str, Any], code: str
) -> None:
    publish(listed() | change)
    with pytest.raises(BadAnswer) as refused:
        ask(attendance)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("intervals", "code"),
    [
        ("now", "attendanceIntervals"),
        ([None], "attendanceIntervals"),
        ([{"joinDateTime": "now"}], "joinDateTime"),
        ([{"joinDateTime": 7}], "joinDateTime"),
        ([{"joinDateTime": text(BEGAN), "leaveDateTime": "later"}], "leaveDateTime"),
    ],
)
def test_malformed_times_are_not_guessed_at(
    attendance: GraphAttendance, publish: Callable[..., None], intervals: object, code: str
) -> None:
    publish(listed(), records=[record() | {"attendanceIntervals": intervals}])
    with pytest.raises(BadAnswer) as refused:
        ask(attendance)
    assert refused.value.code == code


# The fake keeps the same promises -----------------------------------------------------------------------


@pytest.fixture(params=["graph", "fake"])
def either(
    request: pytest.FixtureRequest, attendance: GraphAttendance, publish: Callable[..., None]
) -> Attendance:
    """Two calls, told by reports the other way round."""
    later = ENDED + timedelta(hours=1)
    publish(listed("b", later), listed("a"))
    fake = FakeAttendance()
    for ended in (later, ENDED):
        attendee = Attendee(IdentityKind.GUEST, None, None, [Stay(at(1), at(29))])
        fake.add(TENANT, PERSON, MEETING, AttendanceReport(ended, [attendee]))
    return attendance if request.param == "graph" else fake


def test_oldest_first_and_whole(either: Attendance) -> None:
    reports = ask(either)
    assert [each.ended_at for each in reports] == [ENDED, ENDED + timedelta(hours=1)]
    assert {len(each.attendees) for each in reports} == {1}


def test_only_calls_that_ended_since(either: Attendance) -> None:
    assert [each.ended_at for each in ask(either, since=ENDED)] == [ENDED + timedelta(hours=1)]
