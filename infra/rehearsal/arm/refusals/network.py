"""Subnets within their virtual network, and what a private endpoint may point at."""

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from rehearsal.arm.errors import bad_request
from rehearsal.arm.ids import arm_type, parent_id
from rehearsal.arm.world import Write

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

GROUP_IDS: Mapping[str, frozenset[str]] = {
    "microsoft.dbforpostgresql/flexibleservers": frozenset({"postgresqlServer"}),
    "microsoft.keyvault/vaults": frozenset({"vault"}),
    "microsoft.containerregistry/registries": frozenset({"registry"}),
    "microsoft.storage/storageaccounts": frozenset(
        {"blob", "dfs", "file", "queue", "table", "web"}
    ),
    "microsoft.app/managedenvironments": frozenset({"managedEnvironments"}),
}


def subnet_lies_in_network(write: Write) -> None:
    network = write.world.get(parent_id(write.arm_id))
    space = (
        list(_networks((network.body.get("addressSpace") or {}).get("addressPrefixes")))
        if network
        else []
    )
    for prefix in prefixes(write.body):
        if not any(_lies_in(prefix, block) for block in space):
            raise bad_request(
                "NetcfgInvalidSubnet",
                f"Subnet '{write.name}' is not valid because its IP address range is outside the IP address range of "
                f"virtual network '{write.body['virtualNetworkName']}'.",
            )


def subnet_overlaps_none(write: Write) -> None:
    siblings = [
        one
        for one in write.world.of("network:Subnet")
        if parent_id(one.arm_id).lower() == parent_id(write.arm_id).lower()
        and one.arm_id.lower() != write.arm_id.lower()
    ]
    for sibling in siblings:
        if any(a.overlaps(b) for a in prefixes(write.body) for b in prefixes(sibling.body)):
            raise bad_request(
                "NetcfgSubnetRangesOverlap",
                f"Subnet '{write.name}' is not valid because its IP address range overlaps with that of an existing subnet "
                f"'{sibling.name}' in virtual network '{write.body['virtualNetworkName']}'.",
            )


def used_subnet_keeps_its_range(write: Write) -> None:
    if write.existing is None or prefixes(write.existing.body) == prefixes(write.body):
        return
    users = write.world.referrers(write.arm_id)
    if users:
        raise bad_request(
            "InUsePrefixCannotBeDeleted",
            f"IpPrefix of subnet {write.name} is in use by {users[0].arm_id} and cannot be deleted.",
        )


def group_id_is_offered(write: Write) -> None:
    for connection in write.value("privateLinkServiceConnections") or ():
        kind = arm_type(connection.get("privateLinkServiceId", ""))
        offered = GROUP_IDS.get(kind.lower(), frozenset())
        wanted = connection.get("groupIds") or ["(none)"]
        if not set(wanted) <= offered:
            raise bad_request(
                "PrivateLinkServiceGroupIdInvalid",  # named here; "Invalid groupId" is what resource providers answer
                f"Call to {kind} failed. Error message: Invalid groupId {', '.join(wanted)}; offered: "
                f"{', '.join(sorted(offered)) or 'no private link'}.",
            )


def port_wildcard_stands_alone(write: Write) -> None:
    """`*` is a value of `destinationPortRange`; the plural property takes ports and ranges only."""
    for rule in write.value("securityRules") or ():
        if "*" in (rule.get("destinationPortRanges") or ()):
            raise bad_request(
                "SecurityRuleInvalidPortRange",
                f"Security rule has invalid Port range. Value provided: *. Rule: {rule.get('name')} of {write.arm_id}.",
            )


def prefixes(body: Mapping[str, Any]) -> list[Network]:
    """The address ranges of a subnet, however they were given."""
    single = body.get("addressPrefix")
    return list(_networks(body.get("addressPrefixes") or ([single] if single else ())))


def _networks(given: Any) -> Iterator[Network]:
    for one in given or ():
        try:
            yield ipaddress.ip_network(one)
        except ValueError as error:
            raise bad_request(
                "InvalidCIDRNotation", f"The address prefix {one} is not valid: {error}."
            ) from error


def _lies_in(inner: Network, outer: Network) -> bool:
    same = inner.version == outer.version
    return same and inner.subnet_of(outer)  # type: ignore[arg-type]
