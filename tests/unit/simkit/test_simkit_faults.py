from typing import Any

import pytest

from simkit.faults import Faults, fault_from


def fault(**given: Any) -> Any:
    return fault_from({"route": "/token", "status": 503, **given})


def test_a_fault_is_used_as_often_as_asked_and_then_gone() -> None:
    faults = Faults()
    faults.set(fault(times=2))
    met = [faults.take("/token", "POST") is not None for _ in range(3)]
    assert (met, faults.list()) == ([True, True, False], [])


def test_a_fault_without_times_lasts_until_cleared() -> None:
    faults = Faults()
    faults.set(fault(times=None))
    assert all(faults.take("/token", "GET") for _ in range(10))
    faults.clear()
    assert faults.take("/token", "GET") is None


@pytest.mark.parametrize(
    ("path", "method"), [("/tokens", "POST"), ("/a/token", "POST"), ("/token", "GET")]
)
def test_a_fault_leaves_other_routes_and_methods_alone(path: str, method: str) -> None:
    faults = Faults()
    faults.set(fault(method="post"))
    assert faults.take(path, method) is None


def test_a_glob_crosses_slashes() -> None:
    faults = Faults()
    faults.set(fault(route="*/token"))
    assert faults.take("/north/oauth2/token", "POST")


def test_clear_by_id_and_scope_leaves_the_others() -> None:
    faults = Faults()
    south = faults.set(fault(route="/south/*"))
    north = faults.set(fault(route="/north/*"))
    faults.clear(south.fault_id, scope="/north")
    assert [one.fault_id for one in faults.list()] == [south.fault_id, north.fault_id]
    faults.clear(scope="/north")
    assert [one.fault_id for one in faults.list()] == [south.fault_id]


def test_scope_is_put_before_the_route_once() -> None:
    assert (
        fault_from({"route": "oauth2/token", "drop": True}, "/north").route == "/north/oauth2/token"
    )
    assert fault_from({"route": "/north/x", "drop": True}, "/north").route == "/north/x"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"stauts": 503}, "unknown keys of a fault: stauts"),
        ({"route": ""}, "needs a route"),
        ({"status": 99}, "status is 200 to 599"),
        ({"status": "503"}, "status is 200 to 599"),
        ({"times": 0}, "times is a whole number"),
        ({"times": True}, "times is a whole number"),
        ({"delay_seconds": -1}, "delay_seconds is 0 to 120"),
        ({"delay_seconds": 121}, "delay_seconds is 0 to 120"),
        ({"drop": "yes"}, "drop and after"),
        ({"status": None}, "needs a status, a delay_seconds or drop"),
        ({"status": None, "delay_seconds": 1, "after": True}, "after needs a status or drop"),
        ({"headers": []}, "headers is an object"),
        ({"method": 7}, "method is a text"),
    ],
)
def test_a_wrong_fault_is_refused_and_named(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        fault(**wrong)


def test_something_else_than_an_object_is_no_fault() -> None:
    with pytest.raises(ValueError, match="JSON object"):
        fault_from(["/token"])
