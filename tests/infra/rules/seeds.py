"""One fault each, the resource it is at, and what the one rule that must notice says."""

from typing import NamedTuple

from tests.infra.rules.stamp import (
    DIGEST,
    Edit,
    add,
    both,
    drop,
    moved,
    option,
    put,
    variable,
)

ELSEWHERE = "/subscriptions/s/resourceGroups/other/providers"
IMAGE = "template.containers.0.image"
OWN = "crehremeaproduction.azurecr.io"


class Seed(NamedTuple):
    rule: str
    fault: str
    edit: Edit
    resource: str
    says: str

    @property
    def id(self) -> str:
        return f"{self.rule}-{self.fault}"


def _gets_in(source: str, port: str) -> dict[str, str]:
    return {
        "name": "open",
        "direction": "Inbound",
        "access": "Allow",
        "sourceAddressPrefix": source,
        "destinationPortRange": port,
    }


def _opened(group: str, source: str, port: str) -> Edit:
    return put(group, "securityRules.+", _gets_in(source, port))


_COPIED = put("server", "backup.geoRedundantBackup", "Enabled")
_COPIES = put("anchors", "sku.name", "Standard_RAGZRS")
_COSMOS = [{"locationName": "West US"}]

RESIDENCY = [
    Seed(
        "R01", "other-geography", put("insights", "location", "East US 2"), "insights", "americas"
    ),
    Seed("R01", "unknown-region", put("vault", "location", "atlantis"), "vault", "atlantis"),
    Seed("R01", "no-text", put("vault", "location", 7.0), "vault", "no region"),
    Seed("R01", "global-data", put("anchors", "location", "global"), "anchors", "global"),
    Seed("R01", "provider-abroad", put("arm", "location", "eastus2"), "arm", "americas"),
    Seed("R02", "pair-abroad", both(moved("northeurope"), _COPIED), "server", "westeurope (NL)"),
    Seed("R02", "no-pair", both(moved("italynorth"), _COPIED), "server", "no paired region"),
    Seed("R03", "storage-pair-abroad", both(moved("northeurope"), _COPIES), "anchors", "(NL)"),
    Seed("R03", "failover-list", put("anchors", "locations", _COSMOS), "anchors", "westus"),
    Seed(
        "R03",
        "replication",
        put("workspace", "replication", {"enabled": True, "location": "eastus"}),
        "workspace",
        "eastus lies in americas",
    ),
    Seed("S02", "second-region", put("vault", "location", "North Europe"), "vault", "northeurope"),
    Seed("S02", "two-strays", both(put("nat", "location", "uksouth")), "nat", "uksouth"),
]

ACCESS = [
    Seed("R04", "open", put("server", "network.publicNetworkAccess", "Enabled"), "server", "Enab"),
    Seed("R04", "unset", put("server", "network", {}), "server", "unset"),
    Seed(
        "R05",
        "vault",
        put("vault", "properties.publicNetworkAccess", "enabled"),
        "vault",
        "publicN",
    ),
    Seed("R05", "registry", put("registry", "publicNetworkAccess", None), "registry", "unset"),
    Seed("R05", "storage", put("anchors", "publicNetworkAccess", "Enabled"), "anchors", "Enabled"),
    Seed("R05", "blobs", put("anchors", "allowBlobPublicAccess", True), "anchors", "allowBlob"),
    Seed("R05", "container", put("anchor", "publicAccess", "Blob"), "anchor", "publicAccess"),
    Seed(
        "R06",
        "purge",
        put("vault", "properties.enablePurgeProtection", None),
        "vault",
        "enablePurge",
    ),
    Seed(
        "R06", "week", put("vault", "properties.softDeleteRetentionInDays", 7.0), "vault", "to 90"
    ),
    Seed("R06", "no-soft", put("vault", "properties.enableSoftDelete", False), "vault", "Soft"),
    Seed(
        "R07", "roles", put("vault", "properties.enableRbacAuthorization", False), "vault", "Rbac"
    ),
    Seed(
        "R07",
        "policies",
        put("vault", "properties.accessPolicies", [{"objectId": "o"}]),
        "vault",
        "accessPolicies",
    ),
    Seed("R08", "password", put("server", "authConfig.passwordAuth", "Enabled"), "server", "passw"),
    Seed("R08", "no-entra", put("server", "authConfig.activeDirectoryAuth", None), "server", "Dir"),
    Seed("R08", "login", put("server", "administratorLoginPassword", "p"), "server", "remove it"),
    Seed("R10", "by-name", variable("web", "DB_PASSWORD", "hunter2"), "web", "DB_PASSWORD"),
    Seed("R10", "key", variable("worker", "Graph_Api_Key", "k"), "worker", "Graph_Api_Key"),
    Seed("R10", "by-value", variable("web", "DSN", "postgresql://app:pw@db/x"), "web", "DSN"),
    Seed("R10", "storage-key", variable("feed", "BLOBS", "a;AccountKey=abc"), "feed", "BLOBS"),
    Seed(
        "R10",
        "starts-it",
        put(
            "migrate",
            "template.initContainers",
            [
                {
                    "image": f"{OWN}/connector@{DIGEST}",
                    "env": [{"name": "CLIENT_SECRET", "value": "s"}],
                }
            ],
        ),
        "migrate",
        "CLIENT_SECRET",
    ),
    Seed(
        "R10",
        "of-the-app",
        put("web", "configuration.secrets", [{"name": "graph", "value": "s"}]),
        "web",
        "value of graph",
    ),
    Seed("R16", "admin", put("registry", "adminUserEnabled", True), "registry", "admin"),
    Seed("R16", "anybody", put("registry", "anonymousPullEnabled", True), "registry", "anonymous"),
    Seed("R16", "shared-key", put("anchors", "allowSharedKeyAccess", None), "anchors", "SharedKey"),
    Seed("R18", "workspace", put("workspace", "features", {}), "workspace", "disableLocalAuth"),
    Seed("R18", "insights", put("insights", "disableLocalAuth", False), "insights", "LocalAuth"),
    Seed(
        "R18",
        "destination",
        put("environment", "appLogsConfiguration.destination", "log-analytics"),
        "environment",
        "shared key",
    ),
    Seed(
        "R18",
        "workspace-key",
        put("environment", "appLogsConfiguration.logAnalyticsConfiguration", {"sharedKey": "k"}),
        "environment",
        "remove it",
    ),
]

TRANSMISSION = [
    Seed("R09", "storage", put("anchors", "minimumTlsVersion", "TLS1_1"), "anchors", "TLS1_1"),
    Seed(
        "R09", "storage-http", put("anchors", "enableHttpsTrafficOnly", False), "anchors", "Https"
    ),
    Seed("R09", "app", put("web", "configuration.ingress.allowInsecure", True), "web", "allowIns"),
    Seed(
        "R09",
        "between-apps",
        put("environment", "peerTrafficConfiguration", None),
        "environment",
        "peerTraffic",
    ),
    Seed(
        "R09",
        "database-plain",
        put("require_secure_transport", "value", "off"),
        "require_secure_transport",
        "'on'",
    ),
    Seed(
        "R09",
        "database-old",
        put("ssl_min_protocol_version", "value", "TLSv1.1"),
        "ssl_min_protocol_version",
        "TLSv1.2",
    ),
    Seed(
        "R09",
        "gateway-policy",
        put("gateway", "sslPolicy.policyName", "AppGwSslPolicy20170401S"),
        "gateway",
        "20220101S",
    ),
    Seed("R09", "gateway-default", put("gateway", "sslPolicy", None), "gateway", "weak TLS"),
    Seed(
        "R09",
        "gateway-custom",
        put("gateway", "sslPolicy", {"policyType": "CustomV2", "minProtocolVersion": "TLSv1_2"}),
        "gateway",
        "weak TLS",
    ),
    Seed(
        "R09",
        "listener-profile",
        put("gateway", "sslProfiles", [{"sslPolicy": {"policyType": "Predefined"}}]),
        "gateway",
        "weak TLS",
    ),
    Seed(
        "R09",
        "plain-listener",
        put("gateway", "requestRoutingRules.1.backendAddressPool", {"id": "pool"}),
        "gateway",
        "upgrade serves plain HTTP",
    ),
    Seed(
        "R09",
        "idle-listener",
        put("gateway", "httpListeners.+", {"name": "old", "protocol": "http"}),
        "gateway",
        "old serves plain HTTP",
    ),
    Seed(
        "R09",
        "backend",
        put("gateway", "backendHttpSettingsCollection.0.protocol", "Http"),
        "gateway",
        "apps speak plain HTTP",
    ),
    Seed("R17", "apps", _opened("nsg-apps", "Internet", "443"), "nsg-apps", "lets the internet"),
    Seed("R17", "gateway-80", _opened("nsg-gateway", "*", "80"), "nsg-gateway", "open lets"),
    Seed("R17", "all-ports", _opened("nsg-gateway", "0.0.0.0/0", "*"), "nsg-gateway", "open lets"),
    Seed("R17", "half", _opened("nsg-apps", "128.0.0.0/1", "22"), "nsg-apps", "open lets"),
    Seed("R17", "ipv6", _opened("nsg-apps", "::/0", "22"), "nsg-apps", "open lets"),
    Seed(
        "R17",
        "among-others",
        put("nsg-apps", "securityRules.0.sourceAddressPrefixes.+", "Internet"),
        "nsg-apps",
        "from-gateway lets",
    ),
    Seed(
        "R17",
        "second-port",
        put("gateway", "frontendPorts.+", {"name": "admin", "port": 8443.0}),
        "gateway",
        "8443",
    ),
    Seed(
        "R17",
        "beside",
        put("environment", "vnetConfiguration.internal", False),
        "environment",
        "be",
    ),
    Seed("R20", "detects", put("firewall", "policySettings.mode", "Detection"), "firewall", "Prev"),
    Seed("R20", "off", put("firewall", "policySettings.state", "Disabled"), "firewall", "Enabled"),
    Seed("R20", "no-firewall", put("gateway", "sku.tier", "Standard_v2"), "gateway", "WAF_v2"),
    Seed("R20", "unattached", put("gateway", "firewallPolicy", None), "gateway", "firewallPolicy"),
]

CONTINUITY = [
    Seed("R11", "environment", put("environment", "zoneRedundant", False), "environment", "zone"),
    Seed("R11", "server", put("server", "highAvailability.mode", "SameZone"), "server", "SameZone"),
    Seed("R11", "no-standby", put("server", "highAvailability", None), "server", "unset"),
    Seed("R11", "registry", put("registry", "zoneRedundancy", "Disabled"), "registry", "replica"),
    Seed("R12", "two", put("web", "template.scale.minReplicas", 2.0), "web", "is 2.0"),
    Seed("R12", "to-zero", put("feed", "template.scale", {"maxReplicas": 0.0}), "feed", "unset"),
    Seed("R12", "no-rule", put("web", "template.scale.rules", []), "web", "rules is empty"),
    Seed("R12", "pools", put("web", "template.scale.maxReplicas", 24.0), "server", "864"),
    Seed("R12", "threads", variable("web", "CONNECTOR_WEB_THREADS", "48"), "server", "1056"),
    Seed("R12", "small", put("server", "sku.name", "Standard_B1ms"), "server", "has 35"),
    Seed("R12", "no-size", put("server", "sku.name", "Standard_Z9"), "server", "in no table"),
    *(
        Seed("R14", f"unprotected-{name}", option(name, protect=False), name, "protect is off")
        for name in ("group", "workspace", "vault", "signing", "registry", "server", "database")
    ),
    Seed("R14", "anchors", option("anchors", protect=False), "anchors", "protect is off"),
    Seed("R14", "anchor", option("anchor", protect=False), "anchor", "protect is off"),
]

RETAINED = [
    Seed("R14", f"dropped-{name}", option(name, retain_on_delete=False), name, "retain_on_delete")
    for name in ("server", "signing")
]

RELEASE = [
    Seed("R13", "tag", put("web", IMAGE, f"{OWN}/connector:1.2"), "web", "by digest"),
    Seed("R13", "both", put("web", IMAGE, f"{OWN}/connector:1@{DIGEST}"), "web", "by digest"),
    Seed("R13", "short", put("web", IMAGE, f"{OWN}/connector@sha256:abc"), "web", "by digest"),
    Seed("R13", "none", put("migrate", IMAGE, None), "migrate", "by digest"),
    Seed("R13", "stranger", put("web", IMAGE, f"evil.azurecr.io/c@{DIGEST}"), "web", "from evil"),
    Seed(
        "R13",
        "almost-ours",
        put("migrate", IMAGE, f"{OWN}.evil.example/c@{DIGEST}"),
        "migrate",
        "evil.example",
    ),
    Seed("R13", "hub", put("feed", IMAGE, f"connector@{DIGEST}"), "feed", "not from this stamp"),
    Seed("R19", "app", put("web", "containerAppName", "ca-mock-fhir"), "web", "it is a simulator"),
    Seed(
        "R19", "image", put("web", IMAGE, f"{OWN}/simulators@{DIGEST}"), "web", "it is a simulator"
    ),
    Seed(
        "R19",
        "command",
        put("migrate", "template.containers.0.command", ["python", "-m", "mock_fhir"]),
        "migrate",
        "it is a simulator",
    ),
    Seed(
        "R19",
        "graph",
        variable("worker", "CONNECTOR_GRAPH_URL", "https://graph.example.org"),
        "worker",
        "not Microsoft's",
    ),
    Seed(
        "R19",
        "login",
        variable("web", "CONNECTOR_MICROSOFT_LOGIN_URL", "https://login.example.org"),
        "web",
        "not Microsoft's",
    ),
    Seed("R19", "points", variable("web", "EHR", "https://mock-fhir.local"), "web", "simulator"),
    Seed(
        "R19",
        "private-hosts",
        variable("web", "CONNECTOR_TRUSTED_PRIVATE_HOSTS", "localhost"),
        "web",
        "inside the network",
    ),
    Seed("S04", "unknown-type", add("azure-native:redis:Redis", "cache"), "cache", "redis"),
    Seed("S04", "classic", add("azure:storage/container:Container", "old"), "old", "not on the"),
    Seed("S04", "reference", add("pulumi:pulumi:StackReference", "apac"), "apac", "another stack"),
    Seed(
        "S04",
        "default-provider",
        option("vault", provider="urn:pulumi:s::p::pulumi:providers:azure-native::default_3_29_0"),
        "vault",
        "default provider",
    ),
    Seed(
        "S04",
        "provider-itself",
        add("pulumi:providers:azure-native", "default_3_29_0"),
        "default_3_29_0",
        "default provider",
    ),
]

OVERSIGHT = [
    Seed("R15", "untagged", put("vault", "tags", None), "vault", "lack app, geography"),
    Seed("R15", "no-owner", put("web", "tags.owner", ""), "web", "lack owner"),
    Seed("R15", "other-geography", put("nat", "tags.geography", "apac"), "nat", "'apac'"),
    Seed("R15", "other-environment", put("nat", "tags.environment", "test"), "nat", "'test'"),
    Seed("R15", "other-stack", put("on-call", "tags.stack", "x"), "on-call", "emea-production"),
    *(
        Seed("S01", f"no-logs-{name}", drop(f"logs-of-{name}"), name, "no diagnostic setting")
        for name in ("vault", "registry", "server", "environment", "gateway")
    ),
    Seed("S01", "off", put("logs-of-vault", "logs.0.enabled", False), "vault", "no diagnostic"),
    Seed("S01", "empty", put("logs-of-vault", "logs", []), "vault", "no diagnostic setting"),
    Seed(
        "S01",
        "elsewhere",
        put(
            "logs-of-server",
            "workspaceId",
            f"{ELSEWHERE}/Microsoft.OperationalInsights/workspaces/log-theirs",
        ),
        "server",
        "this stamp's workspace",
    ),
    Seed(
        "S01",
        "of-another",
        put("logs-of-vault", "resourceUri", f"{ELSEWHERE}/Microsoft.KeyVault/vaults/kv-theirs"),
        "vault",
        "no diagnostic setting",
    ),
    Seed("S03", "no-receiver", put("on-call", "emailReceivers", []), "on-call", "no enabled"),
    Seed("S03", "asleep", put("on-call", "enabled", False), "on-call", "no enabled"),
    Seed("S03", "metric", put("database-down", "actions", []), "database-down", "tells nobody"),
    Seed("S03", "query", put("slow", "actions", None), "slow", "tells nobody"),
    Seed(
        "S03", "activity", put("lock-removed", "actions.actionGroups", []), "lock-removed", "nobody"
    ),
    Seed(
        "S03",
        "theirs",
        put(
            "database-down",
            "actions.0.actionGroupId",
            f"{ELSEWHERE}/Microsoft.Insights/actionGroups/theirs",
        ),
        "database-down",
        "tells nobody",
    ),
]

SEEN_BY_THE_PACK = [
    *(*RESIDENCY, *ACCESS, *TRANSMISSION),
    *(*CONTINUITY, *RELEASE, *OVERSIGHT),
]
ALL = [*SEEN_BY_THE_PACK, *RETAINED]
