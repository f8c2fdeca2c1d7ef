"""One person at one browser: opens pages, clicks links and presses buttons by their id.

No JavaScript runs here: what a person does in the story must work with plain forms.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import bs4
import mechanicalsoup
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

DESKTOP = "Mozilla/5.0 (X11; Linux x86_64) Hyperdrive/118"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) MyChart/11.3"
_TIMEOUT_SECONDS = 30
_SERVER_ERROR = 400
# https://www.w3.org/TR/server-timing/#the-server-timing-header-field
_OWN_MILLISECONDS = re.compile(r"\bown;dur=([0-9.]+)")


class PageUnexpected(Exception):
    """The page is not what the story needs; says which page and what is missing."""


@dataclass(slots=True)
class Person:
    """A browser with its own cookies, and every own time the connector reported to it."""

    ca_file: Path
    user_agent: str = DESKTOP
    own_milliseconds: list[float] = field(default_factory=list)
    visited_hosts: list[str] = field(default_factory=list)
    browser: mechanicalsoup.StatefulBrowser = field(init=False)

    def __post_init__(self) -> None:
        session = requests.Session()
        session.verify, session.trust_env = str(self.ca_file), False
        session.hooks["response"].append(self._note)
        # Like a browser: a GET on a kept-alive connection that was closed is sent again.
        again = Retry(total=4, read=2, backoff_factor=0.1, allowed_methods={"GET"}, redirect=0)
        session.mount("https://", HTTPAdapter(max_retries=again))
        self.browser = mechanicalsoup.StatefulBrowser(
            session=session, user_agent=self.user_agent, soup_config={"features": "html.parser"}
        )

    def open(self, url: str, *, refused: bool = False) -> "Person":
        """Go to an address, following redirects; `refused` expects an error page instead."""
        self._arrived(self.browser.open(url, timeout=_TIMEOUT_SECONDS), refused=refused)
        return self

    def click(self, element_id: str) -> "Person":
        """Follow the link with this id."""
        return self.open(urljoin(self.url, str(self.element(element_id)["href"])))

    def press(self, button_id: str, **typed: str | list[str]) -> "Person":
        """Fill in the fields of the button's form and submit it with this button."""
        return self._press(button_id, typed, refused=False)

    def press_in_vain(self, button_id: str, **typed: str | list[str]) -> "Person":
        """The same, expecting to be refused."""
        return self._press(button_id, typed, refused=True)

    def _press(
        self, button_id: str, typed: dict[str, str | list[str]], *, refused: bool
    ) -> "Person":
        button = self.element(button_id)
        owner = button.find_parent("form")
        if owner is None:
            raise PageUnexpected(f"{self.where} has no form around #{button_id}")
        form = mechanicalsoup.Form(owner)
        for name, value in typed.items():
            form.set(name, value)
        form.choose_submit(button if button.name in {"button", "input"} else None)
        answer = self.browser.submit(form, self.url, timeout=_TIMEOUT_SECONDS)
        self._become(answer)
        self._arrived(answer, refused=refused)
        return self

    def element(self, element_id: str) -> bs4.Tag:
        found = self.browser.page.find(id=element_id)
        if not isinstance(found, bs4.Tag):
            raise PageUnexpected(f"{self.where} has no #{element_id}: it says “{self.title}”")
        return found

    def has(self, element_id: str) -> bool:
        return self.browser.page.find(id=element_id) is not None

    def text(self, element_id: str) -> str:
        return self.element(element_id).get_text(" ", strip=True)

    @property
    def url(self) -> str:
        return str(self.browser.url)

    @property
    def where(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.netloc}{parts.path}"

    @property
    def title(self) -> str:
        heading = self.browser.page.find("h1") if self.browser.page else None
        return heading.get_text(" ", strip=True) if heading else "nothing"

    def get_json(self, url: str) -> Any:
        return self.browser.session.get(url, timeout=_TIMEOUT_SECONDS).json()

    def _become(self, answer: requests.Response) -> None:
        """MechanicalSoup's `submit` answers without moving the browser; a person moves."""
        state = type(self.browser._StatefulBrowser__state)  # noqa: SLF001 - no public setter
        self.browser._StatefulBrowser__state = state(  # noqa: SLF001 - no public setter
            page=answer.soup,  # type: ignore[attr-defined] # MechanicalSoup adds it
            url=answer.url,
            request=answer.request,
        )

    def _arrived(self, answer: requests.Response, *, refused: bool) -> None:
        failed = answer.status_code >= _SERVER_ERROR
        if failed and not refused:
            raise PageUnexpected(f"{self.where} answered {answer.status_code}: “{self.title}”")
        if refused and not failed:
            raise PageUnexpected(f"{self.where} should have refused: it says “{self.title}”")

    def _note(self, answer: requests.Response, **_options: Any) -> None:
        self.visited_hosts.append(urlsplit(answer.url).netloc)
        timing = answer.headers.get("Server-Timing", "")
        if own := _OWN_MILLISECONDS.search(timing):
            self.own_milliseconds.append(float(own.group(1)))
