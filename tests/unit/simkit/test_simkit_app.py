import time
from typing import Any

import pytest
from flask.testing import FlaskClient
from tests.unit.simkit.counting_world import CountingWorld

from simkit.app import Simulator


def set_fault(client: FlaskClient, **fault: Any) -> None:
    assert client.post("/sim/faults", json=fault).status_code == 200


def test_health_is_ready(client: FlaskClient) -> None:
    assert client.get("/healthz").json == {"status": "ok"}


def test_each_exchange_is_recorded_with_its_form(client: FlaskClient, simulator: Simulator) -> None:
    answer = client.post("/count?x=1", data={"word": "hello"})
    (entry,) = simulator.journal.entries()
    assert answer.json == {"count": 1, "said": "hello"}
    assert (entry.method, entry.path, entry.status) == ("POST", "/count", 200)
    assert entry.request_body == "word=hello"
    assert '"said":"hello"' in entry.response_body.replace(" ", "").replace("\n", "")


@pytest.mark.parametrize("path", ["/healthz", "/sim/state", "/north/sim/clock"])
def test_instruments_are_neither_recorded_nor_faulted(
    client: FlaskClient, simulator: Simulator, path: str
) -> None:
    set_fault(client, route="*", status=500)
    assert client.get(path).status_code == 200
    assert simulator.journal.entries() == []


def test_a_status_fault_answers_instead_of_the_handler(
    client: FlaskClient, world: CountingWorld
) -> None:
    set_fault(
        client, route="/count", status=503, headers={"Retry-After": "7"}, body={"a": 1}, times=1
    )
    answer = client.post("/count")
    assert (answer.status_code, answer.json, answer.headers["Retry-After"]) == (503, {"a": 1}, "7")
    assert world.count == 0
    assert client.post("/count").status_code == 200


def test_a_text_fault_is_sent_as_text(client: FlaskClient) -> None:
    set_fault(client, route="/count", status=200, body="<html>garbage")
    assert client.post("/count").data == b"<html>garbage"


def test_an_after_fault_loses_the_answer_but_not_the_effect(
    client: FlaskClient, world: CountingWorld, simulator: Simulator
) -> None:
    set_fault(client, route="/count", status=504, after=True)
    assert client.post("/count").status_code == 504
    assert world.count == 1
    assert simulator.journal.entries()[0].status == 504


def test_a_delay_alone_goes_on_to_the_handler(client: FlaskClient, world: CountingWorld) -> None:
    set_fault(client, route="/count", delay_seconds=0.05)
    began = time.perf_counter()
    assert client.post("/count").status_code == 200
    assert time.perf_counter() - began >= 0.05
    assert world.count == 1


def test_a_dropped_exchange_is_recorded_without_answer(
    client: FlaskClient, simulator: Simulator, world: CountingWorld
) -> None:
    set_fault(client, route="/count", drop=True)
    client.post("/count")
    assert simulator.journal.entries()[0].status == 0
    assert world.count == 0


def test_programs_get_errors_as_json(client: FlaskClient) -> None:
    answer = client.get("/nowhere", headers={"Accept": "application/json"})
    assert answer.status_code == 404
    assert answer.get_json()["error"] == "not_found"


def test_browsers_get_errors_as_a_page(client: FlaskClient) -> None:
    answer = client.get("/nowhere", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert "Counter simulator" in answer.text


def test_a_wrong_method_says_which_are_allowed(client: FlaskClient) -> None:
    answer = client.get("/count")
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


def test_pages_must_not_be_framed(client: FlaskClient) -> None:
    headers = client.get("/north/place").headers
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
