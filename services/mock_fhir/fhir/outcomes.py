"""Every FHIR error is an OperationOutcome: https://hl7.org/fhir/R4/operationoutcome.html"""

import json
from collections.abc import Mapping
from typing import Any

from flask import Response
from werkzeug.exceptions import HTTPException

from mock_fhir.fhir.resources import Resource

FHIR_JSON = "application/fhir+json; fhirVersion=4.0; charset=utf-8"
# HTTP status -> code of https://hl7.org/fhir/R4/valueset-issue-type.html
ISSUE_TYPES = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    406: "not-supported",
    412: "conflict",
    415: "not-supported",
    422: "processing",
}


class FhirError(Exception):
    """A FHIR interaction refused; `diagnostics` is for developers and names no person."""

    def __init__(
        self,
        status: int,
        diagnostics: str,
        *,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(diagnostics)
        self.status = status
        self.diagnostics = diagnostics
        self.code = code or ISSUE_TYPES.get(status, "exception")
        self.headers = headers or {}


def outcome(severity: str, code: str, diagnostics: str) -> Resource:
    issue = {"severity": severity, "code": code, "diagnostics": diagnostics}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def fhir_response(
    resource: Mapping[str, Any] | None, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    body = "" if resource is None else json.dumps(resource, ensure_ascii=False)
    response = Response(body, status=status, content_type=FHIR_JSON)
    response.headers.update(headers or {})
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def answer_fhir_error(error: FhirError) -> Response:
    body = outcome("error", error.code, error.diagnostics)
    return fhir_response(body, error.status, error.headers)


def answer_http_error(error: HTTPException) -> Response:
    """Wrong method or path below the FHIR base URL."""
    status = error.code or 500
    body = outcome("error", ISSUE_TYPES.get(status, "exception"), error.description or error.name)
    kept = {name: value for name, value in error.get_headers() if name == "Allow"}
    return fhir_response(body, status, kept)
