"""Who may see a page: sign-in required or not, and no form sent by another site."""

from typing import cast

from flask import abort, current_app, g, redirect, request, session, url_for
from flask_wtf.csrf import validate_csrf
from werkzeug.wrappers import Response
from wtforms.validators import ValidationError

from mock_mychart.environments import current_environment
from mock_mychart.records import Account
from mock_mychart.sign_ins import SignIns

EXTENSION = "mychart_sign_ins"

# Cookies of localhost are shared between its ports, hence a name no other part uses. The prefix
# makes the browser insist on Secure, Path=/ and no Domain (RFC 6265bis 4.1.3.2).
SESSION_COOKIE = {
    "SESSION_COOKIE_NAME": "__Host-mychart",
    "SESSION_COOKIE_SECURE": True,
    "SESSION_COOKIE_HTTPONLY": True,
    "SESSION_COOKIE_SAMESITE": "Lax",
    "SESSION_COOKIE_PATH": "/",
    "WTF_CSRF_TIME_LIMIT": None,  # a page may stay open all day; the token ends with the session
}


def sign_ins() -> SignIns:
    return cast(SignIns, current_app.extensions[EXTENSION])


def current_account() -> Account:
    """The signed-in account; only behind ``require_sign_in``."""
    return cast(Account, g.account)


def require_sign_in() -> Response | None:
    """To the log-in page, which leads back here, unless somebody is signed in."""
    environment = current_environment().name
    g.account = sign_ins().account(environment, session.get(environment, ""))
    if g.account is not None:
        return None
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("front_door.show_login", next=wanted), 303)


def refuse_forged_form() -> None:
    """A POST without the token of this browser's session is refused (OWASP ASVS 5 3.5.1)."""
    if request.method != "POST":
        return
    try:
        validate_csrf(request.form.get("csrf_token", ""))
    except ValidationError:
        abort(400, "This form is too old or came from another site. Open the page again and retry.")


def begin_sign_in(account: Account) -> None:
    """A new key and a new form token, whatever the browser held before."""
    environment = current_environment().name
    sign_ins().end(session.pop(environment, ""))
    session.pop("csrf_token", None)
    session[environment] = sign_ins().begin(environment, account)


def end_sign_in() -> None:
    sign_ins().end(session.pop(current_environment().name, ""))
    session.pop("csrf_token", None)
