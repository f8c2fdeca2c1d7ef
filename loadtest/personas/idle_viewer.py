"""Somebody who leaves a visit's status page open: holds the feed, and reads the page again at every event (visit.js)."""

from typing import Final
from urllib.parse import urlencode

from loadtest.browser import Failed, Page, Shed
from loadtest.personas.errand import Errand, wrong_page

# The feed says so itself in its first line: `retry: 2000`.
CONNECTS_AGAIN_AFTER_SECONDS: Final = 2.0


def watch(errand: Errand, hold_seconds: float) -> int:
    """Hold the visit's feed, connecting again when it ends; how many events came. Raises Failed, Shed."""
    clock, page = errand.browser.clock, open_status(errand)
    heard, ends_at = 0, clock.now() + hold_seconds
    while clock.now() < ends_at:
        try:
            heard += _hold(errand, page, ends_at)
        except (Failed, Shed) as err:
            if isinstance(err, Failed) and not err.may_pass:
                raise
        clock.sleep(min(CONNECTS_AGAIN_AFTER_SECONDS, max(0.0, ends_at - clock.now())))
    return heard


def _hold(errand: Errand, page: Page, ends_at: float) -> int:
    """One connection. The page is read again once it is open, and at every event."""
    browser, heard = errand.browser, 0
    seconds = ends_at - browser.clock.now()
    for event in browser.listen(page.attribute("data-feed"), errand.stage.connector_url, seconds):
        heard += event == "visit"
        browser.open(page.url)
    return heard


def open_status(errand: Errand) -> Page:
    """By the EHR's button "Status", to which Hyperspace's sign-in belongs. Raises Failed, Shed."""
    asked = urlencode({"intent": "visit-status"})
    button = f"{errand.stage.ehr_url}/hyperspace/appointments/{errand.booked.appointment_id}/begin"
    page = errand.open(f"{button}?{asked}")
    if not page.attribute("data-feed"):
        raise wrong_page(page)
    errand.arrived()
    return page
