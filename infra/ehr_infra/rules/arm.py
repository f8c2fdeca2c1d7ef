"""The types a stamp is made of, and what ARM knows about each: ids, tags, what is global."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ehr_infra.rules.model import UNKNOWN, Resource
from ehr_infra.rules.reading import at, items

GROUP = "azure-native:resources:ResourceGroup"
WORKSPACE = "azure-native:operationalinsights:Workspace"
COMPONENT = "azure-native:applicationinsights:Component"
WEB_TEST = "azure-native:applicationinsights:WebTest"
DIAGNOSTICS = "azure-native:monitor:DiagnosticSetting"
ACTION_GROUP = "azure-native:monitor:ActionGroup"
METRIC_ALERT = "azure-native:monitor:MetricAlert"
QUERY_ALERT = "azure-native:monitor:ScheduledQueryRule"
ACTIVITY_ALERT = "azure-native:monitor:ActivityLogAlert"
SECURITY_GROUP = "azure-native:network:NetworkSecurityGroup"
GATEWAY = "azure-native:network:ApplicationGateway"
FIREWALL = "azure-native:network:WebApplicationFirewallPolicy"
PRIVATE_ZONE = "azure-native:privatedns:PrivateZone"
ZONE_LINK = "azure-native:privatedns:VirtualNetworkLink"
VAULT = "azure-native:keyvault:Vault"
KEY = "azure-native:keyvault:Key"
REGISTRY = "azure-native:containerregistry:Registry"
STORAGE = "azure-native:storage:StorageAccount"
BLOB_CONTAINER = "azure-native:storage:BlobContainer"
SERVER = "azure-native:dbforpostgresql:Server"
DATABASE = "azure-native:dbforpostgresql:Database"
PARAMETER = "azure-native:dbforpostgresql:Configuration"
ENVIRONMENT = "azure-native:app:ManagedEnvironment"
APP = "azure-native:app:ContainerApp"
JOB = "azure-native:app:Job"
PROVIDER = "pulumi:providers:azure-native"
STACK = "pulumi:pulumi:Stack"
STACK_REFERENCE = "pulumi:pulumi:StackReference"

# What takes tags (azure-native 3.29: every args class with an input `tags`).
TAGGED = frozenset(
    {
        "azure-native:managedidentity:UserAssignedIdentity",
        "azure-native:network:NatGateway",
        "azure-native:network:PrivateEndpoint",
        "azure-native:network:PublicIPAddress",
        "azure-native:network:VirtualNetwork",
        *(GROUP, WORKSPACE, COMPONENT, WEB_TEST, ACTION_GROUP, METRIC_ALERT, QUERY_ALERT),
        *(ACTIVITY_ALERT, SECURITY_GROUP, GATEWAY, FIREWALL, PRIVATE_ZONE, ZONE_LINK, VAULT, KEY),
        *(REGISTRY, STORAGE, SERVER, ENVIRONMENT, APP, JOB),
    }
)

# Change control: whoever needs another type adds it here, in a change somebody reads.
ALLOWED = TAGGED | {
    "azure-native:authorization:ManagementLockByScope",
    "azure-native:authorization:PolicyAssignment",
    "azure-native:authorization:RoleAssignment",
    "azure-native:consumption:Budget",
    "azure-native:dbforpostgresql:AdministratorsMicrosoftEntra",
    "azure-native:network:PrivateDnsZoneGroup",
    "azure-native:network:Subnet",
    "azure-native:privatedns:PrivateRecordSet",
    "azure-native:storage:BlobContainerImmutabilityPolicy",
    *(DIAGNOSTICS, DATABASE, PARAMETER, BLOB_CONTAINER, PROVIDER, STACK),
}

# What keeps data about people, or what such data cannot be read without.
DATA_BEARING = frozenset(
    {GROUP, WORKSPACE, VAULT, KEY, REGISTRY, SERVER, DATABASE, STORAGE, BLOB_CONTAINER}
)

# These exist once for all regions and hold names and rules, no data about people.
GLOBAL = frozenset({PRIVATE_ZONE, ZONE_LINK, ACTION_GROUP, METRIC_ALERT, ACTIVITY_ALERT})

# Type: the input that names it, and how its id ends.
_IDS = {
    VAULT: ("vaultName", "Microsoft.KeyVault/vaults"),
    SERVER: ("serverName", "Microsoft.DBforPostgreSQL/flexibleServers"),
    REGISTRY: ("registryName", "Microsoft.ContainerRegistry/registries"),
    ENVIRONMENT: ("environmentName", "Microsoft.App/managedEnvironments"),
    GATEWAY: ("applicationGatewayName", "Microsoft.Network/applicationGateways"),
    WORKSPACE: ("workspaceName", "Microsoft.OperationalInsights/workspaces"),
    ACTION_GROUP: ("actionGroupName", "Microsoft.Insights/actionGroups"),
}


def refers(source: Resource, entry: str, value: Any, target: Resource) -> bool | None:
    """Whether `value`, which stands under the input `entry` of `source`, is the id of `target`.

    Returns:
        None when that cannot be told: neither the id nor what it is made from is known.
    """
    if value is UNKNOWN:
        origins = source.origins.get(entry)
        return None if origins is None else target.urn in origins
    name_input, arm_type = _IDS[target.type]
    name = at(target.inputs, name_input)
    if not isinstance(name, str):
        return None
    ending = f"/providers/{arm_type}/{name}"
    return isinstance(value, str) and value.casefold().endswith(ending.casefold())


def of_type(resources: Sequence[Resource], *types: str) -> list[Resource]:
    return [each for each in resources if each.type in types]


def containers(resource: Resource) -> Iterator[Mapping[str, Any]]:
    """The containers of an app or a job whose description is known, those that only start it too."""
    if resource.type not in {APP, JOB}:
        return
    for kind in ("containers", "initContainers"):
        for each in items(at(resource.inputs, f"template.{kind}")):
            if isinstance(each, Mapping):
                yield each


def variables(container: Mapping[str, Any]) -> dict[str, Any]:
    """Environment variables with a literal value, by name."""
    return {
        each["name"]: each.get("value")
        for each in items(container.get("env"))
        if isinstance(each, Mapping) and isinstance(each.get("name"), str)
    }
