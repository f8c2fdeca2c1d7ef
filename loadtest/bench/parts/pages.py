"""What web answers, by wrk: both halves of a launch, Graph's posts, the portal's pages."""

from collections.abc import Callable

from loadtest.bench.parts.prepared import FIRST_CSN
from loadtest.bench.parts.sides import Side
from loadtest.bench.wrk import Errand, Measured, NotMeasured, Request, Wrk

NOTIFICATIONS = "/graph/notifications"
# What a redirect of each half holds: the EHR's question, the meeting.
_TO_THE_EHR, _TO_THE_MEETING = "code_challenge=", "/l/meetup-join/"
_FOUND, _SEE_OTHER, _ACCEPTED = 302, 303, 202
# Launches of a visit lie so many launches apart; more of them than wrk has connections.
_APART = 100
# A second half waits for two answers of the outside at least.
_SECOND_HALVES_A_SECOND = 120


def launch(side: Side, wrk: Wrk) -> Measured:
    """From the EHR's click to the EHR's sign-in."""
    errand = Errand(requests=[side.browsers.first_half], status=_FOUND, place=_TO_THE_EHR)
    return wrk(errand, *side.web)


def callback(side: Side, wrk: Wrk) -> Measured:
    """From the EHR's sign-in to the meeting. Every visit is launched twice; the first halves are not measured."""
    many = max(wrk.connections, wrk.seconds * _SECOND_HALVES_A_SECOND)
    numbers = range(side.launched, side.launched + many)
    begun = side.browsers.at_once(side.browsers.begin, [csn_of(one) for one in numbers])
    errand = Errand(requests=begun, status=_SEE_OTHER, place=_TO_THE_MEETING, once=True)
    measured = wrk(errand, *side.web)
    side.launched += measured.count
    return measured


def csn_of(number: int) -> int:
    """The visit of the n-th launch of a side: a new one, then the clinician's return to an earlier one."""
    first = FIRST_CSN + 1_000_000
    return first + (number // 2 if number % 2 == 0 else max(0, (number - _APART) // 2))


def webhook(side: Side, wrk: Wrk) -> Measured:
    """Graph's post, until it is stored; the answer alone does not tell whether it was."""
    before = side.database.count("graph_notification")
    errand = Errand(
        requests=[Request(NOTIFICATIONS, method="POST")],
        status=_ACCEPTED,
        body=side.prepared.heard.post,
    )
    measured = wrk(errand, *side.web)
    stored = side.database.count("graph_notification") - before
    if stored < measured.count - wrk.connections:
        raise NotMeasured(f"of {measured.count} notifications {stored} were stored")
    with side.database.writing() as connection:
        connection.execute("DELETE FROM graph_notification")
    return measured


def portal(path_of: Callable[[str], str]) -> Callable[[Side, Wrk], Measured]:
    """A page for the admin who is signed in; `path_of` an environment."""

    def page(side: Side, wrk: Wrk) -> Measured:
        path = path_of(side.prepared.environment_id)
        return wrk(Errand(requests=[Request(path, side.prepared.heard.portal_cookie)]), *side.web)

    return page
