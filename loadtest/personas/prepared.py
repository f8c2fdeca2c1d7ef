"""Who launches from an EHR and a Teams we do not simulate: to the meeting's address, and no step into the meeting.

Nobody signs in, joins or leaves: Teams' pages are Microsoft's, and what happens in a meeting cannot be acted over HTTP.
"""

import re
from typing import Final

from loadtest.browser import Browser, Failed, Page, Shed
from loadtest.hops import Part, is_meeting
from loadtest.personas.errand import Errand
from loadtest.personas.patient import wait_for_meeting
from loadtest.prepared.launch_file import PreparedLaunch

# Until the EHR has seen it a launch is as good as new; afterwards a second click would be refused by the EHR.
NOT_SPENT_AT: Final = frozenset({"connector /launch/provider", "connector /launch/patient"})
_LOGIN: Final = re.compile(
    r"""<input[^>]+(?:type|name|id|autocomplete)\s*=\s*["']?(?:password|user_?name|login|current-password)\b""",
    re.IGNORECASE,
)


def provide(errand: Errand, launch: PreparedLaunch) -> None:
    """A clinician: the launch is the whole of it. Raises Failed, Shed."""
    _click(errand, launch)
    errand.arrived()


def attend(errand: Errand, launch: PreparedLaunch, *, clinician_comes: bool) -> None:
    """A patient: to the meeting, or to the waiting page and on when the clinician comes. Raises Failed, Shed."""
    page = _click(errand, launch)
    errand.arrived()
    if clinician_comes:
        wait_for_meeting(errand, page, ends_before=is_meeting)


def hand_over(browser: Browser, launch: PreparedLaunch) -> Page:
    """From the click to the meeting's address, which is not opened, or to the waiting page. Raises Failed, Shed."""
    page = browser.open(launch.url, ends_before=is_meeting)
    if is_meeting(page.url) or (page.part is Part.CONNECTOR and page.has("wait")):
        return page
    raise instead_of_a_redirect(browser, page)


def instead_of_a_redirect(browser: Browser, page: Page) -> Failed:
    """Somebody shows a page where only a redirect goes on; says whose, and at which hop."""
    hop = browser.hops.name_of("GET", page.url)
    if page.part is Part.MICROSOFT:
        return Failed(f"microsoft_asks_to_sign_in at {hop}")
    if page.part is Part.CONNECTOR:
        return Failed(f"wrong_page at {hop}")
    what = "ehr_asks_to_log_in" if _LOGIN.search(page.text) else "ehr_shows_a_page"
    return Failed(f"{what} at {hop}")


def _click(errand: Errand, launch: PreparedLaunch) -> Page:
    return errand.patiently(lambda: hand_over(errand.browser, launch), may_repeat=_is_not_spent)


def _is_not_spent(shed: Shed) -> bool:
    return shed.name in NOT_SPENT_AT
