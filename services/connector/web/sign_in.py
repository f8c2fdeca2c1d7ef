"""Microsoft sign-in, shared by the portal and by a provider's first launch (microsoft.md 4).

The portal turns tenants of another data geography away here, before anything about them is stored,
logged or audited (case 75). A launch's sign-in is of the launch's own tenant, which is registered.
"""

from dataclasses import dataclass, replace
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
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from connector.domain.audit import Event, Outcome
from connector.domain.errors import Reason, Refused
from connector.domain.geography import Geography, geography_of
from connector.domain.launch import LAUNCH_LIFETIME
from connector.domain.organization import MicrosoftIdentity
from connector.ports.errors import OutsideError
from connector.ports.storage import AuditEntry
from connector.usecases.complete_launch import hash_of_state
from connector.usecases.confirm_geography import other_geography
from connector.web.context import reference, web
from connector.web.problems import outside_error
from connector.web.redirects import inside
from connector.web.sealed_cookies import SealedCookie
from connector.web.session import begin_session
from connector.web.tenant import confirmed

blueprint = Blueprint("sign_in", __name__)


@dataclass(frozen=True, slots=True)
class PendingSignIn:
    """msal's flow (state, nonce, verifier), where to go afterwards, and since when.

    `launch` names the launch the sign-in is for; empty for the portal.
    """

    flow: dict[str, Any]
    next_path: str
    began_at: datetime
    launch: str = ""


@dataclass(frozen=True, slots=True)
class LaunchIdentity:
    """Who signed in for one launch, and for no other."""

    launch: str
    who: MicrosoftIdentity


_SECONDS = int(LAUNCH_LIFETIME.total_seconds())
PENDING = SealedCookie("signin", TypeAdapter(PendingSignIn), _SECONDS)
IDENTITY = SealedCookie("identity", TypeAdapter(LaunchIdentity), _SECONDS)


@blueprint.get("/signin/microsoft")
def begin() -> Response:
    pending = _pending(inside(request.args.get("next", "/"), "/"))
    return _send("organizations", pending, choose_account="switch" in request.args)


def send_for_launch(tenant_id: str, launch: str, next_path: str) -> Response:
    """A provider's one sign-in: always with the account picker, never a portal session."""
    pending = replace(_pending(next_path), launch=launch)
    return _send(tenant_id, pending, choose_account=True)


def _pending(next_path: str) -> PendingSignIn:
    return PendingSignIn({}, next_path, web().clock.now())


def _send(tenant: str, pending: PendingSignIn, *, choose_account: bool) -> Response:
    """Redirect to Entra, remembering in this browser what for."""
    try:
        url, flow = web().sign_in.begin(tenant=tenant, choose_account=choose_account)
    except OutsideError as err:
        raise outside_error(err) from err
    response = redirect(url, 302)
    which = hash_of_state(str(flow["state"]))
    PENDING.set(response, web().sealer, which, replace(pending, flow=flow))
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
    response = _signed_in_for_launch(who, pending) if pending.launch else _enter(who, pending)
    PENDING.clear(response, which)
    return response


def _signed_in_for_launch(who: MicrosoftIdentity, pending: PendingSignIn) -> Response:
    _audit(who)
    response = redirect(inside(pending.next_path, "/"), 303)
    IDENTITY.set(response, web().sealer, pending.launch, LaunchIdentity(pending.launch, who))
    return response


def _enter(who: MicrosoftIdentity, pending: PendingSignIn) -> Response:
    """Begin a portal session: for members, of tenants that Entra does not keep in another geography."""
    if who.is_guest:
        raise Refused(Reason.ACCOUNT_IS_GUEST)
    said, ours = geography_of(who.country, who.region_scope), web().deployment.geography
    if said not in (None, ours):
        session.clear()
        return redirect(url_for("sign_in.elsewhere", geography=said), 303)
    settled = said is not None or confirmed(who.tenant_id)
    begin_session(who, web().clock.now(), settled=settled)
    _audit(who if settled else None)
    return redirect(inside(pending.next_path, "/"), 303)


@blueprint.get("/signin/microsoft/elsewhere/<geography>")
def elsewhere(geography: str) -> Response:
    """Which portal is the right one. A page of its own, since browsers send a 421 a second time.

    https://www.rfc-editor.org/rfc/rfc9110#section-15.5.20
    """
    if geography not in list(Geography) or geography == web().deployment.geography:
        raise NotFound
    raise other_geography(Geography(geography))


@blueprint.post("/signout")
def sign_out() -> Response:
    session.clear()
    return redirect(url_for("front.overview"), 303)


def identity_for(launch: str) -> MicrosoftIdentity | None:
    """Who signed in for this launch, in this browser."""
    signed_in = IDENTITY.read(web().sealer, launch)
    return signed_in.who if signed_in and signed_in.launch == launch else None


def expired() -> Refused:
    return Refused(Reason.SIGN_IN_EXPIRED)


def post_to(endpoint: str, parameters: dict[str, str]) -> Response:
    """A page that posts `parameters` on, by itself or with its button (C05).

    Browsers hold the redirects after a form against its `form-action` too, and those lead through
    the EHR, back to us, and on to Entra or Teams.
    """
    g.form_action = "https:"
    return make_response(render_template("post_on.html", endpoint=endpoint, parameters=parameters))


def _audit(who: MicrosoftIdentity | None) -> None:
    """None: somebody whose tenant may turn out to be another geography's."""
    web().store.audit_all(
        [
            AuditEntry(
                at=web().clock.now(),
                event=Event.SIGN_IN_COMPLETED,
                outcome=Outcome.SUCCESS,
                reference=reference(),
                tenant_id=who.tenant_id if who else None,
                actor=who.object_id if who else "",
            )
        ]
    )
