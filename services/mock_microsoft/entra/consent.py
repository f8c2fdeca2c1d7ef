"""`/{tenant}/v2.0/adminconsent`: an administrator grants or declines the application permissions.

https://learn.microsoft.com/entra/identity-platform/v2-admin-consent
"""

from collections.abc import Mapping

from flask import Blueprint, Response, make_response, render_template, request

from mock_microsoft.config import AppRegistration
from mock_microsoft.directory import Person
from mock_microsoft.entra.authority import Authority, resolve_authority
from mock_microsoft.entra.authorization import chosen_person
from mock_microsoft.entra.errors import Aadsts, EntraError
from mock_microsoft.entra.pages import (
    error_page,
    picked_account,
    picker_for,
    redirect_to,
)
from mock_microsoft.grants import Consent
from mock_microsoft.web_addresses import with_query
from mock_microsoft.world import current_world

blueprint = Blueprint("entra_consent", __name__)
blueprint.register_error_handler(EntraError, error_page)


def _checked_request(segment: str) -> tuple[Authority, AppRegistration]:
    world, given = current_world(), request.args
    authority = resolve_authority(world.directory, segment)
    if segment == "common":
        raise EntraError(Aadsts.NO_TENANT, "Use organizations or one tenant.")
    app = world.apps.find(given.get("client_id", ""))
    if app is None:
        raise EntraError(Aadsts.APP_UNKNOWN, "client_id is not registered.")
    if given.get("redirect_uri") not in app.redirect_uris:
        raise EntraError(Aadsts.REDIRECT_MISMATCH, "redirect_uri must match exactly.")
    if not given.get("scope", "").endswith("/.default"):
        raise EntraError(Aadsts.SCOPE_INVALID, "Application permissions need /.default.")
    return authority, app


@blueprint.get("/<segment>/v2.0/adminconsent")
def ask(segment: str) -> Response:
    authority, app = _checked_request(segment)
    person = current_world().sessions.current()
    if person is None or not authority.admits(person) or "switch" in request.args:
        return picker_for(authority, app.name)
    return _consent_page(app, person)


def _consent_page(app: AppRegistration, person: Person) -> Response:
    page = render_template("microsoft/admin_consent.html", app=app, person=person)
    return make_response(page)


@blueprint.post("/<segment>/v2.0/adminconsent")
def decide(segment: str) -> Response:
    authority, app = _checked_request(segment)
    world = current_world()
    if "decision" not in request.form:
        return _signed_in(authority, app)
    person = world.sessions.current()
    if person is None or not authority.admits(person):
        return picker_for(authority, app.name)
    if request.form["decision"] != "accept":
        return _back(_declined())
    if not person.is_global_administrator():
        raise EntraError(Aadsts.ADMIN_NEEDED)
    world.grants.set_consent(app.client_id, person.tenant.id, Consent.GRANTED)
    return _back({"tenant": person.tenant.id, "scope": request.args["scope"]})


def _signed_in(authority: Authority, app: AppRegistration) -> Response:
    try:
        person = chosen_person(authority, picked_account())
    except EntraError as error:
        return picker_for(authority, app.name, problem=error)
    return current_world().sessions.begin(person, _consent_page(app, person))


def _declined() -> dict[str, str]:
    refusal = EntraError(Aadsts.CONSENT_DECLINED)
    return {"error": refusal.aadsts.error, "error_description": refusal.description}


def _back(outcome: Mapping[str, str]) -> Response:
    """`admin_consent=True` is sent on refusal too, as Entra does."""
    state = {"state": request.args["state"]} if "state" in request.args else {}
    return redirect_to(
        with_query(request.args["redirect_uri"], {"admin_consent": "True", **outcome, **state})
    )
