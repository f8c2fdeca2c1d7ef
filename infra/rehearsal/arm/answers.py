"""What ARM adds to a resource's own inputs when it answers, in the SDK's output shape.

Pure functions: everything made up here follows from the id, so that two runs, a refresh and the unit tests' recording
monitor (which runs without the HTTP server) agree. Addresses come from the ranges kept for documentation.
"""

import functools
import hashlib
import ipaddress
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pulumi.runtime.rpc import UNKNOWN

from rehearsal.arm.ids import arm_type, name_of
from rehearsal.arm.types import TYPES
from rehearsal.schema import sdk_package

TENANT_ID = str(uuid.uuid5(uuid.NAMESPACE_URL, "tenant of the rehearsal"))
UNIVERSAL = ("name", "type", "azureApiVersion", "provisioningState")
# what a change of the resource can change; everything else computed stays as it was
VOLATILE = ("latestRevisionName", "latestReadyRevisionName", "latestRevisionFqdn")


@dataclass(frozen=True, slots=True)
class Subject:
    """The resource an answer is about."""

    arm_id: str
    inputs: Mapping[str, Any]

    @property
    def name(self) -> str:
        return name_of(self.arm_id)

    @property
    def location(self) -> str:
        return str(self.inputs.get("location", "")).replace(" ", "").lower()

    def guid(self, what: str) -> str:
        return guid(self.arm_id, what)

    def segment(self, kind: str) -> str:
        """The name that follows a type in the id: the vault of a key."""
        parts = self.arm_id.split("/")
        return parts[[part.lower() for part in parts].index(kind.lower()) + 1]


Compute = Callable[[Subject], Any]


def answer(type_token: str, inputs: Mapping[str, Any], arm_id: str) -> dict[str, Any]:
    """A resource as ARM returns it: its inputs in output shape, and what ARM computed.

    Args:
        type_token: such as `azure-native:keyvault:Vault`.
        inputs: plain values with wire names, path parameters included or not.
        arm_id: the resource's id.
    """
    shown = shape(type_token, inputs)
    subject = Subject(arm_id, inputs)
    for path, compute in {**_universal(type_token), **COMPUTED.get(type_token, {})}.items():
        _put(shown, path.split("."), functools.partial(compute, subject))
    return shown


def computed_names(type_token: str) -> tuple[str, ...]:
    """Dotted names of the outputs that only ARM knows: unknown while a creation is previewed."""
    return (*_universal(type_token), *COMPUTED.get(type_token, {}))


def shape(type_token: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs as outputs: path parameters and write-only inputs left out, identities as a map."""
    outputs = output_names(type_token)
    shown = {key: _copy(value) for key, value in inputs.items() if key in outputs}
    if "identity" in shown:
        shown["identity"] = _identity(shown["identity"])
    return shown


@functools.cache
def output_names(type_token: str) -> frozenset[str]:
    """Wire names of a resource's outputs, from the SDK's class."""
    owner = getattr(sdk_package(type_token), type_token.split(":")[2])
    getters = [member.fget for member in vars(owner).values() if isinstance(member, property)]
    return frozenset(
        getattr(getter, "_pulumi_name", getattr(getter, "__name__", "")) for getter in getters
    )


def guid(arm_id: str, what: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{arm_id.lower()}#{what}"))


def principal_id(identity_id: str) -> str:
    """The object id of a user assigned identity in the directory."""
    return guid(identity_id, "principal")


def digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def revision_name(app: str, template: Any) -> str:
    """A revision is called by its suffix; Azure makes one up where the template has none."""
    suffix = template.get("revisionSuffix") if isinstance(template, Mapping) else None
    return f"{app}--{suffix or digest(template)[:7]}"


def default_domain(environment_id: str, location: str) -> str:
    return f"calmsea-{digest(environment_id.lower())[:8]}.{location}.azurecontainerapps.io"


def _universal(type_token: str) -> dict[str, Compute]:
    known: dict[str, Compute] = {
        "name": lambda subject: subject.name,
        "type": lambda subject: arm_type(subject.arm_id),
        "azureApiVersion": lambda _subject: TYPES[type_token].api_version,
        "provisioningState": lambda _subject: "Succeeded",
    }
    return {name: compute for name, compute in known.items() if name in output_names(type_token)}


def _put(target: dict[str, Any], path: list[str], compute: Callable[[], Any]) -> None:
    """Sets a computed value where its container exists: a container app without ingress has no host name."""
    *containers, last = path
    inner: Any = target
    for container in containers:
        inner = inner.get(container)
        if not isinstance(inner, dict):
            return
    inner[last] = compute()


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copy(member) for key, member in value.items() if member is not None}
    return [_copy(member) for member in value] if isinstance(value, list | tuple) else value


def _identity(identity: Any) -> Any:
    if not isinstance(identity, Mapping):
        return identity
    shown = dict(identity)
    assigned = shown.get("userAssignedIdentities")
    if assigned == UNKNOWN or UNKNOWN in (assigned or ()):
        shown["userAssignedIdentities"] = UNKNOWN
    elif assigned:
        shown["userAssignedIdentities"] = {
            one: {"clientId": guid(one, "client"), "principalId": principal_id(one)}
            for one in assigned
        }
    return shown


def _address(subject: Subject) -> str:
    """An address for documentation (RFC 5737)."""
    network = ipaddress.ip_network("203.0.113.0/24")
    return str(network[int(digest(subject.arm_id.lower())[:6], 16) % 254 + 1])


def _inner_address(subject: Subject) -> str:
    return str(ipaddress.ip_network("10.255.0.0/16")[int(digest(subject.arm_id.lower())[:4], 16)])


def _connection_string(subject: Subject) -> str:
    host = f"{subject.location}-0.in.applicationinsights.azure.com"
    parts = {"InstrumentationKey": subject.guid("key"), "IngestionEndpoint": f"https://{host}/"}
    return ";".join(
        f"{name}={value}" for name, value in {**parts, "ApplicationId": subject.guid("app")}.items()
    )


def _key_uri(subject: Subject) -> str:
    return f"https://{subject.segment('vaults')}.vault.azure.net/keys/{subject.name}"


def _endpoints(subject: Subject) -> dict[str, str]:
    services = ("blob", "dfs", "file", "queue", "table")
    return {service: f"https://{subject.name}.{service}.core.windows.net/" for service in services}


def _environment_id(subject: Subject) -> str:
    return str(
        subject.inputs.get("managedEnvironmentId") or subject.inputs.get("environmentId") or ""
    )


def _host(subject: Subject, first: str) -> str:
    domain = default_domain(_environment_id(subject), subject.location)
    ingress = (subject.inputs.get("configuration") or {}).get("ingress") or {}
    return f"{first}.{domain}" if ingress.get("external") else f"{first}.internal.{domain}"


def _latest_revision(subject: Subject) -> str:
    return revision_name(subject.name, subject.inputs.get("template"))


def _of_key(name: str) -> Compute:
    return lambda subject: (subject.inputs.get("properties") or {}).get(name)


def _constant(value: Any) -> Compute:
    return lambda _subject: value


def _guid(what: str) -> Compute:
    return lambda subject: subject.guid(what)


COMPUTED: Mapping[str, Mapping[str, Compute]] = {
    "azure-native:resources:ResourceGroup": {"properties": _constant({"provisioningState": "Succeeded"})},
    "azure-native:managedidentity:UserAssignedIdentity": {
        "principalId": _guid("principal"), "clientId": _guid("client"), "tenantId": _constant(TENANT_ID),
    },
    "azure-native:operationalinsights:Workspace": {"customerId": _guid("customer")},
    "azure-native:applicationinsights:Component": {
        "appId": _guid("app"), "applicationId": lambda subject: subject.name, "instrumentationKey": _guid("key"),
        "connectionString": _connection_string, "tenantId": _constant(TENANT_ID),
    },
    "azure-native:network:VirtualNetwork": {"resourceGuid": _guid("resource")},
    "azure-native:network:PublicIPAddress": {"ipAddress": _address, "resourceGuid": _guid("resource")},
    "azure-native:network:NatGateway": {"resourceGuid": _guid("resource")},
    "azure-native:network:PrivateEndpoint": {
        "networkInterfaces": lambda subject: [{"id": f"{subject.arm_id}.nic"}],
    },
    "azure-native:network:ApplicationGateway": {
        "operationalState": _constant("Running"), "resourceGuid": _guid("resource"),
    },
    "azure-native:privatedns:PrivateZone": {"maxNumberOfRecordSets": _constant(25000)},
    "azure-native:privatedns:VirtualNetworkLink": {"virtualNetworkLinkState": _constant("Completed")},
    "azure-native:privatedns:PrivateRecordSet": {
        "fqdn": lambda subject: f"{subject.name}.{subject.segment('privateDnsZones')}.",
        "isAutoRegistered": _constant(False),
    },
    "azure-native:keyvault:Vault": {
        "properties.vaultUri": lambda subject: f"https://{subject.name}.vault.azure.net/",
        "properties.provisioningState": _constant("Succeeded"),
    },
    "azure-native:keyvault:Key": {
        "keyUri": _key_uri,
        "keyUriWithVersion": lambda subject: f"{_key_uri(subject)}/{digest(subject.arm_id.lower())[:32]}",
        **{name: _of_key(name) for name in ("attributes", "keyOps", "keySize", "kty", "rotationPolicy")},
    },
    "azure-native:containerregistry:Registry": {
        "loginServer": lambda subject: f"{subject.name.lower()}.azurecr.io",
    },
    "azure-native:storage:StorageAccount": {
        "primaryEndpoints": _endpoints, "primaryLocation": lambda subject: subject.location,
        "statusOfPrimary": _constant("available"),
    },
    "azure-native:storage:BlobContainer": {"leaseState": _constant("Available")},
    "azure-native:storage:BlobContainerImmutabilityPolicy": {"state": _constant("Unlocked")},
    "azure-native:dbforpostgresql:Server": {
        "fullyQualifiedDomainName": lambda subject: f"{subject.name}.postgres.database.azure.com",
        "state": _constant("Ready"), "minorVersion": _constant("9"),
    },
    "azure-native:app:ManagedEnvironment": {
        "defaultDomain": lambda subject: default_domain(subject.arm_id, subject.location),
        "staticIp": _inner_address,
    },
    "azure-native:app:ContainerApp": {
        "configuration.ingress.fqdn": lambda subject: _host(subject, subject.name),
        "latestRevisionName": _latest_revision, "latestReadyRevisionName": _latest_revision,
        "latestRevisionFqdn": lambda subject: _host(subject, _latest_revision(subject)),
        "customDomainVerificationId": lambda subject: digest(subject.arm_id.lower()).upper(),
        "outboundIpAddresses": lambda subject: [_address(subject)], "runningStatus": _constant("Running"),
    },
    "azure-native:app:Job": {"outboundIpAddresses": lambda subject: [_address(subject)]},
}  # fmt: skip
