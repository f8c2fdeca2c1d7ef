"""Flow 1 and 2 over HTTP: launch, callback, and the one Microsoft sign-in in between.

1 `/launch/{kind}` → EHR authorize · 2 `/launch/callback` → visit, or sign-in first ·
3 `/launch/signed-in` → visit. Each step parses, calls its use case and redirects.
"""

from flask import Blueprint, g, make_response, redirect, render_template, request, url_for
from pydantic import TypeAdapter
from werkzeug.wrappers import Response

from connector.domain.configuration import Revision
from connector.domain.launch import LAUNCH_LIFETIME, LaunchKind, LaunchTransaction
from connector.domain.organization import MicrosoftIdentity
from connector.ports.storage import Door
from connector.usecases.begin_launch import AuthorizationRequest
from connector.usecases.complete_launch import CompletedLaunch, VerifiedLaunch, hash_of_state
from connector.usecases.open_visit import Next, OpenedVisit
from connector.web import sign_in
from connector.web.context import allow_framing_by, reference, web
from connector.web.redirects import to_authorize, to_teams
from connector.web.sealed_cookies import SealedCookie
from connector.web.visit_pass import LIFETIME, VisitPass, hand_out

blueprint = Blueprint("launch", __name__, url_prefix="/launch")

_SECONDS = int(LAUNCH_LIFETIME.total_seconds())
TRANSACTION = SealedCookie("launch", TypeAdapter(LaunchTransaction), _SECONDS)
PENDING = SealedCookie("pending", TypeAdapter(VerifiedLaunch), _SECONDS)

# Beyond this length some EHRs' front ends cut a query string (ehr.md 4.2); a form carries it.
_LONGEST_QUERY = 2_000
_FRAMES = frozenset({"iframe", "frame", "embed", "object"})


@blueprint.get("/provider")
def provider() -> Response:
    return _begin(LaunchKind.PROVIDER)


@blueprint.get("/patient")
def patient() -> Response:
    return _begin(LaunchKind.PATIENT)


def _begin(kind: LaunchKind) -> Response:
    context, query = web(), request.args
    began = context.begin_launch(kind, query.get("iss", ""), query.get("launch", ""))
    _allow_framing(began.door.revision)
    if request.headers.get("Sec-Fetch-Dest") in _FRAMES:
        # Entra and Teams refuse to be framed: the launch goes on in a window of its own (case 25).
        return make_response(render_template("pop_out.html", kind=kind.value))
    response = _to_ehr(began)
    TRANSACTION.set(
        response, context.sealer, hash_of_state(began.transaction.state), began.transaction
    )
    return response


def _to_ehr(began: AuthorizationRequest) -> Response:
    too_long = sum(map(len, began.parameters.values())) > _LONGEST_QUERY
    if began.door.revision.endpoints.authorize_by_post and too_long:
        return sign_in.post_to(began.endpoint, began.parameters)
    return to_authorize(began.endpoint, began.parameters)


@blueprint.get("/callback")
def callback() -> Response:
    context, query = web(), request.args
    which = hash_of_state(query.get("state", ""))
    transaction = TRANSACTION.read(context.sealer, which)
    if transaction is not None:
        g.launched_from = transaction.environment_id
        allow_framing_by(transaction.fhir_base_url, transaction.frame_ancestors)
    completed = context.complete_launch(transaction, query)
    response = _next_step(completed)
    TRANSACTION.clear(response, which)
    return response


def _next_step(completed: CompletedLaunch) -> Response:
    launch = completed.launch
    if launch.kind is LaunchKind.PATIENT:
        return _arrive(web().open_visit.for_patient(launch, reference()), completed.door)
    if completed.account:
        opened = web().open_visit.for_provider(launch, completed.account, reference())
        return _arrive(opened, completed.door)
    which = launch.state_hash[:16]
    response = sign_in.send_for_launch(
        launch.tenant_id, which, url_for("launch.signed_in", launch=which)
    )
    PENDING.set(response, web().sealer, which, launch)
    return response


@blueprint.get("/signed-in")
def signed_in() -> Response:
    """After the one sign-in: link the account, then on as every later launch."""
    which = request.args.get("launch", "")
    response = _linked(PENDING.read(web().sealer, which), sign_in.identity_for(which))
    PENDING.clear(response, which)
    sign_in.IDENTITY.clear(response, which)
    return response


def _linked(launch: VerifiedLaunch | None, who: MicrosoftIdentity | None) -> Response:
    if launch is None or who is None:
        raise sign_in.expired()
    with web().store.read() as tx:
        door = tx.configurations.door_of_environment(launch.environment_id)
    if door is None:
        raise sign_in.expired()
    _allow_framing(door.revision)
    account = web().link_account(launch, who, reference())
    return _arrive(web().open_visit.for_provider(launch, account, reference()), door)


def _arrive(opened: OpenedVisit, door: Door) -> Response:
    context, visit_id = web(), opened.visit.id
    response: Response
    if opened.next is Next.MEETING:
        url = context.find_way_in(opened.visit, opened.role, door.revision.settings)
        response = to_teams(url, context.deployment.teams_hosts)
    else:
        page = "visits.wait" if opened.next is Next.WAIT else "visits.show"
        response = redirect(url_for(page, visit_id=visit_id), 303)
    pass_ = VisitPass(
        visit_id=visit_id,
        role=opened.role,
        time_zone=door.environment.time_zone,
        fhir_base_url=door.revision.fhir_base_url,
        expires_at=context.clock.now() + LIFETIME,
        opens_at=opened.window.opens_at,
        closes_at=opened.window.closes_at,
    )
    hand_out(response, context.sealer, pass_)
    return response


def _allow_framing(revision: Revision) -> None:
    allow_framing_by(revision.fhir_base_url, revision.settings.frame_ancestors)
