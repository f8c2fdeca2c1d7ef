"""A visit in the browser that launched it: the provider's live page, the patient's waiting page."""

from flask import Blueprint, Response, jsonify, redirect, render_template, url_for
from werkzeug.wrappers import Response as BaseResponse

from connector.domain.errors import Reason, Refused
from connector.domain.participant import Role
from connector.domain.visit import Visit
from connector.web.context import allow_framing_by, web
from connector.web.redirects import to_teams
from connector.web.state_words import (
    HAPPENED,
    PATIENT_WORDS,
    PRESENCE_WORDS,
    PROVIDER_WORDS,
    ROLE_WORDS,
    people_in,
)
from connector.web.visit_pass import VISIT_PASS, VisitPass

blueprint = Blueprint("visits", __name__, url_prefix="/visits")


@blueprint.get("/<visit_id>")
def show(visit_id: str) -> str | BaseResponse:
    """Who is here, live. Patients are sent to their own page."""
    pass_ = _pass(visit_id)
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
        words=PROVIDER_WORDS[visit.state],
        people=people_in(roster),
        events=events,
        presence_words=PRESENCE_WORDS,
        role_words=ROLE_WORDS,
        happened=HAPPENED,
        feed=f"{web().deployment.feed_url}/visits/{visit_id}/events",
        environment=environment,
        zone=pass_.time_zone,
    )


@blueprint.get("/<visit_id>/wait")
def wait(visit_id: str) -> str | BaseResponse:
    """The patient's page: device test now, the meeting as soon as there is one."""
    _pass(visit_id)
    visit = _visit(visit_id)
    if _can_join(visit):
        return redirect(url_for("visits.join", visit_id=visit_id), 303)
    return render_template("wait.html", visit=visit, words=PATIENT_WORDS[visit.state])


@blueprint.get("/<visit_id>/status")
def status(visit_id: str) -> Response:
    """What the waiting page asks every two seconds."""
    _pass(visit_id)
    visit = _visit(visit_id)
    return jsonify(state=visit.state.value, can_join=_can_join(visit))


@blueprint.get("/<visit_id>/join")
def join(visit_id: str) -> BaseResponse:
    pass_ = _pass(visit_id)
    visit = _visit(visit_id)
    if visit.meeting is None:
        return redirect(url_for("visits.wait", visit_id=visit_id), 303)
    if visit.final and pass_.role is Role.PATIENT:
        raise Refused(Reason.VISIT_ENDED)
    patient = pass_.role is Role.PATIENT
    url = visit.meeting.patient_join_url if patient else visit.meeting.join_url
    return to_teams(url, web().deployment.teams_hosts)


def _pass(visit_id: str) -> VisitPass:
    """The sealed cookie of this very visit (case 61)."""
    pass_ = VISIT_PASS.read(web().sealer, visit_id)
    if pass_ is None or pass_.visit_id != visit_id or pass_.expires_at < web().clock.now():
        raise Refused(Reason.VISIT_UNKNOWN)
    allow_framing_by(pass_.fhir_base_url)
    return pass_


def _visit(visit_id: str) -> Visit:
    with web().store.read() as tx:
        visit = tx.visits.get(visit_id)
    if visit is None:
        raise Refused(Reason.VISIT_UNKNOWN)
    return visit


def _can_join(visit: Visit) -> bool:
    return visit.meeting is not None and not visit.final
