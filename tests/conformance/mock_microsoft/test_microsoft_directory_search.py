"""Search for people: https://learn.microsoft.com/graph/api/user-list and https://learn.microsoft.com/graph/aad-advanced-queries."""

from typing import Any
from urllib.parse import urlencode

import pytest
from tests.conformance.mock_microsoft.microsoft_desk import (
    ADAM,
    ADMIN,
    ALL_ROLES,
    ANALYST,
    CONNECTOR,
    CONTOSO,
    NORTHWIND,
    OTHER_APP,
    PIPELINE,
    TAILSPIN,
    Desk,
    local,
)

EVENTUAL = {"ConsistencyLevel": "eventual"}
REFUSED = "Request_UnsupportedQuery"


def users(desk: Desk, headers: dict[str, str] | None = None, **options: str) -> Any:
    query = urlencode({f"${name}": value for name, value in options.items()})
    return desk.graph("GET", f"users?{query}", headers=headers)


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.get_json()["value"]]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("startswith(displayName,'dana')", [ANALYST]),
        ("startswith(displayName,'x') or startswith(userPrincipalName,'analyst')", [ANALYST]),
        ("startswith(displayName,'admin') or startswith(userPrincipalName,'admin')", [ADMIN]),
        ("displayName eq 'O''Neil or anybody'", []),
        ("startswith(displayName,'a') and accountEnabled eq true", [ADAM]),
        ("startswith(displayName,'a') and accountEnabled eq false", []),
        ("startswith(displayName,'whitfield')", []),
        ("startswith(userPrincipalName,'jonas')", []),
    ],
)
def test_a_filter_finds_people_of_the_callers_tenant_by_the_beginning(
    desk: Desk, expression: str, expected: list[str]
) -> None:
    assert ids(users(desk, filter=expression, select="id,displayName")) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('"displayName:whit"', [ANALYST]),
        ('"displayName:dana whit"', [ANALYST]),
        ('"displayName:hitfield"', []),
        ('"userPrincipalName:analyst"', [ANALYST]),
        ('"userPrincipalName:contoso"', []),
        ('"displayName:nobody" OR "mail:adam"', [ADAM]),
    ],
)
def test_a_search_compares_words_of_the_name_and_beginnings_of_the_rest(
    desk: Desk, expression: str, expected: list[str]
) -> None:
    assert ids(users(desk, EVENTUAL, search=expression, select="id")) == expected


def test_a_search_without_the_header_is_refused_in_graphs_words(desk: Desk) -> None:
    answer = users(desk, search='"displayName:dana"')
    error = answer.get_json()["error"]
    assert (answer.status_code, error["code"]) == (400, REFUSED)
    assert "'ConsistencyLevel: eventual'" in error["message"]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"search": "displayName:dana"}, "BadRequest"),
        ({"search": '"dana"'}, "BadRequest"),
        ({"search": '"jobTitle:analyst"'}, REFUSED),
        ({"search": '"displayName:a" or "displayName:b"'}, "BadRequest"),
        ({"filter": "contains(displayName,'a')"}, REFUSED),
        ({"filter": "startswith(shoeSize,'a')"}, REFUSED),
        ({"filter": "startswith(displayName,'a'"}, REFUSED),
        ({"filter": "startswith(displayName,'O'Neil')"}, REFUSED),
        ({"filter": "displayName ne 'a'"}, REFUSED),
        ({"select": "id,shoeSize"}, "BadRequest"),
        ({"top": "0"}, "BadRequest"),
        ({"top": "1000"}, "BadRequest"),
        ({"top": "many"}, "BadRequest"),
        ({"skiptoken": "guessed"}, "BadRequest"),
        ({"skip": "5"}, "BadRequest"),
        ({"expand": "manager"}, "BadRequest"),
        ({"orderby": "jobTitle"}, REFUSED),
        ({"orderby": "displayName sideways"}, REFUSED),
    ],
)
def test_a_query_that_graph_would_not_understand_is_refused(
    desk: Desk, options: dict[str, str], code: str
) -> None:
    answer = users(desk, EVENTUAL, **options)
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (400, code)


@pytest.mark.parametrize(
    ("headers", "count"), [({}, "true"), (EVENTUAL, "false"), ({"ConsistencyLevel": "x"}, "true")]
)
def test_sorting_what_was_filtered_is_an_advanced_query(
    desk: Desk, headers: dict[str, str], count: str
) -> None:
    options = {"filter": "startswith(displayName,'a')", "orderby": "displayName", "count": count}
    answer = users(desk, headers, **options)
    assert answer.get_json()["error"]["message"] == "Sorting not supported for current query."


def test_an_advanced_query_sorts_and_counts(desk: Desk) -> None:
    options = {"filter": "startswith(userPrincipalName,'a')", "orderby": "displayName desc"}
    answer = users(desk, EVENTUAL, **options, count="true", top="1")
    names = [one["displayName"] for one in answer.get_json()["value"]]
    assert (names, answer.get_json()["@odata.count"]) == (["Morgan Reyes"], 3)


def test_a_page_names_the_next_one_until_the_last(desk: Desk) -> None:
    everyone, link = ids(users(desk, select="id")), "/v1.0/users?$select=id&$top=5"
    seen: list[str] = []
    while link:
        document = desk.graph("GET", local(link).removeprefix("/v1.0/")).get_json()
        seen += [one["id"] for one in document["value"]]
        link = document.get("@odata.nextLink", "")
    assert seen == everyone
    assert len(everyone) > 10


def test_a_refusal_names_the_roles_that_are_missing_and_those_held(desk: Desk) -> None:
    token = desk.app_token(client_id=OTHER_APP)
    path = f"users/{ADAM}/onlineMeetings?$filter=JoinWebUrl eq 'x'"
    answer = desk.graph("GET", path, token=token)
    error = answer.get_json()["error"]
    assert (answer.status_code, error["code"]) == (403, "Authorization_RequestDenied")
    assert "'OnlineMeetings.Read.All, OnlineMeetings.ReadWrite.All'" in error["message"]
    assert error["message"].endswith("Roles on the request 'User.Read.All'.")


def test_an_application_without_any_role_may_not_search(desk: Desk) -> None:
    answer = desk.graph("GET", "users", token=desk.app_token(client_id=PIPELINE))
    assert answer.status_code == 403
    assert "Roles on the request ''." in answer.get_json()["error"]["message"]


JOIN_URL = "https://teams.microsoft.com/l/meetup-join/19%3ameeting_x%40thread.v2/0?context=x"


def meetings_by_url(desk: Desk) -> Any:
    query = urlencode({"$filter": f"JoinWebUrl eq '{JOIN_URL}'"})
    return desk.graph("GET", f"users/{ADAM}/onlineMeetings?{query}")


def test_a_meeting_nobody_made_is_an_empty_list_where_the_policy_allows(desk: Desk) -> None:
    answer = meetings_by_url(desk)
    assert (answer.status_code, answer.get_json()["value"]) == (200, [])


def test_a_missing_application_access_policy_is_told_from_a_missing_role(desk: Desk) -> None:
    body = {"client_id": CONNECTOR, "tenant_id": CONTOSO, "granted": False}
    desk.sim("POST", "access-policies", body)
    answer = meetings_by_url(desk)
    error = answer.get_json()["error"]
    assert (answer.status_code, error["code"]) == (403, "Forbidden")
    assert error["message"].startswith("No application access policy found for this app")


def test_northwind_is_ready_and_tailspin_is_not(desk: Desk) -> None:
    claims = desk.claims(desk.app_token(NORTHWIND), audience="https://graph.microsoft.com")
    assert claims["roles"] == list(ALL_ROLES)
    assert desk.token(TAILSPIN).get_json()["error_codes"] == [700016]
