"""The one list of rules; `check` asks all of them.

A rule's `alone` part refuses a resource before it is created, its `together` part needs the stamp
as a whole. Both speak under the same id.
"""

from collections.abc import Iterator, Sequence

from ehr_infra.rules import access, continuity, oversight, release, residency, transmission
from ehr_infra.rules.model import Facts, Fault, Finding, Resource, Rule, Safeguard

RULES = (
    Rule(
        "R01",
        "Every resource lies in the stamp's data geography; only DNS zones, action groups and alerts may be global.",
        "Data about patients must not leave the geography a customer chose.",
        Safeguard.ACCESS,
        alone=residency.in_geography,
    ),
    Rule(
        "R02",
        "The database is backed up to the paired region only if that lies in the same geography and country.",
        "A geo-redundant backup is a second copy of all patients, in another jurisdiction.",
        Safeguard.CONTINGENCY,
        alone=residency.backups_stay,
    ),
    Rule(
        "R03",
        "Nothing is replicated outside the geography.",
        "A replica is a second copy that no application controls.",
        Safeguard.ACCESS,
        alone=residency.replicas_stay,
    ),
    Rule(
        "R04",
        "The database has no public address.",
        "A reachable database is tried by everybody.",
        Safeguard.ACCESS,
        alone=access.database_is_private,
    ),
    Rule(
        "R05",
        "Vault, registry and storage have no public address.",
        "One leaked credential would open them from anywhere.",
        Safeguard.ACCESS,
        alone=access.stores_are_private,
    ),
    Rule(
        "R06",
        "What is deleted in the vault can be recovered for 90 days and purged by nobody.",
        "A key that is gone takes what it encrypted with it.",
        Safeguard.CONTINGENCY,
        alone=access.vault_survives_deletion,
    ),
    Rule(
        "R07",
        "The vault grants by role assignment only.",
        "Access policies let whoever may write the vault grant himself its secrets.",
        Safeguard.ACCESS,
        alone=access.vault_grants_by_role,
    ),
    Rule(
        "R08",
        "The database signs in with Entra identities and has no passwords.",
        "A password leaks, is shared and says nothing about who used it.",
        Safeguard.ACCESS,
        alone=access.database_signs_in_with_entra,
    ),
    Rule(
        "R09",
        "Everything speaks TLS 1.2 or later, and plain HTTP only redirects.",
        "What patients and clinicians send can be read on the way otherwise.",
        Safeguard.TRANSMISSION,
        alone=transmission.encrypted,
    ),
    Rule(
        "R10",
        "No secret stands in an environment variable or in an app's own secrets.",
        "It would lie in the state, the portal and every export.",
        Safeguard.ACCESS,
        alone=access.no_literal_secrets,
    ),
    Rule(
        "R11",
        "In production the environment, the database and the registry span availability zones.",
        "Visits stop when one zone does otherwise.",
        Safeguard.CONTINGENCY,
        alone=continuity.zone_redundant,
    ),
    Rule(
        "R12",
        "In production an app has a replica in each zone and scales; full pools fit the database.",
        "A busy morning ends in refused connections otherwise.",
        Safeguard.CONTINGENCY,
        alone=continuity.enough_replicas,
        together=continuity.pools_fit,
    ),
    Rule(
        "R13",
        "Images are named by digest and come from the stamp's own registry.",
        "A tag may be another image tomorrow; another registry is somebody else's decision.",
        Safeguard.INTEGRITY,
        alone=release.image_by_digest,
        together=release.image_from_own_registry,
    ),
    Rule(
        "R14",
        "In production what bears data is protected, and kept in Azure when it leaves the program.",
        "One destroy would delete it.",
        Safeguard.INTEGRITY,
        alone=continuity.data_is_kept,
    ),
    Rule(
        "R15",
        "Whatever takes tags says its app, geography, environment, data class, owner, cost centre, manager and stack.",
        "Nobody can tell whose it is and what it may hold otherwise.",
        Safeguard.AUDIT,
        alone=oversight.tagged,
    ),
    Rule(
        "R16",
        "Registry and storage take identities: no shared password or key, nobody anonymous.",
        "A shared key leaves no trace of who used it.",
        Safeguard.ACCESS,
        alone=access.registry_and_storage_take_identities,
    ),
    Rule(
        "R17",
        "The internet reaches the gateway's 443 and nothing else.",
        "Everything else would be reached past the firewall.",
        Safeguard.ACCESS,
        alone=transmission.closed_to_the_internet,
    ),
    Rule(
        "R18",
        "Logs and telemetry take identities, no key of the workspace is used.",
        "Who has a key can write false entries into the trail.",
        Safeguard.AUDIT,
        alone=access.telemetry_takes_identities,
    ),
    Rule(
        "R19",
        "Production runs no simulator and points at none.",
        "Invented patients would stand beside real ones.",
        Safeguard.INTEGRITY,
        alone=release.no_simulators,
    ),
    Rule(
        "R20",
        "The gateway's web application firewall is on and prevents.",
        "A firewall that only detects lets attacks through.",
        Safeguard.ACCESS,
        alone=transmission.firewall_prevents,
    ),
    Rule(
        "S01",
        "Vault, database, environment, registry and gateway send their logs to the stamp's workspace.",
        "Nobody could tell who read what otherwise.",
        Safeguard.AUDIT,
        together=oversight.audited,
    ),
    Rule(
        "S02",
        "All regional resources lie in one region.",
        "A stamp over two regions fails with either.",
        Safeguard.CONTINGENCY,
        together=residency.one_region,
    ),
    Rule(
        "S03",
        "Every alert reaches the stamp's action group, which in production has a receiver.",
        "An outage at night is noticed by patients otherwise.",
        Safeguard.CONTINGENCY,
        together=oversight.somebody_is_woken,
    ),
    Rule(
        "S04",
        "A stamp is made of known types, by its own provider, and reads no other stack.",
        "Nobody decided how an unknown type is secured; a default provider takes any subscription.",
        Safeguard.INTEGRITY,
        alone=release.known_types,
        together=release.no_stack_references,
    ),
)

_BY_ID = {each.id: each for each in RULES}


def rule(identifier: str) -> Rule:
    """The rule of that id.

    Raises:
        KeyError: there is none.
    """
    return _BY_ID[identifier]


def check(resources: Sequence[Resource], facts: Facts) -> list[Finding]:
    """Everything that is wrong with a stamp, in the order of the rules."""
    return [
        Finding(each.id, resource.name if resource else facts.stack, says)
        for each in RULES
        for resource, says in _broken(each, resources, facts)
    ]


def as_markdown() -> str:
    """The rules as the table of the documents."""
    rows = [
        f"| {each.id} | {each.title} | {each.why} | {each.safeguard} ({each.safeguard.section}) |"
        for each in RULES
    ]
    return "\n".join(
        ["| rule | what holds | why | HIPAA safeguard (45 CFR) |", "|---|---|---|---|", *rows]
    )


def _broken(one: Rule, resources: Sequence[Resource], facts: Facts) -> Iterator[Fault]:
    if one.alone:
        for resource in resources:
            for says in one.alone(resource, facts):
                yield Fault(resource, says)
    if one.together:
        yield from one.together(resources, facts)
