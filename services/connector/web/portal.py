"""An EHR environment in the portal: entering it, and what is known of it (flow 4)."""

from collections.abc import Sequence

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from connector.domain.configuration import Revision
from connector.domain.errors import Refused
from connector.domain.organization import MicrosoftIdentity, may_configure, require_admin
from connector.usecases.roll_back import previous_approved
from connector.web.configuration_form import ConfigurationForm
from connector.web.context import reference, web
from connector.web.field_labels import comparison, everything
from connector.web.own import own_environment
from connector.web.problems import note
from connector.web.questions import QUESTIONS, ask, asked_in, did_you_mean
from connector.web.record_texts import issued_records
from connector.web.standing import Standing
from connector.web.state_words import REVISION_WORDS
from connector.web.tenant import confirmed

blueprint = Blueprint("portal", __name__, url_prefix="/configurations")

Page = tuple[str, int]


@blueprint.route("/new", methods=["GET", "POST"])
def new() -> Response | Page:
    """One page for a new test environment (`of` is absent) or a new revision; every value survives."""
    require_admin(g.who)
    if not confirmed(g.who.tenant_id):
        return redirect(url_for("tenant.show", first="geography"), 303)
    form = ConfigurationForm.starting_from(_revised(), web().deployment.clients_offered)
    if request.method == "GET":
        return _entry_page(form, 200)
    form.take_choices(request.form.get("use_address", ""))
    if asked_in(request.form) in QUESTIONS:
        return _entry_page(form, ask(form, asked_in(request.form)))
    return _save(form)


def _save(form: ConfigurationForm) -> Response | Page:
    if not form.validate():
        return _entry_page(form, 422)
    try:
        revision = web().enter_configuration(g.who, form.entered(), reference())
    except Refused as err:
        note(err)
        form.refuse(err)
        form.suggestions = did_you_mean(err, form.fhir_base_url.data)
        return _entry_page(form, 422)
    return redirect(url_for("portal.show", environment_id=revision.environment_id), 303)


def _entry_page(form: ConfigurationForm, status: int) -> Page:
    return render_template("configuration_new.html", form=form), status


def _revised() -> Standing | None:
    if not request.args.get("of"):
        return None
    environment = own_environment(request.args["of"])
    with web().store.read() as tx:
        return Standing(environment, tx.configurations.revisions(environment.id))


@blueprint.get("/<environment_id>")
def show(environment_id: str) -> str:
    environment = own_environment(environment_id)
    with web().store.read() as tx:
        revisions = tx.configurations.revisions(environment_id)
        door = tx.configurations.door_of_environment(environment_id)
        records = tx.records.of(environment_id)
    active = door.revision if door else None
    standing = Standing(environment, revisions, records)
    return render_template(
        "configuration.html",
        environment=environment,
        standing=standing,
        active=active,
        changes=comparison(standing.current, active),
        values=everything(standing.current, active),
        history=[(r, comparison(r, before)) for r, before in _with_earlier(revisions)],
        records=issued_records(environment, active, records) if active else [],
        public_url=web().deployment.public_url,
        restorable=previous_approved(revisions, active) if active else None,
        may_configure=may_configure(g.who),
        may_verify=active is not None and _may_verify(g.who, active),
        words=REVISION_WORDS,
    )


def _with_earlier(
    revisions: Sequence[Revision],
) -> list[tuple[Revision, Revision | None]]:
    """Each revision with the one before it, newest first."""
    return list(zip(revisions, [*revisions[1:], None], strict=True))


def _may_verify(who: MicrosoftIdentity, active: Revision) -> bool:
    return may_configure(who) or who.object_id == active.approver.object_id
