"""Timed events: each once, in order, and refused before the run where they cannot be done."""

from typing import Any
from unittest.mock import Mock

import pytest
from loadtest.scenario import Scenario, StageAction, StageEvent
from loadtest.stage.event_plan import EventPlan, carry_out, require_possible
from loadtest.stage.ground import Ground, GroundRefused
from loadtest.stage.upstreams import Upstreams

from loadtest import scenario as scenario_module


def scenario_with(*events: dict[str, Any], **stage: Any) -> Scenario:
    smoke = scenario_module.named("smoke").model_dump(exclude={"name"}, exclude_none=True)
    return Scenario.of({**smoke, "stage": {"events": list(events), **stage}}, "changed")


KILL = {"at_seconds": 20, "do": "kill_worker"}
SLOW = {"at_seconds": 10, "do": "ehr_delay", "delay_ms": 500}


def test_each_event_is_due_once_in_the_order_of_time() -> None:
    plan = EventPlan.of(scenario_with(KILL, SLOW))
    assert [one.do for one in plan.due(9.9)] == []
    assert [one.do for one in plan.due(10)] == [StageAction.EHR_DELAY]
    assert [one.do for one in plan.due(10.2)] == []
    assert [one.do for one in plan.due(60)] == [StageAction.KILL_WORKER]
    assert plan.due(61) == []


def test_events_missed_are_made_up_for_together() -> None:
    assert len(EventPlan.of(scenario_with(KILL, SLOW)).due(60)) == 2


@pytest.mark.parametrize("what", ["kill_web_worker", "kill_worker", "kill_feed"])
def test_processes_are_killed_on_the_ground(what: str) -> None:
    ground, upstreams = Mock(spec=Ground), Mock(spec=Upstreams)
    carry_out(StageEvent(at_seconds=1, do=StageAction(what)), ground, upstreams)
    ground.kill.assert_called_once_with(StageAction(what))
    upstreams.do.assert_not_called()


def test_simulators_are_told() -> None:
    ground, upstreams = Mock(spec=Ground), Mock(spec=Upstreams)
    event = StageEvent.model_validate(SLOW)
    carry_out(event, ground, upstreams)
    upstreams.do.assert_called_once_with(event)


def ground(*, is_ours: bool, controls: object) -> Ground:
    found: Ground = Mock(spec=Ground, is_ours=is_ours, controls=controls)
    return found


def test_without_simulators_a_slow_ehr_is_refused_before_anybody_comes() -> None:
    elsewhere = ground(is_ours=False, controls=None)
    with pytest.raises(GroundRefused, match="told to be late"):
        require_possible(scenario_with(SLOW), elsewhere)
    require_possible(scenario_with(), elsewhere)


def test_a_standing_delay_is_what_others_than_simulators_take_anyway() -> None:
    elsewhere = ground(is_ours=False, controls=None)
    require_possible(scenario_with(upstream_delay_ms={"ehr": 50}), elsewhere)


def test_processes_of_a_stamp_are_not_killed() -> None:
    with pytest.raises(GroundRefused, match="kill_worker at 20 s"):
        require_possible(scenario_with(KILL, SLOW), ground(is_ours=False, controls=Mock()))
    require_possible(scenario_with(KILL, SLOW), ground(is_ours=True, controls=Mock()))


def test_without_simulators_a_slow_ehr_cannot_be_carried_out() -> None:
    with pytest.raises(GroundRefused, match="ehr_delay 500 ms at 10 s"):
        carry_out(StageEvent.model_validate(SLOW), Mock(spec=Ground), None)
