"""Load shedding, the first step of every request: who gives way when there is more to do than can be done (ADR 14).

`connector.wsgi` says how long a request waited before a thread took it. When even the shortest wait of
a whole interval was long, a queue stands that never empties: then the portal gives way, a new launch is
let in for each that has finished, and what has begun goes on. A refusal asks no database, writes no audit row, and the same
request works a few seconds later: nothing was sent to the EHR, so its launch token is not used up.
https://queue.acm.org/detail.cfm?id=2839461 (controlled delay), RFC 9110 section 15.6.4 (503)
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from secrets import SystemRandom
from threading import Lock

from flask import Request, Response, current_app, make_response, render_template, request

from connector.web.context import Noted, reference, this_request
from connector.web.problem import AGAIN, Problem
from connector.web.problem_json import below_api, problem_json

WAITED_SECONDS = "connector.waited_seconds"  # key of the WSGI environment

INTERVAL_SECONDS = 0.5
# Longer than a pause of garbage collection or of the disk, short beside what people call waiting.
_STANDING_SECONDS = 0.2
_BEFORE_THAT_SECONDS = 0.15
_PROOF_SECONDS = 1.0  # who waited that long is the proof of a queue that stands
_GIVEN_UP_SECONDS = 8.0  # the browser's owner, and Graph after three, have gone
# Places a finished launch gives back: fewer than it took while a queue stands, else as many and ever more.
_WORTH_IN_A_QUEUE, _MORE_WORTH, _MOST_WORTH = 0.6, 0.03, 3.0
# Each interval: the first ones after a silence, and for those who never come back from the EHR.
_FREE_PLACES = 0.1
_MOST_PLACES, _UNWANTED_PLACES = 8.0, 6.0
_OF_THE_LAST = 0.2  # weight of the newest interval in the share that is let in
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
# With the EHR's and Microsoft's answers: all work of a launch is done there.
_LAUNCH_ENDS_AT = "launch.callback"
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
# Beyond this a request is itself the proof of a queue that stood.
_LONGEST = {
    Kind.PROBE: math.inf,
    Kind.GOING_ON: _GIVEN_UP_SECONDS,
    Kind.LAUNCH: _PROOF_SECONDS,
    Kind.DESK: _PROOF_SECONDS,
}
_PATIENCE = {Kind.LAUNCH: _STANDING_SECONDS, Kind.DESK: _BEFORE_THAT_SECONDS}


@dataclass(frozen=True, slots=True)
class Pressure:
    """How it stands with this process.

    The work of a launch comes a second or more after it was let in, with its callback: a waiting time alone
    would let in too many, then none. So while it is narrow one is let in for each that has finished.

    Attributes:
        least_seconds: shortest wait of the last whole interval; no queue ever emptied below it.
        narrow: a queue stood; new launches need a place.
        places: for new launches.
        worth: places that the next launch to finish gives back.
        share: of the new launches that were let in lately.
    """

    least_seconds: float = 0.0
    narrow: bool = False
    places: float = 0.0
    worth: float = 1.0
    share: float = 1.0

    def after(self, least_seconds: float, intervals: int, let_in: float = 1.0) -> "Pressure":
        """What follows from one more interval; during the others of `intervals` nobody came.

        `let_in` is the share of its new launches that were.
        """
        least = least_seconds if intervals == 1 else 0.0
        share = self.share + _OF_THE_LAST * (let_in - self.share)
        standing = least > _STANDING_SECONDS
        if standing and self.least_seconds > _STANDING_SECONDS:
            places = min(self.places, 1.0) + _FREE_PLACES if self.narrow else 0.0
            return Pressure(least, True, places, _WORTH_IN_A_QUEUE, share)
        if not self.narrow:
            return Pressure(least)
        if standing:
            return replace(self, least_seconds=least, share=share)
        places = self.places + _FREE_PLACES * intervals
        if places >= _UNWANTED_PLACES:
            return Pressure(least)
        worth = min(_MOST_WORTH, max(1.0, self.worth) + _MORE_WORTH * intervals)
        return Pressure(least, True, places, worth, share)

    def with_a_launch(self) -> "Pressure":
        """One more was let in."""
        return replace(self, places=self.places - 1) if self.narrow else self

    def with_one_less(self) -> "Pressure":
        """One has finished."""
        places = min(_MOST_PLACES, self.places + self.worth)
        return replace(self, places=places) if self.narrow else self


def gives_way(kind: Kind, waited_seconds: float, pressure: Pressure) -> bool:
    """Whether a request is refused."""
    if waited_seconds > _LONGEST[kind]:
        return True
    if min(waited_seconds, pressure.least_seconds) > _PATIENCE.get(kind, math.inf):
        return True
    if kind is Kind.DESK:
        return pressure.narrow
    return kind is Kind.LAUNCH and pressure.narrow and pressure.places < 1


def retry_after_seconds(pressure: Pressure, draw: float) -> int:
    """Spread, so that they do not come back together; the wider, the fewer are let in.

    No wider than it must be: whoever waits is in the way of those who come once the surge is over.
    """
    return 4 + int(draw * (6 + 0.3 / max(pressure.share, 0.01)))


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
    _asked: int = field(default=0, init=False)
    _let_in: int = field(default=0, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    def __post_init__(self) -> None:
        self._began = self.clock()

    def lets_in(self, kind: Kind, waited_seconds: float) -> bool:
        """Note the wait of any request, and judge it by what was seen before."""
        with self._lock:
            self._count(waited_seconds)
            lets_in = not gives_way(kind, waited_seconds, self.pressure)
            if kind is Kind.LAUNCH:
                self._asked += 1
                self._let_in += lets_in
                if lets_in:
                    self.pressure = self.pressure.with_a_launch()
            return lets_in

    def launch_finished(self) -> None:
        """With a page or a problem: its thread is free for another."""
        with self._lock:
            self.pressure = self.pressure.with_one_less()

    def _count(self, waited_seconds: float) -> None:
        now = self.clock()
        intervals = int((now - self._began) / INTERVAL_SECONDS)
        if intervals:
            let_in = self._let_in / self._asked if self._asked else 1.0
            self.pressure = self.pressure.after(self._least, intervals, let_in)
            self._began, self._least = now, waited_seconds
            self._asked = self._let_in = 0
        self._least = min(self._least, waited_seconds)

    def answered(self, asked: Request, noted: Noted) -> None:
        """What an answer that refused nobody teaches."""
        if asked.endpoint == _LAUNCH_ENDS_AT:
            self.launch_finished()
        elif kind_of(asked.endpoint, asked.blueprint) is Kind.LAUNCH:
            self._remember_framing(asked, noted.get("frame_ancestors"))

    def _remember_framing(self, asked: Request, ancestors: str | None) -> None:
        """Who may frame pages of this issuer, learned from a launch that was let in (C14).

        So that the page which asks to wait shows inside the EHR as well, without asking the database.
        """
        if ancestors:
            if len(self.framed_by) >= _ISSUERS_REMEMBERED:
                self.framed_by.clear()
            self.framed_by[asked.args.get("iss", "")] = ancestors


def waited_seconds(asked: Request) -> float:
    """How long this request waited for a thread; 0 under a server that does not say."""
    return float(asked.environ.get(WAITED_SECONDS, 0.0))


def admission() -> Admission:
    state: Admission = current_app.extensions["admission"]
    return state


def admit() -> Response | None:
    """Refuse this request, or let it in."""
    asked, noted = this_request()
    state, kind = admission(), kind_of(asked.endpoint, asked.blueprint)
    if state.lets_in(kind, waited_seconds(asked)):
        return None
    noted.shed = kind.value
    seconds = retry_after_seconds(state.pressure, state.draw())
    if kind is Kind.LAUNCH:
        noted.frame_ancestors = state.framed_by.get(asked.args.get("iss", ""), "'none'")
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
