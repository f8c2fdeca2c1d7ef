"""Names, locations, zones and the allowed-locations policy, as ARM answers them."""

import pytest
from tests.infra.rehearsal.azure import Azure, Stamp, code, message

from rehearsal.arm.errors import ArmError

ALLOWED_LOCATIONS = (
    "/providers/Microsoft.Authorization/policyDefinitions/e56962a6-4747-49cd-b67b-bf8b01975c4c"
)


@pytest.mark.parametrize(
    ("short", "name_input", "name", "expected"),
    [
        ("keyvault:Vault", "vaultName", "kv-with-a-name-of-25-char", "VaultNameNotValid"),
        ("keyvault:Vault", "vaultName", "kv--two", "VaultNameNotValid"),
        ("storage:StorageAccount", "accountName", "st-dash", "AccountNameInvalid"),
        ("containerregistry:Registry", "registryName", "cr-dash", "InvalidResourceName"),
        ("dbforpostgresql:Server", "serverName", "PSQL", "InvalidResourceName"),
        ("app:ContainerApp", "containerAppName", "a" * 33, "InvalidResourceName"),
        ("network:VirtualNetwork", "virtualNetworkName", "v", "InvalidResourceName"),
    ],
)
def test_a_name_azure_does_not_admit_is_refused(
    stamp: Stamp, short: str, name_input: str, name: str, expected: str
) -> None:
    answer = stamp.put(short, {**stamp.here, name_input: name})
    assert (answer.status, code(answer)) == (400, expected)
    assert name in message(answer)


@pytest.mark.parametrize(
    ("short", "inputs", "expected"),
    [
        ("keyvault:Vault", "vault_inputs", "VaultAlreadyExists"),
        ("containerregistry:Registry", "registry_inputs", "AlreadyInUse"),
        ("dbforpostgresql:Server", "server_inputs", "ServerNameAlreadyExists"),
    ],
)
def test_a_name_that_is_one_in_all_azure_is_refused_in_another_group(
    stamp: Stamp, short: str, inputs: str, expected: str
) -> None:
    stamp.made("resources:ResourceGroup", {**stamp.here, "resourceGroupName": "other"})
    answer = stamp.put(short, {**getattr(stamp, inputs), "resourceGroupName": "other"})
    assert (answer.status, code(answer)) == (409, expected)


def test_a_role_assignment_is_named_by_a_guid(stamp: Stamp) -> None:
    names = {
        "scope": stamp.group,
        "roleAssignmentName": "grant",
        "principalId": "p",
        "roleDefinitionId": "r",
    }
    assert code(stamp.put("authorization:RoleAssignment", names)) == "InvalidRoleAssignmentId"


def test_a_soft_deleted_vault_keeps_its_name(stamp: Stamp) -> None:
    stamp.gone(stamp.vault)
    answer = stamp.put("keyvault:Vault", stamp.vault_inputs)
    assert (answer.status, code(answer)) == (409, "ConflictError")
    assert "recover or purge" in message(answer)


def test_a_soft_deleted_vault_can_be_recovered(stamp: Stamp) -> None:
    stamp.gone(stamp.vault)
    recovering = {**stamp.vault_inputs["properties"], "createMode": "recover"}
    stamp.made("keyvault:Vault", {**stamp.vault_inputs, "properties": recovering})
    assert stamp.manager.world.soft_deleted == {}


def test_a_purge_protected_vault_cannot_be_purged(stamp: Stamp) -> None:
    stamp.gone(stamp.vault)
    with pytest.raises(ArmError, match="purge protected"):
        stamp.manager.purge("kv-stamp")


def test_an_unprotected_vault_frees_its_name_when_purged(stamp: Stamp) -> None:
    inputs = {
        **stamp.vault_inputs,
        "vaultName": "kv-loose",
        "properties": {"sku": {}, "tenantId": "t"},
    }
    stamp.gone(stamp.made("keyvault:Vault", inputs))
    stamp.manager.purge("kv-loose")
    stamp.made("keyvault:Vault", inputs)


def test_a_location_must_be_given(stamp: Stamp) -> None:
    answer = stamp.put("network:NatGateway", {"resourceGroupName": "rg", "natGatewayName": "nat"})
    assert code(answer) == "LocationRequired"


@pytest.mark.parametrize("location", ["swedencentrall", "global"])
def test_an_unknown_location_is_refused(stamp: Stamp, location: str) -> None:
    names = {"resourceGroupName": "rg", "natGatewayName": "nat", "location": location}
    assert code(stamp.put("network:NatGateway", names)) == "LocationNotAvailableForResourceType"


def test_west_europe_takes_no_container_apps_environment(stamp: Stamp) -> None:
    inputs = {"resourceGroupName": "rg", "environmentName": "cae2", "location": "westeurope"}
    answer = stamp.put("app:ManagedEnvironment", inputs)
    assert code(answer) == "LocationNotAvailableForResourceType"
    assert "Microsoft.App/managedEnvironments" in message(answer)


def test_a_private_zone_is_global(stamp: Stamp) -> None:
    answer = stamp.put(
        "privatedns:PrivateZone", {**stamp.here, "privateZoneName": "privatelink.azurecr.io"}
    )
    assert code(answer) == "LocationNotAvailableForResourceType"


def test_a_zone_the_region_lacks_is_refused(stamp: Stamp) -> None:
    inputs = {
        "resourceGroupName": "rg",
        "publicIpAddressName": "ip",
        "location": "westus",
        "zones": ["1"],
    }
    assert code(stamp.put("network:PublicIPAddress", inputs)) == "InvalidAvailabilityZone"


def test_a_zone_redundant_registry_needs_zones(stamp: Stamp) -> None:
    inputs = {
        **stamp.registry_inputs,
        "registryName": "crtwo",
        "location": "westus",
        "zoneRedundancy": "Enabled",
    }
    assert code(stamp.put("containerregistry:Registry", inputs)) == "ZoneRedundancyNotSupported"


def assign_policy(azure: Stamp, **more: object) -> None:
    azure.made(
        "authorization:PolicyAssignment",
        {
            "scope": azure.group,
            "policyAssignmentName": "locations",
            "policyDefinitionId": ALLOWED_LOCATIONS,
            "parameters": {"listOfAllowedLocations": {"value": ["Sweden Central"]}},
            **more,
        },
    )


def test_the_allowed_locations_policy_denies_another_region(stamp: Stamp) -> None:
    assign_policy(stamp)
    elsewhere = {"resourceGroupName": "rg", "location": "eastus2", "natGatewayName": "nat"}
    answer = stamp.put("network:NatGateway", elsewhere)
    assert (answer.status, code(answer)) == (403, "RequestDisallowedByPolicy")
    assert "'nat'" in message(answer)


def test_the_allowed_locations_policy_admits_its_region_and_global(stamp: Stamp) -> None:
    assign_policy(stamp)
    stamp.made("network:NatGateway", {**stamp.here, "natGatewayName": "nat"})
    zone = {
        "resourceGroupName": "rg",
        "privateZoneName": "privatelink.azurecr.io",
        "location": "global",
    }
    stamp.made("privatedns:PrivateZone", zone)


def test_a_policy_that_is_not_enforced_denies_nothing(stamp: Stamp) -> None:
    assign_policy(stamp, enforcementMode="DoNotEnforce")
    stamp.made(
        "network:NatGateway",
        {"resourceGroupName": "rg", "location": "eastus2", "natGatewayName": "nat"},
    )


def test_another_subscription_is_not_found() -> None:
    answer = Azure().manager.handle(
        "GET", "/subscriptions/other/resourceGroups/rg", api_version="2024-03-01"
    )
    assert (answer.status, code(answer)) == (404, "SubscriptionNotFound")


def test_a_type_nobody_wrote_down_is_refused(stamp: Stamp) -> None:
    answer = stamp.manager.handle(
        "PUT", f"{stamp.group}/providers/Microsoft.Cache/redis/r", api_version="1"
    )
    assert code(answer) == "InvalidResourceType"


@pytest.mark.parametrize(
    ("given", "expected"),
    [("", "MissingApiVersionParameter"), ("2019-01-01", "InvalidApiVersionParameter")],
)
def test_the_api_version_must_be_the_one_the_sdk_uses(
    stamp: Stamp, given: str, expected: str
) -> None:
    assert code(stamp.manager.handle("GET", stamp.vault, api_version=given)) == expected
