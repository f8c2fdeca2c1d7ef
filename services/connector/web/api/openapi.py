"""The OpenAPI document, made from the operations and their models: it says what the code does.

spectree and flask-openapi3 write every answer as application/json, and ours that refuse are
application/problem+json; they also want to own validation or the application.
https://spec.openapis.org/oas/v3.1.0.html
"""

import re
from functools import cache
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, jsonify
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from connector.domain.errors import Reason
from connector.web.api.entries import ID_PATTERN
from connector.web.api.keyed import HEADER, KEY_PATTERN
from connector.web.api.operations import OPERATIONS, Model, Operation, Page, blueprint
from connector.web.context import web
from connector.web.problem_json import MEDIA_TYPE, REQUEST_INVALID, ProblemDocument
from connector.web.refusals import PROBLEMS

Json = dict[str, Any]
openapi_blueprint = Blueprint("openapi", __name__)

_REF = "#/components/schemas/{model}"
_PATH_VALUE = re.compile(r"<(\w+)>")
_ANYBODY = (
    Reason.TOKEN_MISSING,
    Reason.TOKEN_INVALID,
    Reason.SCOPE_MISSING,
    Reason.ROLE_MISSING,
    Reason.GEOGRAPHY_UNCONFIRMED,
    Reason.GEOGRAPHY_OTHER,
    Reason.MICROSOFT_UNREACHABLE,
)
_KEYED = (Reason.IDEMPOTENCY_KEY_REUSED, Reason.IDEMPOTENCY_KEY_IN_USE)
# A key covers the body also where the operation takes none.
_TOO_LARGE, _WRONG_TYPE = HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE
_HEADER_WORDS = {
    "WWW-Authenticate": "What is wrong with the token (RFC 6750).",
    "Retry-After": "Seconds to wait, where that helps.",
    "Idempotent-Replayed": "true: an earlier request with this key earned the answer.",
    "Link": "Address of the next page (RFC 8288); none on the last.",
}
_HEADERS_OF = {
    401: ("WWW-Authenticate",),
    403: ("WWW-Authenticate",),
    409: ("Retry-After",),
    503: ("Retry-After",),
}


@openapi_blueprint.get("/openapi.json")
def openapi() -> Response:
    """Public: it says how to ask, and nothing about who is configured here."""
    return jsonify(document(web().deployment.public_url))


@cache
def document(public_url: str) -> Json:
    paths: Json = {}
    for operation in OPERATIONS.values():
        path = _PATH_VALUE.sub(r"{\1}", f"{blueprint.url_prefix}{operation.rule}")
        paths.setdefault(path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Teams EHR connector",
            "version": "1",
            "description": f"Words for every problem: {public_url}/help/api",
        },
        "servers": [{"url": public_url}],
        "security": [{"entra": []}],
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "entra": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            },
        },
    }


def _schemas() -> Json:
    modes: list[tuple[Any, JsonSchemaMode]] = [(ProblemDocument, "serialization")]
    for operation in OPERATIONS.values():
        modes.append((operation.answer, "serialization"))
        modes += [(operation.body, "validation")] if operation.body else []
    _, found = models_json_schema(modes, ref_template=_REF)
    schemas: Json = found["$defs"]
    return schemas


def _operation(operation: Operation) -> Json:
    described: Json = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": f"The caller needs the right to {operation.needs}.",
        "parameters": _parameters(operation),
        "responses": _responses(operation),
    }
    if operation.body is not None:
        content = {"application/json": {"schema": _ref(operation.body)}}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _parameters(operation: Operation) -> list[Json]:
    of_path = [
        {"name": name, "in": "path", "required": True, "schema": _text(ID_PATTERN)}
        for name in _PATH_VALUE.findall(operation.rule)
    ]
    key = {"name": HEADER, "in": "header", "required": False, "schema": _text(KEY_PATTERN)}
    return [*of_path, *_query(operation.query), *([key] if operation.method == "POST" else [])]


def _text(pattern: str) -> Json:
    return {"type": "string", "pattern": pattern}


def _query(model: Model | None) -> list[Json]:
    """A parameter that may be left out is never null: an address holds no null."""
    if model is None:
        return []
    schema = model.model_json_schema(ref_template=_REF)
    kinds = schema.get("$defs", {})
    return [
        {"name": name, "in": "query", "required": False, "schema": _given(each, kinds)}
        for name, each in schema["properties"].items()
    ]


def _given(schema: Json, kinds: Json) -> Json:
    given: Json = next((s for s in schema.get("anyOf", []) if s.get("type") != "null"), schema)
    named = given.get("$ref", "").rpartition("/")[2]
    found: Json = kinds.get(named, given)
    return found


def _responses(operation: Operation) -> Json:
    responses = {str(s): _problem(s, titles) for s, titles in sorted(_titles(operation).items())}
    headers = ["Idempotent-Replayed"] if operation.method == "POST" else []
    headers += ["Link"] if issubclass(operation.answer, Page) else []
    good = {
        "description": HTTPStatus(operation.status).phrase,
        "headers": _headers(headers),
        "content": {"application/json": {"schema": _ref(operation.answer)}},
    }
    return {str(int(operation.status)): good, **responses}


def _titles(operation: Operation) -> dict[int, list[str]]:
    """Every status that may refuse the operation, with the reasons it stands for."""
    keyed = _KEYED if operation.method == "POST" else ()
    titles: dict[int, list[str]] = {400: ["no JSON"], 422: [REQUEST_INVALID.title]}
    titles |= {_TOO_LARGE: [_TOO_LARGE.phrase]} if keyed else {}
    titles |= {_WRONG_TYPE: [_WRONG_TYPE.phrase]} if operation.body else {}
    if _PATH_VALUE.search(operation.rule):
        titles[HTTPStatus.NOT_FOUND] = ["no such path"]
    for reason in (*_ANYBODY, *keyed, *operation.refusals):
        titles.setdefault(PROBLEMS[reason].status, []).append(f"{reason}")
    return titles


def _problem(status: int, titles: list[str]) -> Json:
    return {
        "description": ", ".join(titles),
        "headers": _headers(_HEADERS_OF.get(status, ())),
        "content": {MEDIA_TYPE: {"schema": _ref(ProblemDocument)}},
    }


def _headers(names: Any) -> Json:
    text = {"type": "string"}
    return {name: {"description": _HEADER_WORDS[name], "schema": text} for name in names}


def _ref(model: type) -> Json:
    return {"$ref": _REF.format(model=model.__name__)}
