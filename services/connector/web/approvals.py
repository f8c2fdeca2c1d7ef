"""The approver's pages: both sign-ins, exactly what will be approved, yes or changes (flow 4)."""

from flask import Blueprint, g, redirect, render_template, request, url_for
from pydantic import TypeAdapter
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from connector.domain.configuration import RevisionState
from connector.domain.launch import LAUNCH_LIFETIME, LaunchTransaction
from connector.usecases.complete_launch import hash_of_state
from connector.web.context import reference, web
from connector.web.field_labels import comparison, everything
from connector.web.own import own_environment, own_revision
from connector.web.redirects import to_authorize
from connector.web.sealed_cookies import SealedCookie

blueprint = Blueprint("approvals", __name__, url_prefix="/approvals")
# Of the field on the page, where a line's end is one character.
_LONGEST_REQUEST = 2000

EHR_SIGN_IN = SealedCookie(
    "approval", TypeAdapter(LaunchTransaction), int(LAUNCH_LIFETIME.total_seconds())
)


@blueprint.get("/<revision_id>")
def show_approval(revision_id: str) -> str | Response:
    """Exactly what will be approved; opening it as the named approver is the first stamp."""
    revision = own_revision(revision_id)
    if revision.state is RevisionState.ACTIVE:
        return redirect(url_for("portal.show", environment_id=revision.environment_id), 303)
    revision = web().approve_configuration.show(g.who, revision.id)
    with web().store.read() as tx:
        door = tx.configurations.door_of_environment(revision.environment_id)
    active = door.revision if door else None
    return render_template(
        "approval.html",
        revision=revision,
        environment=own_environment(revision.environment_id),
        active=active,
        changes=comparison(revision, active),
        values=everything(revision, active),
    )


@blueprint.get("/<revision_id>/ehr")
def begin_ehr_sign_in(revision_id: str) -> Response:
    begun = web().approve_configuration.begin_ehr_sign_in(g.who, own_revision(revision_id).id)
    response = to_authorize(begun.endpoint, begun.parameters)
    which = hash_of_state(begun.transaction.state)
    EHR_SIGN_IN.set(response, web().sealer, which, begun.transaction)
    return response


@blueprint.get("/ehr/callback")
def ehr_callback() -> Response:
    which = hash_of_state(request.args.get("state", ""))
    revision = web().approve_configuration.complete_ehr_sign_in(
        g.who, EHR_SIGN_IN.read(web().sealer, which), request.args, reference()
    )
    response = redirect(url_for("approvals.show_approval", revision_id=revision.id), 303)
    EHR_SIGN_IN.clear(response, which)
    return response


@blueprint.post("/<revision_id>/approve")
def approve(revision_id: str) -> Response:
    revision = web().approve_configuration.approve(
        g.who, own_revision(revision_id).id, request.form.get("digest", ""), reference()
    )
    return redirect(url_for("portal.show", environment_id=revision.environment_id), 303)


@blueprint.post("/<revision_id>/return")
def request_changes(revision_id: str) -> Response:
    asked_of = own_revision(revision_id)
    text = request.form.get("text", "").replace("\r\n", "\n").strip()
    if not 0 < len(text) <= _LONGEST_REQUEST:
        raise BadRequest
    revision = web().approve_configuration.request_changes(g.who, asked_of.id, text, reference())
    return redirect(url_for("portal.show", environment_id=revision.environment_id), 303)
