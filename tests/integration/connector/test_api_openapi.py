"""The OpenAPI document says what the routes are, who may, and what is answered."""

from typing import Any

import pytest
from tests.builders.api import configuration
from tests.builders.web import ORIGIN, Site

from connector.web.api.openapi import document
from connector.web.api.operations import OPERATIONS
from connector.web.refusals import PROBLEMS

DOCUMENT = document(ORIGIN)
EVERY_OPERATION = [
    pytest.param(path, method, described, id=described["operationId"])
    for path, operations in DOCUMENT["paths"].items()
    for method, described in operations.items()
]
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]


def body_schemas() -> dict[str, dict[str, Any]]:
    """Everything a request body is made of, by name."""
    found: dict[str, dict[str, Any]] = {}
    waiting = [each.body.__name__ for each in OPERATIONS.values() if each.body]
    while waiting:
        name = waiting.pop()
        found[name] = SCHEMAS[name]
        references = str(SCHEMAS[name]).split("#/components/schemas/")[1:]
        waiting += [r.partition("'")[0] for r in references if r.partition("'")[0] not in found]
    return found


def test_anybody_may_read_it(site: Site) -> None:
    answer = site.app.test_client().get("/openapi.json", base_url=ORIGIN)
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    assert answer.json == DOCUMENT
    assert answer.json["openapi"] == "3.1.0"


def test_it_says_nothing_of_who_is_configured(site: Site) -> None:
    answer = site.app.test_client().get("/openapi.json", base_url=ORIGIN)
    assert "Contoso" not in answer.text
    assert "env-test" not in answer.text


def test_every_route_below_api_is_described(site: Site) -> None:
    rules = [r for r in site.app.url_map.iter_rules() if r.rule.startswith("/api/")]
    routes = {
        (r.rule.replace("<", "{").replace(">", "}"), method.lower())
        for r in rules
        for method in (r.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert routes == {(p.values[0], p.values[1]) for p in EVERY_OPERATION}


@pytest.mark.parametrize(("path", "method", "described"), EVERY_OPERATION)
def test_an_operation_names_its_refusals_as_problem_documents(
    path: str, method: str, described: dict[str, Any]
) -> None:
    answers = described["responses"]
    assert {"400", "401", "403", "409", "421", "422", "503"} <= answers.keys(), path
    assert ("404" in answers) == ("{" in path or "configuration_unknown" in str(answers))
    for status, answer in answers.items():
        media_type = "application/json" if status < "300" else "application/problem+json"
        assert list(answer["content"]) == [media_type]
    assert described["summary"].endswith(".")


@pytest.mark.parametrize(("path", "method", "described"), EVERY_OPERATION)
def test_an_operation_that_changes_something_takes_an_idempotency_key(
    path: str, method: str, described: dict[str, Any]
) -> None:
    names = [p["name"] for p in described["parameters"]]
    assert ("Idempotency-Key" in names) == (method == "post")


def test_every_reason_an_operation_may_refuse_with_stands_at_its_status() -> None:
    for operation in OPERATIONS.values():
        path = "/api/v1" + operation.rule.replace("<", "{").replace(">", "}")
        answers = DOCUMENT["paths"][path][operation.method.lower()]["responses"]
        for reason in operation.refusals:
            assert reason in answers[str(PROBLEMS[reason].status)]["description"]


@pytest.mark.parametrize("name", sorted(body_schemas()))
def test_case_46_no_body_has_room_for_what_is_not_the_callers_to_set(name: str) -> None:
    schema = body_schemas()[name]
    if schema["type"] == "object":
        assert schema["additionalProperties"] is False
        unsettable = {"tenant_id", "status", "state", "approved_at", "created_by", "number"}
        assert not schema["properties"].keys() & unsettable


def test_bodies_are_looked_through_to_their_last_part() -> None:
    assert {"NewConfiguration", "ClientIds", "Settings", "Lobby"} <= body_schemas().keys()


def test_an_entered_configuration_may_leave_out_what_has_a_default() -> None:
    required = SCHEMAS["NewConfiguration"]["required"]
    assert set(required) == configuration().keys()
