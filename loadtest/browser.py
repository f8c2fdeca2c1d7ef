"""A person's browser: own cookies, redirects followed by hand so that each hop is a recorded request by its name.

No JavaScript and no assets: what the pages' scripts ask for (status of the waiting page, the live feed) the personas
ask for. An answer 429 or 503 with Retry-After is `Shed`; every other unexpected answer is `Failed`.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from urllib.parse import urlencode, urljoin, urlsplit

from loadtest.hops import Hops, Part
from loadtest.recorder import Clock, Recorder
from loadtest.records import Outcome, Persona, Request

DESKTOP: Final = "Mozilla/5.0 (X11; Linux x86_64) Hyperdrive/118"
PHONE: Final = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) MyChart/11.3"

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_REFUSING_FOR_NOW: Final = frozenset({429, 503})
_KEEPS_METHOD: Final = frozenset({307, 308})
_OK: Final = 200
_FIRST_ERROR: Final = 400
_FIRST_SERVER_ERROR: Final = 500
_MOST_REDIRECTS: Final = 20  # as browsers do: https://fetch.spec.whatwg.org/#http-redirect-fetch
_TAKES_BACK: Final = re.compile(
    r"max-age\s*=\s*(?:0|-\d+)\b|expires\s*=\s*\w+, *\d+[ -]\w+[ -]1970", re.IGNORECASE
)
_COOKIE_DOMAIN: Final = re.compile(r";?\s*domain\s*=\s*\.?([^;\s]+)", re.IGNORECASE)
_SERVER_TIMING: Final = re.compile(r"(\w+)\s*;\s*dur=([0-9.]+)")


class Failed(Exception):
    """Something else than it should be. The code is short and carries no address, token or name.

    `may_pass`: a page's script would ask again, for the answer was 5xx or none at all.
    """

    def __init__(self, code: str, *, may_pass: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.may_pass = may_pass


class Shed(Exception):
    """Refused for now, with the seconds after which to come again.

    `address` is that of a page which asks again by itself (Refresh), empty where the person must click again.
    """

    def __init__(self, name: str, retry_after_seconds: float) -> None:
        super().__init__(f"shed at {name}")
        self.name = name
        self.retry_after_seconds = retry_after_seconds
        self.address = ""


class Unreachable(Exception):
    """No answer: `timeout`, `connection_refused`, `connection_closed`, `tls`, `connection`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Answer:
    """Header names in lower case; a name may stand there more than once."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    def header(self, name: str) -> str:
        return next((value for known, value in self.headers if known == name), "")


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """A server-sent event; of its `data` what is JSON."""

    name: str
    data: dict[str, Any]
    id: str = ""


class Stream(Protocol):
    """An answer that goes on: `lines` ends with it, or when the seconds are over."""

    @property
    def answer(self) -> Answer: ...

    def lines(self, seconds: float) -> Iterator[str]: ...


class Transport(Protocol):
    """Sends one request. Raises Unreachable."""

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer: ...

    def stream(self, url: str, headers: Mapping[str, str]) -> AbstractContextManager[Stream]: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class ServerTiming:
    """Milliseconds the connector spent itself and waited for others; -1 where it did not say."""

    own_ms: float = -1
    upstream_ms: float = -1

    @classmethod
    def of(cls, header: str) -> "ServerTiming":
        told = {name: float(duration) for name, duration in _SERVER_TIMING.findall(header)}
        return cls(told.get("own", -1), told.get("upstream", -1))

    def plus(self, other: "ServerTiming") -> "ServerTiming":
        return ServerTiming(
            _sum(self.own_ms, other.own_ms), _sum(self.upstream_ms, other.upstream_ms)
        )


def _sum(one: float, other: float) -> float:
    return max(one, 0) + max(other, 0) if max(one, other) >= 0 else -1


@dataclass(slots=True)
class CookieJar:
    """By host, whatever the port, as browsers do; every cookie here lives for the run or is taken back.

    A host with a dot before it stands for itself and every host below it.
    """

    _of_host: dict[str, dict[str, str]] = field(default_factory=dict)

    def take(self, url: str, answer: Answer) -> None:
        host = urlsplit(url).hostname or ""
        for header, value in answer.headers:
            if header == "set-cookie":
                pair, _, attributes = value.partition(";")
                name, _, content = pair.strip().partition("=")
                cookies = self._of_host.setdefault(_cookie_host(host, attributes), {})
                if _TAKES_BACK.search(attributes):
                    cookies.pop(name, None)
                else:
                    cookies[name] = content

    def put(self, domain: str, name: str, content: str, *, below: bool) -> None:
        """One that another browser has; `below`: hosts below the domain get it as well."""
        host = domain.lower().removeprefix(".")
        self._of_host.setdefault(f".{host}" if below else host, {})[name] = content

    def header_for(self, url: str) -> str:
        host = urlsplit(url).hostname or ""
        return "; ".join(
            f"{name}={value}"
            for known, cookies in self._of_host.items()
            if known == host or (known.startswith(".") and f".{host}".endswith(known))
            for name, value in cookies.items()
        )

    def copy(self) -> "CookieJar":
        return CookieJar({host: dict(cookies) for host, cookies in self._of_host.items()})


def _cookie_host(host: str, attributes: str) -> str:
    """https://www.rfc-editor.org/rfc/rfc6265#section-5.3: of a domain that is not above it, nothing is for others."""
    found = _COOKIE_DOMAIN.search(attributes)
    domain = found.group(1).lower() if found else ""
    return f".{domain}" if domain and f".{host}".endswith(f".{domain}") else host


def nowhere(_url: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Page:
    """What the browser shows, and whose it is."""

    url: str
    text: str
    part: Part | None

    def has(self, element_id: str) -> bool:
        return f'id="{element_id}"' in self.text

    def attribute(self, name: str) -> str:
        """Of the first element that has it; empty when none does."""
        found = re.search(rf'\b{name}="([^"]*)"', self.text)
        return found.group(1) if found else ""


@dataclass(slots=True)
class Browser:
    """One person's. `timing` sums what the connector told since the last click."""

    persona: Persona
    transport: Transport
    recorder: Recorder
    clock: Clock
    hops: Hops
    jar: CookieJar = field(default_factory=CookieJar)
    user_agent: str = DESKTOP
    timing: ServerTiming = ServerTiming()

    def open(self, url: str, *, ends_before: Callable[[str], bool] = nowhere) -> Page:
        """Follow the redirects to a page, or to an address that is not opened: its page is empty. Raises Failed, Shed."""
        return self._go("GET", url, b"", ends_before)

    def submit(self, url: str, fields: Mapping[str, str]) -> Page:
        """Post a form. Raises Failed, Shed."""
        return self._go("POST", url, urlencode(fields).encode())

    def ask(self, url: str) -> bytes:
        """What a page's script fetches. Raises Failed, Shed."""
        return self._hop("GET", url, b"").body

    def listen(
        self, url: str, origin: str, seconds: float, last_event_id: str = ""
    ) -> Iterator[FeedEvent]:
        """What an EventSource hands to its page as it comes, "open" first. Raises Failed, Shed."""
        headers = {**self._headers(url), "Accept": "text/event-stream", "Origin": origin}
        if last_event_id:
            headers["Last-Event-ID"] = last_event_id
        began, name = self.clock.now(), self.hops.name_of("GET", url)
        try:
            with self.transport.stream(url, headers) as stream:
                self._note(name, began, stream.answer)
                yield FeedEvent("open", {})
                yield from events_in(stream.lines(seconds))
        except Unreachable as err:
            raise self._no_answer(name, began, err) from err

    def heard(self, name: str, late_seconds: float) -> None:
        """Something came by itself that long after it happened: recorded like the answer to a request."""
        self._record(name, self.clock.now() - late_seconds, _OK, ServerTiming(), None)

    def _go(
        self, method: str, url: str, body: bytes, ends_before: Callable[[str], bool] = nowhere
    ) -> Page:
        for _ in range(_MOST_REDIRECTS):
            answer = self._hop(method, url, body)
            if answer.status not in _REDIRECTS:
                text = answer.body.decode(errors="replace")
                return Page(url, text, self.hops.part_of(url))
            url = urljoin(url, answer.header("location"))
            if ends_before(url):
                return Page(url, "", self.hops.part_of(url))
            if answer.status not in _KEEPS_METHOD:
                method, body = "GET", b""
        raise Failed("too_many_redirects")

    def _hop(self, method: str, url: str, body: bytes) -> Answer:
        headers = self._headers(url)
        if method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        began, name = self.clock.now(), self.hops.name_of(method, url)
        try:
            answer = self.transport.send(method, url, headers, body)
        except Unreachable as err:
            raise self._no_answer(name, began, err) from err
        self.jar.take(url, answer)
        try:
            self._note(name, began, answer)
        except Shed as err:
            err.address = url if answer.header("refresh") else ""
            raise
        return answer

    def _headers(self, url: str) -> dict[str, str]:
        headers = {"User-Agent": self.user_agent, "Accept": "text/html"}
        cookies = self.jar.header_for(url)
        return {**headers, "Cookie": cookies} if cookies else headers

    def _note(self, name: str, began: float, answer: Answer) -> None:
        """Record the hop. Raises Failed, Shed when it is no success."""
        timing = ServerTiming.of(answer.header("server-timing"))
        self.timing = self.timing.plus(timing)
        problem = _problem_of(name, answer)
        self._record(name, began, answer.status, timing, problem)
        if problem is not None:
            raise problem

    def _no_answer(self, name: str, began: float, err: Unreachable) -> Failed:
        problem = Failed(f"{err.code} at {name}", may_pass=True)
        self._record(name, began, 0, ServerTiming(), problem)
        return problem

    def _record(
        self,
        name: str,
        began: float,
        status: int,
        timing: ServerTiming,
        problem: Failed | Shed | None,
    ) -> None:
        outcomes = {Failed: Outcome.FAILED, Shed: Outcome.SHED}
        self.recorder.request(
            Request(
                at_seconds=round(began, 4),
                persona=self.persona,
                name=name,
                status=status,
                elapsed_ms=round((self.clock.now() - began) * 1000, 2),
                own_ms=timing.own_ms,
                upstream_ms=timing.upstream_ms,
                outcome=outcomes[type(problem)] if problem else Outcome.DONE,
                error=str(problem) if problem else "",
            )
        )


def events_in(lines: Iterable[str]) -> Iterator[FeedEvent]:
    """https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation, as far as we use it."""
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        if name:
            fields[name] = value.removeprefix(" ")
        elif line == "":
            if "data" in fields:
                yield FeedEvent(
                    fields.get("event", "message"),
                    json.loads(fields["data"]),
                    fields.get("id", ""),
                )
            fields = {}


def _problem_of(name: str, answer: Answer) -> Failed | Shed | None:
    if answer.status < _FIRST_ERROR:
        return None
    seconds = answer.header("retry-after")
    if answer.status in _REFUSING_FOR_NOW and seconds.isdecimal():
        return Shed(name, float(seconds))
    failure = f"status_{answer.status} at {name}"
    return Failed(failure, may_pass=answer.status >= _FIRST_SERVER_ERROR)
