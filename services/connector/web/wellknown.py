"""What anybody may fetch: health, metrics and the keys EHRs verify our assertions with."""

from datetime import timedelta

from flask import Blueprint, Response, jsonify

from connector.web.context import web

blueprint = Blueprint("wellknown", __name__)

_WORKER_SILENT_AFTER = timedelta(seconds=30)
_JWKS_SECONDS = 300


@blueprint.get("/.well-known/jwks.json")
def jwks() -> Response:
    """RFC 7517; short-lived so that a rotation is seen within minutes."""
    response = jsonify(web().signer.public_keys())
    response.headers["Cache-Control"] = f"public, max-age={_JWKS_SECONDS}"
    return response


@blueprint.get("/healthz")
def healthz() -> Response:
    return jsonify(status="alive")


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """503 names the dependency that is missing; a silent worker is told but not fatal here."""
    problem = web().store.ready()
    if problem is not None:
        return jsonify(status="not ready", database=problem), 503
    with web().store.read() as tx:
        heard = tx.last_heartbeat("worker")
    alive = heard is not None and web().clock.now() - heard < _WORKER_SILENT_AFTER
    return jsonify(status="ready", database="ok", worker="alive" if alive else "silent"), 200


@blueprint.get("/metrics")
def metrics() -> Response:
    return Response(web().telemetry.exposition(), mimetype="text/plain; version=0.0.4")
