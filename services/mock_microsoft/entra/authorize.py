"""`/{tenant}/oauth2/v2.0/authorize` and `/logout`: the steps a browser takes."""

from urllib.parse import urlsplit

from flask import Blueprint, Response, make_response, render_template, request

from mock_microsoft.directory import Person
from mock_microsoft.entra.authority import resolve_authority
from mock_microsoft.entra.authorization import (
    AuthorizationRequest,
    RedirectableError,
    chosen_person,
    parse_request,
    silent_person,
)
from mock_microsoft.entra.claims import client_info
from mock_microsoft.entra.errors import Aadsts, EntraError
from mock_microsoft.entra.pages import (
    answer_client,
    answer_refusal,
    error_page,
    picked_account,
    picker_for,
    redirect_to,
)
from mock_microsoft.entra.sessions import CODE_LIFETIME, CodeGrant
from mock_microsoft.identifiers import new_guid
from mock_microsoft.world import current_world

blueprint = Blueprint("entra_authorize", __name__)
blueprint.register_error_handler(RedirectableError, answer_refusal)
blueprint.register_error_handler(EntraError, error_page)


def _parsed_request(segment: str) -> AuthorizationRequest:
    world = current_world()
    authority = resolve_authority(world.directory, segment)
    asked = parse_request(authority, world.apps, request.args)
    try:
        world.resources.of_person(asked.scope)
    except EntraError as error:
        raise RedirectableError(error, request.args) from error
    return asked


@blueprint.get("/<segment>/oauth2/v2.0/authorize")
def authorize(segment: str) -> Response:
    asked = _parsed_request(segment)
    person = silent_person(asked, current_world().sessions.current())
    if person:
        return _grant(asked, person)
    if asked.prompt == "none":
        raise RedirectableError(EntraError(Aadsts.NO_SESSION), request.args)
    return picker_for(asked.authority, asked.app.name)


@blueprint.post("/<segment>/oauth2/v2.0/authorize")
def choose_account(segment: str) -> Response:
    asked = _parsed_request(segment)
    if "cancel" in request.form:
        raise RedirectableError(EntraError(Aadsts.SIGN_IN_CANCELLED), request.args)
    try:
        person = chosen_person(asked.authority, picked_account())
    except EntraError as error:
        return picker_for(asked.authority, asked.app.name, problem=error)
    return current_world().sessions.begin(person, _grant(asked, person))


def _grant(asked: AuthorizationRequest, person: Person) -> Response:
    world = current_world()
    code = world.codes.issue(
        CodeGrant(
            app=asked.app,
            person=person,
            redirect_uri=asked.redirect_uri,
            scope=asked.scope,
            nonce=asked.nonce,
            code_challenge=asked.code_challenge,
            expires=world.clock.now() + CODE_LIFETIME,
        )
    )
    answer = {"code": code, "state": asked.state, "session_state": new_guid()}
    if asked.wants_client_info:
        answer["client_info"] = client_info(person)
    return answer_client(asked.redirect_uri, asked.response_mode, answer)


@blueprint.get("/<segment>/oauth2/v2.0/logout")
def logout(segment: str) -> Response:
    """Ends the browser's session; goes on only to an origin that some application registered."""
    world = current_world()
    resolve_authority(world.directory, segment)
    target = request.args.get("post_logout_redirect_uri", "")
    origins = {_origin(uri) for app in world.apps.registrations for uri in app.redirect_uris}
    if target and _origin(target) in origins:
        return world.sessions.end(redirect_to(target))
    return world.sessions.end(make_response(render_template("microsoft/signed_out.html")))


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
