"""The simulated ARM itself: operations, journal, faults, tampering, and its HTTP side."""

from collections.abc import Iterator

import pytest
import requests
from tests.infra.rehearsal.azure import Stamp, code

from rehearsal.arm.errors import ArmError
from rehearsal.arm.faults import Fault
from rehearsal.arm.simulated import SimulatedArm
from rehearsal.arm.types import TYPES

API = {"api-version": TYPES["azure-native:resources:ResourceGroup"].api_version}


def test_a_slow_resource_is_accepted_and_polled(stamp: Stamp) -> None:
    answer = stamp.put("dbforpostgresql:Server", stamp.server_like("psql-two"))
    address = answer.headers["Azure-AsyncOperation"].partition("?")[0]
    assert (answer.status, answer.headers["Retry-After"]) == (201, "10")
    assert stamp.manager.handle("GET", address).body == {"status": "InProgress"}
    stamp.pass_time(seconds=240)
    assert stamp.manager.handle("GET", address).body == {"status": "Succeeded"}


def test_an_environment_says_what_state_it_is_in(stamp: Stamp) -> None:
    assert (stamp.put("app:ManagedEnvironment", stamp.environment_inputs).body or {})[
        "provisioningState"
    ] == "Updating"
    stamp.pass_time()
    found = stamp.manager.handle("GET", stamp.environment, api_version="2025-02-02-preview")
    assert (found.body or {})["provisioningState"] == "Succeeded"


def test_a_quick_resource_is_made_at_once(stamp: Stamp) -> None:
    inputs = {**stamp.identity_inputs, "resourceName": "id-two"}
    first, second = (stamp.put("managedidentity:UserAssignedIdentity", inputs) for _ in range(2))
    assert (first.status, second.status) == (201, 200)
    assert "Azure-AsyncOperation" not in first.headers


def test_a_failed_operation_leaves_a_failed_resource_that_can_be_put_again(stamp: Stamp) -> None:
    failure = ArmError(200, "ProvisioningFailed", "no capacity")
    answer = stamp.put("app:ContainerApp", stamp.app(), failure)
    stamp.pass_time()
    status = stamp.manager.handle("GET", answer.headers["Azure-AsyncOperation"].partition("?")[0])
    assert status.body == {
        "status": "Failed",
        "error": {"code": "ProvisioningFailed", "message": "no capacity"},
    }
    left = next(one for one in stamp.manager.resources() if one.name == "app")
    assert left.state == "Failed"
    stamp.made("app:ContainerApp", stamp.app())
    assert next(one for one in stamp.manager.resources() if one.name == "app").state == "Succeeded"


def test_an_operation_nobody_started_is_not_found(stamp: Stamp) -> None:
    address = (
        f"/subscriptions/{stamp.manager.world.subscription_id}/providers/x/operationStatuses/999"
    )
    assert code(stamp.manager.handle("GET", address)) == "OperationNotFound"


def test_tampering_changes_adds_and_removes_inputs(stamp: Stamp) -> None:
    stamp.manager.tamper(stamp.vault, "properties.publicNetworkAccess", "Enabled")
    stamp.manager.tamper(stamp.vault, "properties.enablePurgeProtection", None)
    found = stamp.manager.world.get(stamp.vault)
    assert found
    shown = found.answer()["properties"]
    assert shown["publicNetworkAccess"] == "Enabled"
    assert "enablePurgeProtection" not in shown


def test_nothing_that_is_not_there_can_be_tampered_with(stamp: Stamp) -> None:
    with pytest.raises(KeyError):
        stamp.manager.tamper(f"{stamp.vault}-none", "tags", {})


@pytest.fixture
def arm() -> Iterator[SimulatedArm]:
    with SimulatedArm() as simulated:
        yield simulated


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as one:
        one.trust_env = False
        yield one


def group(arm: SimulatedArm, name: str = "rg") -> str:
    return f"/subscriptions/{arm.subscription_id}/resourceGroups/{name}"


def test_over_http_a_group_is_made_read_and_deleted(
    arm: SimulatedArm, session: requests.Session
) -> None:
    address = arm.url + group(arm)
    made = session.put(address, params=API, json={"location": "eastus2"}, timeout=10)
    assert (made.status_code, made.json()["properties"]) == (
        201,
        {"provisioningState": "Succeeded"},
    )
    assert session.get(address, params=API, timeout=10).json()["location"] == "eastus2"
    gone = session.delete(address, params=API, timeout=10)
    assert gone.status_code == 202
    assert gone.headers["Azure-AsyncOperation"].startswith(arm.url)


def test_over_http_an_error_has_arms_shape(arm: SimulatedArm, session: requests.Session) -> None:
    answer = session.get(arm.url + group(arm), params=API, timeout=10)
    assert answer.status_code == 404
    assert answer.json() == {
        "error": {
            "code": "ResourceGroupNotFound",
            "message": "Resource group 'rg' could not be found.",
        }
    }


def put(arm: SimulatedArm, name: str = "rg") -> int:
    return arm.request(
        "PUT", group(arm, name), api_version=API["api-version"], body={"location": "eastus2"}
    ).status


def test_the_journal_keeps_every_request_in_order(arm: SimulatedArm) -> None:
    arm.request("GET", group(arm), api_version=API["api-version"])
    before = arm.journal.position
    put(arm)
    put(arm, "bad name")
    assert [(e.sequence, e.method, e.status, e.error) for e in arm.journal.entries()] == [
        (1, "GET", 404, "ResourceGroupNotFound"),
        (2, "PUT", 201, ""),
        (3, "PUT", 400, "InvalidResourceName"),
    ]
    assert arm.journal.errors() == ["InvalidResourceName"]
    assert [e.path for e in arm.journal.writes(since=before)] == [
        group(arm),
        group(arm, "bad name"),
    ]
    assert [e.body for e in arm.journal.entries("PUT", "*/RG")] == [{"location": "eastus2"}]


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault.throttled("PUT", "*/resourcegroups/rg", times=2), 429),
        (Fault.conflict("PUT", "*", times=2), 409),
        (Fault.internal_error("*", "*", times=2), 500),
    ],
)
def test_a_fault_meets_as_many_requests_as_asked(
    arm: SimulatedArm, fault: Fault, status: int
) -> None:
    arm.faults.add(fault)
    assert [put(arm) for _ in range(3)] == [status, status, 201]


def test_a_fault_meets_only_its_path_and_method(arm: SimulatedArm) -> None:
    arm.faults.add(Fault.internal_error("DELETE", "*"))
    arm.faults.add(Fault.internal_error("PUT", "*/other"))
    assert put(arm) == 201
    arm.faults.clear()
    assert put(arm, "other") == 201


def test_a_delayed_request_is_answered_all_the_same(arm: SimulatedArm) -> None:
    arm.faults.add(Fault.delayed("PUT", "*", seconds=0.01))
    assert put(arm) == 201


def test_a_resource_that_fails_after_it_was_accepted_stays_failed(arm: SimulatedArm) -> None:
    arm.faults.add(Fault.fails_after_accepted("*/resourceGroups/rg"))
    put(arm)
    assert arm.resources()[group(arm)].state == "Failed"


def test_a_hand_deletes_whatever_depends_on_it(arm: SimulatedArm) -> None:
    put(arm)
    arm.delete(group(arm))
    assert arm.resources() == {}
