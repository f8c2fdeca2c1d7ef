"""Load shedding, the first step of every request: who gives way when there is more to do than can be done (ADR 14).

`connector.wsgi` says how long a request waited before a thread took it. When even the shortest wait of
a whole interval was long, a queue stands that never empties: then the portal gives way, then new
launches, and what has begun goes on. A refusal asks no database, writes no audit row, and the same
request works a few seconds later: nothing was sent to the EHR, so its launch token is not used up.
https://queue.acm.org/detail.cfm?id=2839461 (controlled delay), RFC 9110 section 15.6.4 (503)
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from secrets import SystemRandom
from threading import Lock

from flask import Response, current_app, g, make_response, render_template, request

from connector.web.context import reference
from connector.web.problem import AGAIN, Problem
from connector.web.problem_json import below_api, problem_json

WAITED_SECONDS = "connector.waited_seconds"  # key of the WSGI environment

INTERVAL_SECONDS = 1.0
# Longer than a pause of garbage collection or of the disk, short beside what people call waiting.
_STANDING_SECONDS = 0.3
_BEFORE_THAT_SECONDS = 0.15
_GIVEN_UP_SECONDS = 8.0  # the browser's owner, and Graph after three, have gone
_LESS, _MORE, _LEAST_SHARE = 0.7, 0.05, 0.02
_ISSUERS_REMEMBERED = 500
_RANDOM = SystemRandom()


class Kind(StrEnum):
    """What a request is for; the values are labels of `connector_shed_total`."""

    PROBE = "probe"  # asks how we are: always told
    GOING_ON = "going_on"  # of a visit, or of a launch whose EHR has been asked
    LAUNCH = "launch"  # a new one
    DESK = "desk"  # portal, API, reports: can wait


# No rule declared means first to give way.
_OF_ENDPOINT = {
    "wellknown.healthz": Kind.PROBE,
    "wellknown.readyz": Kind.PROBE,
    "wellknown.metrics": Kind.PROBE,
    "launch.provider": Kind.LAUNCH,
    "launch.patient": Kind.LAUNCH,
    "sign_in.callback": Kind.GOING_ON,
    "static": Kind.GOING_ON,
}
_OF_BLUEPRINT = {
    "launch": Kind.GOING_ON,
    "visits": Kind.GOING_ON,
    "graph": Kind.GOING_ON,
    "wellknown": Kind.GOING_ON,  # an EHR that cannot fetch our keys refuses the launch
}
_PROBLEM = {
    Kind.LAUNCH: Problem(
        503,
        "Many visits are beginning right now",
        "Yours has not been started yet, and nothing is lost.",
        AGAIN,
    ),
    Kind.GOING_ON: Problem(
        503,
        "Many visits are beginning right now",
        "This step of yours was not done yet, and nothing is lost.",
        AGAIN,
    ),
    Kind.DESK: Problem(
        503,
        "Visits come first right now",
        "Many visits are beginning, and the portal waits for them. Nothing was changed.",
        "Send it again in half a minute.",
    ),
}
# Beyond this a request is itself the proof of a queue that stood for an interval.
_LONGEST = {
    Kind.PROBE: math.inf,
    Kind.GOING_ON: _GIVEN_UP_SECONDS,
    Kind.LAUNCH: INTERVAL_SECONDS,
    Kind.DESK: INTERVAL_SECONDS,
}
_PATIENCE = {Kind.LAUNCH: _STANDING_SECONDS, Kind.DESK: _BEFORE_THAT_SECONDS}


@dataclass(frozen=True, slots=True)
class Pressure:
    """How it stands with this process.

    Attributes:
        least_seconds: shortest wait of the last whole interval; no queue ever emptied below it.
        share: of the new launches that are let in. The work of a launch comes a second or more after
            it was let in, with its callback: a waiting time alone would let in too many, then none.
    """

    least_seconds: float = 0.0
    share: float = 1.0

    def after(self, least_seconds: float, intervals: int) -> "Pressure":
        """What follows from one more interval; during the others of `intervals` nobody came."""
        if intervals > 1:
            return Pressure(0.0, min(1.0, self.share + _MORE * intervals))
        standing = least_seconds > _STANDING_SECONDS
        if standing and self.least_seconds > _STANDING_SECONDS:
            return Pressure(least_seconds, max(_LEAST_SHARE, self.share * _LESS))
        return Pressure(least_seconds, self.share if standing else min(1.0, self.share + _MORE))


def gives_way(kind: Kind, waited_seconds: float, pressure: Pressure, draw: float) -> bool:
    """Whether a request is refused; `draw` is a random number from 0 to 1, 1 excluded."""
    if waited_seconds > _LONGEST[kind]:
        return True
    if min(waited_seconds, pressure.least_seconds) > _PATIENCE.get(kind, math.inf):
        return True
    if kind is Kind.DESK:
        return pressure.share < 1
    return kind is Kind.LAUNCH and draw >= pressure.share


def retry_after_seconds(pressure: Pressure, draw: float) -> int:
    """Spread, so that they do not come back together; the wider, the fewer can be let in."""
    return 4 + int(draw * min(36.0, 7 / pressure.share))


def kind_of(endpoint: str | None, blueprint: str | None) -> Kind:
    return _OF_ENDPOINT.get(endpoint or "") or _OF_BLUEPRINT.get(blueprint or "", Kind.DESK)


@dataclass(slots=True)
class Admission:
    """What this process remembers from one request to the next; each process watches its own queue."""

    clock: Callable[[], float] = time.monotonic
    draw: Callable[[], float] = _RANDOM.random
    pressure: Pressure = field(default_factory=Pressure)
    framed_by: dict[str, str] = field(default_factory=dict)
    _began: float = field(init=False)
    _least: float = field(default=0.0, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    def __post_init__(self) -> None:
        self._began = self.clock()

    def saw(self, waited_seconds: float) -> Pressure:
        """Note the wait of any request, refused or not; the state it is judged by."""
        with self._lock:
            now = self.clock()
            intervals = int((now - self._began) / INTERVAL_SECONDS)
            if intervals:
                self.pressure = self.pressure.after(self._least, intervals)
                self._began, self._least = now, waited_seconds
            self._least = min(self._least, waited_seconds)
            return self.pressure

    def remember_framing(self) -> None:
        """Who may frame pages of this issuer, learned from a launch that was let in (C14).

        So that the page which asks to wait shows inside the EHR as well, without asking the database.
        """
        ancestors = g.get("frame_ancestors")
        if ancestors and kind_of(request.endpoint, request.blueprint) is Kind.LAUNCH:
            if len(self.framed_by) >= _ISSUERS_REMEMBERED:
                self.framed_by.clear()
            self.framed_by[request.args.get("iss", "")] = ancestors


def waited_seconds() -> float:
    """How long this request waited for a thread; 0 under a server that does not say."""
    return float(request.environ.get(WAITED_SECONDS, 0.0))


def admission() -> Admission:
    state: Admission = current_app.extensions["admission"]
    return state


def admit() -> Response | None:
    """Refuse this request, or let it in."""
    state, waited = admission(), waited_seconds()
    kind = kind_of(request.endpoint, request.blueprint)
    pressure = state.saw(waited)
    if not gives_way(kind, waited, pressure, state.draw()):
        return None
    g.shed = kind.value
    seconds = retry_after_seconds(pressure, state.draw())
    if kind is Kind.LAUNCH:
        g.frame_ancestors = state.framed_by.get(request.args.get("iss", ""), "'none'")
    response = _later(kind, seconds)
    response.headers["Retry-After"] = str(seconds)
    return response


def _later(kind: Kind, seconds: int) -> Response:
    """A page that asks again by itself, without JavaScript; its address, launch token and all, stays the browser's."""
    problem = _PROBLEM[kind]
    if below_api():
        return problem_json(problem)
    by_itself = request.method == "GET"
    page = render_template(
        "later.html",
        problem=problem,
        seconds=seconds,
        by_itself=by_itself,
        for_a_visit=kind is not Kind.DESK,
        reference=reference(),
    )
    response = make_response(page, problem.status)
    if by_itself:
        # https://html.spec.whatwg.org/multipage/document-lifecycle.html#the-refresh-header
        response.headers["Refresh"] = str(seconds)
    return response
