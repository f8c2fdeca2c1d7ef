"""`/sim/people`, `/sim/directory-roles`, `/sim/app-roles`, `/sim/optional-claims`: people, and what tokens say about them.

| request | does |
|---|---|
| `GET people` | tenants and the people of each |
| `POST people/{id or sign-in name}` `{"enabled": false}` | disable or enable the account, also in the middle of a flow |
| `POST directory-roles` `{"user_id", "role": "GLOBAL_READER" or template id, "assigned": true}` | the claim `wids` |
| `POST app-roles` `{"client_id", "user_id", "role": "Connector.Admin", "assigned": true}` | a person's role of an application: `roles` |
| `POST optional-claims` `{"tenant_id", "withheld": ["tenant_ctry"]}` | tokens of an older manifest; `[]` issues all again |

Tokens show a change when they are issued next; those issued before keep what they say, as in reality.
"""

from typing import Any

from flask import Response, jsonify

from mock_microsoft.control.plane import (
    app_of,
    control_blueprint,
    flag_of,
    person_of,
    posted_object,
    tenant_of,
    text_of,
)
from mock_microsoft.directory import DirectoryRole, Person, Tenant
from mock_microsoft.world import current_world

blueprint = control_blueprint("sim_people", __name__)

_ROLES = {role.name: role for role in DirectoryRole} | {role.value: role for role in DirectoryRole}


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


@blueprint.post("/people/<user_id>")
def set_enabled(user_id: str) -> Response:
    document = posted_object()
    person = person_of({"user_id": user_id})
    if "enabled" not in document:
        raise ValueError('"enabled" is needed, true or false')
    current_world().directory.set_enabled(person, enabled=flag_of(document, "enabled"))
    return _now(person)


@blueprint.post("/directory-roles")
def set_directory_role() -> Response:
    document = posted_object()
    person, role = person_of(document), _ROLES.get(text_of(document, "role"))
    if role is None:
        names = ", ".join(one.name for one in DirectoryRole)
        raise ValueError(f'"role" must be a template id or one of: {names}')
    assigned = flag_of(document, "assigned")
    current_world().directory.set_role(person, role, assigned=assigned)
    return _now(person)


@blueprint.get("/app-roles")
def list_app_roles() -> Response:
    return jsonify({"app_roles": current_world().grants.assignments()})


@blueprint.post("/app-roles")
def set_app_role() -> Response:
    document = posted_object()
    app, person, role = app_of(document), person_of(document), text_of(document, "role")
    known = app.exposed_api.app_roles if app.exposed_api else ()
    if role not in known:
        raise ValueError(f'"role" must be one of: {", ".join(known) or "(the app has none)"}')
    assigned = flag_of(document, "assigned")
    current_world().grants.set_app_role(app.client_id, person.id, role, assigned=assigned)
    return list_app_roles()


@blueprint.get("/optional-claims")
def list_withheld_claims() -> Response:
    return jsonify({"withheld_claims": current_world().withheld_claims.listed()})


@blueprint.post("/optional-claims")
def withhold_claims() -> Response:
    document = posted_object()
    tenant, names = tenant_of(document), document.get("withheld")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError('"withheld" must be a list of claim names')
    current_world().withheld_claims.set(tenant.id, tuple(names))
    return list_withheld_claims()


def _now(person: Person) -> Response:
    return jsonify(_person(person_of({"user_id": person.id})))


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
