"""Names, tags and addresses by rule: nobody types one twice, no two stamps share one."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import IPv4Network
from uuid import NAMESPACE_URL, uuid5

from ehr_infra.config import Settings
from ehr_infra.geography import Environment, Geography

_GEOGRAPHY = {Geography.AMERICAS: "amer", Geography.EMEA: "emea", Geography.APAC: "apac"}
_ENVIRONMENT = {Environment.TEST: "test", Environment.PRODUCTION: "prod"}
_SUBSCRIPTION_CHARACTERS = 4


@dataclass(frozen=True, slots=True)
class Names:
    """`<type>-ehr-<geography>-<environment>`; globally unique ones carry a hash of the subscription.

    https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
    """

    stamp: str
    subscription_id: str
    suffix: str
    server_name: str | None

    @classmethod
    def of(cls, settings: Settings) -> "Names":
        stamp = f"{_GEOGRAPHY[settings.geography]}-{_ENVIRONMENT[settings.environment]}"
        return cls(stamp, settings.subscription_id, settings.name_suffix, settings.server_name)

    def regional(self, kind: str, part: str = "") -> str:
        """Unique in its resource group, which is enough for most."""
        return f"{kind}-ehr-{self.stamp}{'-' if part else ''}{part}"

    @property
    def _hash(self) -> str:
        digest = sha256(self.subscription_id.encode()).hexdigest()
        return f"{digest[:_SUBSCRIPTION_CHARACTERS]}{self.suffix}"

    @property
    def vault(self) -> str:
        """At most 24 characters; stays taken for 90 days after it was deleted."""
        return f"kv{self._joined}"

    @property
    def registry(self) -> str:
        return f"cr{self._joined}"

    @property
    def database_server(self) -> str:
        """Configured after a restore, which makes a server of another name."""
        return self.server_name or f"psql-ehr-{self.stamp}-{self._hash}"

    @property
    def _joined(self) -> str:
        return f"ehr{self.stamp.replace('-', '')}{self._hash}"

    def grant(self, scope: str, role: str, principal: str) -> str:
        """A role assignment's name is a GUID; the same grant has the same one for good."""
        return str(
            uuid5(NAMESPACE_URL, f"{self.subscription_id}/{self.stamp}/{scope}/{role}/{principal}")
        )


@dataclass(frozen=True, slots=True)
class Addresses:
    """The stamp's network, cut by rule (infrastructure.md 2.2)."""

    network: IPv4Network
    apps: IPv4Network
    endpoints: IPv4Network
    gateway: IPv4Network

    @classmethod
    def of(cls, network: IPv4Network) -> "Addresses":
        """/23 for the environment, /24 for private endpoints, /24 for the gateway."""
        apps, rest = list(network.subnets(new_prefix=23))[:2]
        endpoints, gateway = rest.subnets(new_prefix=24)
        return cls(network, apps, endpoints, gateway)


def tags(settings: Settings) -> Mapping[str, str]:
    """What every resource that can carry tags carries (rule R15)."""
    return {
        "app": "teams-ehr-connector",
        "geography": settings.geography.value,
        "environment": settings.environment.value,
        "dataClass": "phi",
        "owner": settings.owner,
        "costCentre": settings.cost_centre,
        "managedBy": "pulumi",
        "stack": settings.stack,
    }
