"""One arrival of one person: their browser, what they came for, and the line that is left of it in the records."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, TypeVar
from urllib.parse import unquote, urlencode

from loadtest.browser import Browser, Failed, Page, ServerTiming, Shed, nowhere
from loadtest.hops import Part
from loadtest.prepared.launch_file import PreparedVisit
from loadtest.recorder import Recorder
from loadtest.records import Action, Deed, Iteration, Outcome, Persona
from loadtest.scenario import People
from loadtest.target import BookedVisit, Stage

MOST_TRIES_AGAIN: Final = 3
LONGEST_RETRY_AFTER_SECONDS: Final = 60.0

T = TypeVar("T")


class ClinicianDropped(Exception):
    """The pool was full when this patient's clinician was due: they wait in vain by our fault, not the system's."""


@dataclass(slots=True)
class Course:
    """What the two people of a visit know of one another.

    The patient is `gone` once they will not come back: left for good, gave up, or failed.
    """

    gone: threading.Event = field(default_factory=threading.Event)
    clinician_dropped: threading.Event = field(default_factory=threading.Event)


@dataclass(slots=True)
class Errand:
    """`due_seconds`: when the person clicks, whatever the system does; how long it takes counts from then.

    `visit` is None for who comes to none.
    """

    stage: Stage
    people: People
    browser: Browser
    due_seconds: float
    visit: BookedVisit | PreparedVisit | None = None
    course: Course = field(default_factory=Course)
    began_seconds: float = field(init=False)
    shed: int = field(init=False, default=0)
    failed: bool = field(init=False, default=False)
    _launch_ms: float = field(init=False, default=-1)
    _timing: ServerTiming = field(init=False, default_factory=ServerTiming)

    def __post_init__(self) -> None:
        self.began_seconds = self.browser.clock.now()
        self.browser.timing = ServerTiming()  # who reconnects clicks anew

    @property
    def booked(self) -> BookedVisit:
        if not isinstance(self.visit, BookedVisit):
            raise Failed("no_visit_booked")
        return self.visit

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """Write the iteration down, however it ends; nothing the system did leaves this block, a bug of ours does."""
        outcome, error = Outcome.FAILED, "cut_off"  # what stands when the run ends under their feet
        try:
            yield
            outcome, error = Outcome.DONE, ""
        except Failed as err:
            outcome, error = Outcome.FAILED, err.code
        except Shed as err:
            outcome, error = Outcome.SHED, str(err)
        except ClinicianDropped:
            outcome, error = Outcome.DROPPED, "clinician_dropped"
            self.began_seconds = self.due_seconds
        except (LookupError, TypeError, ValueError) as err:
            # An answer in another form than its kind has. Only the kind is kept: the message may quote the answer.
            outcome, error = Outcome.FAILED, f"unreadable_answer {type(err).__name__}"
        finally:
            self.failed = outcome is not Outcome.DONE
            self._write(outcome, error)

    def patiently(
        self, step: Callable[[], T], *, may_repeat: Callable[[Shed], bool] = lambda _shed: True
    ) -> T:
        """Do it; when refused for now, wait as long as was asked for and do it again. Raises Failed, Shed."""
        while True:
            try:
                return step()
            except Shed as err:
                too_long = err.retry_after_seconds > LONGEST_RETRY_AFTER_SECONDS
                if not may_repeat(err) or too_long or self.shed >= MOST_TRIES_AGAIN:
                    raise
                self.shed += 1
                self.browser.clock.sleep(err.retry_after_seconds)

    def open(self, url: str, *, ends_before: Callable[[str], bool] = nowhere) -> Page:
        """Patiently; a page that asks again by itself goes on from where it stands. Raises Failed, Shed."""
        place = url

        def step() -> Page:
            nonlocal place
            try:
                return self.browser.open(place, ends_before=ends_before)
            except Shed as err:
                place = err.address or place
                raise

        return self.patiently(step)

    def submit(self, url: str, fields: Mapping[str, str]) -> Page:
        """Patiently. Raises Failed, Shed."""
        return self.patiently(lambda: self.browser.submit(url, fields))

    def ask(self, url: str) -> bytes:
        """Patiently. Raises Failed, Shed."""
        return self.patiently(lambda: self.browser.ask(url))

    def arrived(self) -> None:
        """The page they came for is there: from here on the clock of the launch stands still."""
        if self._launch_ms < 0:
            self._launch_ms = round((self.browser.clock.now() - self.due_seconds) * 1000, 2)
            self._timing = self.browser.timing

    def did(self, action: Action, meeting: str) -> None:
        self.browser.recorder.deed(
            Deed(
                at_seconds=round(self.browser.clock.now(), 4),
                visit=self.booked.csn,
                persona=self.browser.persona,
                action=action,
                meeting=meeting,
            )
        )

    def _write(self, outcome: Outcome, error: str) -> None:
        was_dropped = outcome is Outcome.DROPPED
        ended = self.due_seconds if was_dropped else self.browser.clock.now()
        self.browser.recorder.iteration(
            Iteration(
                due_seconds=round(self.due_seconds, 4),
                began_seconds=round(self.began_seconds, 4),
                ended_seconds=round(ended, 4),
                persona=self.browser.persona,
                visit=self.visit.csn if self.visit else "",
                outcome=outcome,
                launch_ms=self._launch_ms,
                own_ms=round(self._timing.own_ms, 2),
                upstream_ms=round(self._timing.upstream_ms, 2),
                shed=self.shed,
                error=error,
            )
        )


def dropped(
    recorder: Recorder,
    persona: Persona,
    due_seconds: float,
    visit: BookedVisit | PreparedVisit | None,
) -> None:
    """Nobody began: the pool was full at this person's time."""
    recorder.iteration(
        Iteration(
            due_seconds=round(due_seconds, 4),
            began_seconds=round(due_seconds, 4),
            ended_seconds=round(due_seconds, 4),
            persona=persona,
            visit=visit.csn if visit else "",
            outcome=Outcome.DROPPED,
            launch_ms=-1,
            own_ms=-1,
            upstream_ms=-1,
            shed=0,
            error="",
        )
    )


def launch_address(stage: Stage, client_id: str, launch_uri: str, **context: str) -> str:
    """The EHR's button, for any client: answers with a redirect to `launch_uri?iss=&launch=`."""
    asked = {"client_id": client_id, "launch_uri": launch_uri, **context}
    return f"{stage.ehr_url}/sim/launch?{urlencode(asked)}"


def meeting_in(page: Page) -> str:
    """Thread id of the meeting whose join page this is, of staff or of a patient."""
    address = unquote(unquote(page.url))
    begins, ends = address.find("19:meeting_"), address.find("@thread.v2")
    if begins < 0 or ends < begins:
        raise wrong_page(page)
    return address[begins:ends] + "@thread.v2"


def wrong_page(page: Page) -> Failed:
    """Who stands before another page than they came for; a sign-in page is named, for it has one cause.

    The stage lets every clinician sign in once beforehand; then nobody is asked again.
    """
    if page.part is Part.MICROSOFT and (page.has("another-account") or page.has("sign-in")):
        return Failed("needs_microsoft_sign_in")
    if page.part is Part.EHR and page.has("username"):
        return Failed("needs_ehr_sign_in")
    whose = page.part.value if page.part else "unexpected_address"
    return Failed(f"wrong_page of {whose}")
