"""What a person does about each point of readiness; docs/runbooks/promotion.md says it at length."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Words:
    """`remedy` may name facts of the item in braces."""

    title: str
    remedy: str


_WORDS: Final[dict[str, Words]] = {
    "test_approved": Words(
        "Test is approved and live",
        "Test's newest configuration is {state}. Have its approver approve it in the portal.",
    ),
    "test_visits": Words(
        "A test visit was held and reported",
        "Hold one visit in test since its approval, with a patient, and end it. If that was done, "
        "an operator looks for parked write-backs: connector outbox list.",
    ),
    "records_verified": Words(
        "Integration records of test came back unchanged",
        "{verified} of {issued} are verified. The EHR analyst pastes each record from the EHR into "
        "the verifier on the environment's page.",
    ),
    "production_probed": Words(
        "The production EHR answers",
        "{host} did not: {reason} ({code}). The EHR technical contact checks the FHIR base URL; "
        "the doctor page of the portal tells more.",
    ),
    "address_free": Words(
        "The production address is free",
        "It is {environment}'s. Enter production's own FHIR base URL, or ask the tenant that holds "
        "it to share it.",
    ),
    "clients_of_production": Words(
        "Production has client ids of its own",
        "Not given: {missing}. Of test: {of_test}. The EHR analyst looks up production's.",
    ),
    "approver_known": Words(
        "The approver is a member of the tenant",
        "Microsoft says: {reason} ({code}). Correct the sign-in name.",
    ),
    "licence_confirmed": Words(
        "The licence is confirmed",
        "An administrator confirms it in the portal, page Your tenant.",
    ),
    "nothing_pending": Words(
        "Nothing else waits in production",
        "Revision {number} waits for its approver; applying replaces it.",
    ),
}


class _Facts(dict[str, str]):
    def __missing__(self, _name: str) -> str:
        return "none"


def words_for(item: Mapping[str, Any]) -> Words:
    """Filled in with the item's facts; a point this version does not know shows its facts."""
    known = _WORDS.get(item["readiness"])
    facts: Mapping[str, str] = item["facts"]
    if known is None:
        shown = ", ".join(f"{name} {value}" for name, value in facts.items())
        return Words(str(item["readiness"]), shown)
    return Words(known.title, known.remedy.format_map(_Facts(facts)))
