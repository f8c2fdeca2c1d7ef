"""Flask application of a simulator: journal, faults, security headers, error pages, `/healthz` and `/sim`."""

import json
import socket
import time
from dataclasses import dataclass, field
from typing import Any, cast

from flask import Flask, Response, current_app, g, jsonify, render_template, request
from werkzeug.exceptions import HTTPException

from simkit.clock import Clock
from simkit.control import ControlPlane, World, control_plane
from simkit.faults import Fault, Faults
from simkit.journal import Exchange, Journal, body_text

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # RFC 9700 4.16: log-in and approval pages must not be framed by anyone. No form-action: browsers apply it to
    # every redirect after the form was sent, and these forms end at other origins.
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
}


@dataclass(slots=True)
class Simulator:
    """The instruments of one simulator; `title` is shown to people."""

    title: str
    clock: Clock = field(default_factory=Clock)
    journal: Journal = field(default_factory=Journal)
    faults: Faults = field(default_factory=Faults)


def create_simulator(import_name: str, simulator: Simulator, world: World) -> Flask:
    """A Flask application with everything every simulator has; blueprints are added by the caller.

    The instruments are in `app.extensions["sim"]`. Answers keep security headers that a route set itself.
    """
    app = Flask(import_name)
    app.extensions["sim"] = simulator
    app.json.sort_keys = False  # type: ignore[attr-defined]  # DefaultJSONProvider has it, the base class does not say so
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.register_blueprint(control_plane(simulator, world))
    app.add_url_rule("/healthz", "healthz", lambda: jsonify({"status": "ok"}))
    app.register_error_handler(HTTPException, _error_page)
    app.before_request(_meet_fault)
    app.after_request(_finish)
    return app


def current_simulator() -> Simulator:
    return cast(Simulator, current_app.extensions["sim"])


def _is_instrument() -> bool:
    """Control plane and health: never faulted, never recorded."""
    if request.endpoint == "healthz":
        return True
    blueprint = current_app.blueprints.get(request.blueprint or "")
    return isinstance(blueprint, ControlPlane)


def _meet_fault() -> Response | None:
    g.sim_started = current_simulator().clock.now()
    g.sim_stopwatch = time.perf_counter()
    request.get_data(
        cache=True, parse_form_data=False
    )  # kept for the journal before a form is parsed
    if _is_instrument():
        return None
    fault = current_simulator().faults.take(request.path, request.method)
    g.sim_fault = fault
    if fault is None:
        return None
    time.sleep(fault.delay_seconds)
    return _faulty(fault) if fault.answers and not fault.after else None


def _finish(response: Response) -> Response:
    for name, value in SECURITY_HEADERS.items():
        if name != "Content-Security-Policy" or response.mimetype == "text/html":
            response.headers.setdefault(name, value)
    if _is_instrument():
        return response
    fault: Fault | None = g.get("sim_fault")
    if fault and fault.after:
        response = _faulty(fault)
    _record(response, dropped=fault is not None and fault.drop)
    return response


def _faulty(fault: Fault) -> Response:
    if fault.drop:
        _hang_up()
        return Response(status=503)
    is_text = isinstance(fault.body, str)
    body = fault.body if is_text else json.dumps(fault.body) if fault.body is not None else ""
    response = Response(
        body, status=fault.status, content_type="text/plain" if is_text else "application/json"
    )
    response.headers.update(fault.headers)
    return response


def _hang_up() -> None:
    """Close the client's connection under the server; Flask's test client has none and gets the 503 instead."""
    connection = request.environ.get("gunicorn.socket") or request.environ.get("werkzeug.socket")
    if connection is not None:
        cast(socket.socket, connection).shutdown(socket.SHUT_RDWR)


def _record(response: Response, *, dropped: bool) -> None:
    streamed = response.is_streamed or response.direct_passthrough
    current_simulator().journal.add(
        Exchange(
            direction="in",
            started=g.sim_started,
            duration_seconds=time.perf_counter() - g.sim_stopwatch,
            method=request.method,
            url=request.url,
            request_headers=tuple(request.headers.items()),
            request_body=body_text(request.get_data(cache=True)),
            status=0 if dropped else response.status_code,
            response_headers=() if dropped else tuple(response.headers.items()),
            response_body="" if dropped or streamed else body_text(response.get_data()),
        )
    )


def _error_page(error: HTTPException) -> Any:
    """HTML for a browser, JSON `{"error", "message"}` for a program."""
    if error.response is not None:
        return error.response
    status = error.code or 500
    message = error.description or ""
    if request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html":
        title = current_simulator().title
        page = render_template("simkit/error.html", name=error.name, message=message, title=title)
        answer = Response(page, status=status, content_type="text/html; charset=utf-8")
    else:
        answer = jsonify({"error": error.name.lower().replace(" ", "_"), "message": message})
        answer.status_code = status
    kept = [pair for pair in error.get_headers() if pair[0].lower() in ("allow", "retry-after")]
    answer.headers.extend(kept)
    return answer
