"""Who is signed in already when they come: a clinician's Teams and Hyperspace are open since the morning.

Done once in each generating process, before anybody comes; those who come begin with a copy of the cookies.
"""

from dataclasses import dataclass

from loadtest.browser import Browser, CookieJar, Failed
from loadtest.personas.errand import wrong_page
from loadtest.target import Stage


@dataclass(frozen=True, slots=True)
class MorningCookies:
    """Of a browser that is signed in to Microsoft, and of one that is signed in to Hyperspace too."""

    teams: CookieJar
    hyperspace: CookieJar

    @classmethod
    def of(cls, browser: Browser, stage: Stage) -> "MorningCookies":
        """Raises Failed, Shed."""
        sign_in_to_teams(browser, stage)
        teams = browser.jar.copy()
        sign_in_to_hyperspace(browser, stage)
        return cls(teams, browser.jar.copy())


def sign_in_to_teams(browser: Browser, stage: Stage) -> None:
    """Raises Failed, Shed."""
    before = browser.jar.header_for(stage.microsoft_url)
    page = browser.submit(
        f"{stage.microsoft_url}/signin?return_to=/", {"sign_in_name": stage.clinician_sign_in}
    )
    if page.has("another-account") or browser.jar.header_for(stage.microsoft_url) == before:
        raise Failed("clinician_unknown_to_microsoft")


def sign_in_to_hyperspace(browser: Browser, stage: Stage) -> None:
    """Raises Failed, Shed."""
    typed = {"username": stage.ehr_sign_in, "password": stage.ehr_password}
    page = browser.submit(f"{stage.ehr_url}/hyperspace/sign-in", typed)
    if page.has("username"):
        raise wrong_page(page)
