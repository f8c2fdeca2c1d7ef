"""What the stage writes down: for the generating processes before the run, for the verdict after it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from loadtest.arrivals import RateCurve
from loadtest.records import Ledger, Prepared, Run
from loadtest.scenario import Model, Scenario
from loadtest.stage.arguments import Arguments
from loadtest.stage.controls import Controls
from loadtest.stage.ground import ADMIN, CLINICIANS, EHR_PASSWORD, Ground
from loadtest.stage.machine import commit, machine_words
from loadtest.stage.preparation import client_ids
from loadtest.target import BookedVisit, Stage

AT_HOME = "at home"


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """`starts_at` in epoch seconds, `ended_seconds` from then: when the generating processes had ended."""

    starts_at: float
    ended_seconds: float


def stage_document(
    arguments: Arguments,
    ground: Ground,
    visits: tuple[BookedVisit, ...],
    *,
    run_folder: Path,
    starts_at: float,
) -> Stage:
    addresses = ground.addresses
    provider, patient = client_ids(arguments.environment)
    return Stage(
        connector_url=addresses.connector_url,
        feed_url=addresses.feed_url,
        ehr_url=addresses.ehr_url,
        mychart_url=addresses.mychart_url,
        microsoft_url=addresses.microsoft_url,
        ca_file=addresses.ca_file.absolute(),
        provider_client_id=provider,
        patient_client_id=patient,
        provider_launch_uri=f"{addresses.connector_url}/launch/provider",
        patient_launch_uri=f"{addresses.connector_url}/launch/patient",
        visits=visits,
        clinicians=CLINICIANS,
        admin_sign_in=ADMIN,
        ehr_password=EHR_PASSWORD,
        run_folder=run_folder.absolute(),
        seed=arguments.seed,
        starts_at=starts_at,
        launches_file=arguments.prepared.launches.absolute() if arguments.prepared else None,
    )


def run_document(
    arguments: Arguments,
    scenario: Scenario,
    ground: Ground,
    times: Times,
    prepared: Prepared | None = None,
) -> Run:
    fault = arguments.fault.value if arguments.fault else ""
    return Run(
        scenario=scenario.name,
        question=scenario.question,
        started_at=datetime.fromtimestamp(times.starts_at, UTC).isoformat(timespec="seconds"),
        seed=arguments.seed,
        target=arguments.target or AT_HOME,
        commit=commit(),
        machine=machine_words(),
        model=scenario.model.value,
        measured_from_seconds=scenario.measured_from_seconds,
        measured_to_seconds=measured_to(scenario, prepared),
        ended_seconds=round(times.ended_seconds, 3),
        rates=rates_of(scenario, prepared),
        fault=", ".join(words for words in (scenario.fault, fault) if words),
        web_processes=ground.web_processes,
        database=ground.database,
        others_give_way=scenario.stage.others_give_way and ground.is_ours,
        prepared=prepared,
    )


def measured_to(scenario: Scenario, prepared: Prepared | None) -> float:
    """Where launches ran out the measured time ends, unless it had not begun: then it is void, not empty."""
    if prepared and prepared.ran_out_seconds > scenario.measured_from_seconds:
        return round(prepared.ran_out_seconds, 3)
    return scenario.measured_to_seconds


def rates_of(
    scenario: Scenario, prepared: Prepared | None = None
) -> tuple[tuple[float, float], ...]:
    """What was asked for, until launches ran out. None in the closed model: its users come as fast as they are served."""
    if scenario.model is not Model.OPEN:
        return ()
    pairs = RateCurve.of(scenario).pairs()
    if prepared is None or not prepared.ran_out:
        return pairs
    end = measured_to(scenario, prepared)
    return (*((at, rate) for at, rate in pairs if at < end), (end, 0.0))


@dataclass(frozen=True, slots=True)
class Before:
    """What the simulators held when the run began is not the run's: others' meetings, and the first sign-in's."""

    meetings: frozenset[str]
    visits: frozenset[str]

    @classmethod
    def of(cls, controls: Controls, visits: tuple[BookedVisit, ...]) -> "Before":
        """`visits` are the run's own, booked for it and used by nobody else."""
        held = frozenset(one.meeting for one in controls.meetings())
        return cls(held, frozenset(one.csn for one in visits))


def ledger_document(
    controls: Controls, before: Before, drained_seconds: float, notes: list[str]
) -> Ledger:
    """What the simulators hold of this run, asked once nothing is owed any more."""
    return Ledger(
        meetings=tuple(m for m in controls.meetings() if m.meeting not in before.meetings),
        write_backs=tuple(w for w in controls.write_backs() if w.visit in before.visits),
        drained_seconds=drained_seconds,
        notes=tuple(notes),
    )
