"""The scenario's timed events: each is done once, when its second has come."""

from dataclasses import dataclass
from typing import Self

from loadtest.scenario import Scenario, StageEvent
from loadtest.stage.ground import Ground, GroundRefused
from loadtest.stage.upstreams import Upstreams


@dataclass(slots=True)
class EventPlan:
    """`waiting` in the order of time."""

    waiting: list[StageEvent]

    @classmethod
    def of(cls, scenario: Scenario) -> Self:
        return cls(sorted(scenario.stage.events, key=lambda event: event.at_seconds))

    def due(self, now_seconds: float) -> list[StageEvent]:
        due = [event for event in self.waiting if event.at_seconds <= now_seconds]
        self.waiting = self.waiting[len(due) :]
        return due


def carry_out(event: StageEvent, ground: Ground, upstreams: Upstreams | None) -> None:
    """Raises: GroundRefused: it cannot be done here."""
    if is_kill(event):
        ground.kill(event.do)
    elif upstreams is None:
        raise GroundRefused(f"nobody here can be told: {event.words()}")
    else:
        upstreams.do(event)


def require_possible(scenario: Scenario, ground: Ground) -> None:
    """Before the first person comes, not when an event is due.

    Raises:
        GroundRefused: an event cannot be brought about here. A standing delay is not asked for where others than
            our simulators answer: they take the time it stands for.
    """
    events = scenario.stage.events
    kills = [event for event in events if is_kill(event)]
    if kills and not ground.is_ours:
        raise GroundRefused(f"{kills[0].words()}: the processes of a stamp are not ours")
    if ground.controls is None and len(events) > len(kills):
        raise GroundRefused(f"{scenario.name} needs simulators that can be told to be late")


def is_kill(event: StageEvent) -> bool:
    return event.do.value.startswith("kill_")
