"""Who is signed in already when they come: a clinician's Teams and Hyperspace are open since the morning.

Done once for each clinician in each generating process, before anybody comes; who comes begins with a copy of the cookies.
"""

from dataclasses import dataclass, field

from loadtest.browser import Browser, CookieJar, Failed
from loadtest.personas.errand import wrong_page
from loadtest.target import Clinician, Stage


@dataclass(frozen=True, slots=True)
class MorningCookies:
    """Of a browser that is signed in to Microsoft, and of one that is signed in to Hyperspace too."""

    teams: CookieJar = field(default_factory=CookieJar)
    hyperspace: CookieJar = field(default_factory=CookieJar)

    @classmethod
    def of(cls, browser: Browser, stage: Stage, clinician: Clinician) -> "MorningCookies":
        """In a browser nobody used before. Raises Failed, Shed."""
        sign_in_to_teams(browser, stage, clinician)
        teams = browser.jar.copy()
        sign_in_to_hyperspace(browser, stage, clinician)
        return cls(teams, browser.jar.copy())


def sign_in_to_teams(browser: Browser, stage: Stage, clinician: Clinician) -> None:
    """Raises Failed, Shed."""
    before = browser.jar.header_for(stage.microsoft_url)
    page = browser.submit(
        f"{stage.microsoft_url}/signin?return_to=/", {"sign_in_name": clinician.microsoft_sign_in}
    )
    if page.has("another-account") or browser.jar.header_for(stage.microsoft_url) == before:
        raise Failed("clinician_unknown_to_microsoft")


def sign_in_to_hyperspace(browser: Browser, stage: Stage, clinician: Clinician) -> None:
    """Raises Failed, Shed."""
    typed = {"username": clinician.ehr_sign_in, "password": stage.ehr_password}
    page = browser.submit(f"{stage.ehr_url}/hyperspace/sign-in", typed)
    if page.has("username"):
        raise wrong_page(page)
