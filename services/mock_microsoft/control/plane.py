"""The blueprint of these routes, and what their bodies name; wrong input is answered 400 with what to say instead."""

from enum import StrEnum
from typing import Any, TypeVar

from flask import Response, jsonify, request

from mock_microsoft.config import AppRegistration
from mock_microsoft.directory import Person, Tenant
from mock_microsoft.world import current_world
from simkit.control import ControlPlane

Choice = TypeVar("Choice", bound=StrEnum)


def control_blueprint(name: str, import_name: str) -> ControlPlane:
    """Below `/sim`; like all of it neither faulted nor recorded."""
    blueprint = ControlPlane(name, import_name, url_prefix="/sim")
    blueprint.register_error_handler(ValueError, _refuse)
    blueprint.register_error_handler(LookupError, _missing)
    return blueprint


def posted_object() -> dict[str, Any]:
    document = request.get_json(force=True, silent=True) if request.get_data() else {}
    if not isinstance(document, dict):
        raise ValueError("the body must be one JSON object")  # noqa: TRY004 - answered as 400 with the others
    return document


def text_of(document: dict[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f'"{name}" is needed, as text')
    return value


def choice_of(document: dict[str, Any], name: str, choices: type[Choice]) -> Choice:
    value = document.get(name)
    allowed = {choice.value: choice for choice in choices}
    if value not in allowed:
        raise ValueError(f'"{name}" must be one of: {", ".join(allowed)}')
    return allowed[value]


def times_of(document: dict[str, Any]) -> int | None:
    """How often; absent is once, null is until cleared."""
    times = document.get("times", 1)
    if times is not None and (not isinstance(times, int) or isinstance(times, bool) or times < 1):
        raise ValueError('"times" must be a whole number above 0, or null for until cleared')
    return times


def flag_of(document: dict[str, Any], name: str) -> bool:
    """True when absent: naming a thing means wanting it."""
    value = document.get(name, True)
    if not isinstance(value, bool):
        raise ValueError(f'"{name}" must be true or false')  # noqa: TRY004 - answered as 400 with the others
    return value


def app_of(document: dict[str, Any]) -> AppRegistration:
    app = current_world().apps.find(text_of(document, "client_id"))
    if app is None:
        raise LookupError("no such application")
    return app


def tenant_of(document: dict[str, Any]) -> Tenant:
    tenant = current_world().directory.tenant(text_of(document, "tenant_id"))
    if tenant is None:
        raise LookupError("no such tenant; GET /sim/people lists them")
    return tenant


def person_of(document: dict[str, Any]) -> Person:
    person = current_world().directory.person(text_of(document, "user_id"))
    if person is None:
        raise LookupError("no such person; GET /sim/people lists them")
    return person


def _refuse(error: ValueError) -> tuple[Response, int]:
    return jsonify({"error": "bad_request", "message": str(error)}), 400


def _missing(error: LookupError) -> tuple[Response, int]:
    return jsonify({"error": "not_found", "message": str(error.args[0])}), 404
