"""Where a resource may stand: locations, zones, and the allowed-locations policy."""

from typing import Any

from rehearsal.arm.errors import ArmError, bad_request
from rehearsal.arm.ids import arm_type, name_of, within
from rehearsal.arm.types import Placement
from rehearsal.arm.world import Resource, Write, plain_location, regions

ALLOWED_LOCATIONS = (
    "e56962a6-4747-49cd-b67b-bf8b01975c4c"  # built-in definition "Allowed locations"
)
# the built-in definition leaves these out
NOT_JUDGED = ("azure-native:resources:ResourceGroup",)


def location_is_usable(write: Write) -> None:
    """`LocationRequired`, `LocationNotAvailableForResourceType`, `InvalidLocation...`."""
    placement, location = write.kind.placement, write.location
    if placement is Placement.NONE or (
        placement is Placement.EITHER and location in ("", "global")
    ):
        return
    if not location:
        raise bad_request(
            "LocationRequired", "The location property is required for this definition."
        )
    kind = arm_type(write.arm_id)
    offered = ["global"] if placement is Placement.GLOBAL else _offering(kind)
    if location not in offered:
        raise bad_request(
            "LocationNotAvailableForResourceType",
            f"The provided location '{location}' is not available for resource type '{kind}'. List of available regions "
            f"for the resource type is '{','.join(offered)}'.",
        )


def zones_exist(write: Write) -> None:
    wanted = set(write.value("zones") or ())
    zones = regions()[write.location].zones if wanted else ()
    if not wanted <= set(zones):
        raise bad_request(
            "InvalidAvailabilityZone",
            f"The zone(s) '{','.join(sorted(wanted))}' for resource '{write.arm_id}' is not supported. The supported zones "
            f"for location '{write.location}' are '{','.join(zones)}'.",
        )
    if write.value("zoneRedundancy") == "Enabled" and not regions()[write.location].zones:
        raise bad_request(
            "ZoneRedundancyNotSupported",  # named here
            f"Zone redundancy is not supported in location '{write.location}'.",
        )


def policy_allows_location(write: Write) -> None:
    if write.location in ("", "global") or write.kind.token in NOT_JUDGED:
        return
    for assignment in write.world.of("authorization:PolicyAssignment"):
        if _denies(assignment, write):
            raise ArmError(
                403,
                "RequestDisallowedByPolicy",
                f"Resource '{write.name}' was disallowed by policy. Policy identifiers: "
                f'[{{"policyAssignment":{{"name":"{assignment.name}","id":"{assignment.arm_id}"}}}}].',
            )


def _denies(assignment: Resource, write: Write) -> bool:
    body = assignment.body
    applies = (
        within(write.arm_id, body["scope"])
        and name_of(str(body.get("policyDefinitionId"))) == ALLOWED_LOCATIONS
        and body.get("enforcementMode", "Default") == "Default"
    )
    return applies and write.location not in _allowed(body.get("parameters"))


def _allowed(parameters: Any) -> set[str]:
    listed = ((parameters or {}).get("listOfAllowedLocations") or {}).get("value") or ()
    return {plain_location(one) for one in listed}


def _offering(kind: str) -> list[str]:
    return [name for name, region in regions().items() if kind not in region.lacks]
