"""`GraphDirectory`: the approver an admin names is an enabled member, or is not found."""

from typing import Any
from urllib.parse import quote

import pytest
from tests.fakes.microsoft import FakeDirectory
from tests.fakes.wire import DROPPED, Reply, WireServer
from tests.fakes.wired_microsoft import PERSON, TENANT

from connector.adapters.graph.client import GraphClient
from connector.adapters.graph.directory import GraphDirectory
from connector.domain.configuration import Approver
from connector.ports.errors import BadAnswer, Denied, Gone, OutsideError, TryLater
from connector.ports.microsoft import Directory

NAME = "chris@contoso.example"
PATH = f"/v1.0/users/{quote(NAME, safe='')}"
PATH_BY_ID = f"/v1.0/users/{PERSON}"
USERS = "/v1.0/users"
USER: dict[str, Any] = {
    "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users/$entity",
    "id": PERSON,
    "userPrincipalName": NAME,
    "accountEnabled": True,
    "userType": "Member",
}


@pytest.fixture
def directory(graph: GraphClient, wire: WireServer) -> GraphDirectory:
    wire.answer("GET", PATH, Reply(200, USER))
    wire.answer("GET", PATH_BY_ID, Reply(200, USER))
    wire.answer("GET", USERS, Reply(200, {"value": [USER]}))
    return GraphDirectory(graph)


@pytest.fixture(params=["graph", "fake"])
def either(request: pytest.FixtureRequest, directory: GraphDirectory) -> Directory:
    fake = FakeDirectory()
    fake.add(TENANT, Approver(PERSON, NAME))
    return directory if request.param == "graph" else fake


def test_a_member_is_found_by_sign_in_name(either: Directory) -> None:
    assert either.find(TENANT, NAME) == Approver(PERSON, NAME)


def test_nobody_of_that_name_is_gone(either: Directory) -> None:
    with pytest.raises(Gone):
        either.find(TENANT, "nobody@contoso.example")


def test_only_the_four_fields_are_asked_for(directory: GraphDirectory, wire: WireServer) -> None:
    directory.find(TENANT, f"  {NAME} ")
    (heard,) = wire.heard
    assert heard.query == {"$select": "id,userPrincipalName,accountEnabled,userType"}
    assert heard.headers["authorization"] == f"Bearer app-{TENANT}-0"


@pytest.mark.parametrize("name", ["", "me", "chris", "a@b\r\nX: y", "a@b\x00", "x" * 300 + "@b"])
def test_what_is_no_sign_in_name_is_gone_unasked(
    directory: GraphDirectory, wire: WireServer, name: str
) -> None:
    with pytest.raises(Gone, match="sign_in_name"):
        directory.find(TENANT, name)
    assert wire.heard == []


@pytest.mark.parametrize("name", ["../me@x", "a@b/memberOf", "a@b?$expand=x", "a@b#c", "$a@b"])
def test_a_name_cannot_break_out_of_the_path(
    directory: GraphDirectory, wire: WireServer, name: str
) -> None:
    with pytest.raises(Gone):
        directory.find(TENANT, name)
    assert wire.heard[0].path == f"/v1.0/users/{quote(name, safe='')}"


@pytest.mark.parametrize(
    ("change", "error", "code"),
    [
        ({"accountEnabled": False}, Gone, "account_disabled"),
        ({"accountEnabled": None}, Gone, "account_disabled"),
        ({"accountEnabled": "true"}, Gone, "account_disabled"),
        ({"userType": "Guest"}, Gone, "account_is_guest"),
        ({"userType": None}, Gone, "account_is_guest"),
        ({"id": None}, BadAnswer, "user"),
        ({"userPrincipalName": None}, BadAnswer, "user"),
    ],
    ids=str,
)
def test_only_an_enabled_member_can_approve(
    directory: GraphDirectory,
    wire: WireServer,
    change: dict[str, Any],
    error: type[OutsideError],
    code: str,
) -> None:
    wire.answer("GET", PATH, Reply(200, USER | change))
    with pytest.raises(error, match=code):
        directory.find(TENANT, NAME)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(404, {"error": {"code": "Request_ResourceNotFound"}}), Gone),
        (Reply(403, {"error": {"code": "Authorization_RequestDenied"}}), Denied),
        (Reply(429, {"error": {"code": "TooManyRequests"}}), TryLater),
        (Reply(200, b"[]"), BadAnswer),
        (DROPPED, TryLater),
    ],
)
def test_a_refusal_says_what_kind_it_is(
    directory: GraphDirectory, wire: WireServer, reply: Reply, error: type[OutsideError]
) -> None:
    wire.answer("GET", PATH, reply)
    with pytest.raises(error) as failed:
        directory.find(TENANT, NAME)
    assert type(failed.value) is error


# Asking again, before the approver decides (case 47) ---------------------------------------------


def test_case_47_a_member_is_found_by_object_id(either: Directory) -> None:
    assert either.member(TENANT, PERSON) == Approver(PERSON, NAME)


def test_case_47_nobody_of_that_object_id_is_gone(either: Directory) -> None:
    with pytest.raises(Gone):
        either.member(TENANT, "00000000-0000-4000-8000-00000000dead")


@pytest.mark.parametrize(
    ("change", "error", "code"),
    [
        ({"accountEnabled": False}, Gone, "account_disabled"),
        ({"accountEnabled": None}, Gone, "account_disabled"),
        ({"userType": "Guest"}, Gone, "account_is_guest"),
        ({"id": "00000000-0000-4000-8000-00000000dead"}, BadAnswer, "user"),
        ({"id": None}, BadAnswer, "user"),
    ],
    ids=str,
)
def test_case_47_only_an_enabled_member_still_is_one(
    directory: GraphDirectory,
    wire: WireServer,
    change: dict[str, Any],
    error: type[OutsideError],
    code: str,
) -> None:
    wire.answer("GET", PATH_BY_ID, Reply(200, USER | change))
    with pytest.raises(error, match=code):
        directory.member(TENANT, PERSON)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(404, {"error": {"code": "Request_ResourceNotFound"}}), Gone),
        (Reply(403, {"error": {"code": "Authorization_RequestDenied"}}), Denied),
        (Reply(503, {"error": {"code": "ServiceUnavailable"}}), TryLater),
        (DROPPED, TryLater),
    ],
)
def test_case_47_a_refused_question_says_what_kind_it_is(
    directory: GraphDirectory, wire: WireServer, reply: Reply, error: type[OutsideError]
) -> None:
    wire.answer("GET", PATH_BY_ID, reply)
    with pytest.raises(error) as failed:
        directory.member(TENANT, PERSON)
    assert type(failed.value) is error


# Looking for somebody to name (F20) -------------------------------------------------------------


def test_a_member_is_found_by_the_beginning_of_the_name(either: Directory) -> None:
    assert either.search(TENANT, " CHRIS@ ") == [Approver(PERSON, NAME)]


@pytest.mark.parametrize("text", ["", " ", "c", " c ", "ch\x00", "a\r\nb"])
def test_too_little_to_look_for_is_not_asked_about(
    directory: GraphDirectory, wire: WireServer, text: str
) -> None:
    assert directory.search(TENANT, text) == []
    assert wire.heard == []


def test_the_search_asks_for_the_four_fields_and_a_bounded_page(
    directory: GraphDirectory, wire: WireServer
) -> None:
    directory.search(TENANT, "o'neill&$top=999")
    (heard,) = wire.heard
    assert set(heard.query) == {"$filter", "$select", "$top"}
    assert heard.query["$top"] == "50"
    assert heard.query["$select"] == "id,userPrincipalName,accountEnabled,userType"
    assert "startswith(userPrincipalName,'o''neill&$top=999')" in heard.query["$filter"]


def test_a_quote_cannot_end_the_literal(directory: GraphDirectory, wire: WireServer) -> None:
    directory.search(TENANT, "x') or accountEnabled eq (true")
    (heard,) = wire.heard
    assert heard.query["$filter"].count("'") == 4 * 5


@pytest.mark.parametrize(
    "change",
    [
        {"accountEnabled": False},
        {"accountEnabled": None},
        {"userType": "Guest"},
        {"userType": None},
    ],
    ids=str,
)
def test_nobody_who_cannot_approve_is_offered(
    directory: GraphDirectory, wire: WireServer, change: dict[str, Any]
) -> None:
    wire.answer("GET", USERS, Reply(200, {"value": [USER | change]}))
    assert directory.search(TENANT, "chris") == []


def test_people_are_offered_in_the_order_of_their_sign_in_names(
    directory: GraphDirectory, wire: WireServer
) -> None:
    people = [USER | {"userPrincipalName": f"{name}@x.example"} for name in ("Zoe", "amy", "Bob")]
    wire.answer("GET", USERS, Reply(200, {"value": people}))
    found = [person.sign_in_name for person in directory.search(TENANT, "xx")]
    assert found == ["amy@x.example", "Bob@x.example", "Zoe@x.example"]


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(200, {}), BadAnswer),
        (Reply(200, {"value": {}}), BadAnswer),
        (Reply(200, {"value": ["x"]}), BadAnswer),
        (Reply(200, {"value": [USER | {"id": 7}]}), BadAnswer),
        (Reply(403, {"error": {"code": "Authorization_RequestDenied"}}), Denied),
        (Reply(429, {"error": {"code": "TooManyRequests"}}), TryLater),
        (DROPPED, TryLater),
    ],
)
def test_a_search_that_fails_says_what_kind_it_is(
    directory: GraphDirectory, wire: WireServer, reply: Reply, error: type[OutsideError]
) -> None:
    wire.answer("GET", USERS, reply)
    with pytest.raises(error):
        directory.search(TENANT, "chris")
