"""R11, R12, R14: the stamp survives a zone, a busy morning and a hasty destroy."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ehr_infra.capacity import SINGLE_PROCESS_POOL, user_connections
from ehr_infra.rules import arm
from ehr_infra.rules.model import UNKNOWN, Facts, Fault, Resource
from ehr_infra.rules.reading import Wanted, at, certain, differs, in_production, items, wanted
from ehr_infra.rules.release import is_simulator

FEWEST_REPLICAS = 3  # one a zone
_AZURE_MOST_REPLICAS = 10  # what Container Apps takes when maxReplicas is unset
_WEB_WORKERS = 2  # the connector's own defaults: docs/settings.md
_WEB_THREADS = 16
_SINGLE_PROCESSES = ("worker", "feed")
_STOPS = "visits stop when one availability zone does"

zone_redundant = in_production(
    wanted(
        Wanted(arm.ENVIRONMENT, "zoneRedundant", (True,), _STOPS),
        Wanted(arm.SERVER, "highAvailability.mode", ("ZoneRedundant",), _STOPS),
        Wanted(arm.REGISTRY, "zoneRedundancy", ("Enabled",), "no new replica starts without it"),
    )
)


def enough_replicas(resource: Resource, facts: Facts) -> Iterator[str]:
    """R12, what one app tells. A fixed number of replicas needs no rule to scale by."""
    if resource.type != arm.APP or not facts.production:
        return
    scale = at(resource.inputs, "template.scale")
    least, most = at(scale, "minReplicas"), at(scale, "maxReplicas")
    if least is not UNKNOWN and _count(least, 0) < FEWEST_REPLICAS:
        yield (
            f"template.scale.minReplicas is {'unset' if least is None else least}: {_STOPS}; "
            f"set it to {FEWEST_REPLICAS} or more, one a zone"
        )
    rules = at(scale, "rules")
    if certain([least, most, rules]) and differs(most, least) and not items(rules):
        yield (
            "template.scale.rules is empty: a busy morning is served by the fewest replicas; "
            "set a rule on concurrent requests, or maxReplicas to minReplicas"
        )


def pools_fit(resources: Sequence[Resource], _facts: Facts) -> Iterator[Fault]:
    """R12, what only app and database tell together: full pools do not exhaust the server."""
    asked = sum(_connections(app) for app in arm.of_type(resources, arm.APP))
    for server in arm.of_type(resources, arm.SERVER):
        sku = at(server.inputs, "sku.name")
        offered = None if sku is UNKNOWN else user_connections(str(sku))
        if offered is None and sku is not UNKNOWN:
            yield Fault(
                server,
                f"sku.name {sku} is in no table of ours: nobody knows how many connections it has; "
                "choose a size of ehr_infra/capacity.py or add it there",
            )
        if offered is not None and asked > offered:
            yield Fault(
                server,
                f"the apps may open {asked} connections at full scale, {sku} has {offered}: requests "
                "would be refused when it is busiest; lower maxReplicas, CONNECTOR_WEB_WORKERS or "
                "CONNECTOR_WEB_THREADS, or set a larger sku.name",
            )


def _connections(app: Resource) -> int:
    """Most connections of an app; 0 while its template is not known."""
    scale = at(app.inputs, "template.scale")
    if is_simulator(app) or not certain(at(scale, "maxReplicas")):
        return 0
    most = _count(at(scale, "maxReplicas"), _AZURE_MOST_REPLICAS)
    running = items(at(app.inputs, "template.containers"))
    return most * sum(_pools(each, app) for each in running if isinstance(each, Mapping))


def _count(value: Any, unset: int) -> int:
    """`unset` for what is no number, which Azure does not take."""
    return int(value) if isinstance(value, int | float) and value else unset


def _pools(container: Mapping[str, Any], app: Resource) -> int:
    """Connections one replica's container may hold: every process has a pool of its own.

    A container that does not say which process it runs is taken for web, which asks for most.
    """
    named = arm.variables(container)
    said = [*items(container.get("command")), *items(container.get("args"))]
    roles = [role for role in _SINGLE_PROCESSES if role in said or app.name.endswith(role)]
    if roles:
        return _number(named.get("CONNECTOR_WEB_THREADS"), SINGLE_PROCESS_POOL)
    workers = _number(named.get("CONNECTOR_WEB_WORKERS"), _WEB_WORKERS)
    return workers * _number(named.get("CONNECTOR_WEB_THREADS"), _WEB_THREADS)


def _number(value: Any, default: int) -> int:
    """0 for what is not known yet; what is no number does not start and opens nothing either."""
    if value is None:
        return default
    return int(value) if isinstance(value, str) and value.isdecimal() else 0


def data_is_kept(resource: Resource, facts: Facts) -> Iterator[str]:
    """R14. The policy pack cannot see retainOnDelete; the program's own tests can."""
    if resource.type not in arm.DATA_BEARING or not facts.production:
        return
    if not resource.protect:
        yield (
            "protect is off: one destroy, or one input that forces a replacement, deletes what "
            "patients' visits depend on; set protect=True"
        )
    if resource.retain_on_delete is False:
        yield (
            "retain_on_delete is off: a line removed from the program deletes the data in Azure; "
            "set retain_on_delete=True"
        )
