"""Parents, references, create-only inputs, locks and deletions."""

import json

import pytest
from tests.infra.rehearsal.azure import SECRETS_USER, Stamp, code, message

from rehearsal.arm.errors import ArmError


def test_a_resource_needs_its_group(stamp: Stamp) -> None:
    answer = stamp.put(
        "keyvault:Vault", {**stamp.vault_inputs, "resourceGroupName": "none", "vaultName": "kv-2"}
    )
    assert (answer.status, code(answer)) == (404, "ResourceGroupNotFound")


def test_a_child_needs_its_parent(stamp: Stamp) -> None:
    inputs = {
        "resourceGroupName": "rg",
        "vaultName": "kv-none",
        "keyName": "k",
        "properties": {"kty": "RSA"},
    }
    answer = stamp.put("keyvault:Key", inputs)
    assert (answer.status, code(answer)) == (404, "ParentResourceNotFound")


def test_a_child_waits_until_its_parent_is_made(stamp: Stamp) -> None:
    stamp.put("dbforpostgresql:Server", stamp.server_like("psql-two"))
    names = {"resourceGroupName": "rg", "serverName": "psql-two", "databaseName": "connector"}
    assert code(stamp.put("dbforpostgresql:Database", names)) == "ParentResourceNotReady"


@pytest.mark.parametrize(
    "missing",
    [
        {"subnet": {"id": "{vnet}/subnets/none"}},
        {
            "identity": {
                "type": "UserAssigned",
                "userAssignedIdentities": {"{group}{identity}/id-none": {}},
            }
        },
        {"tags": {"workspace": "{group}/providers/Microsoft.OperationalInsights/workspaces/none"}},
        {"tags": {"group": "{subscription}/resourceGroups/none"}},
    ],
)
def test_what_a_body_names_by_id_must_exist(stamp: Stamp, missing: dict[str, object]) -> None:
    places = {
        "{vnet}": stamp.vnet,
        "{group}": stamp.group,
        "{identity}": "/providers/Microsoft.ManagedIdentity/userAssignedIdentities",
        "{subscription}": stamp.group.partition("/resourceGroups")[0],
    }
    body = filled(missing, places)
    answer = stamp.put("network:NatGateway", {**stamp.here, "natGatewayName": "nat", **body})
    assert (answer.status, code(answer)) == (400, "InvalidResourceReference")
    assert "none" in message(answer)


def filled(value: object, places: dict[str, str]) -> dict[str, object]:
    text = json.dumps(value)
    for hole, content in places.items():
        text = text.replace(hole, content)
    return dict(json.loads(text))


def test_a_resource_that_failed_cannot_be_used(stamp: Stamp) -> None:
    failure = ArmError(200, "ProvisioningFailed", "no capacity")
    stamp.put("app:ManagedEnvironment", stamp.environment_inputs, failure)
    stamp.pass_time()
    assert code(stamp.put("app:ContainerApp", stamp.app())) == "ReferencedResourceNotProvisioned"


def test_a_gateway_names_only_parts_it_has(stamp: Stamp) -> None:
    stamp.grant(stamp.identity, SECRETS_USER, stamp.vault)
    own = f"{stamp.group}/providers/Microsoft.Network/applicationGateways/agw"
    listener = {"name": "https", "frontendPort": {"id": f"{own}/frontendPorts/443"}}
    right = stamp.gateway(httpListeners=[listener], frontendPorts=[{"name": "443", "port": 443}])
    stamp.made("network:ApplicationGateway", right)
    answer = stamp.put("network:ApplicationGateway", stamp.gateway(httpListeners=[listener]))
    assert code(answer) == "InvalidResourceReference"
    assert "frontendPorts/443" in message(answer)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("administratorLogin", "root"),
        ("backup", {"geoRedundantBackup": "Enabled"}),
        ("createMode", "GeoRestore"),
        ("network", {"delegatedSubnetResourceId": "x"}),
    ],
)
def test_a_create_only_input_of_the_database_cannot_change(
    stamp: Stamp, path: str, value: object
) -> None:
    answer = stamp.put("dbforpostgresql:Server", {**stamp.server_inputs, path: value})
    assert (answer.status, code(answer)) == (409, "PropertyChangeNotAllowed")
    assert path in message(answer)


def test_zone_redundancy_of_an_environment_cannot_change(stamp: Stamp) -> None:
    answer = stamp.put(
        "app:ManagedEnvironment", {**stamp.environment_inputs, "zoneRedundant": False}
    )
    assert code(answer) == "PropertyChangeNotAllowed"
    assert "zoneRedundant" in message(answer)


def test_a_resource_does_not_move(stamp: Stamp) -> None:
    answer = stamp.put("keyvault:Vault", {**stamp.vault_inputs, "location": "eastus2"})
    assert (answer.status, code(answer)) == (409, "InvalidResourceLocation")


def test_purge_protection_cannot_be_taken_off(stamp: Stamp) -> None:
    loose = {**stamp.vault_inputs["properties"], "enablePurgeProtection": False}
    answer = stamp.put("keyvault:Vault", {**stamp.vault_inputs, "properties": loose})
    assert code(answer) == "BadRequest"
    assert "enablePurgeProtection" in message(answer)


def lock(stamp: Stamp, scope: str) -> str:
    inputs = {"scope": scope, "lockName": "keep", "level": "CanNotDelete"}
    return stamp.made("authorization:ManagementLockByScope", inputs)


def test_a_locked_resource_cannot_be_deleted(stamp: Stamp) -> None:
    lock(stamp, stamp.server)
    answer = stamp.delete(stamp.server)
    assert (answer.status, code(answer)) == (409, "ScopeLocked")
    assert stamp.server in message(answer)


def test_a_group_with_a_locked_resource_cannot_be_deleted(stamp: Stamp) -> None:
    lock(stamp, stamp.server)
    assert code(stamp.delete(stamp.group)) == "ScopeLocked"


def test_a_resource_in_a_locked_group_cannot_be_deleted(stamp: Stamp) -> None:
    lock(stamp, stamp.group)
    assert code(stamp.delete(stamp.server)) == "ScopeLocked"


def test_without_its_lock_a_resource_can_be_deleted(stamp: Stamp) -> None:
    stamp.gone(lock(stamp, stamp.server))
    stamp.gone(stamp.server)


def test_a_group_takes_everything_with_it_but_the_vault(stamp: Stamp) -> None:
    stamp.gone(stamp.group)
    assert stamp.manager.resources() == []
    assert list(stamp.manager.world.soft_deleted) == ["kv-stamp"]


@pytest.mark.parametrize("used", ["apps_subnet", "vnet"])
def test_a_network_in_use_cannot_be_deleted(stamp: Stamp, used: str) -> None:
    answer = stamp.delete(getattr(stamp, used))
    assert (answer.status, code(answer)) == (400, "InUseSubnetCannotBeDeleted")
    assert stamp.environment in message(answer)


def test_an_environment_with_apps_cannot_be_deleted(stamp: Stamp) -> None:
    stamp.made("app:ContainerApp", stamp.app())
    answer = stamp.delete(stamp.environment)
    assert (answer.status, code(answer)) == (409, "ManagedEnvironmentHasContainerApps")


def test_a_security_group_in_use_cannot_be_deleted(stamp: Stamp) -> None:
    group = stamp.made(
        "network:NetworkSecurityGroup", {**stamp.here, "networkSecurityGroupName": "nsg"}
    )
    stamp.made(
        "network:Subnet", stamp.subnet("guarded", "10.1.9.0/24", networkSecurityGroup={"id": group})
    )
    assert code(stamp.delete(group)) == "InUseNetworkSecurityGroupCannotBeDeleted"


def test_an_address_in_use_cannot_be_deleted(stamp: Stamp) -> None:
    address = stamp.made("network:PublicIPAddress", {**stamp.here, "publicIpAddressName": "ip"})
    stamp.made(
        "network:NatGateway",
        {**stamp.here, "natGatewayName": "nat", "publicIpAddresses": [{"id": address}]},
    )
    assert code(stamp.delete(address)) == "PublicIPAddressCannotBeDeleted"


def test_a_zone_with_links_cannot_be_deleted(stamp: Stamp) -> None:
    names = {
        "resourceGroupName": "rg",
        "location": "global",
        "privateZoneName": "privatelink.azurecr.io",
    }
    zone = stamp.made("privatedns:PrivateZone", names)
    link = {**names, "virtualNetworkLinkName": "link", "virtualNetwork": {"id": stamp.vnet}}
    stamp.made("privatedns:VirtualNetworkLink", link)
    assert code(stamp.delete(zone)) == "CannotDeleteResource"


def test_azure_deletes_an_identity_that_is_in_use(stamp: Stamp) -> None:
    stamp.made("app:ContainerApp", stamp.app())
    stamp.gone(stamp.identity)


def test_deleting_what_is_not_there_is_no_error(stamp: Stamp) -> None:
    nothing = f"{stamp.group}/providers/Microsoft.KeyVault/vaults/kv-none"
    assert stamp.manager.handle("DELETE", nothing, api_version="2024-11-01").status == 204
