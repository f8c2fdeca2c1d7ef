"""A simulated Azure to break things in: the manager without HTTP, on a clock the test turns."""

from collections.abc import Mapping
from typing import Any

from rehearsal.arm.answers import principal_id
from rehearsal.arm.errors import ArmError
from rehearsal.arm.ids import arm_id
from rehearsal.arm.manager import Answer, ResourceManager
from rehearsal.arm.types import TYPES

SUBSCRIPTION = "5eb5c81f-0000-4000-8000-00000000000a"
ACR_PULL = "7f951dda-4ed3-4680-a7ca-43fe172d538d"
SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"
CRYPTO_USER = "e147488a-f6f5-4113-8e2d-b22465e65bf6"
HOUR = 3600.0


class Azure:
    """Resources are named by short type and inputs; `put` answers as ARM does, `made` insists that it worked."""

    def __init__(self, directory: tuple[str, ...] | None = None) -> None:
        self.now = 0.0
        self.manager = ResourceManager(SUBSCRIPTION, clock=lambda: self.now, directory=directory)

    def id(self, short: str, inputs: Mapping[str, Any]) -> str:
        return arm_id(TYPES[f"azure-native:{short}"], SUBSCRIPTION, inputs)

    def put(self, short: str, inputs: Mapping[str, Any], failure: ArmError | None = None) -> Answer:
        kind = TYPES[f"azure-native:{short}"]
        body = {key: value for key, value in inputs.items() if key not in kind.parameters}
        return self.manager.handle(
            "PUT", self.id(short, inputs), api_version=kind.api_version, body=body, failure=failure
        )

    def made(self, short: str, inputs: Mapping[str, Any]) -> str:
        answer = self.put(short, inputs)
        assert answer.status in (200, 201), answer.body
        self.pass_time()
        return self.id(short, inputs)

    def delete(self, resource: str) -> Answer:
        found = self.manager.world.get(resource)
        assert found
        answer = self.manager.handle("DELETE", resource, api_version=found.kind.api_version)
        return answer

    def gone(self, resource: str) -> None:
        assert self.delete(resource).status in (200, 202)
        self.pass_time()

    def pass_time(self, seconds: float = HOUR) -> None:
        """Azure's time: everything that goes on is done after an hour."""
        self.now += seconds
        self.manager.resources()

    def grant(self, identity: str, role: str, scope: str) -> str:
        number = len(self.manager.world.all())
        return self.made(
            "authorization:RoleAssignment",
            {
                "scope": scope,
                "roleAssignmentName": f"00000000-0000-4000-8000-{number:012d}",
                "principalId": principal_id(identity),
                "principalType": "ServicePrincipal",
                "roleDefinitionId": role_id(role),
            },
        )


def role_id(role: str) -> str:
    return f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{role}"


def code(answer: Answer) -> str:
    assert answer.body, "no body, so nothing was refused"
    return str((answer.body.get("error") or {}).get("code", ""))


def message(answer: Answer) -> str:
    assert answer.body
    return str(answer.body["error"]["message"])


class Stamp(Azure):
    """A small stamp in Sweden Central that works: each test breaks one thing."""

    def __init__(self) -> None:
        super().__init__()
        here = {"resourceGroupName": "rg", "location": "swedencentral"}
        self.here = here
        self.group = self.made("resources:ResourceGroup", here)
        self.vnet_inputs = {
            **here,
            "virtualNetworkName": "vnet",
            "addressSpace": {"addressPrefixes": ["10.1.0.0/16"]},
        }
        self.vnet = self.made("network:VirtualNetwork", self.vnet_inputs)
        delegation = {"name": "aca", "serviceName": "Microsoft.App/environments"}
        self.apps_subnet = self.made(
            "network:Subnet", self.subnet("apps", "10.1.0.0/23", delegations=[delegation])
        )
        self.endpoints_subnet = self.made("network:Subnet", self.subnet("endpoints", "10.1.4.0/24"))
        self.gateway_subnet = self.made("network:Subnet", self.subnet("gateway", "10.1.5.0/24"))
        self.identity_inputs = {**here, "resourceName": "id-app"}
        self.identity = self.made("managedidentity:UserAssignedIdentity", self.identity_inputs)
        self.vault_inputs = {
            **here,
            "vaultName": "kv-stamp",
            "properties": {
                "sku": {"family": "A", "name": "premium"},
                "tenantId": "t",
                "enablePurgeProtection": True,
                "softDeleteRetentionInDays": 90,
            },
        }
        self.vault = self.made("keyvault:Vault", self.vault_inputs)
        self.certificate_inputs = {
            "resourceGroupName": here["resourceGroupName"],
            "vaultName": "kv-stamp",
            "secretName": "tls",
            "properties": {},
        }
        self.certificate = self.made("keyvault:Secret", self.certificate_inputs)
        self.registry_inputs = {**here, "registryName": "crstamp", "sku": {"name": "Premium"}}
        self.registry = self.made("containerregistry:Registry", self.registry_inputs)
        self.grant(self.identity, ACR_PULL, self.registry)
        self.server_inputs = {
            **here,
            "serverName": "psql-stamp",
            "version": "16",
            "sku": {"name": "Standard_D2ds_v5", "tier": "GeneralPurpose"},
            "storage": {"storageSizeGB": 128},
            "backup": {"geoRedundantBackup": "Disabled"},
        }
        self.server = self.made("dbforpostgresql:Server", self.server_inputs)
        self.environment_inputs = {
            **here,
            "environmentName": "cae",
            "zoneRedundant": True,
            "vnetConfiguration": {"infrastructureSubnetId": self.apps_subnet, "internal": True},
        }
        self.environment = self.made("app:ManagedEnvironment", self.environment_inputs)

    def subnet(self, name: str, prefix: str, **more: Any) -> dict[str, Any]:
        names = {"resourceGroupName": "rg", "virtualNetworkName": "vnet", "subnetName": name}
        return {**names, "addressPrefix": prefix, **more}

    def app(
        self, suffix: str = "a", traffic: list[Any] | None = None, **more: Any
    ) -> dict[str, Any]:
        """Inputs of a container app whose image comes from the stamp's registry."""
        image = "crstamp.azurecr.io/connector@sha256:0"
        return {
            **self.here,
            "containerAppName": "app",
            "environmentId": self.environment,
            "identity": {"type": "UserAssigned", "userAssignedIdentities": [self.identity]},
            "configuration": {
                "registries": [{"server": "crstamp.azurecr.io", "identity": self.identity}],
                "ingress": {
                    "targetPort": 8000,
                    "traffic": traffic or [{"latestRevision": True, "weight": 100}],
                },
            },
            "template": {
                "revisionSuffix": suffix,
                "containers": [{"name": "connector", "image": image}],
                **more,
            },
        }

    def server_like(self, name: str, **more: Any) -> dict[str, Any]:
        return {**self.server_inputs, "serverName": name, **more}

    def endpoint(self, target: str, group: str) -> dict[str, Any]:
        connection = {"name": "c", "privateLinkServiceId": target, "groupIds": [group]}
        names = {**self.here, "privateEndpointName": "pe"}
        return {
            **names,
            "subnet": {"id": self.endpoints_subnet},
            "privateLinkServiceConnections": [connection],
        }

    def gateway(self, **more: Any) -> dict[str, Any]:
        secret = "https://kv-stamp.vault.azure.net/secrets/tls"
        return {
            **self.here,
            "applicationGatewayName": "agw",
            "identity": {"type": "UserAssigned", "userAssignedIdentities": [self.identity]},
            "gatewayIPConfigurations": [{"name": "g", "subnet": {"id": self.gateway_subnet}}],
            "sslCertificates": [{"name": "tls", "keyVaultSecretId": secret}],
            **more,
        }
