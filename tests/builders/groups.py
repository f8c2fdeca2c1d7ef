"""A group visit: three patients with appointments of their own, one conference (F32)."""

from tests.builders.configurations import active
from tests.builders.launches import PROVIDER_OBJECT_ID, PROVIDER_USER, appointment
from tests.builders.world import World

from connector.domain.integration_record import IntegrationRecord
from connector.domain.launch import EhrUser, FhirUserType, LaunchKind
from connector.domain.visit_settings import VisitSettings
from connector.usecases.open_visit import OpenedVisit

CONFERENCE = "GRP-77"
MEMBERS = [
    EhrUser(f"ehr-user-member-{n}", FhirUserType.PATIENT, f"eMember{n}") for n in range(1, 4)
]


def number(member: int) -> str:
    """The contact number of a member's own appointment; members count from 1."""
    return f"30000{member}"


def group_visits_on(world: World, *, setting: bool = True) -> None:
    """Approved with the setting, the group records issued, the members booked."""
    settings = VisitSettings(group_visits=setting)
    world.approve(active(id="rev-group", number=2, settings=settings))
    with world.store.write() as tx:
        for kind in LaunchKind:
            tx.records.add(IntegrationRecord(f"group-{kind}", "env-test", kind, group=True))
    for member, person in enumerate(MEMBERS, start=1):
        world.book(
            appointment(
                appointment_id=f"eGroup{member}",
                conference_id=number(member),
                patient_id=person.fhir_id,
            )
        )


def context(kind: LaunchKind, member: int, **changes: str) -> dict[str, str]:
    """What a launch of a member's appointment brings through the group record."""
    filled = {
        "appointment": f"eGroup{member}",
        "sessionId": CONFERENCE,
        "csn": number(member),
        "recordId": f"group-{kind}",
    }
    return filled | changes


def member_opens(world: World, member: int) -> OpenedVisit:
    kind = LaunchKind.PATIENT
    launched = world.launch(kind, MEMBERS[member - 1], context(kind, member))
    return world.open_visit.for_patient(launched.launch, "ref")


def provider_opens(world: World, member: int = 1) -> OpenedVisit:
    """From the row of any member of the group."""
    kind = LaunchKind.PROVIDER
    launched = world.launch(kind, PROVIDER_USER, context(kind, member))
    return world.open_visit.for_provider(launched.launch, PROVIDER_OBJECT_ID, "ref")
