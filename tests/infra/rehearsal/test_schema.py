"""The input schema derived from the SDK finds what the SDK itself lets through (infrastructure.md 5b)."""

import os
import subprocess
import sys
from typing import Any

import pytest
from pulumi.runtime.rpc import UNKNOWN

from rehearsal.schema import args_class, check

VAULT = "azure-native:keyvault:Vault"
GOOD: dict[str, Any] = {
    "resourceGroupName": "rg",
    "vaultName": "kv",
    "properties": {
        "sku": {"family": "A", "name": "premium"},
        "tenantId": "t",
        "softDeleteRetentionInDays": 90,
    },
}


def vault(**properties: Any) -> dict[str, Any]:
    return {**GOOD, "properties": {**GOOD["properties"], **properties}}


def test_right_inputs_have_no_problem() -> None:
    assert check(VAULT, GOOD) == []


def test_a_mistyped_key_is_named_with_the_nearest_known_one() -> None:
    assert check(VAULT, vault(enablePurgeProtecton=True)) == [
        "properties.enablePurgeProtecton is not known (did you mean enablePurgeProtection?)"
    ]


def test_a_python_name_is_not_the_wire_name() -> None:
    assert check(VAULT, {**GOOD, "vault_name": "kv"}) == [
        "vault_name is not known (did you mean vaultName?)"
    ]


def test_a_required_input_must_be_there() -> None:
    assert check(VAULT, {"resourceGroupName": "rg"}) == ["properties is required"]


@pytest.mark.parametrize("path", ["sku", "tenantId"])
def test_none_is_no_value_for_a_required_nested_input(path: str) -> None:
    assert check(VAULT, vault(**{path: None})) == [f"properties.{path} is required"]


def test_none_is_as_good_as_nothing_for_an_optional_input() -> None:
    assert check(VAULT, vault(networkAcls=None)) == []


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("90", "expected a whole number, got '90'"),
        (True, "expected a whole number, got True"),
        (90.5, "got 90.5"),
    ],
)
def test_a_scalar_of_the_wrong_kind_is_found(value: object, found: str) -> None:
    (problem,) = check(VAULT, vault(softDeleteRetentionInDays=value))
    assert problem.startswith("properties.softDeleteRetentionInDays: ")
    assert found in problem


def test_a_whole_number_may_have_travelled_as_a_float() -> None:
    assert check(VAULT, vault(softDeleteRetentionInDays=90.0)) == []


def test_a_value_outside_an_enum_is_found_though_the_sdk_takes_any_string() -> None:
    inputs = {"resourceGroupName": "rg", "highAvailability": {"mode": "Zoneredundant"}}
    (problem,) = check("azure-native:dbforpostgresql:Server", inputs)
    assert (
        problem
        == "highAvailability.mode: 'Zoneredundant' is none of Disabled, ZoneRedundant, SameZone"
    )


def query_rule(operator: str) -> dict[str, Any]:
    condition = {"operator": operator, "threshold": 1.0, "timeAggregation": "Count"}
    return {"resourceGroupName": "rg", "criteria": {"allOf": [condition]}}


@pytest.mark.parametrize(
    ("token", "inputs"),
    [
        (
            "azure-native:dbforpostgresql:Server",
            {"resourceGroupName": "rg", "dataEncryption": {"type": "SystemManaged"}},
        ),
        ("azure-native:monitor:ScheduledQueryRule", query_rule("GreaterThan")),
    ],
)
def test_an_enum_the_sdk_mixed_up_knows_the_right_services_values(
    token: str, inputs: dict[str, Any]
) -> None:
    assert check(token, inputs) == []


def test_an_enum_the_sdk_mixed_up_still_finds_a_mistyped_value() -> None:
    (problem,) = check("azure-native:monitor:ScheduledQueryRule", query_rule("GreaterThn"))
    assert problem.startswith("criteria.allOf[0].operator: 'GreaterThn' is none of")


def test_lists_and_maps_are_followed() -> None:
    inputs = {
        "resourceGroupName": "rg",
        "virtualNetworkName": "v",
        "delegations": [{"name": "d"}, {"nam": "d"}],
    }
    assert check("azure-native:network:Subnet", inputs) == [
        "delegations[1].nam is not known (did you mean name?)"
    ]
    assert check(VAULT, {**GOOD, "tags": {"a": 1}}) == ["tags.a: expected a string, got 1"]


def test_an_object_in_place_of_a_list_is_found() -> None:
    inputs = {"resourceGroupName": "rg", "virtualNetworkName": "v", "delegations": {"name": "d"}}
    assert check("azure-native:network:Subnet", inputs) == [
        "delegations: expected a list, got dict"
    ]


def test_of_a_union_the_best_fitting_member_judges() -> None:
    criterion = {
        "criterionType": "StaticThresholdCriterion",
        "metricName": "m",
        "name": "n",
        "operator": "GreaterThn",
        "threshold": 1,
        "timeAggregation": "Average",
    }
    criteria = {
        "odataType": "Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria",
        "allOf": [criterion],
    }
    inputs = {
        "resourceGroupName": "rg",
        "criteria": criteria,
        "enabled": True,
        "evaluationFrequency": "PT1M",
        "scopes": ["s"],
        "severity": 1,
        "windowSize": "PT5M",
    }
    (problem,) = check("azure-native:monitor:MetricAlert", inputs)
    assert problem.startswith("criteria.allOf[0].operator: 'GreaterThn' is none of")


@pytest.mark.parametrize("place", ["resourceGroupName", "properties", "tags"])
def test_what_is_not_known_yet_is_not_judged(place: str) -> None:
    assert check(VAULT, {**GOOD, place: UNKNOWN}) == []


@pytest.mark.parametrize("token", ["azure-native:nothing:Vault", "azure-native:keyvault:Vaultt"])
def test_a_type_the_sdk_lacks_is_a_problem(token: str) -> None:
    assert check(token, {}) == [f"{token} is no resource type of the installed azure-native SDK"]


def test_a_type_whose_nested_type_took_its_name_has_init_args() -> None:
    subnet = args_class("azure-native:network:Subnet")
    assert subnet is not None
    assert subnet.__name__ == "SubnetInitArgs"


IN_THREADS = """
import sys
from concurrent.futures import ThreadPoolExecutor
from rehearsal.schema import check

sys.setswitchinterval(1e-5)
tokens = [f"azure-native:{one}" for one in ("keyvault:Vault", "network:NatGateway")] * 16
with ThreadPoolExecutor(16) as pool:
    print(sorted({tuple(one) for one in pool.map(lambda token: check(token, {"sku": UNKNOWN}), tokens)}))
""".replace("UNKNOWN", repr(UNKNOWN))


def test_sixteen_threads_derive_the_same_schema_in_a_fresh_process() -> None:
    """Without the lock a second thread sees the SDK's module half loaded, and finds no such type."""
    path = {**os.environ, "PYTHONPATH": "infra"}
    done = subprocess.run(
        [sys.executable, "-c", IN_THREADS],
        env=path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    vault = ("sku is not known", "properties is required", "resourceGroupName is required")
    assert done.stdout == f"{[('resourceGroupName is required',), vault]}\n"
