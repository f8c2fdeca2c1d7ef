"""Attendance reports of the one booked visit's meeting, and what the EHR hears of them."""

from tests.builders.calls import at
from tests.builders.configurations import TENANT
from tests.builders.launches import PROVIDER_OBJECT_ID
from tests.builders.world import World

from connector.domain.attendance import Stay
from connector.domain.participant import ConnectionStatus
from connector.ports.microsoft import AttendanceReport, Attendee, CallEvent, IdentityKind

MEETING = (TENANT, PROVIDER_OBJECT_ID, "meeting-1")
Seconds = tuple[float, float]


def staff(
    *stays: Seconds, object_id: str = PROVIDER_OBJECT_ID, tenant_id: str | None = TENANT
) -> Attendee:
    return Attendee(IdentityKind.USER, object_id, tenant_id, _stays(stays))


def guest(*stays: Seconds, kind: IdentityKind = IdentityKind.GUEST) -> Attendee:
    return Attendee(kind, None, None, _stays(stays))


def _stays(stays: tuple[Seconds, ...]) -> list[Stay]:
    return [Stay(at(joined), at(left)) for joined, left in stays]


def report(ended: float, *attendees: Attendee) -> AttendanceReport:
    return AttendanceReport(at(ended), attendees)


def graph_reports(world: World, *reports: AttendanceReport) -> None:
    for each in reports:
        world.attendance.add(*MEETING, each)


def notify(world: World, *events: CallEvent) -> None:
    """Graph posts these events about the one watched meeting, and the worker applies them."""
    ((graph_id, live),) = world.subscriptions.live.items()
    items = [(graph_id, live["client_state"], live["tenant_id"], event) for event in events]
    world.receive_notification(world.reader.post(items))
    world.apply_notifications()


def told(world: World) -> list[tuple[str, ConnectionStatus]]:
    """What the EHR is told, in the order it hears it."""
    world.deliver(rounds=40)
    return [(each.person_id, each.status) for each in world.write_back.reports]
