"""What is said of every finding of an examination: cause, remedy, who can help (E1, E2, F20).

The portal, the API and `connector doctor` all take their words from here. What went wrong on the
way to a server is worded by `probe_words`, as on the entry page. `docs/runbooks/doctor.md` has a
heading for every check.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from string import Template

from connector.domain.findings import Check, Finding, Verdict
from connector.web.finding_causes import SAID, Who
from connector.web.probe_words import EXPLAINED

RUNBOOK = "doctor"


@dataclass(frozen=True, slots=True)
class FindingWords:
    """`cause` and `remedy` are sentences; the remedy is empty where nothing need be done."""

    title: str
    cause: str
    remedy: str
    who: Who
    runbook: str


@dataclass(frozen=True, slots=True)
class _About:
    """A check: its title, what holds when it passed, and who can help when nothing better is known."""

    title: str
    passed: str
    failed: str
    who: Who


ABOUT: dict[Check, _About] = {
    Check.DATABASE: _About(
        "The connector's database",
        "It answers, takes writes and has this version's tables.",
        "The connector's database cannot be used.",
        Who.OPERATOR,
    ),
    Check.WORKER: _About(
        "The connector's worker",
        "It runs: events are applied and write-backs delivered.",
        "The connector's worker could not be examined.",
        Who.OPERATOR,
    ),
    Check.PUBLISHED_KEYS: _About(
        "The connector's published keys",
        "EHRs can fetch the keys that the connector signs with.",
        "The keys that EHRs fetch at the connector's public address cannot be read.",
        Who.OPERATOR,
    ),
    Check.WEBHOOK: _About(
        "The address Graph sends events to",
        "It can be reached and answers Graph's handshake.",
        "The address Graph sends events to does not answer Graph's handshake.",
        Who.OPERATOR,
    ),
    Check.ADDRESS: _About(
        "The address",
        "The host has a public address.",
        "The host cannot be looked up or may not be called.",
        Who.ADMIN,
    ),
    Check.CONNECTION: _About(
        "The secure connection",
        "The server accepts it, and its certificate is valid.",
        "No secure connection could be made.",
        Who.EHR_CONTACT,
    ),
    Check.METADATA: _About(
        "The FHIR server",
        "A FHIR R4 server answers.",
        "The server's capability statement could not be read.",
        Who.EHR_CONTACT,
    ),
    Check.SMART_CONFIGURATION: _About(
        "The SMART configuration",
        "It holds everything a launch needs.",
        "The SMART configuration lacks something or could not be read.",
        Who.EHR_CONTACT,
    ),
    Check.VERSION_SUFFIX: _About(
        "The end of the address",
        "It names the FHIR server the connector works with.",
        "The address does not lead to a FHIR R4 server with SMART.",
        Who.ADMIN,
    ),
    Check.EHR_CLOCK: _About(
        "The EHR's clock",
        "It agrees with the connector's.",
        "The EHR's clock could not be compared.",
        Who.EHR_CONTACT,
    ),
    Check.PINNED_ENDPOINTS: _About(
        "The approved sign-in addresses",
        "The EHR still publishes what was approved.",
        "The EHR's sign-in addresses could not be compared.",
        Who.ADMIN,
    ),
    Check.GRANT_TYPES: _About(
        "The ways to get a token",
        "The EHR offers the two that launches and write-backs use.",
        "The EHR's grant types could not be read.",
        Who.EHR_CONTACT,
    ),
    Check.SCOPES: _About(
        "The scopes",
        "The EHR knows every scope that the connector asks for.",
        "The EHR's scopes could not be read.",
        Who.EHR_CONTACT,
    ),
    Check.CLIENT_KNOWN: _About(
        "The connector's client at the EHR",
        "The EHR knows the client ID for write-back and accepts the connector's key.",
        "The EHR did not give the connector a token.",
        Who.EHR_CONTACT,
    ),
    Check.WRITE_BACK: _About(
        "The permission to write back",
        "The client for write-back may report who connected.",
        "The connector cannot report to the EHR who connected.",
        Who.EHR_CONTACT,
    ),
    Check.GRAPH_CLOCK: _About(
        "Microsoft's clock",
        "Graph answers, and its clock agrees with the connector's.",
        "Graph could not be reached.",
        Who.OPERATOR,
    ),
    Check.CONSENT: _About(
        "The consent of your Microsoft 365 tenant",
        "The connector has every Graph permission it needs.",
        "Microsoft did not give the connector a token for your tenant.",
        Who.ADMIN,
    ),
    Check.MEETING_POLICY: _About(
        "The application access policy",
        "The connector may make meetings for the approver's account.",
        "Graph refused to show the meetings of the approver's account.",
        Who.TEAMS_ADMIN,
    ),
}

_LATER = "Examine again in a few minutes."

# Skipped, or gone wrong in a way that any check can.
_ANYWHERE: dict[str, tuple[str, str]] = {
    "rests_on": ("Not examined: “$other” comes first.", "Put that right, then examine again."),
    "out_of_time": ("Not examined: the earlier checks took too long.", _LATER),
    "locked": ("The database was busy.", _LATER),
}


def words_of(finding: Finding) -> FindingWords:
    """Everything there is to say of a finding; a code nobody foresaw is named in the cause."""
    about = ABOUT[finding.check]
    cause, remedy, who = _said(finding, about)
    facts = dict(finding.facts)
    if facts.get("check") in set(Check):
        facts["other"] = ABOUT[Check(facts["check"])].title
    return FindingWords(
        about.title,
        Template(cause).safe_substitute(facts),
        Template(remedy).safe_substitute(facts),
        who if remedy else Who.NOBODY,
        f"{RUNBOOK}#{finding.check.value.replace('_', '-')}",
    )


def finding_as_json(finding: Finding) -> dict[str, object]:
    """A finding with its words, of JSON's own types."""
    words = words_of(finding)
    return {
        "check": finding.check.value,
        "verdict": finding.verdict.value,
        "code": finding.code,
        "facts": dict(finding.facts),
        "title": words.title,
        "cause": words.cause,
        "remedy": words.remedy,
        "who": words.who.value,
        "runbook": words.runbook,
    }


def _said(finding: Finding, about: _About) -> tuple[str, str, Who]:
    if not finding.code:
        return about.passed, "", Who.NOBODY
    if own := SAID.get((finding.check, finding.code)):
        return own
    if anywhere := _ANYWHERE.get(finding.code):
        return *anywhere, Who.NOBODY if finding.verdict is Verdict.SKIPPED else about.who
    if network := EXPLAINED.get(finding.code):
        return network[0], _remedy(finding.check, network[1]), about.who
    cause = f"{about.failed} ({finding.code})"
    return cause, f"Look up “{finding.code}” in the runbook.", about.who


# Words made for the EHR's address do not fit a server that is ours or Microsoft's.
_OTHERS: Mapping[Check, str] = {
    Check.PUBLISHED_KEYS: "See that CONNECTOR_PUBLIC_URL can be reached from the Internet, with a valid certificate.",
    Check.WEBHOOK: "See that CONNECTOR_PUBLIC_URL can be reached from the Internet, with a valid certificate.",
    Check.GRAPH_CLOCK: "See that the connector may reach Graph, and what Microsoft's service health says.",
    Check.CONSENT: _LATER,
    Check.MEETING_POLICY: _LATER,
}


def _remedy(check: Check, otherwise: str) -> str:
    return _OTHERS.get(check, otherwise)
