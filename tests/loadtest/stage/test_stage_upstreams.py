"""How late and how wrongly the simulators answer during a run."""

import pytest
from loadtest.scenario import StageAction, StageEvent, UpstreamDelay
from loadtest.stage.upstreams import Upstreams
from tests.integration.mock_fhir.test_mock_fhir_writeback import Backend
from tests.loadtest.stage.conftest import EHR_PREFIX, Outside


@pytest.fixture
def upstreams(outside: Outside) -> Upstreams:
    return Upstreams.of(outside.controls)


def ehr_faults(outside: Outside) -> list[tuple[str, float, int | None]]:
    listed = outside.ehr.get("/sim/faults").get_json()["faults"]
    return [(one["route"], one["delay_seconds"], one["status"]) for one in listed]


def graph_faults(outside: Outside) -> list[tuple[str, float, int | None]]:
    listed = outside.microsoft.sim("GET", "faults").get_json()["faults"]
    return [(one["route"], one["delay_seconds"], one["status"]) for one in listed]


def event(do: StageAction, **how: int) -> StageEvent:
    return StageEvent.model_validate({"at_seconds": 1, "do": do, **how})


def test_nothing_stands_when_nothing_is_wanted(outside: Outside, upstreams: Upstreams) -> None:
    upstreams.stand(UpstreamDelay())
    assert (ehr_faults(outside), graph_faults(outside)) == ([], [])


def test_every_answer_of_ehr_and_graph_is_late(outside: Outside, upstreams: Upstreams) -> None:
    upstreams.stand(UpstreamDelay(ehr=40, graph=60), extra_ms=300)
    assert ehr_faults(outside) == [(f"{EHR_PREFIX}/*", 0.34, None)]
    assert graph_faults(outside) == [("/v1.0/*", 0.36, None), ("/beta/*", 0.36, None)]


def test_an_event_adds_to_what_stands_and_its_end_leaves_it(
    outside: Outside, upstreams: Upstreams
) -> None:
    upstreams.stand(UpstreamDelay(ehr=100))
    upstreams.do(event(StageAction.EHR_DELAY, delay_ms=400))
    assert ehr_faults(outside) == [(f"{EHR_PREFIX}/*", 0.5, None)]
    upstreams.do(event(StageAction.EHR_FAIL, status=503))
    assert ehr_faults(outside) == [(f"{EHR_PREFIX}/*", 0.1, 503)]
    upstreams.do(event(StageAction.EHR_CLEAR))
    assert ehr_faults(outside) == [(f"{EHR_PREFIX}/*", 0.1, None)]


def test_graph_is_late_wrong_and_well_again(outside: Outside, upstreams: Upstreams) -> None:
    upstreams.do(event(StageAction.GRAPH_DELAY, delay_ms=250))
    upstreams.do(event(StageAction.GRAPH_FAIL, status=429))
    assert {status for _, _, status in graph_faults(outside)} == {429}
    upstreams.do(event(StageAction.GRAPH_CLEAR))
    assert graph_faults(outside) == []


def test_the_ehr_says_yes_to_reports_and_records_none(
    outside: Outside, upstreams: Upstreams
) -> None:
    upstreams.lose_write_backs(2)
    upstreams.stand(UpstreamDelay())
    backend = Backend(outside.ehr)
    answers = [backend.report(), backend.report_patient()]
    assert [answer.get_json() for answer in answers] == [{"Status": "1"}] * 2
    assert outside.controls.reports_taken() == 0
    backend.report_patient(ConnectionStatus="2", VendorContext="event-9")
    assert outside.controls.reports_taken() == 1, "only so many are lost"


def test_lost_reports_stay_lost_when_a_delay_ends(outside: Outside, upstreams: Upstreams) -> None:
    upstreams.lose_write_backs(5)
    upstreams.stand(UpstreamDelay(), extra_ms=1)
    upstreams.clear()
    assert [route for route, _, _ in ehr_faults(outside)] == [
        f"{EHR_PREFIX}/*/SetExternalConnectionStatus",
        f"{EHR_PREFIX}/*",
    ]


def test_an_event_that_is_none_of_theirs_is_not_ignored(upstreams: Upstreams) -> None:
    with pytest.raises(KeyError):
        upstreams.do(event(StageAction.KILL_WORKER))
