"""Somebody who leaves a visit's status page open: holds the feed, and reads the page again at every event (visit.js)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from loadtest.browser import Failed, FeedEvent, Page, Shed
from loadtest.personas.errand import Errand, wrong_page

# The feed says so itself in its first line: `retry: 2000`.
CONNECTS_AGAIN_AFTER_SECONDS: Final = 2.0
EVENT_ON_PAGE: Final = "feed event, from the meeting to the page"


@dataclass(slots=True)
class Watching:
    """One open page. `newest` is the id of the last event, from which the feed goes on after a break."""

    errand: Errand
    page: Page
    ends_at: float
    heard: int = 0
    newest: str = ""

    def hold(self) -> None:
        """One connection, until it ends or the time is over. Raises Failed, Shed."""
        browser = self.errand.browser
        began = browser.clock.now()
        feed, origin = self.page.attribute("data-feed"), self.errand.stage.connector_url
        for event in browser.listen(feed, origin, self.ends_at - began, self.newest):
            if event.name == "visit":
                self.heard += 1
                self.newest = event.id
                self._time(event, began)
            browser.open(self.page.url)

    def _time(self, event: FeedEvent, began: float) -> None:
        """From when it happened in the meeting to now; not of what happened before we listened."""
        clock = self.errand.browser.clock
        happened = clock.of_epoch(datetime.fromisoformat(event.data["at"]).timestamp())
        if happened >= began:
            self.errand.browser.heard(EVENT_ON_PAGE, clock.now() - happened)


def watch(errand: Errand, hold_seconds: float) -> int:
    """Hold the visit's feed, connecting again when it ends; how many events came. Raises Failed, Shed."""
    clock = errand.browser.clock
    watching = Watching(errand, open_status(errand), clock.now() + hold_seconds)
    while clock.now() < watching.ends_at:
        try:
            watching.hold()
        except (Failed, Shed) as err:
            if isinstance(err, Failed) and not err.may_pass:
                raise
        clock.sleep(min(CONNECTS_AGAIN_AFTER_SECONDS, max(0.0, watching.ends_at - clock.now())))
    return watching.heard


def open_status(errand: Errand) -> Page:
    """By the EHR's button "Status", to which Hyperspace's sign-in belongs. Raises Failed, Shed."""
    asked = urlencode({"intent": "visit-status"})
    button = f"{errand.stage.ehr_url}/hyperspace/appointments/{errand.booked.appointment_id}/begin"
    page = errand.open(f"{button}?{asked}")
    if not page.attribute("data-feed"):
        raise wrong_page(page)
    errand.arrived()
    return page
