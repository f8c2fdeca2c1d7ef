"""The connector's reader of attendance reports against the simulator, over TLS: microsoft.md 3.9."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from tests.builders.http import guarded_http
from tests.conformance.mock_microsoft.microsoft_desk import (
    ADAM,
    CONNECTOR,
    CONTOSO,
    OTHER_APP,
    Desk,
    quoted,
)
from tests.fakes.system import SequentialIds
from tests.integration.mock_microsoft.conftest import Certificates

from connector.adapters.graph.attendance import GraphAttendance
from connector.adapters.graph.client import GraphClient
from connector.adapters.system.clock import SystemClock
from connector.ports.errors import Denied, Gone, TryLater
from connector.ports.microsoft import AttendanceReport, IdentityKind

Reader = Callable[..., list[AttendanceReport]]


@pytest.fixture
def meeting(served: tuple[Desk, str]) -> dict[str, Any]:
    return served[0].meeting()


@pytest.fixture
def read(
    served: tuple[Desk, str], certificates: Certificates, meeting: dict[str, Any]
) -> Iterator[Reader]:
    """Reads the reports as an application; of the meeting, unless another is named."""
    desk, url = served
    http = guarded_http(certificates.ca_file)

    def reports(app: str = CONNECTOR, meeting_id: str = meeting["id"]) -> list[AttendanceReport]:
        graph = GraphClient(
            http,
            SystemClock(),
            SequentialIds(),
            graph_url=url,
            app_token=lambda tenant: desk.app_token(tenant, client_id=app),
            forget_app_token=lambda _tenant: None,
        )
        since = desk.world.clock.now() - timedelta(days=1)
        return list(
            GraphAttendance(graph).reports(
                tenant_id=CONTOSO, organizer_id=ADAM, meeting_id=meeting_id, since=since
            )
        )

    yield reports
    http.close()


def advance(desk: Desk, seconds: int) -> None:
    desk.sim("POST", "clock", {"advance_seconds": seconds})


def held(desk: Desk, meeting: dict[str, Any]) -> None:
    """The clinician for four minutes, the patient for two of them."""
    desk.join(meeting, user_id=ADAM)
    patient = desk.join(meeting, display_name="Amy Shaw")
    advance(desk, 60)
    desk.act(meeting, patient, "admit")
    advance(desk, 120)
    desk.act(meeting, patient, "leave")
    advance(desk, 60)
    desk.sim("POST", f"meetings/{quoted(meeting)}/end")


def test_who_was_in_the_call_and_how_long_is_read(
    served: tuple[Desk, str], meeting: dict[str, Any], read: Reader
) -> None:
    held(served[0], meeting)

    [report] = read()

    seconds = {
        each.kind: [round((s.left_at - s.joined_at).total_seconds()) for s in each.stays]
        for each in report.attendees
    }
    assert seconds == {IdentityKind.USER: [240], IdentityKind.GUEST: [120]}
    staff = next(each for each in report.attendees if each.kind is IdentityKind.USER)
    assert (staff.object_id, staff.tenant_id) == (ADAM, CONTOSO)
    assert report.ended_at == max(s.left_at for each in report.attendees for s in each.stays)


def test_a_call_that_goes_on_is_read_as_none(
    served: tuple[Desk, str], meeting: dict[str, Any], read: Reader
) -> None:
    served[0].join(meeting, user_id=ADAM)
    assert read() == []


def test_every_call_of_a_meeting_is_read_up_to_the_ten_that_are_listed(
    served: tuple[Desk, str], meeting: dict[str, Any], read: Reader
) -> None:
    desk = served[0]
    for _ in range(12):
        held(desk, meeting)
        advance(desk, 60)
    ends = [report.ended_at for report in read()]
    assert len(ends) == 10
    assert ends == sorted(ends)


def test_an_application_without_the_permission_is_denied(
    served: tuple[Desk, str], meeting: dict[str, Any], read: Reader
) -> None:
    held(served[0], meeting)
    with pytest.raises(Denied):
        read(app=OTHER_APP)


def test_a_meeting_that_is_not_there_is_gone(read: Reader) -> None:
    with pytest.raises(Gone):
        read(meeting_id="MSo-nobody's")


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("route", ["*/attendanceReports", "*/attendanceRecords"])
def test_a_fault_of_graph_is_tried_later(
    served: tuple[Desk, str], meeting: dict[str, Any], read: Reader, route: str, status: int
) -> None:
    held(served[0], meeting)
    fault = {"route": route, "times": 1, "status": status, "headers": {"Retry-After": "3"}}
    assert served[0].sim("POST", "faults", fault).status_code < 300

    with pytest.raises(TryLater) as refused:
        read()

    assert refused.value.retry_after_seconds == 3
    assert len(read()) == 1
