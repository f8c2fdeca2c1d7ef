"""A small program of a few resources, until the kit's own one is rehearsed: what the rehearsal itself is tested with."""

from pathlib import Path

import pulumi
import pulumi_azure_native as azure

from rehearsal.arm.simulated import SUBSCRIPTION_ID

PROJECT = """\
name: rehearsal-sample
runtime: python
main: infra
stackConfigDir: infra/stacks
"""
STACK = """\
config:
  rehearsal-sample:location: swedencentral
"""
SECRETS_USER = (
    "/providers/Microsoft.Authorization/roleDefinitions/4633458b-17de-408a-b874-0445c86b69e6"
)


def written(root: Path) -> tuple[Path, Path]:
    """The project file and the directory of stack files."""
    stacks = root / "infra" / "stacks"
    stacks.mkdir(parents=True)
    (root / "Pulumi.yaml").write_text(PROJECT)
    (stacks / "Pulumi.emea-test.yaml").write_text(STACK)
    return root / "Pulumi.yaml", stacks


def program() -> None:
    location = pulumi.Config().require("location")
    arm = azure.Provider("arm", subscription_id=SUBSCRIPTION_ID, location=location)
    options = pulumi.ResourceOptions(provider=arm)
    group = azure.resources.ResourceGroup("group", resource_group_name="rg-sample", opts=options)
    network = azure.network.VirtualNetwork(
        "network",
        virtual_network_name="vnet-sample",
        resource_group_name=group.name,
        address_space={"address_prefixes": ["10.1.0.0/16"]},
        opts=pulumi.ResourceOptions.merge(
            options, pulumi.ResourceOptions(ignore_changes=["subnets"])
        ),
    )
    first = _subnet("first", "10.1.0.0/24", network, group, options)
    _subnet(
        "second",
        "10.1.1.0/24",
        network,
        group,
        pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(depends_on=[first])),
    )
    identity = azure.managedidentity.UserAssignedIdentity(
        "identity", resource_name_="id-sample", resource_group_name=group.name, opts=options
    )
    caller = azure.authorization.get_client_config_output(opts=pulumi.InvokeOptions(provider=arm))
    vault = azure.keyvault.Vault(
        "vault",
        vault_name="kv-sample",
        resource_group_name=group.name,
        properties=azure.keyvault.VaultPropertiesArgs(
            sku=azure.keyvault.SkuArgs(family="A", name="premium"),
            tenant_id=caller.tenant_id,
            enable_purge_protection=True,
            public_network_access="Disabled",
        ),
        opts=options,
    )
    azure.authorization.RoleAssignment(
        "grant",
        scope=vault.id,
        principal_id=identity.principal_id,
        principal_type="ServicePrincipal",
        role_definition_id=SECRETS_USER,
        opts=options,
    )
    server = azure.dbforpostgresql.Server(
        "server",
        server_name="psql-sample",
        resource_group_name=group.name,
        version="16",
        sku=azure.dbforpostgresql.SkuArgs(name="Standard_D2ds_v5", tier="GeneralPurpose"),
        storage=azure.dbforpostgresql.StorageArgs(storage_size_gb=128),
        opts=options,
    )
    pulumi.export("vault", vault.properties.vault_uri)
    pulumi.export("host", server.fully_qualified_domain_name)


def _subnet(
    name: str,
    prefix: str,
    network: azure.network.VirtualNetwork,
    group: azure.resources.ResourceGroup,
    options: pulumi.ResourceOptions,
) -> azure.network.Subnet:
    return azure.network.Subnet(
        name,
        subnet_name=name,
        virtual_network_name=network.name,
        resource_group_name=group.name,
        address_prefix=prefix,
        opts=options,
    )
