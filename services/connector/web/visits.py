"""A visit in the browser that launched it: the provider's live page, the patient's waiting page."""

from flask import Blueprint, Response, jsonify, redirect, render_template, url_for
from werkzeug.wrappers import Response as BaseResponse

from connector.domain.errors import Reason, Refused, ShownTime
from connector.domain.join_window import Hold, held_back
from connector.domain.participant import Role
from connector.domain.visit import Visit
from connector.domain.visit_settings import DEFAULTS, VisitSettings
from connector.web.context import allow_framing_by, web
from connector.web.redirects import to_teams
from connector.web.state_words import (
    HAPPENED,
    HOLD_WORDS,
    PATIENT_WORDS,
    PRESENCE_WORDS,
    ROLE_WORDS,
    people_in,
    provider_words,
)
from connector.web.visit_pass import VISIT_PASS, VisitPass

blueprint = Blueprint("visits", __name__, url_prefix="/visits")

_OVER = frozenset({Hold.ENDED, Hold.TOO_LATE})
_REFUSED_AS = {
    Hold.ENDED: Reason.VISIT_ENDED,
    Hold.TOO_LATE: Reason.JOIN_TOO_LATE,
    Hold.TOO_EARLY: Reason.JOIN_TOO_EARLY,
}


@blueprint.get("/<visit_id>")
def show(visit_id: str) -> str | BaseResponse:
    """Who is here, live. Patients are sent to their own page."""
    pass_ = _framed(_pass(visit_id))
    if pass_.role is Role.PATIENT:
        return redirect(url_for("visits.wait", visit_id=visit_id), 303)
    visit = _visit(visit_id)
    with web().store.read() as tx:
        events = [e for e in tx.visits.events_of(visit_id) if e.kind == "participant"]
        roster = tx.visits.roster(visit_id)
        environment = tx.configurations.environment(visit.environment_id)
    return render_template(
        "visit.html",
        visit=visit,
        words=provider_words(visit.state, roster),
        people=people_in(roster),
        events=events,
        presence_words=PRESENCE_WORDS,
        role_words=ROLE_WORDS,
        happened=HAPPENED,
        feed=f"{web().deployment.feed_url}/feed/visits/{visit_id}",
        environment=environment,
        zone=pass_.time_zone,
    )


@blueprint.get("/<visit_id>/wait")
def wait(visit_id: str) -> str | BaseResponse:
    """The patient's page: device test now, the meeting as soon as there is one and it is time."""
    pass_ = _framed(_pass(visit_id))
    visit = _visit(visit_id)
    hold = _hold(visit, pass_)
    if hold is None:
        return redirect(url_for("visits.join", visit_id=visit_id), 303)
    return render_template(
        "wait.html",
        visit=visit,
        hold=hold.value,
        over=hold in _OVER,
        in_browser=_settings(visit).browser_join,
        opens_at=pass_.opens_at if hold is Hold.TOO_EARLY else None,
        closes_at=pass_.closes_at if hold is Hold.TOO_LATE else None,
        zone=pass_.time_zone,
        words=HOLD_WORDS.get(hold) or PATIENT_WORDS[visit.state],
    )


@blueprint.get("/<visit_id>/status")
def status(visit_id: str) -> Response:
    """What the waiting page asks every two seconds; `reason` says what it waits for."""
    pass_ = _pass(visit_id)
    visit = _visit(visit_id)
    hold = _hold(visit, pass_)
    return jsonify(
        state=visit.state.value,
        can_join=hold is None,
        reason=hold and hold.value,
        opens_at=pass_.opens_at and pass_.opens_at.isoformat(),
        closes_at=pass_.closes_at and pass_.closes_at.isoformat(),
    )


@blueprint.get("/<visit_id>/join")
def join(visit_id: str) -> BaseResponse:
    pass_ = _framed(_pass(visit_id))
    visit = _visit(visit_id)
    if visit.meeting is None:
        return redirect(url_for("visits.wait", visit_id=visit_id), 303)
    hold = _hold(visit, pass_) if pass_.role is Role.PATIENT else None
    if hold:
        raise _refusal(hold, pass_)
    url = web().find_way_in(visit, pass_.role, _settings(visit))
    return to_teams(url, web().deployment.teams_hosts)


def _hold(visit: Visit, pass_: VisitPass) -> Hold | None:
    """A clinician's pass has no window: they wait for a meeting only."""
    return held_back(visit, pass_.window, web().clock.now())


def _refusal(hold: Hold, pass_: VisitPass) -> Refused:
    """Somebody asks for the meeting although their page held them back."""
    at = {Hold.TOO_EARLY: pass_.opens_at, Hold.TOO_LATE: pass_.closes_at}.get(hold)
    shown = ShownTime(at, pass_.time_zone) if at else None
    facts = {"visit": pass_.visit_id} if hold is Hold.TOO_EARLY else {}
    return Refused(_REFUSED_AS[hold], facts=facts, shown=shown)


def _framed(pass_: VisitPass) -> VisitPass:
    """The answer may be framed by whom the environment's approved revision names besides the EHR."""
    with web().store.read() as tx:
        visit = tx.visits.get(pass_.visit_id)
        door = visit and tx.configurations.door_of_environment(visit.environment_id)
    if door:
        allow_framing_by(pass_.fhir_base_url, door.revision.settings.frame_ancestors)
    return pass_


def _pass(visit_id: str) -> VisitPass:
    """The sealed cookie of this very visit (case 61)."""
    pass_ = VISIT_PASS.read(web().sealer, visit_id)
    if pass_ is None or pass_.visit_id != visit_id or pass_.expires_at < web().clock.now():
        raise Refused(Reason.VISIT_UNKNOWN)
    allow_framing_by(pass_.fhir_base_url)
    return pass_


def _settings(visit: Visit) -> VisitSettings:
    """As approved last; what was begun in an environment that was retired since goes on."""
    with web().store.read() as tx:
        door = tx.configurations.door_of_environment(visit.environment_id)
    return door.revision.settings if door else DEFAULTS


def _visit(visit_id: str) -> Visit:
    with web().store.read() as tx:
        visit = tx.visits.get(visit_id)
    if visit is None:
        raise Refused(Reason.VISIT_UNKNOWN)
    return visit
