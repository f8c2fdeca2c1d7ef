"""What the simulated ARM refuses: decision tables from a request to the rules it must pass, in ARM's order."""

from collections.abc import Callable, Mapping

from rehearsal.arm.refusals import (
    access,
    apps,
    changes,
    database,
    gateway,
    monitoring,
    naming,
    network,
    placement,
)
from rehearsal.arm.refusals import references as referenced
from rehearsal.arm.refusals.deletion import refuse_deletion
from rehearsal.arm.world import Write

__all__ = ["refuse", "refuse_deletion"]

Rule = Callable[[Write], None]

EVERY_WRITE: tuple[Rule, ...] = (
    referenced.parent_exists,
    naming.name_is_allowed,
    placement.location_is_usable,
    placement.policy_allows_location,
    changes.create_only_inputs_are_unchanged,
    naming.public_name_is_free,
    referenced.references_exist,
    referenced.own_parts_exist,
    placement.zones_exist,
)

BY_TYPE: Mapping[str, tuple[Rule, ...]] = {
    "applicationinsights:WebTest": (monitoring.web_test_is_linked,),
    "app:ContainerApp": (apps.images_can_be_pulled, apps.suffix_is_fresh, apps.traffic_adds_up),
    "app:Job": (apps.images_can_be_pulled,),
    "app:ManagedEnvironment": (apps.environment_subnet_fits, apps.zone_redundancy_has_subnet),
    "authorization:RoleAssignment": (access.principal_is_known, access.grant_is_new),
    "dbforpostgresql:Server": (
        database.high_availability_is_possible,
        database.geo_backup_has_pair,
        database.geo_backup_has_own_key,
        database.key_can_be_used,
        database.storage_never_shrinks,
    ),
    "keyvault:Vault": (naming.vault_is_not_soft_deleted, changes.purge_protection_stays_on),
    "monitor:ActionGroup": (monitoring.short_name_is_short,),
    "network:ApplicationGateway": (
        gateway.subnet_is_its_own,
        gateway.gateway_manager_gets_in,
        gateway.certificates_can_be_read,
    ),
    "network:NetworkSecurityGroup": (network.port_wildcard_stands_alone,),
    "network:PrivateEndpoint": (network.group_id_is_offered,),
    "network:Subnet": (
        network.subnet_lies_in_network,
        network.subnet_overlaps_none,
        network.used_subnet_keeps_its_range,
    ),
}


def refuse(write: Write) -> None:
    """Raises the first refusal a write meets.

    Raises:
        ArmError: what ARM answers.
    """
    for rule in (*EVERY_WRITE, *BY_TYPE.get(write.kind.short, ())):
        rule(write)
