"""What settings must not say together: one line a rule, told for those whose values were read."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from ehr_infra import capacity
from ehr_infra.geography import REGIONS, Environment, backup_problem
from ehr_infra.values import CHOSEN_ONCE

FEWEST_IN_PRODUCTION = 3  # one for each availability zone

REVISIONS_AT_ONCE = 2  # the stable one and the candidate

Found = Mapping[str, Any]


class Rule(NamedTuple):
    """`says` returns the problem, or None; it is asked once all it `needs` was read."""

    needs: tuple[str, ...]
    says: Callable[..., str | None]


def disagreements(found: Found, subscriptions: Mapping[str, list[str]]) -> list[str]:
    """Every rule's problem, in the order of the table."""
    known = {**found, "subscriptions": subscriptions}
    answers = (
        rule.says(*(known[name] for name in rule.needs))
        for rule in RULES
        if all(name in known for name in rule.needs)
    )
    return [problem for problem in answers if problem]


def _in_its_geography(location: str, geography: str) -> str | None:
    lies_in = REGIONS[location].geography
    if lies_in == geography:
        return None
    return f"location {location} lies in geography {lies_in.value!r}, but this stack is for {str(geography)!r}"


def _open_to_stamps(location: str) -> str | None:
    if REGIONS[location].stamp:
        return None
    return f"location {location} takes no stamp: ehr_infra/data/regions.json says why"


def _subscription_of_geography(
    subscription: str, geography: str, subscriptions: Mapping[str, list[str]]
) -> str | None:
    if subscription in subscriptions.get(geography, []):
        return None
    return f"subscriptionId {subscription} is not listed for {geography} in infra/stacks/subscriptions.json"


def _zones_in_production(location: str, environment: str) -> str | None:
    if environment == Environment.TEST or REGIONS[location].zones:
        return None
    return f"location {location} has no availability zones, which production needs"


def _backup_stays(location: str, geo_backup: bool, allowed: bool) -> str | None:  # noqa: FBT001
    if not geo_backup:
        return None
    problem = backup_problem(REGIONS[location], allow_cross_country=allowed)
    return f"geoBackup: {problem}" if problem else None


def _one_key_only(geo_backup: bool, encryption: str) -> str | None:  # noqa: FBT001
    if not geo_backup or encryption == "service":
        return None
    return "geoBackup with encryption customer needs a key in the paired region: choose one of both"


def _enough_replicas(least: int, most: int) -> str | None:
    return f"maxReplicas {most} is below minReplicas {least}" if most < least else None


def _replica_per_zone(least: int, environment: str) -> str | None:
    if environment == Environment.TEST or least >= FEWEST_IN_PRODUCTION:
        return None
    return f"minReplicas must be >= {FEWEST_IN_PRODUCTION} in production (one per zone)"


def _available(high_availability: bool, environment: str, sku: str) -> str | None:  # noqa: FBT001
    if high_availability and capacity.tier(sku) == "Burstable":
        return f"highAvailability needs a larger databaseSku than {sku}: Burstable has none"
    if environment == Environment.PRODUCTION and not high_availability:
        return "highAvailability must be true in production"
    return None


def _pools_fit(most: int, workers: int, threads: int, least: int, sku: str) -> str | None:
    asked = capacity.connections_asked(
        web_replicas=REVISIONS_AT_ONCE * most, workers=workers, threads=threads, others=2 * least
    )
    offered = capacity.user_connections(sku) or 0
    if asked <= offered:
        return None
    return (
        f"{REVISIONS_AT_ONCE} revisions x maxReplicas {most} x webWorkers {workers} x webThreads {threads}, worker and feed may open "
        f"{asked} database connections, {sku} has {offered}: fewer replicas or a larger databaseSku"
    )


def _written_down(chosen: Mapping[str, Any], environment: str) -> str | None:
    if chosen or environment == Environment.TEST:
        return None
    return (
        f"chosenOnce is missing: in production write down {', '.join(CHOSEN_ONCE)}, "
        "which no later run can change"
    )


def _as_chosen(key: str, chosen: Mapping[str, Any], value: Any) -> str | None:
    if not chosen or str(chosen[key]).lower() == str(value).lower():
        return None
    return (
        f"{key} was chosen once, as {chosen[key]}, and cannot become {value}: Azure would have to make "
        "the stamp anew (docs/new-geography.md)"
    )


def _no_simulators(simulators: bool, environment: str) -> str | None:  # noqa: FBT001
    if not simulators or environment == Environment.TEST:
        return None
    return "simulators must be false in production"


def _simulators_complete(
    simulators: bool,  # noqa: FBT001
    environment: str,
    image: str | None,
    config: Mapping[str, Any],
) -> str | None:
    if not simulators or environment == Environment.PRODUCTION or (image and config):
        return None
    return "simulators needs simulatorsImageDigest and simulatorsConfig (scripts/hosted_sandbox.py)"


def _candidate_needs_stable(weight: int, stable: str | None) -> str | None:
    if not weight or stable:
        return None
    return "candidateWeight needs stableRevision, which takes the rest of the traffic"


def _revision_needs_image(stable: str | None, image: str | None) -> str | None:
    return "stableRevision needs imageDigest" if stable and not image else None


def _other_portals(portals: Mapping[str, str], geography: str, host_name: str) -> str | None:
    ours = portals.get(geography)
    if ours is None or ours == f"https://{host_name}":
        return None
    return f"portals names {ours} for {geography}, but hostName is {host_name}"


RULES = (
    Rule(("location", "geography"), _in_its_geography),
    Rule(("location",), _open_to_stamps),
    Rule(("subscription_id", "geography", "subscriptions"), _subscription_of_geography),
    Rule(("location", "environment"), _zones_in_production),
    Rule(("location", "geo_backup", "allow_cross_country_backup"), _backup_stays),
    Rule(("geo_backup", "encryption"), _one_key_only),
    Rule(("min_replicas", "max_replicas"), _enough_replicas),
    Rule(("min_replicas", "environment"), _replica_per_zone),
    Rule(("high_availability", "environment", "database_sku"), _available),
    Rule(
        ("max_replicas", "web_workers", "web_threads", "min_replicas", "database_sku"), _pools_fit
    ),
    Rule(("simulators", "environment"), _no_simulators),
    Rule(
        ("simulators", "environment", "simulators_image_digest", "simulators_config"),
        _simulators_complete,
    ),
    Rule(("candidate_weight", "stable_revision"), _candidate_needs_stable),
    Rule(("stable_revision", "image_digest"), _revision_needs_image),
    Rule(("portals", "geography", "host_name"), _other_portals),
    Rule(("chosen_once", "environment"), _written_down),
    *(
        Rule(("chosen_once", setting), partial(_as_chosen, key))
        for key, setting in CHOSEN_ONCE.items()
    ),
)
