"""Microsoft sign-in, shared by the portal and by a provider's first launch (microsoft.md 4)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import (
    Blueprint,
    g,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from pydantic import TypeAdapter
from werkzeug.wrappers import Response

from connector.domain.audit import Event, Outcome
from connector.domain.errors import Reason, Refused
from connector.domain.launch import LAUNCH_LIFETIME
from connector.domain.organization import MicrosoftIdentity
from connector.ports.errors import OutsideError
from connector.ports.storage import AuditEntry
from connector.usecases.complete_launch import hash_of_state
from connector.web.context import reference, web
from connector.web.problems import outside_error
from connector.web.redirects import inside
from connector.web.sealed_cookies import SealedCookie
from connector.web.session import begin_session, identity

blueprint = Blueprint("sign_in", __name__)


@dataclass(frozen=True, slots=True)
class PendingSignIn:
    """msal's flow (state, nonce, verifier), where to go afterwards, and since when."""

    flow: dict[str, Any]
    next_path: str
    began_at: datetime


PENDING = SealedCookie("signin", TypeAdapter(PendingSignIn), int(LAUNCH_LIFETIME.total_seconds()))


@blueprint.get("/signin/microsoft")
def begin() -> Response:
    return send(
        tenant="organizations",
        next_path=inside(request.args.get("next", "/"), "/"),
        choose_account="switch" in request.args,
    )


def send(*, tenant: str, next_path: str, choose_account: bool) -> Response:
    """Redirect to Entra, remembering in this browser what for."""
    try:
        url, flow = web().sign_in.begin(tenant=tenant, choose_account=choose_account)
    except OutsideError as err:
        raise outside_error(err) from err
    response = redirect(url, 302)
    pending = PendingSignIn(flow, next_path, web().clock.now())
    PENDING.set(response, web().sealer, hash_of_state(str(flow["state"])), pending)
    return response


@blueprint.get("/signin/microsoft/callback")
def callback() -> Response:
    which = hash_of_state(request.args.get("state", ""))
    pending = PENDING.read(web().sealer, which)
    if pending is None or web().clock.now() - pending.began_at > LAUNCH_LIFETIME:
        raise expired()
    try:
        who = web().sign_in.complete(pending.flow, request.args.to_dict())
    except OutsideError as err:
        raise outside_error(err) from err
    begin_session(who, web().clock.now())
    session["fresh"] = True
    _audit(who)
    response = redirect(inside(pending.next_path, "/"), 303)
    PENDING.clear(response, which)
    return response


@blueprint.post("/signout")
def sign_out() -> Response:
    session.clear()
    return redirect(url_for("front.overview"), 303)


def take_fresh_identity() -> MicrosoftIdentity | None:
    """Who has just signed in; asked once, so that a link always follows a sign-in made for it."""
    fresh = session.pop("fresh", False)
    return identity(web().clock.now()) if fresh else None


def expired() -> Refused:
    return Refused(Reason.SIGN_IN_EXPIRED)


def post_to(endpoint: str, parameters: dict[str, str]) -> Response:
    """A page that posts `parameters` on, by itself or with its button (C05)."""
    g.form_action = endpoint
    return make_response(render_template("post_on.html", endpoint=endpoint, parameters=parameters))


def _audit(who: MicrosoftIdentity) -> None:
    web().store.audit_all(
        [
            AuditEntry(
                at=web().clock.now(),
                event=Event.SIGN_IN_COMPLETED,
                outcome=Outcome.SUCCESS,
                reference=reference(),
                tenant_id=who.tenant_id,
                actor=who.object_id,
            )
        ]
    )
