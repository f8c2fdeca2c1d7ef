"""Who is signed in to the EHR in this browser; test and production are two sign-ins."""

from typing import Any

from flask import Blueprint, redirect, render_template, request, session

from mock_fhir.environment import Environment, current_environment
from mock_fhir.errors import PageError
from mock_fhir.people import PASSWORD, Account, Right

blueprint = Blueprint("session", __name__)
AREAS = {
    "hyperspace": "Hyperspace",
    "haiku": "Haiku (phone)",
    "canto": "Canto (tablet)",
    "fdi": "Integration records (FDI)",
}
_AREA = f"<any({','.join(AREAS)}):area>"


class SignInNeeded(Exception):
    """Nobody is signed in; answered by sending the browser to the log-in page of the area."""

    def __init__(self, area: str) -> None:
        super().__init__("sign in first")
        self.area = area


def signed_in(area: str, right: Right) -> Account:
    """The EHR user of this browser. Raises SignInNeeded, or PageError 403 without the right."""
    environment = current_environment()
    account = environment.people.by_user_id(session.get(_key(environment), ""))
    if account is None or account.is_patient:
        raise SignInNeeded(area)
    if not account.may(right):
        raise PageError(
            f"{account.name} may not {right.value}",
            f"The security class of {account.username} does not allow it.",
            "Sign out and sign in as somebody who may; the log-in page lists the people.",
            403,
        )
    return account


@blueprint.get(f"/{_AREA}/sign-in")
def sign_in_page(area: str) -> str:
    return _page(area)


@blueprint.post(f"/{_AREA}/sign-in")
def sign_in(area: str) -> Any:
    environment = current_environment()
    account = environment.people.sign_in(
        request.form.get("username", ""), request.form.get("password", "")
    )
    if account is None or account.is_patient:
        return _page(area, wrong=True), 401
    session[_key(environment)] = account.user_id
    return redirect(f"{environment.addresses.base}/{area}/", 303)


@blueprint.post(f"/{_AREA}/sign-out")
def sign_out(area: str) -> Any:
    environment = current_environment()
    session.pop(_key(environment), None)
    return redirect(f"{environment.addresses.base}/{area}/sign-in", 303)


def answer_sign_in_needed(error: SignInNeeded) -> Any:
    return redirect(f"{current_environment().addresses.base}/{error.area}/sign-in", 303)


def _page(area: str, *, wrong: bool = False) -> str:
    environment = current_environment()
    return render_template(
        "ehr/employee_sign_in.html",
        environment=environment,
        area=area,
        area_title=AREAS[area],
        wrong=wrong,
        people=environment.people.employees(),
        password=PASSWORD,
    )


def _key(environment: Environment) -> str:
    return f"{environment.kind.name}.user_id"
