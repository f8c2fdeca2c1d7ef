"""Users of the caller's tenant: one by id or sign-in name, and a search.

https://learn.microsoft.com/graph/api/user-get and .../api/user-list
"""

from typing import Any

from flask import Response, jsonify, request

from mock_microsoft.directory import Person
from mock_microsoft.graph.access import READ_USERS, require_role
from mock_microsoft.graph.errors import BadRequest, UserNotFound
from mock_microsoft.graph.user_queries import (
    PROPERTIES,
    found_people,
    page_of,
    query_of,
)
from mock_microsoft.graph.versions import context_of, graph_blueprint
from mock_microsoft.web_addresses import with_query
from mock_microsoft.world import current_world

# Returned only when selected: https://learn.microsoft.com/graph/api/resources/user#properties
_ONLY_SELECTED = frozenset({"accountEnabled", "userType"})
_DEFAULT = tuple(name for name in PROPERTIES if name not in _ONLY_SELECTED)

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
    is_eventual = request.headers.get("ConsistencyLevel", "").lower() == "eventual"
    people = current_world().directory.people_of(caller.tenant)
    found = found_people(people, query_of(request.args, is_eventual=is_eventual))
    selected = _selected()
    page = page_of(found, request.args)
    answer: dict[str, Any] = {"@odata.context": context_of("users")}
    if request.args.get("$count") == "true" and is_eventual:
        answer["@odata.count"] = len(found)
    if page.next_token:
        answer["@odata.nextLink"] = _next_link(page.next_token)
    return jsonify({**answer, "value": [_document(person, selected) for person in page.people]})


def _next_link(token: str) -> str:
    kept = {name: value for name, value in request.args.items() if name != "$skiptoken"}
    return with_query(
        f"{current_world().config.public_url}{request.path}", {**kept, "$skiptoken": token}
    )


def _document(person: Person, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: PROPERTIES[name](person) for name in names}


def _selected() -> tuple[str, ...]:
    """Unknown names are refused: a typo would otherwise look like a missing value."""
    asked = request.args.get("$select")
    if not asked:
        return _DEFAULT
    names = tuple(name.strip() for name in asked.split(","))
    unknown = [name for name in names if name not in PROPERTIES]
    if unknown:
        raise BadRequest(f"Could not find a property named '{unknown[0]}' on type 'user'.")
    return names
