from typing import Any

import pytest
from flask.testing import FlaskClient
from tests.unit.simkit.counting_world import CountingWorld

from simkit.app import Simulator
from simkit.clock import parse_instant


def body(answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def test_reset_puts_everything_back(
    client: FlaskClient, simulator: Simulator, world: CountingWorld
) -> None:
    client.post("/count")
    client.post("/sim/faults", json={"route": "*", "drop": True})
    client.post("/sim/clock", json={"advance_seconds": 3600})
    client.post("/sim/reset")
    assert (world.count, simulator.faults.list(), simulator.journal.entries()) == (0, [], [])
    assert simulator.clock.offset_seconds == 0


def test_reset_of_a_part_leaves_clock_faults_and_journal_of_the_rest(
    client: FlaskClient, simulator: Simulator
) -> None:
    client.post("/count")
    client.get("/north/place")
    client.post("/sim/faults", json={"route": "/count", "drop": True})
    client.post("/north/sim/faults", json={"route": "/place", "drop": True})
    client.post("/sim/clock", json={"advance_seconds": 60})
    client.post("/north/sim/reset")
    assert [fault.route for fault in simulator.faults.list()] == ["/count"]
    assert [entry.path for entry in simulator.journal.entries()] == ["/count"]
    assert simulator.clock.offset_seconds == 60


def test_seed_reaches_the_world_and_says_what_was_made(
    client: FlaskClient, world: CountingWorld
) -> None:
    assert body(client.post("/sim/seed", json={"count": 5})) == {"count": 5}
    assert body(client.get("/sim/state")) == {"count": 5}


@pytest.mark.parametrize("document", [{}, ["count"], "count"])
def test_a_wrong_seed_is_refused_with_the_reason(client: FlaskClient, document: object) -> None:
    answer = client.post("/sim/seed", json=document)
    assert answer.status_code == 400
    assert answer.get_json()["message"] in (
        "say how many: count",
        "the body must be one JSON object",
    )


def test_clock_can_be_set_advanced_and_reset(client: FlaskClient) -> None:
    shown = body(client.post("/sim/clock", json={"now": "2030-01-01T00:00:00Z"}))
    assert shown["now"].startswith("2030-01-01T00:00:00")
    shown = body(client.post("/sim/clock", json={"advance_seconds": 120}))
    assert shown["now"].startswith("2030-01-01T00:02:00")
    assert body(client.post("/sim/clock", json={"reset": True}))["offset_seconds"] == 0


@pytest.mark.parametrize(
    "document", [{}, {"now": "noon"}, {"now": "2030-01-01T00:00:00"}, {"advance_seconds": "x"}]
)
def test_a_wrong_clock_order_is_refused_and_changes_nothing(
    client: FlaskClient, simulator: Simulator, document: dict[str, str]
) -> None:
    assert client.post("/sim/clock", json=document).status_code == 400
    assert simulator.clock.offset_seconds == 0


def test_faults_can_be_listed_and_removed_one_by_one(client: FlaskClient) -> None:
    wanted = {"faults": [{"route": "/a", "drop": True}, {"route": "/b", "status": 500, "times": 3}]}
    listed = body(client.post("/sim/faults", json=wanted))["faults"]
    left = body(client.delete(f"/sim/faults?id={listed[0]['id']}"))["faults"]
    assert [(fault["route"], fault["times"]) for fault in left] == [("/b", 3)]
    assert body(client.delete("/sim/faults")) == {"faults": []}


def test_one_wrong_fault_of_several_sets_none(client: FlaskClient, simulator: Simulator) -> None:
    wanted = {"faults": [{"route": "/a", "drop": True}, {"route": "/b"}]}
    assert client.post("/sim/faults", json=wanted).status_code == 400
    assert simulator.faults.list() == []


def test_journal_can_be_filtered_and_exported(client: FlaskClient, simulator: Simulator) -> None:
    client.post("/count")
    client.get("/north/place")
    assert [e["path"] for e in body(client.get("/sim/journal?method=GET"))["entries"]] == [
        "/north/place"
    ]
    assert [e["path"] for e in body(client.get("/north/sim/journal"))["entries"]] == [
        "/north/place"
    ]
    assert body(client.get("/sim/journal?status=404")) == {"entries": []}
    assert body(client.get("/sim/journal?since=2999-01-01T00:00:00+00:00")) == {"entries": []}
    har = body(client.get("/sim/journal?format=har&path=/count"))
    assert [e["request"]["url"] for e in har["log"]["entries"]] == ["http://localhost/count"]


@pytest.mark.parametrize("query", ["status=high", "since=noon"])
def test_a_wrong_journal_filter_is_refused(client: FlaskClient, query: str) -> None:
    assert client.get(f"/sim/journal?{query}").status_code == 400


def test_index_page_shows_the_paths_of_its_own_scope(client: FlaskClient) -> None:
    assert "POST /north/sim/reset" in client.get("/north/sim/").text


def test_recorded_times_are_the_simulators(client: FlaskClient, simulator: Simulator) -> None:
    simulator.clock.set(parse_instant("2030-01-01T00:00:00Z"))
    client.post("/count")
    assert simulator.journal.entries()[0].started.year == 2030
