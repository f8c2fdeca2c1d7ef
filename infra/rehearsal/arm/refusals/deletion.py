"""What may not be deleted: what is locked, and what something else still uses.

A user assigned identity in use is not among it: Azure deletes those, and what ran as them fails later.
"""

from collections.abc import Mapping

from rehearsal.arm.errors import ArmError, conflict
from rehearsal.arm.world import Resource, World, lock_levels

IN_USE: Mapping[str, tuple[int, str, str]] = {
    "azure-native:network:Subnet": (
        400, "InUseSubnetCannotBeDeleted",
        "Subnet {name} is in use by {user} and cannot be deleted. In order to delete the subnet, delete all in it.",
    ),
    "azure-native:network:VirtualNetwork": (
        400, "InUseSubnetCannotBeDeleted", "A subnet of {name} is in use by {user} and cannot be deleted.",
    ),
    "azure-native:network:NetworkSecurityGroup": (
        400, "InUseNetworkSecurityGroupCannotBeDeleted",
        "Network security group {name} cannot be deleted because it is in use by the following resources: {user}.",
    ),
    "azure-native:network:PublicIPAddress": (
        400, "PublicIPAddressCannotBeDeleted",
        "Public IP address {name} can not be deleted since it is still allocated to resource {user}.",
    ),
    "azure-native:network:NatGateway": (
        400, "InUseNatGatewayCannotBeDeleted", "NAT gateway {name} is in use by {user} and cannot be deleted.",
    ),
    "azure-native:network:WebApplicationFirewallPolicy": (
        409, "ApplicationGatewayFirewallPolicyCannotBeDeletedWhenAssociated",  # named here
        "Web application firewall policy {name} is associated with {user} and cannot be deleted.",
    ),
    "azure-native:app:ManagedEnvironment": (
        409, "ManagedEnvironmentHasContainerApps",
        "The specified environment {name} cannot be deleted because it still contains {user}.",
    ),
}  # fmt: skip
NOT_USERS = ("authorization:", "monitor:", "consumption:", "applicationinsights:")


def refuse_deletion(world: World, resource: Resource) -> None:
    """Raises why a resource cannot be deleted.

    Raises:
        ArmError: what ARM answers.
    """
    _refuse_locked(world, resource)
    if resource.kind.token in IN_USE:
        users = [one for one in world.referrers(resource.arm_id) if _uses(one)]
        if users:
            status, code, message = IN_USE[resource.kind.token]
            raise ArmError(status, code, message.format(name=resource.name, user=users[0].arm_id))
    links = [
        one
        for one in world.below(resource.arm_id)
        if one.kind.short == "privatedns:VirtualNetworkLink"
    ]
    if resource.kind.short == "privatedns:PrivateZone" and links:
        raise conflict(
            "CannotDeleteResource", "Can not delete resource before nested resources are deleted."
        )


def _refuse_locked(world: World, resource: Resource) -> None:
    if resource.kind.short == "authorization:ManagementLockByScope":
        return
    locks = list(lock_levels(world, resource.arm_id))
    if locks:
        scopes = ",".join(sorted({lock.body["scope"] for lock in locks}))
        raise conflict(
            "ScopeLocked",
            f"The scope '{resource.arm_id}' cannot perform delete operation because following scope(s) are locked: "
            f"'{scopes}'. Please remove the lock and try again.",
        )


def _uses(referrer: Resource) -> bool:
    """Alerts, grants and budgets may outlive what they speak of."""
    return not referrer.kind.short.startswith(NOT_USERS)
