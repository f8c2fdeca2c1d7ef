"""People who open the one booked visit, and its end."""

from dataclasses import replace

from tests.builders.launches import (
    PROVIDER_OBJECT_ID,
    SECOND_PROVIDER_OBJECT_ID,
    SECOND_PROVIDER_USER,
    patient_launch,
    provider_launch,
)
from tests.builders.world import World

from connector.domain.visit import Visit, VisitState
from connector.usecases.open_visit import OpenedVisit


def provider(world: World, number: int = 1) -> OpenedVisit:
    return world.open_visit.for_provider(
        provider_launch(f"state-{number}"), PROVIDER_OBJECT_ID, "ref"
    )


def second_provider(world: World, state_hash: str = "state-second") -> OpenedVisit:
    launch = provider_launch(state_hash, user=SECOND_PROVIDER_USER)
    return world.open_visit.for_provider(launch, SECOND_PROVIDER_OBJECT_ID, "ref")


def patient(world: World, state_hash: str = "state-patient") -> OpenedVisit:
    return world.open_visit.for_patient(patient_launch(state_hash), "ref")


def end(world: World, visit: Visit, state: VisitState = VisitState.ENDED) -> None:
    with world.store.write() as tx:
        tx.visits.save(replace(visit, state=state, met=True, ended_at=world.clock.now()))
