"""What networks, databases, Container Apps, the gateway and role assignments refuse."""

import pytest
from tests.infra.rehearsal.azure import (
    ACR_PULL,
    CRYPTO_USER,
    SECRETS_USER,
    Azure,
    Stamp,
    code,
    message,
    role_id,
)

from rehearsal.arm.answers import principal_id

KEY = "https://kv-stamp.vault.azure.net/keys/pg"


def test_a_subnet_lies_in_its_network(stamp: Stamp) -> None:
    assert (
        code(stamp.put("network:Subnet", stamp.subnet("far", "10.2.0.0/24")))
        == "NetcfgInvalidSubnet"
    )


def test_subnets_do_not_overlap(stamp: Stamp) -> None:
    answer = stamp.put("network:Subnet", stamp.subnet("again", "10.1.1.0/24"))
    assert code(answer) == "NetcfgSubnetRangesOverlap"
    assert "'apps'" in message(answer)


def test_a_subnet_may_keep_its_own_range(stamp: Stamp) -> None:
    stamp.made("network:Subnet", stamp.subnet("gateway", "10.1.5.0/24", serviceEndpoints=[]))


def test_a_subnet_in_use_keeps_its_range(stamp: Stamp) -> None:
    answer = stamp.put("network:Subnet", stamp.subnet("apps", "10.1.2.0/23"))
    assert code(answer) == "InUsePrefixCannotBeDeleted"
    assert stamp.environment in message(answer)


def test_an_address_prefix_has_no_host_bits(stamp: Stamp) -> None:
    assert (
        code(stamp.put("network:Subnet", stamp.subnet("odd", "10.1.9.1/24")))
        == "InvalidCIDRNotation"
    )


def test_two_writers_in_one_network_meet(stamp: Stamp) -> None:
    stamp.put("network:Subnet", stamp.subnet("one", "10.1.8.0/24"))
    answer = stamp.put("network:Subnet", stamp.subnet("two", "10.1.9.0/24"))
    assert (answer.status, code(answer)) == (429, "AnotherOperationInProgress")
    assert answer.headers["Retry-After"] == "10"


@pytest.mark.parametrize(
    ("second", "inputs"),
    [
        ("dbforpostgresql:Configuration", {"configurationName": "log_connections", "value": "on"}),
        (
            "dbforpostgresql:AdministratorsMicrosoftEntra",
            {"objectId": "00000000-0000-4000-8000-000000000001"},
        ),
    ],
)
def test_two_writers_on_one_database_server_meet(
    stamp: Stamp, second: str, inputs: dict[str, str]
) -> None:
    names = {"resourceGroupName": "rg", "serverName": "psql-stamp"}
    stamp.put(
        "dbforpostgresql:Configuration",
        {**names, "configurationName": "azure.extensions", "value": "x"},
    )
    answer = stamp.put(second, {**names, **inputs})
    assert (answer.status, code(answer)) == (409, "ServerIsBusy")


def test_an_environment_being_made_takes_no_second_write(stamp: Stamp) -> None:
    stamp.put("app:ManagedEnvironment", stamp.environment_inputs)
    answer = stamp.put("app:ManagedEnvironment", stamp.environment_inputs)
    assert code(answer) == "ManagedEnvironmentOperationInProgress"


def environment(stamp: Stamp, **more: object) -> dict[str, object]:
    return {**stamp.here, "environmentName": "cae2", **more}


def test_an_environments_subnet_is_delegated(stamp: Stamp) -> None:
    inputs = environment(
        stamp, vnetConfiguration={"infrastructureSubnetId": stamp.endpoints_subnet}
    )
    assert (
        code(stamp.put("app:ManagedEnvironment", inputs))
        == "ManagedEnvironmentSubnetDelegationError"
    )


def test_an_environments_subnet_is_at_least_a_27(stamp: Stamp) -> None:
    delegation = {"name": "d", "serviceName": "Microsoft.App/environments"}
    small = stamp.made(
        "network:Subnet", stamp.subnet("small", "10.1.9.0/28", delegations=[delegation])
    )
    answer = stamp.put(
        "app:ManagedEnvironment",
        environment(stamp, vnetConfiguration={"infrastructureSubnetId": small}),
    )
    assert code(answer) == "ManagedEnvironmentInvalidNetworkConfiguration"


def test_an_environments_subnet_is_its_own(stamp: Stamp) -> None:
    inputs = environment(stamp, vnetConfiguration={"infrastructureSubnetId": stamp.apps_subnet})
    answer = stamp.put("app:ManagedEnvironment", inputs)
    assert code(answer) == "ManagedEnvironmentSubnetInUse"
    assert stamp.environment in message(answer)


def test_a_zone_redundant_environment_needs_a_subnet(stamp: Stamp) -> None:
    answer = stamp.put("app:ManagedEnvironment", environment(stamp, zoneRedundant=True))
    assert code(answer) == "ZoneRedundantEnvironmentNeedsVnet"


@pytest.mark.parametrize(
    ("target", "group"), [("server", "vault"), ("vault", "postgresqlServer"), ("vnet", "vault")]
)
def test_a_private_endpoint_asks_for_a_group_the_target_offers(
    stamp: Stamp, target: str, group: str
) -> None:
    answer = stamp.put("network:PrivateEndpoint", stamp.endpoint(getattr(stamp, target), group))
    assert code(answer) == "PrivateLinkServiceGroupIdInvalid"
    assert f"Invalid groupId {group}" in message(answer)


def test_a_private_endpoint_to_the_database_is_made(stamp: Stamp) -> None:
    stamp.made("network:PrivateEndpoint", stamp.endpoint(stamp.server, "postgresqlServer"))


def test_a_burstable_server_has_no_standby(stamp: Stamp) -> None:
    burstable = {"name": "Standard_B1ms", "tier": "Burstable"}
    inputs = stamp.server_like(
        "psql-two", sku=burstable, highAvailability={"mode": "ZoneRedundant"}
    )
    assert code(stamp.put("dbforpostgresql:Server", inputs)) == "HANotSupportedForBurstable"


def test_a_standby_in_another_zone_needs_zones(stamp: Stamp) -> None:
    inputs = stamp.server_like(
        "psql-two", location="westus", highAvailability={"mode": "ZoneRedundant"}
    )
    assert (
        code(stamp.put("dbforpostgresql:Server", inputs))
        == "HaNotSupportedForLocationNotSupportZRS"
    )


def test_geo_backup_needs_a_paired_region(stamp: Stamp) -> None:
    inputs = stamp.server_like(
        "psql-two", location="polandcentral", backup={"geoRedundantBackup": "Enabled"}
    )
    answer = stamp.put("dbforpostgresql:Server", inputs)
    assert code(answer) == "GeoBackupNotSupported"
    assert "polandcentral" in message(answer)


def encrypted(stamp: Stamp, **more: object) -> dict[str, object]:
    encryption = {
        "type": "AzureKeyVault",
        "primaryKeyURI": KEY,
        "primaryUserAssignedIdentityId": stamp.identity,
    }
    return stamp.server_like("psql-two", dataEncryption=encryption, **more)


def test_geo_backup_with_a_customers_key_needs_a_second_key(stamp: Stamp) -> None:
    stamp.grant(stamp.identity, CRYPTO_USER, stamp.vault)
    answer = stamp.put(
        "dbforpostgresql:Server", encrypted(stamp, backup={"geoRedundantBackup": "Enabled"})
    )
    assert code(answer) == "GeoBackupEncryptionKeyMissing"
    assert "geoBackupKeyURI" in message(answer)


def test_a_customers_key_must_be_usable(stamp: Stamp) -> None:
    assert (
        code(stamp.put("dbforpostgresql:Server", encrypted(stamp)))
        == "AzureKeyVaultMissingPermissions"
    )


def test_a_customers_key_is_used_with_the_grant(stamp: Stamp) -> None:
    stamp.grant(stamp.identity, CRYPTO_USER, stamp.vault)
    stamp.made("dbforpostgresql:Server", encrypted(stamp))


def test_storage_never_shrinks(stamp: Stamp) -> None:
    answer = stamp.put(
        "dbforpostgresql:Server", {**stamp.server_inputs, "storage": {"storageSizeGB": 64}}
    )
    assert code(answer) == "StorageSizeDecreaseNotAllowed"


def test_an_image_needs_the_grant_to_pull(stamp: Stamp) -> None:
    for grant in stamp.manager.world.of("authorization:RoleAssignment"):
        stamp.gone(grant.arm_id)
    answer = stamp.put("app:ContainerApp", stamp.app())
    assert code(answer) == "InvalidParameterValueInContainerTemplate"
    assert "crstamp.azurecr.io" in message(answer)


def test_an_image_needs_its_registry_named(stamp: Stamp) -> None:
    inputs = stamp.app()
    inputs["configuration"]["registries"] = []
    assert code(stamp.put("app:ContainerApp", inputs)) == "InvalidParameterValueInContainerTemplate"


def test_a_job_needs_the_grant_to_pull_as_well(stamp: Stamp) -> None:
    inputs = {**stamp.app(), "jobName": "migrate", "identity": None}
    assert code(stamp.put("app:Job", inputs)) == "InvalidParameterValueInContainerTemplate"


def test_a_revision_suffix_is_not_used_twice(stamp: Stamp) -> None:
    stamp.made("app:ContainerApp", stamp.app("a"))
    stamp.made("app:ContainerApp", stamp.app("a"))
    answer = stamp.put("app:ContainerApp", stamp.app("a", scale={"minReplicas": 3}))
    assert code(answer) == "InvalidParameterValueInContainerTemplate"
    assert "revision with suffix a already exists" in message(answer)


def test_traffic_weights_sum_to_a_hundred(stamp: Stamp) -> None:
    answer = stamp.put(
        "app:ContainerApp", stamp.app(traffic=[{"latestRevision": True, "weight": 90}])
    )
    assert code(answer) == "InvalidTrafficWeight"


def test_traffic_goes_to_revisions_that_exist(stamp: Stamp) -> None:
    stamp.made("app:ContainerApp", stamp.app("a"))
    split = [{"revisionName": "app--a", "weight": 90}, {"revisionName": "app--b", "weight": 10}]
    stamp.made("app:ContainerApp", stamp.app("b", traffic=split))
    wrong = [{"revisionName": "app--z", "weight": 100}]
    answer = stamp.put("app:ContainerApp", stamp.app("b", traffic=wrong))
    assert code(answer) == "RevisionNotFound"


def test_a_certificate_nobody_imported_is_not_found(stamp: Stamp) -> None:
    stamp.gone(stamp.certificate)
    answer = stamp.put("network:ApplicationGateway", stamp.gateway())
    assert code(answer) == "ApplicationGatewayKeyVaultSecretNotFound"
    assert "there is no secret /secrets/tls" in message(answer)


def test_no_role_is_granted_on_a_secret_that_is_not_there(stamp: Stamp) -> None:
    stamp.gone(stamp.certificate)
    with pytest.raises(AssertionError, match="NotFound"):
        stamp.grant(stamp.identity, SECRETS_USER, stamp.certificate)


def test_the_role_on_the_certificate_alone_is_enough_for_the_gateway(stamp: Stamp) -> None:
    stamp.grant(stamp.identity, SECRETS_USER, stamp.certificate)
    stamp.made("network:ApplicationGateway", stamp.gateway())


def test_a_revision_suffix_does_not_come_back(stamp: Stamp) -> None:
    for suffix in ("a", "b"):
        stamp.made("app:ContainerApp", stamp.app(suffix))
    answer = stamp.put("app:ContainerApp", stamp.app("a"))
    assert "revision with suffix a already exists" in message(answer)


def test_a_wildcard_among_port_ranges_is_refused(stamp: Stamp) -> None:
    rule = {"name": "all", "destinationPortRanges": ["*"]}
    group = {**stamp.here, "networkSecurityGroupName": "nsg", "securityRules": [rule]}
    answer = stamp.put("network:NetworkSecurityGroup", group)
    assert code(answer) == "SecurityRuleInvalidPortRange"


def test_the_gateways_identity_must_read_its_certificate(stamp: Stamp) -> None:
    answer = stamp.put("network:ApplicationGateway", stamp.gateway())
    assert code(answer) == "ApplicationGatewayKeyVaultSecretException"


def test_the_gateway_is_made_when_its_identity_reads_secrets(stamp: Stamp) -> None:
    stamp.grant(stamp.identity, SECRETS_USER, stamp.group)
    stamp.made("network:ApplicationGateway", stamp.gateway())


def test_the_gateways_subnet_holds_nothing_else(stamp: Stamp) -> None:
    stamp.grant(stamp.identity, SECRETS_USER, stamp.vault)
    configuration = [{"name": "g", "subnet": {"id": stamp.apps_subnet}}]
    answer = stamp.put(
        "network:ApplicationGateway", stamp.gateway(gatewayIPConfigurations=configuration)
    )
    assert code(answer) == "ApplicationGatewaySubnetCannotBeUsedByOtherResources"


def guarded_gateway(stamp: Stamp, source: str, ports: str) -> dict[str, object]:
    """The gateway in a subnet whose security group lets one source in."""
    stamp.grant(stamp.identity, SECRETS_USER, stamp.vault)
    rule = {
        "name": "in",
        "priority": 100,
        "direction": "Inbound",
        "access": "Allow",
        "protocol": "Tcp",
    }
    admits = [{**rule, "sourceAddressPrefix": source, "destinationPortRange": ports}]
    names = {**stamp.here, "networkSecurityGroupName": "nsg", "securityRules": admits}
    guard = stamp.made("network:NetworkSecurityGroup", names)
    guarded = stamp.subnet("gateway", "10.1.5.0/24", networkSecurityGroup={"id": guard})
    stamp.made("network:Subnet", guarded)
    return stamp.gateway()


@pytest.mark.parametrize(("source", "ports"), [("Internet", "443"), ("10.0.0.0/8", "65200-65535")])
def test_the_gateway_manager_must_reach_the_gateways_subnet(
    stamp: Stamp, source: str, ports: str
) -> None:
    answer = stamp.put("network:ApplicationGateway", guarded_gateway(stamp, source, ports))
    assert code(answer) == "ApplicationGatewaySubnetInboundTrafficBlockedByNetworkSecurityGroup"


def test_a_guarded_subnet_that_admits_the_gateway_manager_will_do(stamp: Stamp) -> None:
    stamp.made(
        "network:ApplicationGateway", guarded_gateway(stamp, "GatewayManager", "65200-65535")
    )


def grant(stamp: Azure, identity: str, name: str, **more: str) -> dict[str, str]:
    return {
        "scope": stamp.group if isinstance(stamp, Stamp) else "",
        "roleAssignmentName": name,
        "principalId": principal_id(identity),
        "roleDefinitionId": role_id(ACR_PULL),
        **more,
    }


ONE, TWO = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"


def test_the_same_grant_is_not_given_twice(stamp: Stamp) -> None:
    stamp.made("authorization:RoleAssignment", grant(stamp, stamp.identity, ONE))
    answer = stamp.put("authorization:RoleAssignment", grant(stamp, stamp.identity, TWO))
    assert (answer.status, code(answer)) == (409, "RoleAssignmentExists")


def test_a_new_identity_is_not_known_everywhere_at_once(stamp: Stamp) -> None:
    inputs = {**stamp.identity_inputs, "resourceName": "id-new"}
    stamp.put("managedidentity:UserAssignedIdentity", inputs)
    new = stamp.id("managedidentity:UserAssignedIdentity", inputs)
    answer = stamp.put("authorization:RoleAssignment", grant(stamp, new, ONE))
    assert (answer.status, code(answer)) == (400, "PrincipalNotFound")
    stamp.made(
        "authorization:RoleAssignment", grant(stamp, new, ONE, principalType="ServicePrincipal")
    )


def test_a_principal_outside_the_directory_is_not_found() -> None:
    azure = Azure(directory=("somebody",))
    group = azure.made(
        "resources:ResourceGroup", {"resourceGroupName": "rg", "location": "eastus2"}
    )
    inputs = {**grant(azure, "x", ONE), "scope": group, "principalType": "Group"}
    assert (
        code(azure.put("authorization:RoleAssignment", {**inputs, "principalId": "nobody"}))
        == "PrincipalNotFound"
    )
    azure.made("authorization:RoleAssignment", {**inputs, "principalId": "somebody"})


def test_a_web_test_names_its_component(stamp: Stamp) -> None:
    inputs = {
        **stamp.here,
        "webTestName": "probe",
        "syntheticMonitorId": "probe",
        "webTestKind": "standard",
    }
    answer = stamp.put("applicationinsights:WebTest", inputs)
    assert "hidden-link" in message(answer)
    component = stamp.made("applicationinsights:Component", {**stamp.here, "resourceName": "appi"})
    stamp.made(
        "applicationinsights:WebTest", {**inputs, "tags": {f"hidden-link:{component}": "Resource"}}
    )


def test_an_action_groups_short_name_has_twelve_characters(stamp: Stamp) -> None:
    inputs = {
        "resourceGroupName": "rg",
        "actionGroupName": "ag",
        "location": "global",
        "groupShortName": "a" * 13,
    }
    assert code(stamp.put("monitor:ActionGroup", inputs)) == "ActionGroupShortNameTooLong"
