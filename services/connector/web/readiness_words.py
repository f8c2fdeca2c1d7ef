"""What is said of every point of a promotion plan: what it is, what is missing, who does what about it."""

from dataclasses import dataclass

from connector.domain.errors import Reason, Refused
from connector.domain.promotion import Item, Readiness
from connector.web.field_labels import LABELS
from connector.web.probe_words import explanation
from connector.web.refusals import PROBLEMS


@dataclass(frozen=True, slots=True)
class ReadinessWords:
    """`cause`, `remedy` and `who` are empty where the point is ready."""

    title: str
    cause: str = ""
    remedy: str = ""
    who: str = ""


_ADMIN, _ANALYST, _CONTACT = (
    "Microsoft 365 administrator",
    "EHR analyst",
    "EHR technical contact",
)

_WORDS: dict[Readiness, ReadinessWords] = {
    Readiness.TEST_APPROVED: ReadinessWords(
        "The test configuration is approved",
        "The newest revision of test is not live.",
        "Have the approver approve it.",
        _ADMIN,
    ),
    Readiness.TEST_VISITS: ReadinessWords(
        "A test visit was held, and the EHR heard of it",
        "Since this revision was approved, no test visit ended with everything written back.",
        "Begin a test visit as a clinician and as a patient, and end the meeting.",
        _ANALYST,
    ),
    Readiness.RECORDS_VERIFIED: ReadinessWords(
        "The test records came back from the EHR unchanged",
        "Not every integration record of test was pasted back.",
        "Paste each record back on the page of the test environment.",
        _ANALYST,
    ),
    Readiness.PRODUCTION_PROBED: ReadinessWords(
        "The production EHR answers at its FHIR base URL", who=_CONTACT
    ),
    Readiness.ADDRESS_FREE: ReadinessWords(
        "No other environment uses this FHIR base URL",
        "Another environment was approved with it.",
        "Enter production's own address, or ask the owner to share this one.",
        _ADMIN,
    ),
    Readiness.CLIENTS_OF_PRODUCTION: ReadinessWords(
        "The client IDs are production's own",
        "A client ID is missing, or is the one of test.",
        "Enter the client IDs your EHR registered for production.",
        _ADMIN,
    ),
    Readiness.APPROVER_KNOWN: ReadinessWords(
        "The approver is a member of your tenant",
        who=_ADMIN,
    ),
    Readiness.LICENCE_CONFIRMED: ReadinessWords(
        "The licences for production are confirmed",
        "Nobody confirmed yet that your organization holds them.",
        "Confirm them on the page Your tenant.",
        _ADMIN,
    ),
    Readiness.NOTHING_PENDING: ReadinessWords(
        "Nothing else waits for approval in production",
        "A production revision is waiting. Applying this plan replaces it.",
        "Nothing, if that is what you want.",
        _ADMIN,
    ),
}


def words_of(item: Item) -> ReadinessWords:
    """What is said of one point of a plan."""
    words = _WORDS[item.readiness]
    if item.ready:
        return ReadinessWords(words.title)
    if words.cause:
        return ReadinessWords(words.title, words.cause + _named(item), words.remedy, words.who)
    cause, remedy = _from_outside(item)
    return ReadinessWords(words.title, cause, remedy, words.who)


def _named(item: Item) -> str:
    """The client ids that are wrong, by the names of their fields."""
    names = [n for why in ("missing", "of_test") for n in item.facts.get(why, "").split(", ") if n]
    return f" {', '.join(LABELS[f'client_{name}'] for name in names)}." if names else ""


def _from_outside(item: Item) -> tuple[str, str]:
    """(cause, remedy) of what the EHR or the directory answered."""
    reason = Reason(item.facts["reason"])
    if item.readiness is Readiness.PRODUCTION_PROBED:
        return explanation(Refused(reason, facts=item.facts))
    return PROBLEMS[reason].cause, PROBLEMS[reason].remedy
