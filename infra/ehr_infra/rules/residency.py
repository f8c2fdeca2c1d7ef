"""R01, R02, R03, S02: nothing leaves the data geography, by its place or by replication."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ehr_infra.geography import Region, backup_problem, known
from ehr_infra.rules import arm
from ehr_infra.rules.model import UNKNOWN, Facts, Fault, Resource
from ehr_infra.rules.reading import at, differs, items, known_text

_PLACES = {"location", "locationName", "replicaLocation"}
_LEAVES = "data about patients would leave its geography"


def in_geography(resource: Resource, facts: Facts) -> Iterator[str]:
    """R01."""
    location = at(resource.inputs, "location")
    if location is None or location is UNKNOWN:
        return
    if _is_global(location):
        if resource.type not in arm.GLOBAL:
            yield (
                f"location is global: {_LEAVES}, only DNS zones, action groups and alerts may be "
                f"global; set it to the stamp's region in {facts.geography}"
            )
        return
    problem = _outside(location, facts)
    if problem:
        yield f"location {problem}: {_LEAVES}; set it to the stamp's region in {facts.geography}"


def backups_stay(resource: Resource, facts: Facts) -> Iterator[str]:
    """R02."""
    copied = at(resource.inputs, "backup.geoRedundantBackup")
    if resource.type == arm.SERVER and known_text(copied) == "enabled":
        for problem in _pair_problem(resource, facts):
            yield (
                f"backup.geoRedundantBackup is Enabled but {problem}: a copy of all patients' data "
                "has no place to go or the wrong one; set it to 'Disabled'"
            )


def replicas_stay(resource: Resource, facts: Facts) -> Iterator[str]:
    """R03."""
    sku = at(resource.inputs, "sku.name")
    if resource.type == arm.STORAGE and any(kind in known_text(sku) for kind in ("grs", "gzrs")):
        for problem in _pair_problem(resource, facts):
            yield (
                f"sku.name {sku} replicates but {problem}: the audit trail's copy has no place to go "
                "or the wrong one; set it to 'Standard_ZRS'"
            )
    if resource.type != arm.WEB_TEST:  # its places are where Microsoft pings from, no data is kept
        for place in _replicas(resource.inputs):
            outside = _outside(place, facts)
            if outside:
                yield f"a replica in {outside}: {_LEAVES}; replicate to {facts.geography} only"


def one_region(resources: Sequence[Resource], facts: Facts) -> Iterator[Fault]:
    """S02. What lies in another geography is R01's to say."""
    placed = [(each, _region(each)) for each in resources]
    inside = [
        (each, region) for each, region in placed if region and region.geography == facts.geography
    ]
    if not inside:
        return
    expected = known(facts.location) if facts.location else None
    home = expected.name if expected else _most(region.name for _, region in inside)
    for resource, region in inside:
        if region.name != home:
            yield Fault(
                resource,
                f"location is {region.name}, the stamp is in {home}: a stamp spread over regions "
                f"fails with either of them and pays for the traffic between; set it to {home!r}",
            )


def _is_global(location: Any) -> bool:
    return known_text(location).strip() == "global"


def _outside(location: Any, facts: Facts) -> str | None:
    """`brazilsouth lies in americas`, if it does not lie where the stamp must."""
    region = known(location) if isinstance(location, str) else None
    if region is None:
        return f"{location!r} is no region that ehr_infra/data/regions.json knows"
    if region.geography != facts.geography:
        return f"{region.name} lies in {region.geography}, this stamp is {facts.geography}'s"
    return None


def _region(resource: Resource) -> Region | None:
    location = at(resource.inputs, "location")
    return known(location) if isinstance(location, str) else None


def _pair_problem(resource: Resource, facts: Facts) -> Iterator[str]:
    region = _region(resource)
    allowed = facts.allow_cross_country_backup
    problem = region and backup_problem(region, allow_cross_country=allowed)
    if problem:
        yield problem


def _replicas(inputs: Mapping[str, Any]) -> Iterator[Any]:
    """Every place named below the top level: replications, failover lists, replicas."""
    for value in inputs.values():
        for mapping in _mappings(value):
            yield from (
                place
                for key, place in mapping.items()
                if key in _PLACES and differs(place, None, "global")
            )


def _mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        yield value
        for each in value.values():
            yield from _mappings(each)
    elif value is not UNKNOWN:
        for each in items(value):
            yield from _mappings(each)


def _most(names: Iterator[str]) -> str:
    """The most frequent; of equals the first by name, so the verdict does not depend on order."""
    counted = Counter(names)
    return min(counted, key=lambda name: (-counted[name], name))
