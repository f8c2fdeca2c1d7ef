"""Container Apps: the environment's subnet, images, revisions and traffic."""

from typing import Any

from rehearsal.arm.answers import revision_name
from rehearsal.arm.errors import bad_request
from rehearsal.arm.refusals.network import prefixes
from rehearsal.arm.world import Resource, Write, regions

DELEGATION = "Microsoft.App/environments"
LONGEST_PREFIX = 27  # the smallest subnet of a workload profiles environment is a /27
ACR_PULL = ("7f951dda-4ed3-4680-a7ca-43fe172d538d",)
WHOLE_TRAFFIC = 100


def environment_subnet_fits(write: Write) -> None:
    """https://learn.microsoft.com/azure/container-apps/networking"""
    subnet_id = write.value("vnetConfiguration.infrastructureSubnetId")
    subnet = write.world.get(subnet_id) if subnet_id else None
    if subnet is None:
        return
    if DELEGATION not in [one.get("serviceName") for one in subnet.body.get("delegations") or ()]:
        raise bad_request(
            "ManagedEnvironmentSubnetDelegationError",
            f"The subnet of the environment must be delegated to the service '{DELEGATION}'.",
        )
    if any(prefix.prefixlen > LONGEST_PREFIX for prefix in prefixes(subnet.body)):
        raise bad_request(
            "ManagedEnvironmentInvalidNetworkConfiguration",
            f"The subnet {subnet_id} is too small: an environment with workload profiles needs /{LONGEST_PREFIX} or larger.",
        )
    others = [
        one
        for one in write.world.referrers(subnet_id)
        if one.arm_id.lower() != write.arm_id.lower()
    ]
    if others:
        raise bad_request(
            "ManagedEnvironmentSubnetInUse",  # named here
            f"The subnet {subnet_id} is already used by {others[0].arm_id}.",
        )


def zone_redundancy_has_subnet(write: Write) -> None:
    if not write.value("zoneRedundant"):
        return
    if not write.value("vnetConfiguration.infrastructureSubnetId"):
        raise bad_request(
            "ZoneRedundantEnvironmentNeedsVnet",  # named here
            "Zone redundant environments must be in a virtual network: vnetConfiguration.infrastructureSubnetId is not set.",
        )
    if not regions()[write.location].zones:
        raise bad_request(
            "ZoneRedundancyNotSupported",  # named here
            f"Zone redundancy is not supported in location '{write.location}'.",
        )


def images_can_be_pulled(write: Write) -> None:
    """An image of one of this subscription's registries needs an identity with AcrPull named for that registry."""
    for container in write.value("template.containers") or ():
        server = str(container.get("image", "")).partition("/")[0].lower()
        registry = _registry(write, server)
        if server.endswith(".azurecr.io") and not (registry and _may_pull(write, server, registry)):
            raise bad_request(
                "InvalidParameterValueInContainerTemplate",
                "The following field(s) are either invalid or missing. Field 'template.containers."
                f"{container.get('name')}.image' is invalid with details: 'Invalid value: \"{container['image']}\": unable to "
                f"pull image using Managed identity for registry {server}'.",
            )


def suffix_is_fresh(write: Write) -> None:
    """A revision is immutable, and none comes back: a changed template needs a suffix never used before."""
    template = write.value("template") or {}
    suffix = template.get("revisionSuffix")
    revisions = write.existing.revisions if write.existing else {}
    name = revision_name(write.name, template)
    newest = next(reversed(revisions), None)
    if suffix and name in revisions and (name != newest or revisions[name] != template):
        raise bad_request(
            "InvalidParameterValueInContainerTemplate",
            "The following field(s) are either invalid or missing. Field 'template.revisionsuffix' is invalid with details: "
            f"'Invalid value: \"{suffix}\": revision with suffix {suffix} already exists.'.",
        )


def traffic_adds_up(write: Write) -> None:
    traffic = write.value("configuration.ingress.traffic") or ()
    if not traffic:
        return
    if sum(one.get("weight") or 0 for one in traffic) != WHOLE_TRAFFIC:
        raise bad_request(
            "InvalidTrafficWeight",  # named here
            "The sum of the weights in configuration.ingress.traffic must be 100.",
        )
    known = {
        *(write.existing.revisions if write.existing else ()),
        revision_name(write.name, write.value("template")),
    }
    unknown = [
        one["revisionName"]
        for one in traffic
        if one.get("revisionName", None) not in (None, *known)
    ]
    if unknown:
        raise bad_request(
            "RevisionNotFound",  # named here
            f"Revision {unknown[0]} named in configuration.ingress.traffic does not exist.",
        )


def _registry(write: Write, server: str) -> Resource | None:
    known = write.world.of("containerregistry:Registry")
    return next((one for one in known if f"{one.name.lower()}.azurecr.io" == server), None)


def _may_pull(write: Write, server: str, registry: Resource) -> bool:
    credentials: list[dict[str, Any]] = write.value("configuration.registries") or []
    named = [
        one.get("identity", "") for one in credentials if str(one.get("server")).lower() == server
    ]
    own = {identity.lower() for identity in write.identities()}
    return any(
        identity.lower() in own and write.world.has_role(identity, registry.arm_id, ACR_PULL)
        for identity in named
    )
