"""A clinician at a desk: launches from the EHR, joins, admits the patient, and ends the meeting when they are done."""

import re
from typing import Final

from loadtest.arrivals import PlannedVisit
from loadtest.browser import Page
from loadtest.personas.errand import Errand, launch_address, meeting_in, wrong_page
from loadtest.records import Action

# Teams' meeting page reads itself again this often.
LOOKS_EVERY_SECONDS: Final = 3.0
_WAITING: Final = re.compile(
    r'class="admit">\s*<input type="hidden" name="participant" value="([^"]+)"'
)


def launch(errand: Errand) -> Page:
    """From the EHR's button to the meeting's page. Raises Failed, Shed."""
    stage, visit = errand.stage, errand.booked
    address = launch_address(
        stage,
        stage.provider_client_id,
        stage.provider_launch_uri,
        appointment=visit.appointment_id,
        provider=visit.practitioner_id,
    )
    page = errand.open(address)
    if not page.has("join-now"):
        raise wrong_page(page)
    errand.arrived()
    errand.did(Action.LAUNCHED, meeting_in(page))
    return page


def hold_visit(errand: Errand, plan: PlannedVisit) -> None:
    """Launch, join, admit, end. Raises Failed, Shed."""
    browser, door = errand.browser, launch(errand)
    meeting = meeting_in(door)
    browser.clock.sleep(plan.provider_reads_seconds)
    seat = errand.submit(door.url, {"join_now": "1"})
    if not seat.has("state-in-call"):
        raise wrong_page(seat)
    errand.did(Action.JOINED, meeting)
    receive(errand, seat)
    over = errand.submit(f"{seat.url}/end", {})
    if over.has("state-in-call"):
        raise wrong_page(over)
    errand.did(Action.LEFT, meeting)


def receive(errand: Errand, seat: Page) -> None:
    """Admit whoever is in the lobby until the patient is done, or patience is. Raises Failed, Shed."""
    browser, patience = errand.browser, errand.people.clinician_patience_seconds
    page, anybody_since = seat, browser.clock.now()
    while not errand.course.gone.is_set() and browser.clock.now() - anybody_since < patience:
        for participant in _WAITING.findall(page.text):
            page = _admit(errand, seat, participant)
        if not _alone(page):
            anybody_since = browser.clock.now()
        browser.clock.sleep(LOOKS_EVERY_SECONDS)
        page = errand.open(seat.url)
        if not page.has("state-in-call"):
            raise wrong_page(page)


def _admit(errand: Errand, seat: Page, participant: str) -> Page:
    return errand.submit(f"{seat.url}/admit", {"participant": participant})


def _alone(page: Page) -> bool:
    return "In this meeting (1)" in page.text and "Waiting in the lobby (0)" in page.text
