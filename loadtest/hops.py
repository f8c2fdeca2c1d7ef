"""Names of requests: one table from addresses to the words that statistics, reports and errors use.

An address carries tokens and identifiers; a name never does. What stands in no row is `UNEXPECTED`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from loadtest.target import Stage

UNEXPECTED: Final = "unexpected address"
WHOLE_WAY: Final = "click to the page they came for"
REFUSED_FOR_NOW: Final = " (shed)"  # behind the name of what was refused


class Part(StrEnum):
    """Who answers."""

    CONNECTOR = "connector"
    FEED = "feed"
    EHR = "EHR"
    MICROSOFT = "Microsoft"


# (who answers, method, path, name); the first row that fits.
_ROWS: Final = (
    (Part.EHR, "GET", r"/sim/launch", "EHR opens launch"),
    (Part.EHR, "GET", r"/oauth2/authorize", "EHR authorize"),
    (Part.EHR, "GET", r"/hyperspace/appointments/[^/]+/begin", "EHR opens status"),
    (Part.EHR, "POST", r"/hyperspace/sign-in", "EHR sign-in"),
    (Part.EHR, "GET", r"/hyperspace/", "EHR schedule"),
    (Part.CONNECTOR, "GET", r"/launch/(provider|patient|callback|signed-in)", "connector {path}"),
    (Part.CONNECTOR, "GET", r"/visits/[^/]+", "connector /visits/{id}"),
    (Part.CONNECTOR, "GET", r"/visits/[^/]+/wait", "connector /visits/{id}/wait"),
    (Part.CONNECTOR, "GET", r"/visits/[^/]+/status", "connector /visits/{id}/status"),
    (Part.CONNECTOR, "GET", r"/visits/[^/]+/join", "connector /visits/{id}/join"),
    (Part.CONNECTOR, "GET", r"/signin/microsoft", "connector sign-in"),
    (Part.CONNECTOR, "GET", r"/signin/microsoft/callback", "connector sign-in callback"),
    (Part.CONNECTOR, "GET", r"/", "portal overview"),
    (Part.CONNECTOR, "GET", r"/configurations/[^/]+", "portal environment"),
    (Part.CONNECTOR, "GET", r"/audit", "portal audit trail"),
    (Part.FEED, "GET", r"/feed/visits/[^/]+", "feed opens"),
    (Part.MICROSOFT, "GET", r"/l/meetup-join/.+/0", "Teams join page"),
    (Part.MICROSOFT, "POST", r"/l/meetup-join/.+/0", "join"),
    (Part.MICROSOFT, "GET", r"/webrtc-svc/api/route", "Teams patient join page"),
    (Part.MICROSOFT, "POST", r"/webrtc-svc/api/route", "join as patient"),
    (Part.MICROSOFT, "GET", r"/teams/seat/[^/]+", "Teams meeting page"),
    (Part.MICROSOFT, "POST", r"/teams/seat/[^/]+/admit", "admit"),
    (Part.MICROSOFT, "POST", r"/teams/seat/[^/]+/leave", "leave"),
    (Part.MICROSOFT, "POST", r"/teams/seat/[^/]+/end", "end"),
    (Part.MICROSOFT, "POST", r"/signin", "Teams sign-in"),
    (Part.MICROSOFT, "GET", r"/", "Teams home"),
    (Part.MICROSOFT, "GET", r"/[^/]+/oauth2/v2.0/authorize", "Microsoft sign-in page"),
    (Part.MICROSOFT, "POST", r"/[^/]+/oauth2/v2.0/authorize", "Microsoft sign-in"),
)
# The forms of Teams' own addresses: the last two are what patients get, and what newer tenants give everybody.
_MEETING: Final = re.compile(r".*/l/meetup-join/.+|.*/webrtc-svc/.+|/meet/.+")
_MICROSOFT_SIGN_IN: Final = re.compile(r"(?:/[^/]+)?/oauth2/v2\.0/authorize")
_TABLE: Final = tuple((part, method, re.compile(path), name) for part, method, path, name in _ROWS)


def unexpected(_url: str) -> tuple[Part | None, str]:
    return None, UNEXPECTED


def by_form(url: str) -> tuple[Part | None, str]:
    """The name carries the host, so that it says whose page it was, and nothing behind it."""
    parts = urlsplit(url)
    if is_meeting(url):
        return Part.MICROSOFT, "Teams"
    if _MICROSOFT_SIGN_IN.fullmatch(parts.path):
        return Part.MICROSOFT, "Microsoft sign-in page"
    what = "EHR authorize" if parts.path.endswith("/authorize") else "EHR's way to sign in"
    return Part.EHR, f"{what} at {parts.hostname}"


def is_meeting(url: str) -> bool:
    """Whether a redirect leads to Teams."""
    return _MEETING.fullmatch(urlsplit(url).path) is not None


@dataclass(frozen=True, slots=True)
class Hops:
    """Knows whose address is whose; `roots` is (address without a slash at the end, who answers).

    `elsewhere` says whose any other address is, and its name: of a customer's EHR nothing but its form is known.
    """

    roots: tuple[tuple[str, Part], ...]
    elsewhere: Callable[[str], tuple[Part | None, str]] = unexpected

    @classmethod
    def of(cls, stage: Stage) -> "Hops":
        return cls(
            (
                (stage.ehr_url, Part.EHR),
                (stage.connector_url, Part.CONNECTOR),
                (stage.feed_url, Part.FEED),
                (stage.microsoft_url, Part.MICROSOFT),
            )
        )

    @classmethod
    def of_customer(cls, connector_url: str) -> "Hops":
        """Everything but the connector is somebody else's."""
        return cls(((connector_url, Part.CONNECTOR),), by_form)

    def part_of(self, url: str) -> Part | None:
        known = (part for root, part in self.roots if _below(url, root))
        return next(known, None) or self.elsewhere(url)[0]

    def name_of(self, method: str, url: str) -> str:
        root, part = next(((r, p) for r, p in self.roots if _below(url, r)), ("", None))
        if part is None:
            return self.elsewhere(url)[1]
        path = urlsplit(url.removeprefix(root)).path or "/"
        for row_part, row_method, pattern, name in _TABLE:
            if (row_part, row_method) == (part, method) and pattern.fullmatch(path):
                return name.replace("{path}", path)
        return UNEXPECTED


def _below(url: str, root: str) -> bool:
    return url.startswith(root) and url[len(root) : len(root) + 1] in ("", "/", "?")
