"""Pages of the authorization endpoint: account picker, answer to the client, refusals a person sees."""

from collections.abc import Mapping

from flask import Response, make_response, redirect, render_template, request

from mock_microsoft.directory import Person
from mock_microsoft.entra.authority import Authority
from mock_microsoft.entra.authorization import RedirectableError
from mock_microsoft.entra.errors import EntraError
from mock_microsoft.web_addresses import with_query


def account_picker(
    people: tuple[Person, ...], *, target: str, hint: str = "", problem: EntraError | None = None
) -> Response:
    """The person named by `hint` comes first. The form goes back to the URL it was shown at."""
    hinted = [p for p in people if hint in (p.user_principal_name.lower(), p.mail)] if hint else []
    page = render_template(
        "microsoft/account_picker.html",
        people=[*hinted, *(p for p in people if p not in hinted)],
        hint=hint,
        target=target,
        problem=problem,
    )
    return make_response(page, problem.aadsts.status if problem else 200)


def picked_account() -> str:
    """Object id of a button, or the sign-in name typed under 'use another account'."""
    return request.form.get("account") or request.form.get("sign_in_name", "")


def picker_for(authority: Authority, target: str, problem: EntraError | None = None) -> Response:
    hint = request.args.get("login_hint", "").lower()
    return account_picker(authority.people(), target=target, hint=hint, problem=problem)


def answer_client(
    redirect_uri: str, response_mode: str, parameters: Mapping[str, str | None]
) -> Response:
    """Back to the client by redirect, or by a form that submits itself (a button without JavaScript)."""
    given = {name: value for name, value in parameters.items() if value is not None}
    if response_mode == "form_post":
        return make_response(
            render_template("microsoft/form_post.html", action=redirect_uri, fields=given)
        )
    return redirect_to(with_query(redirect_uri, given))


def redirect_to(url: str) -> Response:
    """303, so that a browser that posted the picker's form goes on with GET."""
    return make_response(redirect(url, 303))


def answer_refusal(refused: RedirectableError) -> Response:
    return answer_client(
        refused.redirect_uri,
        refused.response_mode,
        {
            "error": refused.cause.aadsts.error,
            "error_description": refused.cause.description,
            "state": refused.state,
        },
    )


def error_page(error: EntraError) -> Response:
    page = render_template("microsoft/sign_in_error.html", error=error)
    return make_response(page, error.aadsts.status)
