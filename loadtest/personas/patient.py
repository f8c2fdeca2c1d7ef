"""A patient on a phone: launches, waits for the meeting, sits in the lobby, is in the visit, and leaves."""

import json
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urljoin

from loadtest.browser import Failed, Page, Shed, nowhere
from loadtest.hops import Part
from loadtest.personas.errand import (
    ClinicianDropped,
    Errand,
    launch_address,
    meeting_in,
    wrong_page,
)
from loadtest.records import Action

# static/wait.js asks that often, and Teams' lobby and meeting pages read themselves again.
ASKS_EVERY_SECONDS: Final = 2.0
LOOKS_EVERY_SECONDS: Final = 3.0
GUEST_NAME: Final = "Patient"


def attend(errand: Errand, reads_seconds: float, stay_seconds: float) -> None:
    """Launch, wait, join, be admitted, stay, leave. Raises Failed, Shed."""
    browser, door = errand.browser, wait_for_meeting(errand, launch(errand))
    meeting = meeting_in(door)
    errand.did(Action.LAUNCHED, meeting)
    browser.clock.sleep(reads_seconds)
    seat = errand.submit(door.url, {"display_name": GUEST_NAME, "join": "1"})
    seat = wait_in_lobby(errand, seat)
    errand.did(Action.JOINED, meeting)
    _stay(errand, seat, stay_seconds)
    over = errand.submit(f"{seat.url}/leave", {})
    if over.has("state-in-call"):
        raise wrong_page(over)
    errand.did(Action.LEFT, meeting)


def launch(errand: Errand) -> Page:
    """To the waiting page, or straight to the meeting when there is one already. Raises Failed, Shed."""
    stage, visit = errand.stage, errand.booked
    address = launch_address(
        stage,
        stage.patient_client_id,
        stage.patient_launch_uri,
        appointment=visit.appointment_id,
        patient=visit.patient_id,
    )
    page = errand.open(address)
    if not (page.has("wait") or _is_door(page)):
        raise wrong_page(page)
    errand.arrived()
    return page


def wait_for_meeting(
    errand: Errand, page: Page, *, ends_before: Callable[[str], bool] = nowhere
) -> Page:
    """What wait.js does: ask for the status, read the page again when it changed, go when it is time.

    `ends_before`: of an address that is not opened but counts as the meeting.

    Raises: Failed, Shed.
    """
    browser, began = errand.browser, errand.browser.clock.now()
    while not (_is_door(page) or ends_before(page.url)):
        known = (page.attribute("data-state"), page.attribute("data-reason"))
        status = _status(errand, page)
        if status and status["can_join"]:
            page = errand.open(_in(page, "data-join"), ends_before=ends_before)
        elif status and (status["state"], status["reason"]) != known:
            page = errand.open(page.url)
        else:
            _lose_patience(errand, began, "no_meeting")
            browser.clock.sleep(ASKS_EVERY_SECONDS)
    return page


def _status(errand: Errand, page: Page) -> dict[str, Any] | None:
    """None when the server could not say: the page shows "No connection" and asks again. Raises Failed."""
    try:
        status: dict[str, Any] = json.loads(errand.browser.ask(_in(page, "data-status")))
    except (Failed, Shed) as err:
        if isinstance(err, Failed) and not err.may_pass:
            raise
        return None
    return status


def wait_in_lobby(errand: Errand, seat: Page) -> Page:
    """Until admitted. Raises Failed, Shed."""
    browser, began = errand.browser, errand.browser.clock.now()
    while not seat.has("state-in-call"):
        if not seat.has("state-lobby"):
            raise wrong_page(seat)
        _lose_patience(errand, began, "never_admitted")
        browser.clock.sleep(ASKS_EVERY_SECONDS)
        seat = errand.open(seat.url)
    return seat


def _stay(errand: Errand, seat: Page, stay_seconds: float) -> None:
    clock = errand.browser.clock
    leaves_at = clock.now() + stay_seconds
    while clock.now() + LOOKS_EVERY_SECONDS < leaves_at:
        clock.sleep(LOOKS_EVERY_SECONDS)
        page = errand.open(seat.url)
        if not page.has("state-in-call"):
            raise Failed("meeting_ended_early")
    clock.sleep_until(leaves_at)


def _lose_patience(errand: Errand, began: float, code: str) -> None:
    if errand.course.clinician_dropped.is_set():
        raise ClinicianDropped
    if errand.browser.clock.now() - began > errand.people.patient_patience_seconds:
        raise Failed(code)


def _is_door(page: Page) -> bool:
    return page.part is Part.MICROSOFT and page.has("display_name")


def _in(page: Page, attribute: str) -> str:
    """An address the page's script reads from its markup."""
    if not page.has("wait") or not page.attribute(attribute):
        raise wrong_page(page)
    return urljoin(page.url, page.attribute(attribute))
