"""Users of the caller's tenant: one by id or sign-in name, and a search by prefix.

https://learn.microsoft.com/graph/api/user-get and .../api/user-list
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from flask import Response, jsonify, request

from mock_microsoft.directory import AccountKind, Person
from mock_microsoft.graph.access import READ_USERS, require_role
from mock_microsoft.graph.errors import BadRequest, UnsupportedQuery, UserNotFound
from mock_microsoft.graph.versions import context_of, graph_blueprint
from mock_microsoft.world import current_world

DEFAULT_PAGE, MAX_PAGE = 100, 999

_PROPERTIES: Mapping[str, Callable[[Person], Any]] = {
    "id": lambda p: p.id,
    "displayName": lambda p: p.display_name,
    "givenName": lambda p: p.display_name.split(" ", 1)[0],
    "surname": lambda p: p.display_name.split(" ", 1)[-1],
    "jobTitle": lambda p: p.job_title,
    "mail": lambda p: p.mail,
    "userPrincipalName": lambda p: p.user_principal_name,
    "accountEnabled": lambda p: p.enabled,
    "userType": lambda p: "Guest" if p.account_kind is AccountKind.GUEST else "Member",
}
# Returned only when selected: https://learn.microsoft.com/graph/api/resources/user#properties
_ONLY_SELECTED = frozenset({"accountEnabled", "userType"})
_DEFAULT = tuple(name for name in _PROPERTIES if name not in _ONLY_SELECTED)

_STARTS_WITH = re.compile(r"startswith\(\s*(\w+)\s*,\s*'((?:[^']|'')*)'\s*\)", re.IGNORECASE)
_EQUALS = re.compile(r"(\w+)\s+eq\s+'((?:[^']|'')*)'", re.IGNORECASE)

blueprint = graph_blueprint("graph_users", __name__)


@blueprint.get("/users/<user_id>")
def read(user_id: str) -> Response:
    caller = require_role(READ_USERS)
    person = current_world().directory.person_in(caller.tenant, user_id)
    if person is None:
        raise UserNotFound(f"Resource '{user_id}' does not exist.")
    document = _document(person, _selected())
    return jsonify({"@odata.context": context_of("users/$entity"), **document})


@blueprint.get("/users")
def search() -> Response:
    caller = require_role(READ_USERS)
    matches = _predicate(request.args.get("$filter", ""))
    selected = _selected()
    people = [p for p in current_world().directory.people_of(caller.tenant) if matches(p)]
    documents = [_document(person, selected) for person in people[: _page_size()]]
    return jsonify({"@odata.context": context_of("users"), "value": documents})


def _document(person: Person, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: _PROPERTIES[name](person) for name in names}


def _selected() -> tuple[str, ...]:
    """Unknown names are refused: a typo would otherwise look like a missing value."""
    asked = request.args.get("$select")
    if not asked:
        return _DEFAULT
    names = tuple(name.strip() for name in asked.split(","))
    unknown = [name for name in names if name not in _PROPERTIES]
    if unknown:
        raise BadRequest(f"Could not find a property named '{unknown[0]}' on type 'user'.")
    return names


def _page_size() -> int:
    text = request.args.get("$top", str(DEFAULT_PAGE))
    if not text.isdecimal() or not 1 <= int(text) <= MAX_PAGE:
        raise BadRequest("$top must be a number from 1 to 999.")
    return int(text)


def _predicate(expression: str) -> Callable[[Person], bool]:
    """`startswith(field,'x')` and `field eq 'x'`, joined by `or`; comparison without case."""
    if not expression:
        return lambda _person: True
    clauses = [_clause(part.strip()) for part in re.split(r"\s+or\s+", expression)]
    return lambda person: any(clause(person) for clause in clauses)


def _clause(text: str) -> Callable[[Person], bool]:
    prefix, equal = _STARTS_WITH.fullmatch(text), _EQUALS.fullmatch(text)
    found = prefix or equal
    if found is None or found.group(1) not in _PROPERTIES:
        raise UnsupportedQuery("Unsupported or invalid query filter clause.")
    read_value = _PROPERTIES[found.group(1)]
    wanted = found.group(2).replace("''", "'").lower()
    if prefix:
        return lambda person: str(read_value(person)).lower().startswith(wanted)
    return lambda person: str(read_value(person)).lower() == wanted
