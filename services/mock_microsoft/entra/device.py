"""`/{tenant}/oauth2/v2.0/devicecode` for the application, `/devicelogin` for the person.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code
"""

from flask import Blueprint, Response, jsonify, make_response, render_template, request, url_for

from mock_microsoft.directory import Person
from mock_microsoft.entra.authority import resolve_authority
from mock_microsoft.entra.authorization import chosen_person
from mock_microsoft.entra.device_codes import LIFETIME, DeviceRequest, typed_code
from mock_microsoft.entra.discovery import refuse
from mock_microsoft.entra.errors import Aadsts, EntraError
from mock_microsoft.entra.pages import error_page, picked_account, picker_for, redirect_to
from mock_microsoft.entra.scopes import granted_scopes
from mock_microsoft.grants import Consent
from mock_microsoft.world import current_world

protocol = Blueprint("entra_device_code", __name__)
protocol.register_error_handler(EntraError, refuse)
pages = Blueprint("entra_device_login", __name__, url_prefix="/devicelogin")
pages.register_error_handler(EntraError, error_page)


@protocol.post("/<segment>/oauth2/v2.0/devicecode")
def devicecode(segment: str) -> Response:
    """Given to any registered application; whether it may use the code is decided at the token endpoint, as Entra does."""
    world, form = current_world(), request.form
    authority = resolve_authority(world.directory, segment)
    app = world.apps.find(form.get("client_id", ""))
    if app is None:
        raise EntraError(Aadsts.APP_UNKNOWN, "client_id is not registered.")
    scope = form.get("scope", "")
    if not scope:
        raise EntraError(Aadsts.PARAMETER_INVALID, "scope is required.")
    world.resources.of_person(scope)
    return _answer(world.device_codes.begin(app, authority, scope, world.clock.now()))


def _answer(asked: DeviceRequest) -> Response:
    """Without `verification_uri_complete`, which Entra does not support."""
    world = current_world()
    page = f"{world.config.public_url}/devicelogin"
    response = jsonify(
        {
            "user_code": asked.user_code,
            "device_code": asked.device_code,
            "verification_uri": page,
            "expires_in": int(LIFETIME.total_seconds()),
            "interval": world.config.device_code_interval_seconds,
            "message": f"Open {page} in a browser and enter the code {asked.user_code} to sign in.",
        }
    )
    response.headers["Cache-Control"] = "no-store"
    return response


@pages.get("")
def ask_code() -> Response:
    return _code_page()


@pages.post("")
def take_code() -> Response:
    world = current_world()
    typed = typed_code(request.form.get("user_code", ""))
    try:
        asked = world.device_codes.asked(typed, world.clock.now())
    except EntraError as error:
        return _code_page(error)
    return redirect_to(url_for("entra_device_login.ask_person", user_code=asked.user_code))


@pages.get("/<user_code>")
def ask_person(user_code: str) -> Response:
    world = current_world()
    asked = world.device_codes.asked(user_code, world.clock.now())
    person = world.sessions.current()
    if person is None or not asked.authority.admits(person) or "switch" in request.args:
        return picker_for(asked.authority, asked.app.name)
    return _confirm_page(asked, person)


@pages.post("/<user_code>")
def decide(user_code: str) -> Response:
    world = current_world()
    asked = world.device_codes.asked(user_code, world.clock.now())
    if "cancel" in request.form:
        return _decline(asked)
    if "decision" not in request.form:
        return _signed_in(asked)
    person = world.sessions.current()
    if person is None or not asked.authority.admits(person):
        return picker_for(asked.authority, asked.app.name)
    return _approve(asked, person)


def _signed_in(asked: DeviceRequest) -> Response:
    """Back to the bare address: a `switch` in the query would ask for the account for ever."""
    try:
        person = chosen_person(asked.authority, picked_account())
    except EntraError as error:
        return picker_for(asked.authority, asked.app.name, problem=error)
    target = url_for("entra_device_login.ask_person", user_code=asked.user_code)
    return current_world().sessions.begin(person, redirect_to(target))


def _approve(asked: DeviceRequest, person: Person) -> Response:
    """Going on is consent, where the person may give it for the organization."""
    world = current_world()
    if _needs_consent(asked, person):
        if not person.is_global_administrator():
            raise EntraError(Aadsts.ADMIN_NEEDED)
        world.grants.set_consent(asked.app.client_id, person.tenant.id, Consent.GRANTED)
    world.device_codes.approve(asked.user_code, person, world.clock.now())
    return _done_page(asked, person)


def _decline(asked: DeviceRequest) -> Response:
    world = current_world()
    world.device_codes.decline(asked.user_code, world.clock.now())
    return _done_page(asked, None)


def _needs_consent(asked: DeviceRequest, person: Person) -> bool:
    """Raises EntraError 500011 when the API itself is not in the person's tenant."""
    world = current_world()
    scopes = world.resources.of_person(asked.scope)
    try:
        granted_scopes(asked.app, scopes, person.tenant, world.grants)
    except EntraError as error:
        if error.aadsts is not Aadsts.NO_CONSENT:
            raise
        return True
    return False


def _code_page(problem: EntraError | None = None) -> Response:
    page = render_template("microsoft/device_code.html", problem=problem)
    return make_response(page, problem.aadsts.status if problem else 200)


def _confirm_page(asked: DeviceRequest, person: Person) -> Response:
    page = render_template(
        "microsoft/device_confirm.html",
        app=asked.app,
        person=person,
        needs_consent=_needs_consent(asked, person),
        permissions=current_world().resources.of_person(asked.scope).permissions,
    )
    return make_response(page)


def _done_page(asked: DeviceRequest, person: Person | None) -> Response:
    page = render_template("microsoft/device_done.html", app=asked.app, person=person)
    return make_response(page)
