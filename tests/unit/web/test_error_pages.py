"""What pages tell about E5, E6, E7 and where every portal page has its reference number."""

import pytest
from tests.unit.web.page_reading import read
from tests.unit.web.pages_world import ADMIN, PagesWorld, environment, live, person, visit

from connector.domain.participant import Presence, Role
from connector.domain.visit import VisitState
from connector.domain.visit_settings import VisitSettings
from connector.web.state_words import PATIENT_LEFT_BEHIND, PROVIDER_WORDS, provider_words

HERE, GONE, LOBBY = Presence.CONNECTED, Presence.DISCONNECTED, Presence.LOBBY
INTERRUPTED = VisitState.INTERRUPTED


def test_e7_a_clinician_who_left_is_told_to_end_the_meeting() -> None:
    people = [person("a", Role.PROVIDER, GONE), person("b", Role.PATIENT, HERE)]
    assert provider_words(INTERRUPTED, people) is PATIENT_LEFT_BEHIND
    assert "End meeting" in PATIENT_LEFT_BEHIND.next


@pytest.mark.parametrize(
    ("state", "provider", "patient"),
    [
        (INTERRUPTED, HERE, GONE),
        (INTERRUPTED, GONE, GONE),
        (INTERRUPTED, HERE, HERE),
        (INTERRUPTED, GONE, LOBBY),
        (VisitState.ENDED, GONE, HERE),
        (VisitState.WAITING_FOR_PROVIDER, GONE, HERE),
        (VisitState.IN_VISIT, HERE, HERE),
    ],
)
def test_e7_nobody_else_is_told_so(
    state: VisitState, provider: Presence, patient: Presence
) -> None:
    people = [person("a", Role.PROVIDER, provider), person("b", Role.PATIENT, patient)]
    assert provider_words(state, people) is PROVIDER_WORDS[state]


def test_e7_somebody_else_who_stays_is_no_patient_left_behind() -> None:
    people = [person("a", Role.PROVIDER, GONE), person("b", Role.OTHER, HERE)]
    assert provider_words(INTERRUPTED, people) is PROVIDER_WORDS[INTERRUPTED]


def clinicians_page(world: PagesWorld) -> str:
    client = world.client(None)
    world.launched(client, Role.PROVIDER)
    return client.get("/visits/visit1", base_url="https://localhost").text


def test_e5_the_live_page_leads_to_help_and_has_a_reference(world: PagesWorld) -> None:
    world.store.visits_["visit1"] = visit()
    page = read(clinicians_page(world))
    assert page.select_one("#help-notice")["href"] == "/help/errors#e5"
    assert page.select_one("#help-chat")["href"] == "/help/errors#e7"
    assert page.select_one("#reference").text.strip()


def waiting_page(world: PagesWorld, settings: VisitSettings) -> str:
    world.store.add(environment(), live(environment(), settings=settings))
    world.store.visits_["visit1"] = visit(VisitState.WAITING_FOR_PROVIDER, meeting=False)
    client = world.client(None)
    world.launched(client, Role.PATIENT)
    return client.get("/visits/visit1/wait", base_url="https://localhost").text


def test_e6_a_waiting_patient_is_told_of_the_teams_app_while_there_is_time(
    world: PagesWorld,
) -> None:
    page = waiting_page(world, VisitSettings(browser_join=False))
    assert read(page).select_one("#needs-teams") is not None
    assert "Nothing to install" not in page


def test_e6_a_patient_who_joins_in_the_browser_is_not(world: PagesWorld) -> None:
    page = waiting_page(world, VisitSettings())
    assert read(page).select_one("#needs-teams") is None
    assert "Nothing to install" in page


def environments_page(world: PagesWorld, settings: VisitSettings) -> str:
    of = environment()
    world.store.add(of, live(of, settings=settings))
    return world.client(ADMIN).get(f"/configurations/{of.id}", base_url="https://localhost").text


def test_e6_the_environments_page_names_the_setting_that_asks_for_teams(
    world: PagesWorld,
) -> None:
    page = read(environments_page(world, VisitSettings(browser_join=False)))
    assert "“Patients join in the browser” is off" in page.select_one("#needs-teams").text


def test_e6_there_is_nothing_to_tell_where_patients_join_in_the_browser(
    world: PagesWorld,
) -> None:
    assert read(environments_page(world, VisitSettings())).select_one("#needs-teams") is None


def test_every_portal_page_has_a_reference_for_the_help_desk(world: PagesWorld) -> None:
    page = read(world.client(ADMIN).get("/", base_url="https://localhost").text)
    assert page.select_one("#page-reference").text.strip()
