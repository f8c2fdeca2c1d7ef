"""The configuration portal: overview, entering an environment, records, approval (flow 4)."""

from flask import Blueprint, g, redirect, render_template, request, url_for
from pydantic import TypeAdapter
from werkzeug.wrappers import Response

from connector.domain.configuration import Revision, RevisionState
from connector.domain.errors import Reason, Refused
from connector.domain.launch import LAUNCH_LIFETIME, LaunchKind, LaunchTransaction
from connector.domain.organization import Environment, EnvironmentKind, may_configure
from connector.usecases.complete_launch import hash_of_state
from connector.web.configuration_form import ConfigurationForm
from connector.web.context import reference, web
from connector.web.local_time import clock_time, date_time
from connector.web.problems import note
from connector.web.redirects import to_authorize
from connector.web.sealed_cookies import SealedCookie
from connector.web.standing import FILTER_STATES, Filter, Standing, organizations
from connector.web.state_words import REVISION_WORDS, next_step

front_blueprint = Blueprint("front", __name__)
blueprint = Blueprint("portal", __name__, url_prefix="/configurations")
approvals_blueprint = Blueprint("approvals", __name__, url_prefix="/approvals")

front_blueprint.add_app_template_filter(clock_time)
front_blueprint.add_app_template_filter(date_time)

EHR_SIGN_IN = SealedCookie(
    "approval", TypeAdapter(LaunchTransaction), int(LAUNCH_LIFETIME.total_seconds())
)


@front_blueprint.get("/")
def overview() -> str:
    """The organizations of the signed-in person's tenant, and what waits for whom."""
    if g.who is None:
        return render_template("welcome.html", geography=web().deployment.geography)
    with web().store.read() as tx:
        standings = [
            Standing(e, tx.configurations.revisions(e.id))
            for e in tx.configurations.environments(g.who.tenant_id)
        ]
        to_approve = tx.configurations.revisions_to_approve(g.who.tenant_id, g.who.object_id)
    names = {s.environment.id: s.environment for s in standings}
    wanted = Filter.of(request.args)
    return render_template(
        "overview.html",
        any_environment=bool(standings),
        organizations=organizations(standings, wanted),
        wanted=wanted,
        states=FILTER_STATES,
        to_approve=[(r, names[r.environment_id]) for r in to_approve],
        may_configure=may_configure(g.who),
        public_url=web().deployment.public_url,
    )


@blueprint.route("/new", methods=["GET", "POST"])
def new() -> str | Response | tuple[str, int]:
    if not may_configure(g.who):
        raise Refused(Reason.ROLE_MISSING)
    form = ConfigurationForm.starting_from(
        _earlier(), request.args.get("environment", ""), web().deployment.clients_offered
    )
    if not form.validate_on_submit():
        return _entry_page(form, 422 if request.method == "POST" else 200)
    try:
        revision = web().enter_configuration(g.who, form.entered(), reference())
    except Refused as err:
        note(err)
        form.refuse(err)
        return _entry_page(form, 422)
    return redirect(url_for("portal.show", environment_id=revision.environment_id), 303)


def _entry_page(form: ConfigurationForm, status: int) -> tuple[str, int]:
    return render_template("configuration_new.html", form=form, kinds=EnvironmentKind), status


def _earlier() -> Standing | None:
    """What the new revision follows, or whose production counterpart is being entered."""
    if not request.args.get("of"):
        return None
    environment = _environment(request.args["of"])
    with web().store.read() as tx:
        return Standing(environment, tx.configurations.revisions(environment.id))


@blueprint.get("/<environment_id>")
def show(environment_id: str) -> str:
    environment = _environment(environment_id)
    with web().store.read() as tx:
        revisions = tx.configurations.revisions(environment_id)
        door = tx.configurations.door_of_environment(environment_id)
        records = [tx.configurations.record(environment_id, kind) for kind in LaunchKind]
    public_url = web().deployment.public_url
    return render_template(
        "configuration.html",
        environment=environment,
        revisions=revisions,
        active=door.revision if door else None,
        records=[
            (r.kind, r.text(public_url, environment.kind.value)) for r in records if r and door
        ],
        approval_url=public_url + url_for("approvals.show_approval", revision_id=revisions[0].id),
        may_configure=may_configure(g.who),
        words=REVISION_WORDS,
        next_step=next_step(revisions[0]),
    )


@approvals_blueprint.get("/<revision_id>")
def show_approval(revision_id: str) -> str | Response:
    """Exactly what will be approved; opening it as the named approver is the first stamp."""
    revision = _own(revision_id)
    if revision.state is RevisionState.ACTIVE:
        return redirect(url_for("portal.show", environment_id=revision.environment_id), 303)
    revision = web().approve_configuration.show(g.who, revision.id)
    with web().store.read() as tx:
        door = tx.configurations.door_of_environment(revision.environment_id)
    return render_template(
        "approval.html",
        revision=revision,
        environment=_environment(revision.environment_id),
        active=door.revision if door else None,
    )


@approvals_blueprint.get("/<revision_id>/ehr")
def begin_ehr_sign_in(revision_id: str) -> Response:
    begun = web().approve_configuration.begin_ehr_sign_in(g.who, _own(revision_id).id)
    response = to_authorize(begun.endpoint, begun.parameters)
    which = hash_of_state(begun.transaction.state)
    EHR_SIGN_IN.set(response, web().sealer, which, begun.transaction)
    return response


@approvals_blueprint.get("/ehr/callback")
def ehr_callback() -> Response:
    which = hash_of_state(request.args.get("state", ""))
    revision = web().approve_configuration.complete_ehr_sign_in(
        g.who, EHR_SIGN_IN.read(web().sealer, which), request.args, reference()
    )
    response = redirect(url_for("approvals.show_approval", revision_id=revision.id), 303)
    EHR_SIGN_IN.clear(response, which)
    return response


@approvals_blueprint.post("/<revision_id>/approve")
def approve(revision_id: str) -> Response:
    revision = web().approve_configuration.approve(
        g.who, _own(revision_id).id, request.form.get("digest", ""), reference()
    )
    return redirect(url_for("portal.show", environment_id=revision.environment_id), 303)


@approvals_blueprint.post("/<revision_id>/return")
def request_changes(revision_id: str) -> Response:
    text = request.form.get("text", "").strip()[:2000]
    revision = web().approve_configuration.request_changes(
        g.who, _own(revision_id).id, text, reference()
    )
    return redirect(url_for("portal.show", environment_id=revision.environment_id), 303)


def _environment(environment_id: str) -> Environment:
    """Of the signed-in person's tenant; another tenant's does not exist for them (case 74)."""
    with web().store.read() as tx:
        environment = tx.configurations.environment(environment_id)
    if environment is None or environment.tenant_id != g.who.tenant_id:
        raise Refused(Reason.CONFIGURATION_UNKNOWN)
    return environment


def _own(revision_id: str) -> Revision:
    with web().store.read() as tx:
        revision = tx.configurations.revision(revision_id)
    if revision is None or revision.tenant_id != g.who.tenant_id:
        raise Refused(Reason.CONFIGURATION_UNKNOWN)
    return revision
