"""The Flask application: blueprints with their access, headers, limits, one log line a request."""

import time
from http import HTTPStatus

from flask import Flask, Response, g, make_response, redirect, request, url_for
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import BadRequest

from connector.domain.audit import Event
from connector.ports.telemetry import Took
from connector.web import (
    admission,
    approvals,
    audit,
    doctor,
    going_back,
    graph_notifications,
    help_pages,
    launch,
    overview,
    portal,
    problems,
    promotion,
    records,
    sharing,
    sign_in,
    tenant,
    visits,
    wellknown,
)
from connector.web.access import Access, register
from connector.web.api import routes
from connector.web.context import WebContext, web
from connector.web.problem_json import below_api
from connector.web.session import PortalSessions, identity
from connector.web.strict_cookies import StrictRequest

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OTHER_SITES = frozenset({"cross-site", "same-site"})
_FORM_BYTES = 64 * 1024
_TIMED = frozenset({"launch", "visits"})
# What a 503 says that knows no better: an EHR or Microsoft that is away is seldom back sooner.
_RETRY_AFTER_SECONDS = 10
# Letters that are mistaken for digits on the phone, and what identifiers have besides letters.
_UNREADABLE = str.maketrans("ILOU-_", "234567")


def create_app(context: WebContext) -> Flask:
    app = Flask("connector.web")
    app.request_class = StrictRequest
    app.session_interface = PortalSessions()
    app.extensions["connector"] = context
    app.extensions["admission"] = admission.Admission()
    app.config.update(
        ACCESS={},
        REFUSED_AS={},
        SECRET_KEY=context.sealer.keyed_hash("portal-session", "key"),
        SESSION_COOKIE_NAME="__Host-portal",
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=_FORM_BYTES,
        MAX_FORM_MEMORY_SIZE=_FORM_BYTES,
        WTF_CSRF_SSL_STRICT=False,  # it asks for a Referer, which our policy withholds
    )
    app.before_request(_begin)
    app.before_request(admission.admit)
    app.before_request(_identify)
    app.before_request(_refuse_other_sites)
    app.after_request(_finish)
    csrf = CSRFProtect(app)
    csrf.exempt(graph_notifications.blueprint)
    csrf.exempt(routes.blueprint)  # it reads no cookie
    problems.install(app)
    app.register_error_handler(CSRFError, _form_too_old)
    _register(app)
    return app


def _form_too_old(_err: CSRFError) -> Response:
    """A form without its token: of an ended session, so sign in again, or of another site."""
    if g.who is None:
        return make_response(redirect(url_for("front.overview"), 303))
    return problems.http_error(BadRequest())


def _register(app: Flask) -> None:
    register(app, wellknown.blueprint, Access.PUBLIC, Event.LAUNCH_REFUSED)
    register(app, launch.blueprint, Access.LAUNCH, Event.LAUNCH_REFUSED)
    register(app, sign_in.blueprint, Access.PUBLIC, Event.SIGN_IN_REFUSED)
    register(app, visits.blueprint, Access.VISIT, Event.LAUNCH_REFUSED)
    register(app, overview.blueprint, Access.PUBLIC, Event.CONFIGURATION_REFUSED)
    register(app, portal.blueprint, Access.PORTAL, Event.CONFIGURATION_REFUSED)
    register(app, approvals.blueprint, Access.APPROVER, Event.APPROVAL_REFUSED)
    register(app, records.blueprint, Access.PORTAL, Event.CONFIGURATION_REFUSED)
    register(app, going_back.blueprint, Access.PORTAL, Event.CONFIGURATION_REFUSED)
    register(app, promotion.blueprint, Access.PORTAL, Event.CONFIGURATION_REFUSED)
    register(app, help_pages.blueprint, Access.PUBLIC, Event.CONFIGURATION_REFUSED)
    register(app, tenant.blueprint, Access.PORTAL, Event.TENANT_REFUSED)
    register(app, doctor.blueprint, Access.PORTAL, Event.CONFIGURATION_REFUSED)
    register(app, audit.blueprint, Access.PORTAL, Event.AUDIT_REFUSED)
    register(app, sharing.blueprint, Access.PORTAL, Event.SHARE_REFUSED)
    register(app, routes.openapi_blueprint, Access.PUBLIC, Event.API_REFUSED)
    register(app, routes.blueprint, Access.API, Event.API_REFUSED)
    register(app, graph_notifications.blueprint, Access.GRAPH, Event.NOTIFICATION_REFUSED)


def _begin() -> None:
    context = web()
    context.telemetry.begin_request()
    g.began = time.perf_counter()
    g.reference = _readable(context.ids.identifier())


def _identify() -> None:
    g.who = None if below_api() else identity(web().clock.now())


def _refuse_other_sites() -> None:
    """A form of another site never reaches a route, whatever its token (ASVS 3.5.8)."""
    if request.method not in SAFE_METHODS and request.headers.get("Sec-Fetch-Site") in OTHER_SITES:
        raise BadRequest


def _readable(identifier: str) -> str:
    """Eight characters somebody can read over the phone, in two groups."""
    text = identifier.upper().translate(_UNREADABLE)
    return f"{text[:4]}-{text[4:8]}"


def _finish(response: Response) -> Response:
    _headers(response)
    seconds = time.perf_counter() - g.began
    telemetry = web().telemetry
    if "shed" not in g:
        _tell_own_time(response, seconds)
        admission.answered()
    telemetry.request_finished(
        route=str(request.url_rule or "unmatched"),
        method=request.method,
        status=response.status_code,
        took=Took(seconds, admission.waited_seconds()),
        reference=g.reference,
        shed=g.get("shed", ""),
    )
    return response


def _tell_own_time(response: Response, seconds: float) -> None:
    """Milliseconds of ours, of the EHR's and Microsoft's, and in front of the first free thread."""
    if request.blueprint not in _TIMED:
        return
    telemetry = web().telemetry
    upstream = telemetry.waited_seconds()
    own, queue = seconds - upstream, admission.waited_seconds()
    response.headers["Server-Timing"] = (
        f"own;dur={own * 1000:.1f}, upstream;dur={upstream * 1000:.1f}, queue;dur={queue * 1000:.1f}"
    )
    if request.blueprint == "launch":
        outcome = g.get("refused", "ok")
        telemetry.launch_step(step=request.endpoint or "", outcome=outcome, own_seconds=own)


def _headers(response: Response) -> None:
    """Launch addresses carry secrets: nothing is cached, framed or referred (ASVS 3.4)."""
    framing = g.get("frame_ancestors", "'none'")
    feed = web().deployment.feed_url
    response.headers.setdefault("Cache-Control", "no-store")
    if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers.setdefault("Retry-After", str(_RETRY_AFTER_SECONDS))
    response.headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
        f"media-src 'self' blob:; connect-src 'self' {feed}; base-uri 'none'; "
        f"form-action 'self' {g.get('form_action', '')}; frame-ancestors {framing}"
    )
