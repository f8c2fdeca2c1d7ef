"""The Flask application: blueprints with their access, headers, limits, one log line a request."""

import time
from collections.abc import Callable
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, g, make_response, redirect, request, url_for
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import BadRequest

from connector.domain.audit import Event
from connector.ports.telemetry import Telemetry, Took
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
from connector.web.context import Noted, WebContext, this_request, web
from connector.web.problem_json import below_api
from connector.web.session import PortalSessions, identity
from connector.web.strict_cookies import StrictRequest

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OTHER_SITES = frozenset({"cross-site", "same-site"})
_FORM_BYTES = 64 * 1024
_TIMED = frozenset({"launch", "visits"})
_ALWAYS = (
    ("Strict-Transport-Security", "max-age=31536000; includeSubDomains"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
)
_POLICIES_REMEMBERED = 500
# What a 503 says that knows no better: an EHR or Microsoft that is away is seldom back sooner.
_RETRY_AFTER_SECONDS = 10
# Letters that are mistaken for digits on the phone, and what identifiers have besides letters.
_UNREADABLE = str.maketrans("ILOU-_", "234567")


class Application(Flask):
    """Flask with what is ours of every request."""

    request_class = StrictRequest
    session_interface = PortalSessions()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Ours all are; Flask looks at each function again for each request."""
        return func


def create_app(context: WebContext) -> Flask:
    app = Application("connector.web")
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
    _, noted = this_request()
    context.telemetry.begin_request()
    noted.began = time.perf_counter()
    noted.reference = _readable(context.ids.identifier())


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
    asked, noted = this_request()
    context = web()
    took = Took(time.perf_counter() - noted.began, admission.waited_seconds(asked))
    _headers(response, noted, context.deployment.feed_url)
    if "shed" not in noted:
        if asked.blueprint in _TIMED:
            _tell_own_time(response, took, context.telemetry)
        admission.admission().answered(asked, noted)
    context.telemetry.request_finished(
        route=str(asked.url_rule or "unmatched"),
        method=asked.method,
        status=response.status_code,
        took=took,
        reference=noted.reference,
        shed=noted.get("shed", ""),
    )
    return response


def _tell_own_time(response: Response, took: Took, telemetry: Telemetry) -> None:
    """Milliseconds of ours, of the EHR's and Microsoft's, and in front of the first free thread."""
    asked, noted = this_request()
    upstream = telemetry.waited_seconds()
    own, queue = took.seconds - upstream, took.queue_seconds
    response.headers.add(
        "Server-Timing",
        f"own;dur={own * 1000:.1f}, upstream;dur={upstream * 1000:.1f}, queue;dur={queue * 1000:.1f}",
    )
    if asked.blueprint == "launch":
        outcome = noted.get("refused", "ok")
        telemetry.launch_step(step=asked.endpoint or "", outcome=outcome, own_seconds=own)


def _headers(response: Response, noted: Noted, feed_url: str) -> None:
    """Launch addresses carry secrets: nothing is cached, framed or referred (ASVS 3.4)."""
    headers = response.headers
    if "Cache-Control" not in headers:
        headers.add("Cache-Control", "no-store")
    if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
        headers.setdefault("Retry-After", str(_RETRY_AFTER_SECONDS))
    for name, value in _ALWAYS:
        headers.add(name, value)
    framing = noted.get("frame_ancestors", "'none'")
    policy = _policy(feed_url, noted.get("form_action", ""), framing)
    headers.add("Content-Security-Policy", policy)


@lru_cache(_POLICIES_REMEMBERED)
def _policy(feed_url: str, form_action: str, framing: str) -> str:
    return (
        f"default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
        f"media-src 'self' blob:; connect-src 'self' {feed_url}; base-uri 'none'; "
        f"form-action 'self' {form_action}; frame-ancestors {framing}"
    )
