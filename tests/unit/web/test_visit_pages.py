"""The provider's live page and the patient's waiting page."""

from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from tests.unit.web.page_reading import read
from tests.unit.web.pages_world import NOW, PagesWorld, environment, person, visit

from connector.domain.organization import EnvironmentKind
from connector.domain.participant import Presence, Role
from connector.domain.visit import FINAL, VisitState
from connector.ports.storage import VisitEvent


def page_of(world: PagesWorld, role: Role, path: str, status: int = 200) -> BeautifulSoup:
    client = world.client(None)
    world.launched(client, role)
    answer = client.get(path, base_url="https://localhost")
    assert answer.status_code == status
    return read(answer.text)


def provider(world: PagesWorld, path: str = "/visits/visit1") -> BeautifulSoup:
    return page_of(world, Role.PROVIDER, path)


def patient(world: PagesWorld) -> BeautifulSoup:
    return page_of(world, Role.PATIENT, "/visits/visit1/wait")


@pytest.mark.parametrize("state", VisitState)
def test_the_provider_reads_every_state_in_words(state: VisitState, world: PagesWorld) -> None:
    world.store.visits_["visit1"] = visit(state)
    told = provider(world).select_one("#visit-state")
    assert told["data-state"] == state.value
    assert "_" not in told.text
    assert told.text.strip()


def test_the_roster_says_since_when_the_patient_waits_on_the_sites_clock(
    world: PagesWorld,
) -> None:
    world.store.visits_["visit1"] = visit()
    world.store.people = [person("k", Role.PATIENT, Presence.LOBBY, minutes=3)]
    line = provider(world).select_one("#roster li")
    assert line.get_text(" ", strip=True) == "Patient In the lobby since 09:01:05"
    assert line.select_one("time")["datetime"] == (NOW - timedelta(minutes=3)).isoformat()


def test_a_second_person_without_account_may_be_company(world: PagesWorld) -> None:
    world.store.visits_["visit1"] = visit()
    world.store.people = [
        person("b", Role.PATIENT, Presence.LOBBY),
        person("a", Role.PATIENT, Presence.CONNECTED),
        person("z", Role.PROVIDER, Presence.CONNECTED),
    ]
    names = [name.text for name in provider(world).select("#roster strong")]
    assert names == ["Clinician", "Patient or guest 1", "Patient or guest 2"]


def test_the_timeline_has_the_newest_on_top_and_leaves_states_out(world: PagesWorld) -> None:
    world.store.visits_["visit1"] = visit()
    world.store.events = [
        VisitEvent(3, "visit1", "participant", "provider", "connected", NOW),
        VisitEvent(4, "visit1", "state", "", "lobby", NOW),
        VisitEvent(5, "visit1", "participant", "patient", "lobby", NOW + timedelta(seconds=9)),
    ]
    page = provider(world)
    lines = [line.get_text(" ", strip=True) for line in page.select("#timeline li")]
    assert lines == ["09:04:14 Patient in the lobby", "09:04:05 Clinician connected"]
    assert page.select_one("#live")["data-newest"] == "5"


def test_the_live_page_listens_to_this_visits_feed(world: PagesWorld) -> None:
    world.store.visits_["visit1"] = visit()
    feed = provider(world).select_one("#live")["data-feed"]
    assert feed == "https://localhost:8444/feed/visits/visit1"


def test_without_scripts_the_page_refreshes_only_when_asked_to(world: PagesWorld) -> None:
    """WCAG 2.2.2: what updates by itself can be stopped."""
    world.store.visits_["visit1"] = visit()
    assert provider(world).select_one("meta[http-equiv=refresh]") is None
    refreshing = provider(world, "/visits/visit1?refresh=1")
    assert refreshing.select_one("noscript meta[http-equiv=refresh]") is not None
    assert "Stop refreshing" in refreshing.text


def test_a_visit_without_meeting_offers_none(world: PagesWorld) -> None:
    world.store.visits_["visit1"] = visit(VisitState.WAITING_FOR_PROVIDER, meeting=False)
    assert provider(world).select_one("#open-meeting") is None


@pytest.mark.parametrize(("kind", "bands"), [("test", 1), ("production", 0)])
def test_only_a_visit_of_the_test_environment_is_marked(
    kind: str, bands: int, world: PagesWorld
) -> None:
    world.store.visits_["visit1"] = visit()
    world.store.add(environment(kind=EnvironmentKind(kind)))
    assert len(provider(world).select(".band.test")) == bands


def test_a_browser_that_did_not_launch_the_visit_sees_nothing_of_it(world: PagesWorld) -> None:
    world.store.visits_["visit1"] = visit()
    answer = world.client(None).get("/visits/visit1", base_url="https://localhost")
    assert answer.status_code == 404
    assert "Patient" not in answer.text


def test_a_patient_who_is_first_learns_why_they_wait(world: PagesWorld) -> None:
    world.store.visits_["visit1"] = visit(VisitState.WAITING_FOR_PROVIDER, meeting=False)
    page = patient(world)
    wait = page.select_one("#wait")
    assert "has not started" in page.select_one("#wait-state").text
    assert "Nothing to install" in page.text
    assert (wait["data-status"], wait["data-join"]) == (
        "/visits/visit1/status",
        "/visits/visit1/join",
    )
    assert page.select_one("noscript meta[http-equiv=refresh]") is not None


@pytest.mark.parametrize("state", sorted(FINAL))
def test_a_patient_who_is_too_late_is_told_so_and_nothing_moves(
    state: VisitState, world: PagesWorld
) -> None:
    world.store.visits_["visit1"] = visit(state)
    page = patient(world)
    assert page.select_one("script") is None
    assert page.select_one("meta[http-equiv=refresh]") is None
    assert page.select_one("#devices") is None
    assert page.select_one("#check-again")["href"] == "/visits/visit1/wait"
    assert "call" in page.select_one("#wait").text


def test_a_patient_never_reaches_the_clinicians_page(world: PagesWorld) -> None:
    world.store.visits_["visit1"] = visit(VisitState.WAITING_FOR_PROVIDER, meeting=False)
    page_of(world, Role.PATIENT, "/visits/visit1", status=303)


def test_the_waiting_page_names_a_way_by_phone(world: PagesWorld) -> None:
    world.store.visits_["visit1"] = visit(VisitState.WAITING_FOR_PROVIDER, meeting=False)
    assert "Call the clinic" in patient(world).select_one("footer").text
