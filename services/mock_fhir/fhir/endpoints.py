"""RESTful interactions below the FHIR base URL: https://hl7.org/fhir/R4/http.html"""

from datetime import datetime
from email.utils import format_datetime
from typing import Any

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from mock_fhir import addresses
from mock_fhir.environment import current_environment
from mock_fhir.fhir.access import require
from mock_fhir.fhir.capability import capability_statement
from mock_fhir.fhir.outcomes import (
    FhirError,
    answer_fhir_error,
    answer_http_error,
    fhir_response,
)
from mock_fhir.fhir.parameters import PARAMETERS
from mock_fhir.fhir.resources import Resource
from mock_fhir.fhir.search import search
from mock_fhir.fhir.writing import create, update

blueprint = Blueprint("fhir", __name__, url_prefix=addresses.FHIR)
blueprint.register_error_handler(FhirError, answer_fhir_error)
blueprint.register_error_handler(HTTPException, answer_http_error)
JSON_FORMATS = ("json", "application/json", "application/fhir+json", "text/json")


@blueprint.before_request
def accept_json_only() -> None:
    """XML is not served; `_format` wins over `Accept`."""
    asked = request.args.get("_format")
    if asked is not None and asked.replace(" ", "+").split(";")[0] not in JSON_FORMATS:
        raise FhirError(406, "only JSON is served")
    acceptable = request.accept_mimetypes.best_match(["application/fhir+json", "application/json"])
    if asked is None and request.accept_mimetypes and acceptable is None:
        raise FhirError(406, "only application/fhir+json is served")


@blueprint.get("/metadata")
def metadata() -> Response:
    return fhir_response(capability_statement(current_environment()))


@blueprint.get("/<resource_type>")
@blueprint.get("/<resource_type>/")
def search_by_get(resource_type: str) -> Response:
    return _search(resource_type, request.args)


@blueprint.post("/<resource_type>/_search")
def search_by_post(resource_type: str) -> Response:
    return _search(resource_type, request.values)


@blueprint.get("/<resource_type>/<resource_id>")
def read(resource_type: str, resource_id: str) -> Response:
    environment = current_environment()
    _known(resource_type)
    permission = require(environment, resource_type, "r")
    environment.clinic.make_days()
    resource = environment.store.read(resource_type, resource_id)
    if resource is None:
        raise FhirError(404, f"there is no {resource_type} with this id")
    if not permission.allows(resource):
        raise FhirError(403, f"this {resource_type} is outside what was granted")
    return _versioned(resource)


@blueprint.get("/<resource_type>/<resource_id>/_history/<version>")
def read_version(resource_type: str, resource_id: str, version: str) -> Response:
    environment = current_environment()
    _known(resource_type)
    permission = require(environment, resource_type, "r")
    versions = environment.store.versions(resource_type, resource_id)
    found = next((one for one in versions if one["meta"]["versionId"] == version), None)
    if found is None or not permission.allows(found):
        raise FhirError(404, f"there is no {resource_type} with this id and version")
    return _versioned(found)


@blueprint.put("/<resource_type>/<resource_id>")
def update_resource(resource_type: str, resource_id: str) -> Response:
    environment = current_environment()
    _known(resource_type)
    permission = require(environment, resource_type, "u")
    stored = update(environment, resource_type, resource_id, permission)
    return _written(stored, 200)


@blueprint.post("/<resource_type>")
def create_resource(resource_type: str) -> Response:
    environment = current_environment()
    _known(resource_type)
    permission = require(environment, resource_type, "c")
    return _written(create(environment, resource_type, permission), 201)


@blueprint.route("/<path:path>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def not_served(path: str) -> Response:
    """Whatever no other route took, so that it too is answered with an OperationOutcome."""
    resource_type, _, rest = path.partition("/")
    _known(resource_type)
    if request.method in ("PUT", "PATCH", "DELETE", "POST") and "/" not in rest:
        raise FhirError(405, f"{request.method} is not served for {resource_type}")
    raise FhirError(404, "this interaction is not served", code="not-supported")


def _search(resource_type: str, parameters: Any) -> Response:
    environment = current_environment()
    _known(resource_type)
    permission = require(environment, resource_type, "s")
    strict = "handling=strict" in request.headers.get("Prefer", "")
    return fhir_response(search(environment, resource_type, parameters, permission, strict=strict))


def _known(resource_type: str) -> None:
    if resource_type not in PARAMETERS:
        raise FhirError(404, f"resource type {resource_type} is not served", code="not-supported")


def _versioned(resource: Resource) -> Response:
    """ETag and Last-Modified; 304 when the client has this version."""
    headers = version_headers(resource)
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return fhir_response(None, 304, headers)
    return fhir_response(resource, 200, headers)


def _written(stored: Resource, status: int) -> Response:
    kind, identity, version = stored["resourceType"], stored["id"], stored["meta"]["versionId"]
    location = f"{current_environment().addresses.fhir}/{kind}/{identity}/_history/{version}"
    headers = {**version_headers(stored), "Location": location}
    is_minimal = "return=minimal" in request.headers.get("Prefer", "")
    return fhir_response(None if is_minimal else stored, status, headers)


def version_headers(resource: Resource) -> dict[str, str]:
    changed = datetime.fromisoformat(resource["meta"]["lastUpdated"])
    return {
        "ETag": f'W/"{resource["meta"]["versionId"]}"',
        "Last-Modified": format_datetime(changed, usegmt=True),
    }
