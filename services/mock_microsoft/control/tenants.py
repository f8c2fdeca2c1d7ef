"""`/sim/people`, `/sim/consent`, `/sim/access-policies`, `/sim/forged-id-tokens`, `/sim/throttles`.

| request | does |
|---|---|
| `GET people` | tenants and the people of each |
| `POST consent` `{"client_id", "tenant_id", "state": "granted"|"revoked"|"absent"}` | admin consent |
| `POST access-policies` `{"client_id", "tenant_id", "user_id": null, "granted": true}` | application access policy, tenant-wide or of one user |
| `POST forged-id-tokens` `{"mode": "bad-signature", "times": 1}` | forge the ID token of the next sign-ins; `DELETE` takes the rest back |
| `POST throttles` `{"route": "/v1.0/users/*", "rate_per_second": 5, "burst": 5, "retry_after": "fraction"}` | token bucket; `DELETE` removes all |
"""

from typing import Any

from flask import Response, jsonify

from mock_microsoft.control.plane import (
    choice_of,
    control_blueprint,
    posted_object,
    text_of,
    times_of,
)
from mock_microsoft.directory import Person, Tenant
from mock_microsoft.entra.forgery import Forgery
from mock_microsoft.grants import Consent
from mock_microsoft.graph.throttling import RetryAfter
from mock_microsoft.world import current_world

blueprint = control_blueprint("sim_tenants", __name__)


@blueprint.get("/people")
def people() -> Response:
    directory = current_world().directory
    return jsonify(
        {
            "tenants": [
                {**_tenant_document(t), "people": [_person(p) for p in directory.people_of(t)]}
                for t in directory.tenants
            ]
        }
    )


@blueprint.get("/consent")
def list_consents() -> Response:
    return jsonify({"consents": current_world().grants.consents()})


@blueprint.post("/consent")
def set_consent() -> Response:
    document = posted_object()
    state = choice_of(document, "state", Consent)
    client_id, tenant = _client_id(document), _tenant(document)
    current_world().grants.set_consent(client_id, tenant.id, state)
    return list_consents()


@blueprint.get("/access-policies")
def list_policies() -> Response:
    return jsonify({"access_policies": current_world().grants.policies()})


@blueprint.post("/access-policies")
def set_policy() -> Response:
    document = posted_object()
    client_id, tenant = _client_id(document), _tenant(document)
    user_id = _person_of(document, tenant).id if document.get("user_id") else None
    granted = document.get("granted", True)
    if not isinstance(granted, bool):
        raise ValueError('"granted" must be true or false')  # noqa: TRY004 - answered as 400 with the others
    current_world().grants.set_policy(client_id, tenant.id, user_id, granted=granted)
    return list_policies()


@blueprint.get("/forged-id-tokens")
def list_forgeries() -> Response:
    return jsonify({"forged_id_tokens": current_world().forgeries.listed()})


@blueprint.post("/forged-id-tokens")
def order_forgery() -> Response:
    document = posted_object()
    mode, times = choice_of(document, "mode", Forgery), times_of(document)
    if times is None:
        raise ValueError('"times" must be a number here: forging never goes on unnoticed')
    current_world().forgeries.order(mode, times)
    return list_forgeries()


@blueprint.delete("/forged-id-tokens")
def clear_forgeries() -> Response:
    current_world().forgeries.clear()
    return list_forgeries()


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


def _client_id(document: dict[str, Any]) -> str:
    app = current_world().apps.find(text_of(document, "client_id"))
    if app is None:
        raise LookupError("no such application")
    return app.client_id


def _tenant(document: dict[str, Any]) -> Tenant:
    tenant = current_world().directory.tenant(text_of(document, "tenant_id"))
    if tenant is None:
        raise LookupError("no such tenant; GET /sim/people lists them")
    return tenant


def _person_of(document: dict[str, Any], tenant: Tenant) -> Person:
    person = current_world().directory.person_in(tenant, text_of(document, "user_id"))
    if person is None:
        raise LookupError("no such person in this tenant; GET /sim/people lists them")
    return person


def _tenant_document(tenant: Tenant) -> dict[str, str]:
    return {
        "id": tenant.id,
        "name": tenant.name,
        "domain": tenant.domain,
        "tenant_region_scope": tenant.region_scope,
        "tenant_ctry": tenant.country,
    }


def _person(person: Person) -> dict[str, Any]:
    return {
        "id": person.id,
        "name": person.display_name,
        "sign_in_name": person.user_principal_name,
        "job_title": person.job_title,
        "roles": [role.name for role in person.roles],
        "guest": bool(person.account_kind),
        "enabled": person.enabled,
    }
