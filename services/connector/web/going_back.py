"""An environment goes back to its previous approved revision, or out of use: asked first, then done."""

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from connector.domain.configuration import Revision
from connector.domain.errors import Reason, Refused
from connector.domain.organization import require_admin
from connector.usecases.roll_back import previous_approved
from connector.web.context import reference, web
from connector.web.field_labels import comparison
from connector.web.own import own_environment

blueprint = Blueprint("going_back", __name__, url_prefix="/configurations/<environment_id>")


@blueprint.get("/rollback")
def ask_to_roll_back(environment_id: str) -> str:
    require_admin(g.who)
    active, previous = _live(environment_id)
    if previous is None:
        raise Refused(Reason.NOTHING_TO_ROLL_BACK)
    return render_template(
        "rollback.html",
        environment=own_environment(environment_id),
        active=active,
        previous=previous,
        changes=comparison(previous, active),
    )


@blueprint.post("/rollback")
def roll_back(environment_id: str) -> Response:
    shown = request.form.get("active_revision_id", "")
    web().roll_back(g.who, environment_id, shown, reference())
    return redirect(url_for("portal.show", environment_id=environment_id), 303)


@blueprint.get("/retirement")
def ask_to_retire(environment_id: str) -> str:
    require_admin(g.who)
    active, _ = _live(environment_id)
    return render_template(
        "retirement.html", environment=own_environment(environment_id), active=active
    )


@blueprint.post("/retirement")
def retire(environment_id: str) -> Response:
    shown = request.form.get("active_revision_id", "")
    web().retire_environment(g.who, environment_id, shown, reference())
    return redirect(url_for("portal.show", environment_id=environment_id), 303)


def _live(environment_id: str) -> tuple[Revision, Revision | None]:
    """What launches use, and what a rollback would restore.

    Raises:
        Refused: `CONFIGURATION_UNKNOWN`, `STATE_CONFLICT`: nothing is live.
    """
    environment = own_environment(environment_id)
    with web().store.read() as tx:
        door = tx.configurations.door_of_environment(environment.id)
        revisions = tx.configurations.revisions(environment.id)
    if door is None:
        raise Refused(Reason.STATE_CONFLICT)
    return door.revision, previous_approved(revisions, door.revision)
