"""The table of resource types agrees with the SDK, and answers have the SDK's output shape."""

import importlib
import inspect
import re
import sys

import pytest
from pulumi.runtime.rpc import UNKNOWN

from rehearsal.arm.answers import (
    answer,
    computed_names,
    guid,
    output_names,
    principal_id,
    revision_name,
    shape,
)
from rehearsal.arm.ids import arm_id, arm_type, parent_id, recognise, references
from rehearsal.arm.types import TYPES, Placement, ResourceType
from rehearsal.arm.world import regions
from rehearsal.schema import args_class, fields

EVERY = pytest.mark.parametrize("kind", TYPES.values(), ids=lambda kind: kind.short)
GROUP = "/subscriptions/s/resourceGroups/rg"
IDENTITY = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id"


def inputs_of(kind: ResourceType) -> dict[str, str]:
    special = {
        "scope": GROUP,
        "resourceUri": f"{GROUP}/providers/Microsoft.KeyVault/vaults/v",
        "recordType": "A",
    }
    return {name: special.get(name, f"{name.lower()}-1") for name in kind.parameters}


@EVERY
def test_the_api_version_is_the_one_the_sdk_uses(kind: ResourceType) -> None:
    _, module, resource = kind.token.split(":")
    owner = getattr(importlib.import_module(f"pulumi_azure_native.{module}"), resource)
    used = re.search(
        r"Uses Azure REST API version ([\w-]+)\.", inspect.getsource(sys.modules[owner.__module__])
    )
    assert used
    assert used[1] == kind.api_version


@EVERY
def test_path_parameters_and_create_only_inputs_are_inputs(kind: ResourceType) -> None:
    args = args_class(kind.token)
    assert args
    named = {*kind.parameters, *(path.split(".")[0] for path in kind.create_only)}
    assert named <= fields(args).keys()
    assert ("location" in fields(args)) == (kind.placement is not Placement.NONE)


@EVERY
def test_an_id_leads_back_to_its_type_and_parameters(kind: ResourceType) -> None:
    inputs = inputs_of(kind)
    made = arm_id(kind, "s", inputs)
    found = recognise(made)
    assert found
    assert (found[0], {**found[1], "subscriptionId": ""}) == (
        kind,
        {**inputs, "subscriptionId": ""},
    )
    assert recognise(made.upper().replace("/A/", "/A/"))


@EVERY
def test_what_is_computed_has_an_output(kind: ResourceType) -> None:
    assert {name.split(".")[0] for name in computed_names(kind.token)} <= output_names(kind.token)


@EVERY
def test_an_answer_repeats_itself(kind: ResourceType) -> None:
    inputs = {**inputs_of(kind), "location": "swedencentral"}
    made = arm_id(kind, "s", inputs)
    first = answer(kind.token, inputs, made)
    assert first == answer(kind.token, inputs, made)
    assert first["name"] == inputs[kind.name_input]


def test_the_type_stands_in_the_id() -> None:
    assert (
        arm_type(f"{GROUP}/providers/Microsoft.KeyVault/vaults/v/keys/k")
        == "Microsoft.KeyVault/vaults/keys"
    )
    assert arm_type(GROUP) == "Microsoft.Resources/resourceGroups"


@pytest.mark.parametrize(
    ("inner", "outer"),
    [
        (f"{GROUP}/providers/Microsoft.KeyVault/vaults/v", GROUP),
        (
            f"{GROUP}/providers/Microsoft.KeyVault/vaults/v/keys/k",
            f"{GROUP}/providers/Microsoft.KeyVault/vaults/v",
        ),
        (f"{IDENTITY}/providers/Microsoft.Authorization/locks/l", IDENTITY),
        (GROUP, ""),
    ],
)
def test_a_resource_lies_in_its_parent(inner: str, outer: str) -> None:
    assert parent_id(inner) == outer


def test_ids_are_found_in_values_keys_and_lists() -> None:
    body = {
        "a": [{"id": IDENTITY}],
        "identity": {"userAssignedIdentities": {IDENTITY: {}}},
        "text": "no id",
    }
    assert list(references(body)) == [
        ("a[0].id", IDENTITY),
        ("identity.userAssignedIdentities", IDENTITY),
    ]


@pytest.mark.parametrize("given", [[IDENTITY], {IDENTITY: {}}])
def test_identities_go_in_as_a_list_or_map_and_come_out_as_a_map(given: object) -> None:
    inputs = {"identity": {"type": "UserAssigned", "userAssignedIdentities": given}}
    shown = shape("azure-native:app:ContainerApp", inputs)["identity"]["userAssignedIdentities"]
    assert shown == {
        IDENTITY: {"clientId": guid(IDENTITY, "client"), "principalId": principal_id(IDENTITY)}
    }


@pytest.mark.parametrize("given", [UNKNOWN, [UNKNOWN]])
def test_identities_that_are_not_known_stay_so(given: object) -> None:
    inputs = {"identity": {"type": "UserAssigned", "userAssignedIdentities": given}}
    assert shape("azure-native:app:Job", inputs)["identity"]["userAssignedIdentities"] == UNKNOWN


def test_an_identity_answers_with_the_principal_others_are_granted_for() -> None:
    shown = answer(
        "azure-native:managedidentity:UserAssignedIdentity", {"location": "eastus2"}, IDENTITY
    )
    assert shown["principalId"] == principal_id(IDENTITY.upper())


def test_write_only_inputs_and_path_parameters_do_not_come_back() -> None:
    inputs = {
        "resourceGroupName": "rg",
        "serverName": "p",
        "administratorLoginPassword": "x",
        "version": "16",
    }
    shown = answer(
        "azure-native:dbforpostgresql:Server", inputs, f"{GROUP}/providers/x/flexibleServers/p"
    )
    assert not shown.keys() & {"resourceGroupName", "serverName", "administratorLoginPassword"}
    assert shown["fullyQualifiedDomainName"] == "p.postgres.database.azure.com"


def test_a_container_app_without_ingress_has_no_host_name() -> None:
    shown = answer(
        "azure-native:app:ContainerApp",
        {"configuration": {}},
        f"{GROUP}/providers/x/containerApps/app",
    )
    assert shown["configuration"] == {}


def test_a_revision_is_called_by_its_suffix_or_by_its_template() -> None:
    assert revision_name("app", {"revisionSuffix": "abc"}) == "app--abc"
    assert revision_name("app", {"scale": {}}) != revision_name(
        "app", {"scale": {"minReplicas": 1}}
    )


def test_every_region_pairs_with_a_name_and_has_three_zones_or_none() -> None:
    assert {len(region.zones) for region in regions().values()} == {0, 3}
    assert regions()["polandcentral"].pair is None
