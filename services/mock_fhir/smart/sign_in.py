"""Standalone launch: log-in page and patient picker, plain forms that work without JavaScript.

Flow: authorize -> **sign_in** -> token.
"""

from typing import Any

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from mock_fhir import addresses
from mock_fhir.environment import Environment, current_environment
from mock_fhir.errors import AccessDenied, PageError
from mock_fhir.fhir.resources import display_name
from mock_fhir.people import PASSWORD, Account, Right
from mock_fhir.scopes import resource_scopes
from mock_fhir.smart.authorize import complete_standalone, error_url
from mock_fhir.smart.pending import AuthorizeRequest, PendingSignIn

blueprint = Blueprint("sign_in", __name__)


@blueprint.get(addresses.SIGN_IN)
def sign_in_page() -> str:
    return _page(_pending(request.args.get("request", "")), request.args["request"])


@blueprint.post(addresses.SIGN_IN)
def sign_in() -> Any:
    environment, identity = current_environment(), request.form.get("request", "")
    asked = _pending(identity).request
    if request.form.get("action") == "cancel":
        return _denied(environment, identity, asked, "The person cancelled the sign-in.")
    account = environment.people.sign_in(
        request.form.get("username", ""), request.form.get("password", "")
    )
    if account is None:
        return _page(_pending(identity), identity, wrong=True), 401
    if not account.may(Right.APPS):
        reason = f"{account.username} has no right to sign in to apps."
        return _denied(environment, identity, asked, reason)
    environment.pending.signed_in(identity, account)
    return _after_sign_in(environment, identity, asked, account)


@blueprint.get(addresses.PICK_PATIENT)
def pick_patient_page() -> str:
    environment, identity = current_environment(), request.args.get("request", "")
    pending = _pending(identity)
    choices = _choices(environment, _signed_in(pending))
    return render_template(
        "ehr/pick_patient.html",
        environment=environment,
        asked=pending.request,
        identity=identity,
        choices=choices,
    )


@blueprint.post(addresses.PICK_PATIENT)
def pick_patient() -> Any:
    environment, identity = current_environment(), request.form.get("request", "")
    pending = _pending(identity)
    account = _signed_in(pending)
    chosen = request.form.get("patient", "")
    if chosen not in dict(_choices(environment, account)):
        return _denied(environment, identity, pending.request, "No patient was chosen.")
    return _finish(environment, identity, pending.request, account, chosen)


def _after_sign_in(
    environment: Environment, identity: str, asked: AuthorizeRequest, account: Account
) -> Response:
    """The picker when the app asks for a patient and there is a choice."""
    if not _needs_patient(asked):
        return _finish(environment, identity, asked, account, None)
    choices = _choices(environment, account)
    if account.is_patient and len(choices) == 1:
        return _finish(environment, identity, asked, account, choices[0][0])
    return redirect(f"{environment.addresses.base}{addresses.PICK_PATIENT}?request={identity}", 303)


def _needs_patient(asked: AuthorizeRequest) -> bool:
    over_patient = any(scope.context == "patient" for scope in resource_scopes(asked.scopes))
    return over_patient or bool({"launch/patient", "launch/encounter"} & set(asked.scopes))


def _choices(environment: Environment, account: Account) -> list[tuple[str, str]]:
    """(id, text) of the patients the person may open."""
    own = {one.patient_id for one in account.patients}
    return [
        (patient["id"], f"{display_name(patient)}, born {patient.get('birthDate', 'unknown')}")
        for patient in environment.store.of_type("Patient")
        if not account.is_patient or patient["id"] in own
    ]


def _finish(
    environment: Environment,
    identity: str,
    asked: AuthorizeRequest,
    account: Account,
    patient_id: str | None,
) -> Response:
    # 303, so that no browser repeats the password to the app (RFC 9700 4.12)
    environment.pending.finish(identity)
    return redirect(complete_standalone(environment, asked, account, patient_id), 303)


def _denied(
    environment: Environment, identity: str, asked: AuthorizeRequest, reason: str
) -> Response:
    environment.pending.finish(identity)
    url = error_url(environment, asked.redirect_uri, asked.state, AccessDenied(reason))
    return redirect(url, 303)


def _pending(identity: str) -> PendingSignIn:
    pending = current_environment().pending.find(identity)
    if pending is None:
        raise PageError(
            "This sign-in is over",
            "It was finished, cancelled, or older than ten minutes.",
            "Go back to the app and start again.",
        )
    return pending


def _signed_in(pending: PendingSignIn) -> Account:
    if pending.account is None:
        raise PageError(
            "You are not signed in",
            "The patient list was opened before the log-in page.",
            "Go back to the app and start again.",
        )
    return pending.account


def _page(pending: PendingSignIn, identity: str, *, wrong: bool = False) -> str:
    environment = current_environment()
    return render_template(
        "ehr/sign_in.html",
        environment=environment,
        asked=pending.request,
        identity=identity,
        wrong=wrong,
        people=environment.people.all(),
        password=PASSWORD,
    )
