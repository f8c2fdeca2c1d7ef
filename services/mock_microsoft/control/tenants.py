"""`/sim/consent`, `/sim/access-policies`, `/sim/certificates`, `/sim/throttles`: what applications may, and how much Graph takes.

| request | does |
|---|---|
| `POST consent` `{"client_id", "tenant_id", "state": "granted"|"revoked"|"absent"}` | admin consent |
| `POST access-policies` `{"client_id", "tenant_id", "user_id": null, "granted": true}` | application access policy, tenant-wide or of one user |
| `POST certificates` `{"client_id", "certificate_pem"}` | one more certificate of the application, as before a key rotation |
| `POST throttles` `{"route": "/v1.0/users/*", "rate_per_second": 5, "burst": 5, "retry_after": "fraction"}` | token bucket; `DELETE` removes all |
"""

from flask import Response, jsonify

from mock_microsoft.control.plane import (
    app_of,
    choice_of,
    control_blueprint,
    flag_of,
    person_of,
    posted_object,
    tenant_of,
    text_of,
)
from mock_microsoft.grants import Consent
from mock_microsoft.graph.throttling import RetryAfter
from mock_microsoft.world import current_world

blueprint = control_blueprint("sim_tenants", __name__)


@blueprint.get("/consent")
def list_consents() -> Response:
    return jsonify({"consents": current_world().grants.consents()})


@blueprint.post("/consent")
def set_consent() -> Response:
    document = posted_object()
    state = choice_of(document, "state", Consent)
    app, tenant = app_of(document), tenant_of(document)
    current_world().grants.set_consent(app.client_id, tenant.id, state)
    return list_consents()


@blueprint.get("/access-policies")
def list_policies() -> Response:
    return jsonify({"access_policies": current_world().grants.policies()})


@blueprint.post("/access-policies")
def set_policy() -> Response:
    document = posted_object()
    app, tenant = app_of(document), tenant_of(document)
    person = person_of(document) if document.get("user_id") else None
    if person and person.tenant != tenant:
        raise LookupError("no such person in this tenant; GET /sim/people lists them")
    granted = flag_of(document, "granted")
    user_id = person.id if person else None
    current_world().grants.set_policy(app.client_id, tenant.id, user_id, granted=granted)
    return list_policies()


@blueprint.post("/certificates")
def add_certificate() -> Response:
    document = posted_object()
    app, apps = app_of(document), current_world().apps
    apps.add_certificates(app, text_of(document, "certificate_pem"))
    thumbprints = [one.sha256_thumbprint for one in apps.certificates(app)]
    return jsonify({"client_id": app.client_id, "x5t#S256": thumbprints})


@blueprint.get("/throttles")
def list_throttles() -> Response:
    return jsonify({"throttles": current_world().throttles.listed()})


@blueprint.post("/throttles")
def set_throttle() -> Response:
    document = {"retry_after": RetryAfter.SECONDS.value, **posted_object()}
    current_world().throttles.set(
        text_of(document, "route"),
        float(document.get("rate_per_second", 0)),
        int(document.get("burst", 1)),
        choice_of(document, "retry_after", RetryAfter),
    )
    return list_throttles()


@blueprint.delete("/throttles")
def clear_throttles() -> Response:
    current_world().throttles.clear()
    return list_throttles()
