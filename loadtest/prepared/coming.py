"""Which of the prepared launches come when: the n-th visit of the schedule is the n-th of the file, until it ends."""

from collections.abc import Sequence
from dataclasses import dataclass

from loadtest.arrivals import PlannedVisit, Schedule
from loadtest.prepared.launch_file import PreparedVisit
from loadtest.records import Prepared
from loadtest.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Clicks:
    """Of one visit; None for who does not come."""

    provider_due: float | None
    patient_due: float | None

    @classmethod
    def of(cls, plan: PlannedVisit, visit: PreparedVisit) -> "Clicks":
        """A patient nobody else was prepared for clicks when the visit is due: there is no clinician to be late for."""
        patient_due = plan.patient_due if visit.provider else plan.provider_due
        return cls(
            plan.provider_due if visit.provider else None, patient_due if visit.patient else None
        )


def planned(scenario: Scenario, seed: int, visits: Sequence[PreparedVisit]) -> Prepared:
    """How many launches the run gives, and when there is none for the next visit any more."""
    plans = Schedule.of(scenario, seed).visits
    clicks = [Clicks.of(plan, visit) for plan, visit in zip(plans, visits, strict=False)]
    ran_out = len(plans) > len(visits)
    return Prepared(
        providers=sum(one.provider_due is not None for one in clicks),
        patients=sum(one.patient_due is not None for one in clicks),
        ran_out_seconds=plans[len(visits)].provider_due if ran_out else -1.0,
    )
