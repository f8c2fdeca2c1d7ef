"""What the pages say of every state: a title, what to do next, and the tone it is shown in."""

from collections.abc import Sequence
from dataclasses import dataclass

from connector.domain.configuration import Revision, RevisionState
from connector.domain.join_window import Hold
from connector.domain.participant import Participant, Presence, Role
from connector.domain.visit import VisitState


@dataclass(frozen=True, slots=True)
class Words:
    """`tone` is a class of the style sheet: good, wait, bad or quiet."""

    title: str
    next: str
    tone: str


@dataclass(frozen=True, slots=True)
class Errand:
    """A page somebody must visit: whom its link is sent to, and the route that shows it."""

    whom: str
    route: str


NOTHING = Errand("", "")
APPROVE = Errand("the approver", "approvals.show_approval")
CORRECT = Errand("an administrator", "portal.new")
PASTE = Errand("the EHR analyst", "portal.show")
PROMOTE = Errand("an administrator", "promotion.begin")


@dataclass(frozen=True, slots=True)
class NextStep:
    text: str
    errand: Errand


REVISION_WORDS: dict[RevisionState, Words] = {
    RevisionState.DRAFT: Words("Draft", "An administrator finishes it.", "wait"),
    RevisionState.AWAITING_APPROVAL: Words("Waiting for approval", "", "wait"),
    RevisionState.CHANGES_REQUESTED: Words(
        "Changes requested", "An administrator enters a corrected revision.", "bad"
    ),
    RevisionState.ACTIVE: Words("Live", "Nobody: visits may be started from this EHR.", "good"),
    RevisionState.SUPERSEDED: Words(
        "Replaced", "Nobody: a newer revision took its place.", "quiet"
    ),
    RevisionState.RETIRED: Words(
        "Retired", "Nobody, unless an administrator enters a new revision.", "quiet"
    ),
}

PROVIDER_WORDS: dict[VisitState, Words] = {
    VisitState.WAITING_FOR_PROVIDER: Words(
        "Waiting for you", "Open the meeting. The patient is told to wait.", "wait"
    ),
    VisitState.WAITING_FOR_PATIENT: Words(
        "Waiting for the patient", "This page tells you when the patient arrives.", "wait"
    ),
    VisitState.LOBBY: Words(
        "The patient is in the lobby", "Open the meeting and admit the patient.", "wait"
    ),
    VisitState.IN_VISIT: Words("In the visit", "Both of you are connected.", "good"),
    VisitState.INTERRUPTED: Words(
        "Interrupted",
        "Somebody lost the connection. The meeting stays open, and they can come back.",
        "bad",
    ),
    VisitState.ENDED: Words(
        "Ended", "To go on, begin the visit again from your schedule.", "quiet"
    ),
    VisitState.PATIENT_NO_SHOW: Words(
        "The patient did not come",
        "To try once more, begin the visit again from your schedule.",
        "bad",
    ),
    VisitState.PROVIDER_NO_SHOW: Words(
        "The patient left before a clinician came",
        "Call the patient, then begin the visit again from your schedule.",
        "bad",
    ),
    VisitState.ABANDONED: Words(
        "Closed without a visit", "To go on, begin the visit again from your schedule.", "quiet"
    ),
}

# The clinician left and did not end the meeting: whoever stays can go on writing in its chat (E7).
PATIENT_LEFT_BEHIND = Words(
    "The patient is still in the meeting",
    "You left, but the meeting and its chat stay open until somebody ends it. Open the meeting and choose End meeting, or go on.",
    "bad",
)

_OVER = "If you still need to talk to your clinician, call the clinic."
_SOON = "This page goes on to the visit by itself."

PATIENT_WORDS: dict[VisitState, Words] = {
    VisitState.WAITING_FOR_PROVIDER: Words(
        "Your clinician has not started yet",
        f"They may still be with somebody else. Keep this page open. {_SOON}",
        "wait",
    ),
    VisitState.WAITING_FOR_PATIENT: Words("Your clinician is opening the visit", _SOON, "wait"),
    VisitState.LOBBY: Words("Your visit is open", _SOON, "good"),
    VisitState.IN_VISIT: Words("Your visit is open", _SOON, "good"),
    VisitState.INTERRUPTED: Words("Your visit is open", _SOON, "good"),
    VisitState.ENDED: Words("Your visit has ended", _OVER, "quiet"),
    VisitState.PATIENT_NO_SHOW: Words("The visit was closed", _OVER, "quiet"),
    VisitState.PROVIDER_NO_SHOW: Words(
        "The visit was closed", "Nobody could join you. Please call the clinic.", "bad"
    ),
    VisitState.ABANDONED: Words("The visit was closed", _OVER, "quiet"),
}

HOLD_WORDS: dict[Hold, Words] = {
    Hold.TOO_EARLY: Words("You are early", _SOON, "wait"),
    Hold.TOO_LATE: Words("The time of this visit has passed", _OVER, "quiet"),
}

PRESENCE_WORDS: dict[Presence, Words] = {
    Presence.CONNECTED: Words("Connected since", "", "good"),
    Presence.LOBBY: Words("In the lobby since", "", "wait"),
    Presence.DISCONNECTED: Words("Not connected since", "", "quiet"),
}

HAPPENED: dict[str, str] = {
    "connected": "connected",
    "disconnected": "disconnected",
    "lobby": "in the lobby",
}

ROLE_WORDS: dict[str, str] = {
    Role.PROVIDER: "Clinician",
    Role.PATIENT: "Patient",
    Role.OTHER: "Somebody else",
}
_SEVERAL = {**ROLE_WORDS, Role.PATIENT: "Patient or guest"}
_ORDER = list(Role)


def next_step(revision: Revision) -> str:
    """Who must act on a revision, and how."""
    if revision.state is not RevisionState.AWAITING_APPROVAL:
        return REVISION_WORDS[revision.state].next
    if revision.microsoft_signed_in_at is None:
        return "The approver opens the approval link and signs in with Microsoft."
    if revision.ehr_signed_in_at is None:
        return "The approver signs in to the EHR on the approval page."
    return "The approver reviews the configuration and approves it."


def provider_words(state: VisitState, roster: Sequence[Participant]) -> Words:
    """What the provider's page says of a visit; an interruption by whose side is gone."""
    here = {person.role for person in roster if person.presence is Presence.CONNECTED}
    if state is VisitState.INTERRUPTED and Role.PATIENT in here and Role.PROVIDER not in here:
        return PATIENT_LEFT_BEHIND
    return PROVIDER_WORDS[state]


def people_in(roster: Sequence[Participant]) -> list[tuple[str, Participant]]:
    """Everybody with what to call them, clinicians first; people of one role are numbered."""
    order = sorted(roster, key=lambda p: (_ORDER.index(p.role), p.key))
    return [(_called(p, [o for o in order if o.role is p.role]), p) for p in order]


def _called(person: Participant, alike: Sequence[Participant]) -> str:
    """Whoever came by a link counts as the patient; with several, some of them are company."""
    if len(alike) == 1:
        return ROLE_WORDS[person.role]
    return f"{_SEVERAL[person.role]} {alike.index(person) + 1}"
