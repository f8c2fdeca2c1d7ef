"""A scenario file: the question of a load test, and everything that is assumed to answer it.

TOML, one file a question, `loadtest/scenarios/<name>.toml`. Seconds count from the start of the run, as in `records`:

    0 ── warm-up ──▶ measured_from ── measured ──▶ measured_to ── finish ──▶ total_seconds
         people come, but are not judged           nobody comes; those inside finish

| table | for | says |
|---|---|---|
| top level | everybody | `question`, `model`, `connections`, `pool`, and the three durations |
| `[arrivals]` | generator, open model | the rate of visits over time (`shape`), and how they lie in it (`spacing`) |
| `[users]` | generator, closed model | how many of each persona, and the pause between two of their turns |
| `[people]` | generator | what people do once they came: every assumption with its value, none by default |
| `[portal_admins]`, `[idle_viewers]` | generator | the few who come beside the visits |
| `[stage]` | stage | `web_processes`, `web_threads`, `database`, `others_give_way`, `upstream_delay_ms` from the first second to the last |
| `[[stage.events]]` | stage | what to do `at_seconds`, see `StageAction` |
"""

import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)

from loadtest.target import problems_of

SCENARIOS: Final = Path(__file__).with_name("scenarios")


class ScenarioRefused(Exception):
    """The file cannot be read or says something that cannot be; names every problem."""


class Model(StrEnum):
    """`open`: people come at their time whatever the system does. `closed`: each comes back after an answer."""

    OPEN = "open"
    CLOSED = "closed"


class Connections(StrEnum):
    """`shared`: one pool a process, kept alive. `fresh`: a TLS handshake with every part for every person."""

    SHARED = "shared"
    FRESH = "fresh"


class Spacing(StrEnum):
    """`even`: the same gap always. `poisson`: as people come who know nothing of one another."""

    EVEN = "even"
    POISSON = "poisson"


class Database(StrEnum):
    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


class StageAction(StrEnum):
    """What the stage does to the system while people come.

    `kill_*` is SIGKILL: `kill_web_worker` of one process that answers launches (its parent starts another),
    `kill_worker` and `kill_feed` of the whole part, which the stage starts again. `*_delay` makes every answer of
    that simulator `delay_ms` later, in addition to `upstream_delay_ms`; `*_fail` makes it answer `status`;
    `*_clear` takes both back.
    """

    KILL_WEB_WORKER = "kill_web_worker"
    KILL_WORKER = "kill_worker"
    KILL_FEED = "kill_feed"
    EHR_DELAY = "ehr_delay"
    EHR_FAIL = "ehr_fail"
    EHR_CLEAR = "ehr_clear"
    GRAPH_DELAY = "graph_delay"
    GRAPH_FAIL = "graph_fail"
    GRAPH_CLEAR = "graph_clear"


def _in_order(pair: tuple[float, float]) -> tuple[float, float]:
    if pair[0] > pair[1]:
        raise ValueError("the first number must not be greater than the second")
    return pair


Share = Annotated[float, Field(ge=0, le=1)]
Between = Annotated[tuple[float, float], AfterValidator(_in_order)]
SecondsBetween = Annotated[tuple[NonNegativeFloat, NonNegativeFloat], AfterValidator(_in_order)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Steady(_Table):
    shape: Literal["steady"]
    spacing: Spacing
    visits_per_second: PositiveFloat


class Ramp(_Table):
    """From one rate to the other over the measured time."""

    shape: Literal["ramp"]
    spacing: Spacing
    from_visits_per_second: PositiveFloat
    to_visits_per_second: PositiveFloat


class Steps(_Table):
    """The measured time in equal parts, one for each rate."""

    shape: Literal["steps"]
    spacing: Spacing
    visits_per_second: Annotated[tuple[PositiveFloat, ...], Field(min_length=2)]


class Surge(_Table):
    """A rate, for a while `factor` times it, and the rate again."""

    shape: Literal["surge"]
    spacing: Spacing
    visits_per_second: PositiveFloat
    factor: Annotated[float, Field(gt=1)]
    at_seconds: NonNegativeFloat
    for_seconds: PositiveFloat


class ClinicMorning(_Table):
    """8:50 to 9:15 in a clinic, compressed into the measured time: see `arrivals.CLINIC_MORNING`."""

    shape: Literal["clinic_morning"]
    spacing: Spacing
    peak_visits_per_second: PositiveFloat


Arrivals = Annotated[Steady | Ramp | Steps | Surge | ClinicMorning, Field(discriminator="shape")]


class People(_Table):
    """What those who come to a visit do.

    Attributes:
        patient_offset_seconds: when the patient clicks, counted from the clinician's click; negative is before.
        no_show_share: of the visits to which no patient comes.
        reconnect_share: of the patients who drop out once and launch again.
        read_seconds: from seeing the meeting's page to pressing Join.
        stay_seconds: of the patient in the meeting, each time.
        away_seconds: from dropping out to launching again.
        clinician_patience_seconds: how long a clinician waits for a patient before ending the meeting.
        patient_patience_seconds: how long a patient waits, for the meeting and again in the lobby.
    """

    patient_offset_seconds: Between
    no_show_share: Share
    reconnect_share: Share
    read_seconds: SecondsBetween
    stay_seconds: SecondsBetween
    away_seconds: SecondsBetween
    clinician_patience_seconds: PositiveFloat
    patient_patience_seconds: PositiveFloat


class PortalAdmins(_Table):
    per_minute: NonNegativeFloat = 0


class IdleViewers(_Table):
    """Each opens the status page of the newest visit that had time to begin, and holds its feed of server-sent events."""

    per_minute: NonNegativeFloat = 0
    hold_seconds: PositiveFloat = 30


class Users(_Table):
    """Closed model. A patient comes to a visit that a provider of the same process began."""

    provider: PositiveInt
    patient: Annotated[int, Field(ge=0)]
    portal_admin: Annotated[int, Field(ge=0)] = 0
    idle_viewer: Annotated[int, Field(ge=0)] = 0
    pause_seconds: SecondsBetween


class UpstreamDelay(_Table):
    ehr: Annotated[int, Field(ge=0)] = 0
    graph: Annotated[int, Field(ge=0)] = 0


class StageEvent(_Table):
    """`delay_ms` goes with `*_delay` and `status` with `*_fail`, and with nothing else."""

    at_seconds: NonNegativeFloat
    do: StageAction
    delay_ms: PositiveInt | None = None
    status: Annotated[int, Field(ge=400, le=599)] | None = None

    @model_validator(mode="after")
    def _says_how(self) -> Self:
        if (self.delay_ms is not None) != self.do.value.endswith("_delay"):
            raise ValueError("delay_ms belongs to ehr_delay and graph_delay, and must be there")
        if (self.status is not None) != self.do.value.endswith("_fail"):
            raise ValueError("status belongs to ehr_fail and graph_fail, and must be there")
        return self

    def words(self) -> str:
        how = f" {self.delay_ms} ms" if self.delay_ms else f" {self.status}" if self.status else ""
        return f"{self.do.value}{how} at {self.at_seconds:g} s"


class StagePlan(_Table):
    """`web_threads` of each process. `others_give_way`: web and database have the cores first, which in a stamp are theirs."""

    web_processes: PositiveInt = 2
    web_threads: PositiveInt = 16
    database: Database = Database.SQLITE
    others_give_way: bool = False
    upstream_delay_ms: UpstreamDelay = UpstreamDelay()
    events: tuple[StageEvent, ...] = ()


class Scenario(_Table):
    """`name` is the file's. `pool` bounds the people at once in one generating process."""

    name: str
    question: Annotated[str, Field(min_length=10)]
    model: Model = Model.OPEN
    connections: Connections = Connections.SHARED
    pool: PositiveInt
    warm_up_seconds: NonNegativeFloat
    measured_seconds: PositiveFloat
    finish_seconds: NonNegativeFloat
    arrivals: Arrivals | None = None
    users: Users | None = None
    people: People
    portal_admins: PortalAdmins = PortalAdmins()
    idle_viewers: IdleViewers = IdleViewers()
    stage: StagePlan = StagePlan()

    @property
    def measured_from_seconds(self) -> float:
        return self.warm_up_seconds

    @property
    def measured_to_seconds(self) -> float:
        """Nobody comes any more from then on."""
        return self.warm_up_seconds + self.measured_seconds

    @property
    def total_seconds(self) -> float:
        return self.measured_to_seconds + self.finish_seconds

    @property
    def fault(self) -> str:
        """What goes wrong in this run on purpose, for `Run.fault`; empty when nothing does."""
        return ", ".join(event.words() for event in self.stage.events)

    @classmethod
    def read(cls, file: Path) -> Self:
        """Raises: ScenarioRefused: names every problem."""
        try:
            document = tomllib.loads(file.read_text(encoding="utf-8"))
        except OSError as err:
            raise ScenarioRefused(f"{file} cannot be read: {err.strerror}") from err
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as err:
            raise ScenarioRefused(f"{file} is not TOML: {err}") from err
        return cls.of(document, file.stem)

    @classmethod
    def of(cls, document: dict[str, Any], name: str) -> Self:
        """Raises: ScenarioRefused: names every problem."""
        try:
            return cls.model_validate({"name": name, **document})
        except ValidationError as err:
            raise ScenarioRefused(f"scenario {name}: {problems_of(err)}") from err

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        problems = [
            *_of_model(self),
            *_too_late("stage.events", [e.at_seconds for e in self.stage.events], self),
        ]
        if isinstance(self.arrivals, Surge):
            problems += _too_late("arrivals.at_seconds", [self.arrivals.at_seconds], self)
        if problems:
            raise ValueError("; ".join(problems))
        return self


def _of_model(scenario: Scenario) -> list[str]:
    tables = {Model.OPEN: scenario.arrivals, Model.CLOSED: scenario.users}
    names = {Model.OPEN: "[arrivals]", Model.CLOSED: "[users]"}
    return [
        f"the {scenario.model} model {'needs' if model is scenario.model else 'has no'} {names[model]}"
        for model, table in tables.items()
        if (table is None) == (model is scenario.model)
    ]


def _too_late(what: str, seconds: list[float], scenario: Scenario) -> list[str]:
    end = scenario.measured_to_seconds
    return [
        f"{what}: {one:g} is after the last arrival at {end:g} seconds"
        for one in seconds
        if one >= end
    ]


def named(name: str) -> Scenario:
    """One of `loadtest/scenarios`, by the name of its file.

    Raises:
        ScenarioRefused: there is none of this name; says which there are.
    """
    known = sorted(file.stem for file in SCENARIOS.glob("*.toml"))
    if name not in known:
        raise ScenarioRefused(f"there is no scenario {name}; there are: {', '.join(known)}")
    return Scenario.read(SCENARIOS / f"{name}.toml")
