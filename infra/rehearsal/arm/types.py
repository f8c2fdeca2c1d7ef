"""The resource types the simulated ARM knows: one row each, the only home of these facts.

Path parameters are the braces of `path`, under azure-native's input names; the last brace is the resource's own name.
Name rules: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules. The api-version is
the SDK's default (a test compares it with the SDK's own words). `seconds` is what Azure usually takes; zero means the
answer is synchronous. `create_only` inputs cannot change once the resource exists.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

GROUP = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}"
NETWORK = f"{GROUP}/providers/Microsoft.Network"
INSIGHTS = f"{GROUP}/providers/Microsoft.Insights"
POSTGRES = f"{GROUP}/providers/Microsoft.DBforPostgreSQL/flexibleServers"
STORAGE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts"
APP = f"{GROUP}/providers/Microsoft.App"
GUID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


class Placement(StrEnum):
    """What `location` must be."""

    REGION = "a region"
    GLOBAL = "global"
    EITHER = "a region, global or nothing"
    NONE = "nothing"


@dataclass(frozen=True, slots=True)
class NameRule:
    """What ARM lets a resource be called."""

    shortest: int
    longest: int
    pattern: str

    def admits(self, name: str) -> bool:
        fits = self.shortest <= len(name) <= self.longest
        return fits and re.fullmatch(self.pattern, name) is not None


LABEL = NameRule(1, 80, r"[A-Za-z0-9]([\w.-]*\w)?")
TITLE = NameRule(1, 260, r"[^*#&+:<>?@%{}\\/]*[^*#&+:<>?@%{}\\/ .]")
APP_NAME = NameRule(2, 32, r"[a-z](-?[a-z0-9])*")
ANY_NAME = NameRule(1, 90, r".+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceType:
    """One resource type.

    Attributes:
        token: azure-native's type token.
        path: template of the ARM id.
        names: what the name may be.
        create_only: dotted inputs that cannot change after creation.
        public_suffix: the DNS suffix under which the name is unique in all of Azure; empty when it is not.
        seconds: how long Azure takes to create or change one.
        one_writer: name of the path parameter whose resource admits one write at a time; empty for the resource itself.
        fixed_name: the only name there is, when the program may leave it out.
    """

    token: str
    path: str
    api_version: str
    names: NameRule = LABEL
    placement: Placement = Placement.REGION
    create_only: tuple[str, ...] = ()
    public_suffix: str = ""
    seconds: float = 0
    one_writer: str = ""
    fixed_name: str = ""

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the path parameters in order, the subscription left out; the last is the resource's name."""
        return tuple(name for name in re.findall(r"{(\w+)}", self.path) if name != "subscriptionId")

    @property
    def short(self) -> str:
        """The token without the package: `keyvault:Vault`."""
        return self.token.removeprefix("azure-native:")

    @property
    def name_input(self) -> str:
        return self.parameters[-1]


def _type(token: str, path: str, api_version: str, **facts: object) -> ResourceType:
    full = f"azure-native:{token}"
    return ResourceType(token=full, path=path, api_version=api_version, **facts)  # type: ignore[arg-type]


_ROWS = (
    _type(
        "resources:ResourceGroup", GROUP, "2024-03-01",
        names=NameRule(1, 90, r"[\w.()-]*[\w()-]"), create_only=("location",),
    ),
    _type(
        "authorization:PolicyAssignment",
        "/{scope}/providers/Microsoft.Authorization/policyAssignments/{policyAssignmentName}", "2025-01-01",
        names=NameRule(1, 128, TITLE.pattern), placement=Placement.EITHER,
        create_only=("policyDefinitionId",),
    ),
    _type(
        "authorization:RoleAssignment",
        "/{scope}/providers/Microsoft.Authorization/roleAssignments/{roleAssignmentName}", "2022-04-01",
        names=NameRule(36, 36, GUID), placement=Placement.NONE,
        create_only=("principalId", "principalType", "roleDefinitionId"),
    ),
    _type(
        "authorization:ManagementLockByScope",
        "/{scope}/providers/Microsoft.Authorization/locks/{lockName}", "2020-05-01",
        names=NameRule(1, 90, r"[\w.()-]+"), placement=Placement.NONE,
    ),
    _type(
        "managedidentity:UserAssignedIdentity",
        f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{{resourceName}}", "2023-01-31",
        names=NameRule(3, 128, r"[A-Za-z0-9][\w-]*"),
    ),
    _type(
        "operationalinsights:Workspace",
        f"{GROUP}/providers/Microsoft.OperationalInsights/workspaces/{{workspaceName}}", "2023-09-01",
        names=NameRule(4, 63, r"[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9]"), seconds=10,
    ),
    _type(
        "applicationinsights:Component", f"{INSIGHTS}/components/{{resourceName}}", "2020-02-02",
        names=TITLE,
    ),
    _type(
        "applicationinsights:WebTest", f"{INSIGHTS}/webtests/{{webTestName}}", "2022-06-15",
        names=TITLE, create_only=("webTestKind",),
    ),
    _type(
        "monitor:DiagnosticSetting",
        "/{resourceUri}/providers/Microsoft.Insights/diagnosticSettings/{name}", "2021-05-01-preview",
        names=TITLE, placement=Placement.NONE,
    ),
    _type(
        "monitor:ActionGroup", f"{INSIGHTS}/actionGroups/{{actionGroupName}}", "2024-10-01-preview",
        names=TITLE, placement=Placement.EITHER,
    ),
    _type(
        "monitor:MetricAlert", f"{INSIGHTS}/metricAlerts/{{ruleName}}", "2018-03-01",
        names=TITLE, placement=Placement.GLOBAL,
    ),
    _type(
        "monitor:ScheduledQueryRule", f"{INSIGHTS}/scheduledQueryRules/{{ruleName}}", "2025-01-01-preview",
        names=TITLE,
    ),
    _type(
        "monitor:ActivityLogAlert", f"{INSIGHTS}/activityLogAlerts/{{activityLogAlertName}}", "2020-10-01",
        names=TITLE, placement=Placement.EITHER,
    ),
    _type(
        "consumption:Budget", "/{scope}/providers/Microsoft.Consumption/budgets/{budgetName}", "2024-08-01",
        names=NameRule(1, 63, r"[\w-]+"), placement=Placement.NONE, create_only=("timeGrain",),
    ),
    _type(
        "network:VirtualNetwork", f"{NETWORK}/virtualNetworks/{{virtualNetworkName}}", "2024-05-01",
        names=NameRule(2, 64, LABEL.pattern), seconds=10,
    ),
    _type(
        "network:Subnet", f"{NETWORK}/virtualNetworks/{{virtualNetworkName}}/subnets/{{subnetName}}", "2024-05-01",
        placement=Placement.NONE, seconds=250, one_writer="virtualNetworkName",
    ),
    _type(
        "network:NetworkSecurityGroup", f"{NETWORK}/networkSecurityGroups/{{networkSecurityGroupName}}", "2024-05-01",
        seconds=5,
    ),
    _type(
        "network:PublicIPAddress", f"{NETWORK}/publicIPAddresses/{{publicIpAddressName}}", "2024-05-01",
        create_only=("zones", "publicIPAddressVersion"), seconds=5,
    ),
    _type(
        "network:NatGateway", f"{NETWORK}/natGateways/{{natGatewayName}}", "2024-05-01",
        create_only=("zones",), seconds=15,
    ),
    _type(
        "network:PrivateEndpoint", f"{NETWORK}/privateEndpoints/{{privateEndpointName}}", "2024-05-01",
        names=NameRule(2, 64, LABEL.pattern), create_only=("subnet",), seconds=60,
    ),
    _type(
        "network:PrivateDnsZoneGroup",
        f"{NETWORK}/privateEndpoints/{{privateEndpointName}}/privateDnsZoneGroups/{{privateDnsZoneGroupName}}", "2024-05-01",
        placement=Placement.NONE, seconds=15, one_writer="privateEndpointName",
    ),
    _type(
        "network:ApplicationGateway", f"{NETWORK}/applicationGateways/{{applicationGatewayName}}", "2024-05-01",
        create_only=("zones",), seconds=360,
    ),
    _type(
        "network:WebApplicationFirewallPolicy",
        f"{NETWORK}/applicationGatewayWebApplicationFirewallPolicies/{{policyName}}", "2024-05-01",
    ),
    _type(
        "privatedns:PrivateZone", f"{NETWORK}/privateDnsZones/{{privateZoneName}}", "2024-06-01",
        names=NameRule(3, 253, r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63}){1,33}"), placement=Placement.GLOBAL, seconds=30,
    ),
    _type(
        "privatedns:VirtualNetworkLink",
        f"{NETWORK}/privateDnsZones/{{privateZoneName}}/virtualNetworkLinks/{{virtualNetworkLinkName}}", "2024-06-01",
        placement=Placement.GLOBAL, create_only=("virtualNetwork",), seconds=30,
    ),
    _type(
        "privatedns:PrivateRecordSet",
        f"{NETWORK}/privateDnsZones/{{privateZoneName}}/{{recordType}}/{{relativeRecordSetName}}", "2024-06-01",
        names=NameRule(1, 253, r"@|[*\w.-]+"), placement=Placement.NONE,
    ),
    _type(
        "keyvault:Vault", f"{GROUP}/providers/Microsoft.KeyVault/vaults/{{vaultName}}", "2024-11-01",
        names=NameRule(3, 24, r"[A-Za-z](-?[A-Za-z0-9])*"), public_suffix="vault.azure.net", seconds=20,
        create_only=("properties.softDeleteRetentionInDays",),
    ),
    _type(
        "keyvault:Key", f"{GROUP}/providers/Microsoft.KeyVault/vaults/{{vaultName}}/keys/{{keyName}}", "2024-11-01",
        names=NameRule(1, 127, r"[A-Za-z0-9-]+"), placement=Placement.NONE,
        create_only=("properties.kty", "properties.keySize", "properties.curveName"),
    ),
    _type(
        "keyvault:Secret",
        f"{GROUP}/providers/Microsoft.KeyVault/vaults/{{vaultName}}/secrets/{{secretName}}", "2024-11-01",
        names=NameRule(1, 127, r"[A-Za-z0-9-]+"), placement=Placement.NONE,
    ),
    _type(
        "containerregistry:Registry", f"{GROUP}/providers/Microsoft.ContainerRegistry/registries/{{registryName}}",
        "2023-01-01-preview",
        names=NameRule(5, 50, r"[A-Za-z0-9]+"), public_suffix="azurecr.io", create_only=("zoneRedundancy",), seconds=20,
    ),
    _type(
        "storage:StorageAccount", f"{STORAGE}/{{accountName}}", "2024-01-01",
        names=NameRule(3, 24, r"[a-z0-9]+"), public_suffix="blob.core.windows.net", seconds=20,
        create_only=("isHnsEnabled", "encryption.requireInfrastructureEncryption", "immutableStorageWithVersioning"),
    ),
    _type(
        "storage:BlobContainer", f"{STORAGE}/{{accountName}}/blobServices/default/containers/{{containerName}}",
        "2024-01-01",
        names=NameRule(3, 63, r"[a-z0-9](-?[a-z0-9])*"), placement=Placement.NONE,
        create_only=("immutableStorageWithVersioning",),
    ),
    _type(
        "storage:BlobContainerImmutabilityPolicy",
        f"{STORAGE}/{{accountName}}/blobServices/default/containers/{{containerName}}"
        "/immutabilityPolicies/{immutabilityPolicyName}", "2024-01-01",
        names=NameRule(7, 7, "default"), placement=Placement.NONE, fixed_name="default",
    ),
    _type(
        "dbforpostgresql:Server", f"{POSTGRES}/{{serverName}}", "2025-08-01",
        names=NameRule(3, 63, r"[a-z0-9](-?[a-z0-9])*"), public_suffix="postgres.database.azure.com", seconds=240,
        create_only=(
            "administratorLogin", "backup.geoRedundantBackup", "createMode", "dataEncryption.type",
            "network.delegatedSubnetResourceId",
        ),
    ),
    _type(
        "dbforpostgresql:Database", f"{POSTGRES}/{{serverName}}/databases/{{databaseName}}", "2025-08-01",
        names=NameRule(1, 63, r"[A-Za-z_][\w-]*"), placement=Placement.NONE, create_only=("charset", "collation"), seconds=10,
    ),
    _type(
        "dbforpostgresql:Configuration", f"{POSTGRES}/{{serverName}}/configurations/{{configurationName}}", "2025-08-01",
        names=NameRule(1, 128, r"[a-z][\w.]*"), placement=Placement.NONE, seconds=30, one_writer="serverName",
    ),
    _type(
        "dbforpostgresql:AdministratorsMicrosoftEntra", f"{POSTGRES}/{{serverName}}/administrators/{{objectId}}", "2025-08-01",
        names=NameRule(36, 36, GUID), placement=Placement.NONE, seconds=30, one_writer="serverName",
        create_only=("principalName", "principalType", "tenantId"),
    ),
    _type(
        "app:ManagedEnvironment", f"{APP}/managedEnvironments/{{environmentName}}", "2025-02-02-preview",
        names=NameRule(2, 60, r"[A-Za-z](-?[A-Za-z0-9])*"), seconds=180,
        create_only=(
            "infrastructureResourceGroup", "vnetConfiguration.infrastructureSubnetId", "vnetConfiguration.internal",
            "zoneRedundant",
        ),
    ),
    _type(
        "app:ContainerApp", f"{APP}/containerApps/{{containerAppName}}", "2025-02-02-preview",
        names=APP_NAME, create_only=("environmentId", "managedEnvironmentId"), seconds=30,
    ),
    _type(
        "app:Job", f"{APP}/jobs/{{jobName}}", "2025-02-02-preview",
        names=APP_NAME, create_only=("environmentId",), seconds=15,
    ),
)  # fmt: skip

TYPES: Mapping[str, ResourceType] = {row.token: row for row in _ROWS}
