"""Where somebody of a visit goes in Teams: patients by the browser address, asked for when one comes (E6)."""

from collections.abc import Callable

import pytest
from tests.builders.launches import PROVIDER_OBJECT_ID
from tests.builders.visits import patient, provider
from tests.builders.world import World

from connector.domain.errors import Reason, Refused
from connector.domain.participant import Role
from connector.domain.visit_settings import DEFAULTS, VisitSettings

Refusal = Callable[..., Refused]
PLAIN = "https://teams.example/l/meetup-join/1"
IN_BROWSER = "https://visit.teams.example/route?meeting=1"


def test_no_clinician_waits_for_an_address_they_do_not_use(world: World) -> None:
    visit = provider(world).visit

    assert world.find_way_in(visit, Role.PROVIDER, DEFAULTS) == PLAIN
    assert world.meetings.asked_for_patients == []


def test_a_patient_joins_by_the_browser_address_of_the_organizers_meeting(world: World) -> None:
    visit = provider(world).visit

    assert world.find_way_in(visit, Role.PATIENT, DEFAULTS) == IN_BROWSER
    asked = (visit.tenant_id, PROVIDER_OBJECT_ID, "meeting-1")
    assert world.meetings.asked_for_patients == [asked]


def test_graph_is_asked_once_for_all_patients_of_a_visit(world: World) -> None:
    world.find_way_in(provider(world).visit, Role.PATIENT, DEFAULTS)

    for number in range(3):
        visit = patient(world, f"patient-{number}").visit
        assert world.find_way_in(visit, Role.PATIENT, DEFAULTS) == IN_BROWSER
    assert len(world.meetings.asked_for_patients) == 1


@pytest.mark.parametrize("comes", range(3))
def test_where_graph_has_none_patients_get_the_plain_address_and_graph_is_asked_again(
    world: World, comes: int
) -> None:
    """Who consents to virtual appointments later need not wait for visits made later."""
    visit = provider(world).visit
    world.meetings.has_browser_join = False
    for _ in range(comes):
        assert world.find_way_in(world.visit(), Role.PATIENT, DEFAULTS) == PLAIN
    assert world.visit() == visit

    world.meetings.has_browser_join = True
    assert world.find_way_in(world.visit(), Role.PATIENT, DEFAULTS) == IN_BROWSER


def test_e6_without_browser_join_nobody_asks_for_its_address(world: World) -> None:
    visit = provider(world).visit

    assert world.find_way_in(visit, Role.PATIENT, VisitSettings(browser_join=False)) == PLAIN
    assert world.meetings.asked_for_patients == []


def test_e6_browser_join_that_was_switched_off_counts_for_visits_under_way(world: World) -> None:
    world.find_way_in(provider(world).visit, Role.PATIENT, DEFAULTS)

    off = VisitSettings(browser_join=False)
    assert world.find_way_in(world.visit(), Role.PATIENT, off) == PLAIN


def test_there_is_no_way_into_a_meeting_that_does_not_exist(world: World, refusal: Refusal) -> None:
    waiting = patient(world).visit

    for role in (Role.PROVIDER, Role.PATIENT):
        refusal(Reason.VISIT_UNKNOWN, world.find_way_in, waiting, role, DEFAULTS)
