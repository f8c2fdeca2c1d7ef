"""What a patient is told when something is in the way: cause, what to do, and a hint for the tester.

| error              | status | why                                                         |
|--------------------|--------|-------------------------------------------------------------|
| EhrUnavailable     | 503    | the EHR is down or slow; the same page works later          |
| EhrAnswerUnusable  | 502    | the portal and the EHR do not understand one another        |
| UnknownToEhr       | 404    | the account has no such visit                               |
| AccountUnknown     | 404    | the EHR was reset since the log-in                          |
| LaunchRefused      | 409    | the EHR does not open this visit now; its words say why     |
"""

from dataclasses import dataclass, replace
from typing import Final

from mock_mychart.ehr import (
    AccountUnknown,
    EhrAnswerUnusable,
    EhrError,
    EhrUnavailable,
    LaunchRefused,
    Refusal,
    UnknownToEhr,
)

CALL_THE_CLINIC: Final = (
    "If your visit is due now, call the clinic: the number is on your appointment letter."
)


@dataclass(frozen=True, slots=True)
class Explanation:
    """One page: ``remedies`` are sentences for the patient, ``tester_hint`` is for the sandbox."""

    status: int
    title: str
    cause: str
    remedies: tuple[str, ...]
    tester_hint: str = ""
    may_retry: bool = False


BY_ERROR: Final[dict[type[EhrError], Explanation]] = {
    EhrUnavailable: Explanation(
        503,
        "Your health record is not answering",
        "MyChart cannot reach the hospital's record system right now. Nothing you did is lost.",
        ("Wait a minute, then try again.", CALL_THE_CLINIC),
        "Is mock_fhir running, and has its /sim/faults been cleared?",
        may_retry=True,
    ),
    EhrAnswerUnusable: Explanation(
        502,
        "MyChart cannot read the hospital's answer",
        "The hospital's record system answered in a way MyChart does not understand.",
        ("Trying again will not help until the hospital has mended it.", CALL_THE_CLINIC),
        "Does ehr_key match mychart_key of mock_fhir? Both journals show the exchange.",
    ),
    UnknownToEhr: Explanation(
        404,
        "We cannot find this appointment",
        "It may have been moved, or it belongs to another account.",
        ("Choose the visit from your list of appointments.",),
        "Was the EHR reset or seeded anew? Identifiers change with it.",
    ),
    AccountUnknown: Explanation(
        404,
        "The hospital does not know this account any more",
        "Your account was closed or replaced since you logged in.",
        ("Log out, then log in again.",),
        "Was the EHR reset or seeded anew since the log-in?",
    ),
}

BY_REFUSAL: Final[dict[str, Explanation]] = {
    "no-integration-record": Explanation(
        409,
        "Virtual visits are not set up yet",
        "The hospital has not finished connecting MyChart with its video visits.",
        (CALL_THE_CLINIC, "Ask whether your visit can be held by phone."),
        "An EHR analyst pastes the patient record of the connector's portal at the EHR's fdi/ page "
        "of this environment, with the client it belongs to.",
    ),
    "visit-not-open": Explanation(
        409,
        "This visit cannot begin now",
        "The visit is not open.",
        (
            "If it is too early, come back at the time told above and try again from this page.",
            "If the visit is over, check that you chose today's visit.",
            "If it was cancelled or missed, call the clinic to make a new appointment.",
        ),
        "The EHR decides by its own clock: move it with mock_fhir's /sim/clock.",
        may_retry=True,
    ),
    "too-early": Explanation(
        409,
        "It is too early to begin",
        "The visit cannot be opened yet.",
        ("Come back closer to the start of your visit.", "Try again from this page at that time."),
        "The EHR decides by its own clock: move it with mock_fhir's /sim/clock.",
        may_retry=True,
    ),
    "cancelled": Explanation(
        409,
        "This visit was cancelled",
        "The appointment does not take place.",
        ("Call the clinic to make a new appointment.",),
    ),
    "ended": Explanation(
        409,
        "This visit is over",
        "The time of the appointment has passed.",
        ("Check that you chose today's visit from your list of appointments.", CALL_THE_CLINIC),
    ),
    "not-virtual": Explanation(
        409,
        "This is a visit in person",
        "The appointment has no video visit.",
        ("Come to the clinic at the time of your appointment, or call to change it.",),
    ),
}

OTHER_REFUSAL: Final = Explanation(
    409,
    "This visit cannot begin now",
    "The hospital does not open this visit at the moment.",
    ("Try again in a few minutes.", CALL_THE_CLINIC),
    may_retry=True,
)


def explain(error: EhrError) -> Explanation:
    """The page for an error; the EHR's own words, when it has any, replace the cause."""
    if isinstance(error, LaunchRefused):
        return _explain_refusal(error.refusal)
    return BY_ERROR.get(type(error), BY_ERROR[EhrAnswerUnusable])


def _explain_refusal(refusal: Refusal) -> Explanation:
    known = BY_REFUSAL.get(refusal.code, OTHER_REFUSAL)
    return replace(known, cause=refusal.message) if refusal.message else known
