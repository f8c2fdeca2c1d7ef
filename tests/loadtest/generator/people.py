"""What the generator's tests share: a stage in the small town, a clock that only sleeping moves, a keeping recorder."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loadtest.arrivals import PlannedVisit
from loadtest.browser import Browser, CookieJar
from loadtest.hops import Hops
from loadtest.personas.errand import Errand
from loadtest.records import Deed, Iteration, Persona, Request
from loadtest.scenario import Scenario
from loadtest.target import BookedVisit, Clinician, Stage
from tests.loadtest.generator.town import Town

CLINICIANS = (
    Clinician(ehr_sign_in="DOC", microsoft_sign_in="clinician@example"),
    Clinician(ehr_sign_in="SURGEON", microsoft_sign_in="surgeon@example"),
)

PEOPLE: dict[str, Any] = {
    "patient_offset_seconds": [-1, 2],
    "no_show_share": 0.03,
    "reconnect_share": 0.07,
    "read_seconds": [0.1, 0.2],
    "stay_seconds": [0.2, 0.4],
    "away_seconds": [0.1, 0.2],
    "clinician_patience_seconds": 10,
    "patient_patience_seconds": 10,
}


def document(**changed: Any) -> dict[str, Any]:
    """A scenario file that is right, with top-level entries changed."""
    return {
        "question": "Does a test hold what it says?",
        "pool": 100,
        "warm_up_seconds": 10,
        "measured_seconds": 100,
        "finish_seconds": 5,
        "arrivals": {"shape": "steady", "spacing": "even", "visits_per_second": 2},
        "people": PEOPLE,
        **changed,
    }


def scenario(**changed: Any) -> Scenario:
    return Scenario.of(document(**changed), "test")


def stage(root: str = "https://town", folder: Path = Path(), **changed: Any) -> Stage:
    booked = (
        BookedVisit(
            csn=f"c{n}",
            appointment_id=f"a{n}",
            patient_id=f"p{n}",
            practitioner_id="d",
            clinician=CLINICIANS[n % len(CLINICIANS)].ehr_sign_in,
        )
        for n in range(50)
    )
    told: dict[str, Any] = {
        "connector_url": f"{root}/connector",
        "feed_url": f"{root}/feed",
        "ehr_url": f"{root}/ehr",
        "mychart_url": f"{root}/mychart",
        "microsoft_url": f"{root}/teams",
        "ca_file": folder / "ca.pem",
        "provider_client_id": "provider",
        "patient_client_id": "patient",
        "provider_launch_uri": f"{root}/connector/launch/provider",
        "patient_launch_uri": f"{root}/connector/launch/patient",
        "visits": tuple(booked),
        "clinicians": CLINICIANS,
        "admin_sign_in": "admin@example",
        "ehr_password": "sandbox",
        "run_folder": folder,
        "seed": 7,
        "starts_at": 0.0,
        **changed,
    }
    return Stage(**told)


@dataclass(slots=True)
class StillClock:
    """Only sleeping moves it; `meanwhile` is what others do while somebody sleeps, once each."""

    at: float = 0.0
    slept: list[float] = field(default_factory=list)
    meanwhile: list[Callable[[], None]] = field(default_factory=list)

    def now(self) -> float:
        return self.at

    def of_epoch(self, epoch_seconds: float) -> float:
        return epoch_seconds

    def sleep(self, seconds: float) -> None:
        self.at += seconds
        self.slept.append(seconds)
        if self.meanwhile:
            self.meanwhile.pop(0)()

    def sleep_until(self, seconds: float) -> None:
        self.sleep(max(0.0, seconds - self.at))


@dataclass(slots=True)
class Keeper:
    requests: list[Request] = field(default_factory=list)
    iterations: list[Iteration] = field(default_factory=list)
    deeds: list[Deed] = field(default_factory=list)

    def request(self, request: Request) -> None:
        self.requests.append(request)

    def iteration(self, iteration: Iteration) -> None:
        self.iterations.append(iteration)

    def deed(self, deed: Deed) -> None:
        self.deeds.append(deed)

    def names(self) -> list[str]:
        return [request.name for request in self.requests]

    def actions(self) -> list[str]:
        return [deed.action.value for deed in self.deeds]


@dataclass(slots=True)
class Scene:
    """One person in a town where everything works."""

    town: Town = field(default_factory=Town)
    clock: StillClock = field(default_factory=StillClock)
    keeper: Keeper = field(default_factory=Keeper)

    def browser(self, persona: Persona = Persona.PROVIDER, **cookies: str) -> Browser:
        return Browser(
            persona=persona,
            transport=self.town,
            recorder=self.keeper,
            clock=self.clock,
            hops=Hops.of(stage()),
            jar=CookieJar({"town": dict(cookies)}),
        )

    def errand(self, persona: Persona = Persona.PROVIDER, **cookies: str) -> Errand:
        told = stage()
        return Errand(
            told, scenario().people, self.browser(persona, **cookies), 0.0, told.visits[3]
        )


def plan(**changed: Any) -> PlannedVisit:
    drawn: dict[str, Any] = {
        "number": 3,
        "provider_due": 0.0,
        "patient_due": 0.0,
        "provider_reads_seconds": 1.0,
        "patient_reads_seconds": 1.0,
        "stays_seconds": (4.0,),
        "away_seconds": 1.0,
        **changed,
    }
    return PlannedVisit(**drawn)
