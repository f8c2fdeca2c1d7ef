"""A clean stamp in wire shape, small but with a resource of every type, and ways to break it.

`stamp()` is what every rule is content with; a test breaks one thing and names the rule that must say so.
"""

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

from ehr_infra.rules import Facts, Resource

PROJECT = "teams-ehr-connector"
DIGEST = "sha256:" + "0123456789abcdef" * 4
OTHER_GROUP = "/subscriptions/s/resourceGroups/other"
REGIONS = {"americas": "eastus2", "emea": "swedencentral", "apac": "australiaeast"}

Edit = Callable[[list[Resource]], list[Resource]]


def facts(geography: str = "emea", environment: str = "production", **others: Any) -> Facts:
    """As the policy pack knows them: no region is given, the one most resources are in counts."""
    stack = f"{geography}-{environment}"
    return replace(Facts(geography, environment, "", stack), **others)


def stamp(geography: str = "emea", environment: str = "production") -> list[Resource]:
    """What `facts(geography, environment)` asks for, in the order a program would register it."""
    return [each for part in _PARTS for each in part(_Site(geography, environment))]


class _Site:
    """Names, ids and what every resource of a stamp has."""

    def __init__(self, geography: str, environment: str) -> None:
        self.geography, self.environment = geography, environment
        self.stack = f"{geography}-{environment}"
        self.location = REGIONS[geography]
        self.production = environment == "production"
        self.registry = f"crehr{geography}{environment}"
        self.tags = {
            "app": "teams-ehr-connector",
            "geography": geography,
            "environment": environment,
            "dataClass": "phi",
            "owner": "Virtual care",
            "costCentre": "4711",
            "managedBy": "pulumi",
            "stack": self.stack,
        }

    def id(self, arm_type: str, name: str) -> str:
        group = f"/subscriptions/s/resourceGroups/rg-ehr-{self.stack}"
        return f"{group}/providers/{arm_type}/{name}"

    def make(self, token: str, name: str, **inputs: Any) -> Resource:
        ours = token.startswith(("pulumi:", "ehr:"))
        kind = token if ours else f"azure-native:{token}"
        return Resource(
            kind,
            name,
            deepcopy(inputs),
            provider=self.urn("pulumi:providers:azure-native", "arm"),
            urn=self.urn(kind, name),
        )

    def here(self, token: str, name: str, **inputs: Any) -> Resource:
        """A resource of the region."""
        return self.make(token, name, location=self.location, tags=self.tags, **inputs)

    def everywhere(self, token: str, name: str, **inputs: Any) -> Resource:
        return self.make(token, name, location="Global", tags=self.tags, **inputs)

    def kept(self, resource: Resource) -> Resource:
        return replace(resource, protect=self.production, retain_on_delete=self.production)

    def urn(self, token: str, name: str) -> str:
        return f"urn:pulumi:{self.stack}::{PROJECT}::{token}::{name}"

    def image(self, name: str) -> str:
        return f"{self.registry}.azurecr.io/{name}@{DIGEST}"


def _frame(site: _Site) -> Iterable[Resource]:
    yield replace(site.make("pulumi:pulumi:Stack", site.stack), provider="")
    yield replace(site.make("ehr:stamp:Stamp", "stamp"), provider="")
    yield replace(
        site.make("pulumi:providers:azure-native", "arm", location=site.location), provider=""
    )
    yield site.kept(site.here("resources:ResourceGroup", "group"))
    yield site.make(
        "authorization:PolicyAssignment",
        "allowed-locations",
        parameters={"listOfAllowedLocations": {"value": [site.location]}},
    )
    yield site.make("authorization:RoleAssignment", "pull", principalType="ServicePrincipal")
    yield site.make("authorization:ManagementLockByScope", "lock", level="CanNotDelete")
    yield site.here("managedidentity:UserAssignedIdentity", "id-app")
    yield site.make("consumption:Budget", "budget", amount=500.0, timeGrain="Monthly")


def _network(site: _Site) -> Iterable[Resource]:
    yield site.here(
        "network:VirtualNetwork", "vnet", addressSpace={"addressPrefixes": ["10.40.0.0/20"]}
    )
    yield site.here("network:NetworkSecurityGroup", "nsg-apps", securityRules=[_rule_from_vnet()])
    yield site.here(
        "network:NetworkSecurityGroup",
        "nsg-gateway",
        securityRules=[
            _inbound("manage", "GatewayManager", "65200-65535"),
            _inbound("https", "Internet", "443"),
            {**_inbound("nothing-else", "*", "*"), "access": "Deny"},
            {**_inbound("out", "*", "*"), "direction": "Outbound"},
        ],
    )
    yield site.here("network:PublicIPAddress", "ip-out", sku={"name": "Standard"})
    yield site.here("network:NatGateway", "nat", sku={"name": "Standard"})
    yield site.make("network:Subnet", "snet-apps", addressPrefix="10.40.0.0/23")
    yield site.here("network:PrivateEndpoint", "pe-vault", subnet={"id": "s"})
    yield site.make("network:PrivateDnsZoneGroup", "pe-vault-dns")
    yield site.everywhere("privatedns:PrivateZone", "zone-vault")
    yield site.everywhere("privatedns:VirtualNetworkLink", "zone-vault-link")
    yield site.make("privatedns:PrivateRecordSet", "apps", relativeRecordSetName="*")


def _inbound(name: str, source: str, port: str) -> dict[str, Any]:
    return {
        "name": name,
        "direction": "Inbound",
        "access": "Allow",
        "protocol": "Tcp",
        "sourceAddressPrefix": source,
        "destinationPortRange": port,
    }


def _rule_from_vnet() -> dict[str, Any]:
    return {
        **_inbound("from-gateway", "", "443"),
        "sourceAddressPrefix": None,
        "sourceAddressPrefixes": ["10.40.4.0/24", "VirtualNetwork"],
    }


def _watching(site: _Site) -> Iterable[Resource]:
    yield site.kept(
        site.here(
            "operationalinsights:Workspace",
            "workspace",
            workspaceName=f"log-{site.stack}",
            features={"disableLocalAuth": True},
            retentionInDays=365.0,
        )
    )
    yield site.here("applicationinsights:Component", "insights", disableLocalAuth=True)
    yield site.here(
        "applicationinsights:WebTest",
        "reachable",
        locations=[{"location": "emea-nl-ams-azr"}, {"location": "us-va-ash-azr"}],
    )
    yield site.everywhere(
        "monitor:ActionGroup",
        "on-call",
        actionGroupName="on-call",
        enabled=True,
        emailReceivers=[{"name": "first", "emailAddress": "on-call@example.org"}],
    )
    group = site.id("Microsoft.Insights/actionGroups", "on-call")
    yield site.everywhere(
        "monitor:MetricAlert", "database-down", actions=[{"actionGroupId": group}]
    )
    yield site.here("monitor:ScheduledQueryRule", "slow", actions={"actionGroups": [group]})
    yield site.everywhere(
        "monitor:ActivityLogAlert",
        "lock-removed",
        actions={"actionGroups": [{"actionGroupId": group.upper()}]},
    )


def _diagnostics(site: _Site) -> Iterable[Resource]:
    targets = {
        "vault": ("Microsoft.KeyVault/vaults", f"kv-{site.stack}"),
        "registry": ("Microsoft.ContainerRegistry/registries", site.registry),
        "server": ("Microsoft.DBforPostgreSQL/flexibleServers", f"psql-{site.stack}"),
        "environment": ("Microsoft.App/managedEnvironments", f"cae-{site.stack}"),
        "gateway": ("Microsoft.Network/applicationGateways", f"agw-{site.stack}"),
    }
    for name, (arm_type, arm_name) in targets.items():
        yield site.make(
            "monitor:DiagnosticSetting",
            f"logs-of-{name}",
            resourceUri=site.id(arm_type, arm_name),
            workspaceId=site.id("Microsoft.OperationalInsights/workspaces", f"log-{site.stack}"),
            logs=[{"categoryGroup": "allLogs", "enabled": True}],
        )


def _stores(site: _Site) -> Iterable[Resource]:
    yield site.kept(
        site.here(
            "keyvault:Vault",
            "vault",
            vaultName=f"kv-{site.stack}",
            properties={
                "enableRbacAuthorization": True,
                "publicNetworkAccess": "disabled",
                "enablePurgeProtection": True,
                "softDeleteRetentionInDays": 90.0,
            },
        )
    )
    yield site.kept(site.make("keyvault:Key", "signing", keyName="signing", tags=site.tags))
    yield site.kept(
        site.here(
            "containerregistry:Registry",
            "registry",
            registryName=site.registry,
            adminUserEnabled=False,
            publicNetworkAccess="Disabled",
            zoneRedundancy="Enabled",
            sku={"name": "Premium"},
        )
    )
    yield site.kept(
        site.here(
            "storage:StorageAccount",
            "anchors",
            sku={"name": "Standard_ZRS"},
            publicNetworkAccess="Disabled",
            allowBlobPublicAccess=False,
            allowSharedKeyAccess=False,
            minimumTlsVersion="TLS1_2",
            enableHttpsTrafficOnly=True,
        )
    )
    yield site.kept(site.make("storage:BlobContainer", "anchor", publicAccess="None"))
    yield site.make("storage:BlobContainerImmutabilityPolicy", "worm")


def _database(site: _Site) -> Iterable[Resource]:
    yield site.kept(
        site.here(
            "dbforpostgresql:Server",
            "server",
            serverName=f"psql-{site.stack}",
            sku={"name": "Standard_D2ds_v5", "tier": "GeneralPurpose"},
            network={"publicNetworkAccess": "Disabled"},
            authConfig={"activeDirectoryAuth": "Enabled", "passwordAuth": "Disabled"},
            highAvailability={"mode": "ZoneRedundant"},
            backup={"backupRetentionDays": 35.0, "geoRedundantBackup": "Disabled"},
        )
    )
    yield site.kept(site.make("dbforpostgresql:Database", "database"))
    for name, value in (
        ("require_secure_transport", "ON"),
        ("ssl_min_protocol_version", "TLSv1.3"),
        ("pgaudit.log", "ddl,role"),
    ):
        yield site.make("dbforpostgresql:Configuration", name, configurationName=name, value=value)
    yield site.make("dbforpostgresql:AdministratorsMicrosoftEntra", "migrator")


def _gateway(site: _Site) -> Iterable[Resource]:
    gateway = site.id("Microsoft.Network/applicationGateways", f"agw-{site.stack}")
    yield site.here(
        "network:WebApplicationFirewallPolicy",
        "firewall",
        policySettings={"mode": "Prevention", "state": "Enabled"},
    )
    yield site.here(
        "network:ApplicationGateway",
        "gateway",
        applicationGatewayName=f"agw-{site.stack}",
        sku={"name": "WAF_v2", "tier": "WAF_v2"},
        firewallPolicy={"id": f"{gateway}-waf"},
        sslPolicy={"policyType": "Predefined", "policyName": "AppGwSslPolicy20220101S"},
        frontendPorts=[{"name": "https", "port": 443.0}, {"name": "http", "port": 80.0}],
        httpListeners=[
            {"name": "portal", "protocol": "Https"},
            {"name": "upgrade", "protocol": "Http"},
        ],
        backendHttpSettingsCollection=[{"name": "apps", "protocol": "Https", "port": 443.0}],
        requestRoutingRules=[
            {
                "name": "portal",
                "httpListener": {"id": f"{gateway}/httpListeners/portal"},
                "backendAddressPool": {"id": f"{gateway}/backendAddressPools/apps"},
            },
            {
                "name": "upgrade",
                "httpListener": {"id": f"{gateway}/httpListeners/upgrade"},
                "redirectConfiguration": {"id": f"{gateway}/redirectConfigurations/upgrade"},
            },
        ],
    )


def _apps(site: _Site) -> Iterable[Resource]:
    yield site.here(
        "app:ManagedEnvironment",
        "environment",
        environmentName=f"cae-{site.stack}",
        zoneRedundant=True,
        vnetConfiguration={"internal": True},
        appLogsConfiguration={"destination": "azure-monitor"},
        peerTrafficConfiguration={"encryption": {"enabled": True}},
    )
    yield _app(site, "web", 10.0, [{"name": "http", "http": {"metadata": {}}}])
    yield _app(site, "worker", 3.0, [])
    yield _app(site, "feed", 3.0, [])
    yield site.here(
        "app:Job",
        "migrate",
        configuration={"triggerType": "Manual", "replicaTimeout": 600.0},
        template={"containers": [{"name": "migrate", "image": site.image("connector")}]},
    )
    if not site.production:
        yield _app(site, "mock-fhir", 1.0, [])


def _app(site: _Site, name: str, most: float, rules: list[Any]) -> Resource:
    env = {
        "CONNECTOR_DATABASE_URL": f"postgresql+psycopg://id-app@psql-{site.stack}/connector",
        "CONNECTOR_KEYS_DIRECTORY": "/run/keys",
        "CONNECTOR_SIGNING_KEY_NAME": "signing",
        "CONNECTOR_WEB_WORKERS": "2",
        "CONNECTOR_WEB_THREADS": "16",
        "APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=00000000",
        "KEY_VAULT_URI": f"https://kv-{site.stack}.vault.azure.net/",
    }
    container = {
        "name": name,
        "image": site.image("connector"),
        "args": [name],
        "env": [{"name": key, "value": value} for key, value in env.items()],
    }
    return site.here(
        "app:ContainerApp",
        name,
        containerAppName=f"ca-{name}",
        configuration={"activeRevisionsMode": "Multiple", "ingress": {"targetPort": 8440.0}},
        template={
            "containers": [container],
            "scale": {"minReplicas": min(3.0, most), "maxReplicas": most, "rules": rules},
        },
    )


_PARTS = (_frame, _network, _watching, _diagnostics, _stores, _database, _gateway, _apps)


def put(name: str, path: str, value: Any) -> Edit:
    """The input at `a.0.b` of the resource of that name gets another value."""
    return lambda resources: [
        replace(each, inputs=_with(each.inputs, path.split("."), value))
        if each.name == name
        else each
        for each in resources
    ]


def drop(name: str) -> Edit:
    return lambda resources: [each for each in resources if each.name != name]


def add(token: str, name: str, **inputs: Any) -> Edit:
    def edit(resources: list[Resource]) -> list[Resource]:
        model = next(each for each in resources if each.name == "vault")
        new = replace(
            model,
            type=token,
            name=name,
            urn=model.urn.replace(model.type, token).replace("::vault", f"::{name}"),
            inputs={"location": model.inputs["location"], "tags": model.inputs["tags"], **inputs},
        )
        return [*resources, new]

    return edit


def option(name: str, **options: Any) -> Edit:
    return lambda resources: [
        replace(each, **options) if each.name == name else each for each in resources
    ]


def variable(name: str, variable_name: str, value: str) -> Edit:
    """One more environment variable of the first container; the last of a name counts."""
    return put(name, "template.containers.0.env.+", {"name": variable_name, "value": value})


def moved(region: str) -> Edit:
    """The whole stamp lies in another region."""
    return lambda resources: [
        replace(each, inputs={**each.inputs, "location": region})
        if each.inputs.get("location") in REGIONS.values()
        else each
        for each in resources
    ]


def both(*edits: Edit) -> Edit:
    def edit(resources: list[Resource]) -> list[Resource]:
        for one in edits:
            resources = one(resources)
        return resources

    return edit


def _with(container: Any, path: list[str], value: Any) -> Any:
    step, *rest = path
    if isinstance(container, Mapping):
        below = container.get(step, {}) if rest else None
        return {**container, step: _with(below, rest, value) if rest else value}
    if step == "+":
        return [*container, value]
    copied = list(container)
    copied[int(step)] = _with(copied[int(step)], rest, value) if rest else value
    return copied
