"""Create and update, with optimistic locking: https://hl7.org/fhir/R4/http.html#concurrency"""

import re
import secrets

from flask import request

from mock_fhir.environment import Environment
from mock_fhir.fhir.access import Permission
from mock_fhir.fhir.outcomes import FhirError
from mock_fhir.fhir.resources import Resource
from mock_fhir.fhir.store import VersionConflict
from mock_fhir.fhir.validation import WRITABLE_TYPES, check_resource

BODY_TYPES = ("application/fhir+json", "application/json")
_IF_MATCH = re.compile(r'^(?:W/)?"(?P<version>[^"]+)"$')


def create(environment: Environment, resource_type: str, permission: Permission) -> Resource:
    """Store a new resource under an id of the server's. Raises FhirError."""
    resource = {**_body(resource_type), "id": environment.kind.id_prefix + secrets.token_hex(8)}
    _allow(permission, resource)
    check_resource(resource)
    return environment.store.put(resource)


def update(
    environment: Environment, resource_type: str, resource_id: str, permission: Permission
) -> Resource:
    """Replace the current version.

    Raises:
        FhirError: 412 when `If-Match` names another version; 405 for an id the server did not give.
    """
    resource = _body(resource_type)
    if resource.get("id") != resource_id:
        raise FhirError(400, "the id of the resource differs from the id in the address")
    current = environment.store.read(resource_type, resource_id)
    if current is None:
        raise FhirError(405, "ids are given by the server; there is no such resource to update")
    _allow(permission, current)
    _allow(permission, resource)
    check_resource(resource)
    try:
        return environment.store.put(resource, expected_version=_expected_version())
    except VersionConflict as error:
        raise FhirError(
            412, f"the current version is {error.current}; read it and try again"
        ) from error


def _body(resource_type: str) -> Resource:
    if resource_type not in WRITABLE_TYPES:
        raise FhirError(405, f"{resource_type} cannot be written here", headers={"Allow": "GET"})
    if request.mimetype not in BODY_TYPES:
        raise FhirError(415, "send application/fhir+json")
    resource = request.get_json(force=True, silent=True)
    if not isinstance(resource, dict):
        raise FhirError(400, "the body is no JSON object", code="structure")
    if resource.get("resourceType") != resource_type:
        raise FhirError(400, f"resourceType must be {resource_type}", code="structure")
    return resource


def _allow(permission: Permission, resource: Resource) -> None:
    if not permission.allows(resource):
        raise FhirError(403, "this resource is outside what was granted")


def _expected_version() -> str | None:
    header = request.headers.get("If-Match")
    if header is None:
        return None
    match = _IF_MATCH.match(header)
    if match is None:
        raise FhirError(400, 'If-Match must be a version such as W/"3"')
    return match["version"]
