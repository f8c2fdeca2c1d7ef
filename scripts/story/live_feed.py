"""The provider's live page, as its EventSource sees it."""

import json
import threading
from urllib.parse import urlsplit

import bs4
import requests
from scripts.story.narrator import eventually, promise
from scripts.story.person import PageUnexpected, Person

_SILENCE_SECONDS = 30


class LiveFeed:
    """Reads the stream the visit page names, in a thread, with the page's own cookies."""

    def __init__(self, person: Person, page_url: str) -> None:
        self.seen: list[dict[str, str]] = []
        self._closing = False
        origin = "https://" + urlsplit(page_url).netloc
        self._answer = person.browser.session.get(
            _feed_of(person),
            stream=True,
            timeout=_SILENCE_SECONDS,
            headers={"Accept": "text/event-stream", "Origin": origin},
        )
        promise(self._answer.ok, f"the live feed answers {self._answer.status_code}")
        threading.Thread(target=self._read, daemon=True).start()

    def wait_for(self, role: str, label: str, times: int = 1) -> None:
        eventually(
            f"{role} {label} on the live page",
            lambda: sum((e["role"], e["label"]) == (role, label) for e in self.seen) >= times,
        )

    def wait_for_state(self, state: str) -> None:
        eventually(
            f"the visit's state {state} on the live page",
            lambda: any((e["kind"], e["label"]) == ("state", state) for e in self.seen),
        )

    def close(self) -> None:
        """Stop minding the stream; closing it would wait for the server's next word."""
        self._closing = True

    def _read(self) -> None:
        try:
            for line in self._answer.iter_lines(chunk_size=1, decode_unicode=True):
                if line.startswith("data:"):
                    self.seen.append(json.loads(line.removeprefix("data:")))
        except requests.RequestException:
            if not self._closing:
                raise


def _feed_of(person: Person) -> str:
    element = person.browser.page.find(attrs={"data-feed": True})
    if not isinstance(element, bs4.Tag):
        raise PageUnexpected(f"{person.where} names no live feed")
    return str(element["data-feed"])
