"""Log in and log out of MyChart in one environment."""

from urllib.parse import urlsplit

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from mock_mychart.access import begin_sign_in, end_sign_in, refuse_forged_form
from mock_mychart.ehr import SignInRefused
from mock_mychart.environments import current_environment, put_below_environment

front_door = Blueprint("front_door", __name__, url_prefix="/<environment>")
put_below_environment(front_door)
front_door.before_request(refuse_forged_form)  # open to strangers otherwise


@front_door.get("/")
def show_home() -> AnyResponse:
    return redirect(url_for("visits.list_appointments"), 303)


@front_door.get("/login")
def show_login() -> Response:
    return _login_page(username=request.args.get("username", ""))


@front_door.post("/login")
def log_in() -> AnyResponse:
    username = request.form.get("username", "").strip()
    password = request.form.get("password", "")
    if not username or not password:
        return _login_page(400, username, "Enter your username and your password.")
    try:
        account = current_environment().ehr.sign_in(username, password)
    except SignInRefused as refused:
        return _login_page(401, username, str(refused) or "Wrong username or password.")
    begin_sign_in(account)
    return redirect(_wanted_page(), 303)


@front_door.post("/logout")
def log_out() -> AnyResponse:
    end_sign_in()
    return redirect(url_for("front_door.show_login", left="yes"), 303)


def _login_page(status: int = 200, username: str = "", problem: str = "") -> Response:
    page = render_template(
        "mychart/login.html",
        people=current_environment().ehr.people(),
        ehr_url=current_environment().ehr_url,
        username=username,
        problem=problem,
        left=not problem and request.args.get("left") == "yes",
        next=request.values.get("next", ""),
    )
    return Response(page, status=status)


def _wanted_page() -> str:
    """Where the visitor wanted to go before the log-in; only pages of this environment's portal."""
    wanted = request.form.get("next", "")
    home = url_for("visits.list_appointments")
    parts = urlsplit(wanted)
    ours = not parts.scheme and not parts.netloc and parts.path.startswith(home)
    return wanted if ours and "\\" not in wanted else home
