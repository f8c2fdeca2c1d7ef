"""The query of a search for users: `$filter`, `$search`, `$orderby`, `$top`, `$skiptoken`.

What needs `ConsistencyLevel: eventual` and `$count=true`: https://learn.microsoft.com/graph/aad-advanced-queries
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mock_microsoft.directory import AccountKind, Person
from mock_microsoft.graph.errors import BadRequest, UnsupportedQuery

DEFAULT_PAGE, MAX_PAGE = 100, 999
SUPPORTED = frozenset({"$filter", "$search", "$select", "$top", "$orderby", "$count", "$skiptoken"})
SORTABLE = frozenset({"displayName", "userPrincipalName"})

PROPERTIES: Mapping[str, Callable[[Person], Any]] = {
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
# Only the display name is split into words; the others are compared from their beginning.
_TOKENIZED = frozenset({"displayName"})
_SEARCHABLE = _TOKENIZED | {"givenName", "surname", "mail", "userPrincipalName"}

_STARTS_WITH = re.compile(r"startswith\(\s*(\w+)\s*,\s*'((?:[^']|'')*)'\s*\)", re.IGNORECASE)
_EQUALS = re.compile(r"(\w+)\s+eq\s+(?:'((?:[^']|'')*)'|(true|false))", re.IGNORECASE)
# Not inside a literal: an even number of quotes follows.
_OUTSIDE_QUOTES = r"(?=(?:[^']*'[^']*')*[^']*$)"
_OR = re.compile(rf"\s+or\s+{_OUTSIDE_QUOTES}", re.IGNORECASE)
_AND = re.compile(rf"\s+and\s+{_OUTSIDE_QUOTES}", re.IGNORECASE)
_SEARCH_CLAUSE = re.compile(r'"(\w+):([^"]+)"')
_WORD = re.compile(r"\w+")

Predicate = Callable[[Person], bool]


@dataclass(frozen=True, slots=True)
class UserQuery:
    matches: Predicate
    order_by: str
    descending: bool


@dataclass(frozen=True, slots=True)
class Page:
    """`next_token` is empty on the last one."""

    people: Sequence[Person]
    next_token: str


def query_of(args: Mapping[str, str], *, is_eventual: bool) -> UserQuery:
    """`is_eventual`: the header `ConsistencyLevel: eventual` was sent.

    Raises:
        GraphError: BadRequest or UnsupportedQuery; a question that is half understood gets no answer.
    """
    unknown = sorted(name for name in args if name.startswith("$") and name not in SUPPORTED)
    if unknown:
        raise BadRequest(f"Query option '{unknown[0]}' was not recognized.")
    filtered = _filter(args.get("$filter", ""))
    searched = _search(args.get("$search", ""), is_eventual=is_eventual)
    order_by, descending = _order(args, is_eventual=is_eventual)
    return UserQuery(lambda p: filtered(p) and searched(p), order_by, descending)


def found_people(people: Sequence[Person], query: UserQuery) -> Sequence[Person]:
    found = [person for person in people if query.matches(person)]
    if not query.order_by:
        return found
    read_value = PROPERTIES[query.order_by]
    return sorted(found, key=lambda p: str(read_value(p)).lower(), reverse=query.descending)


def page_of(people: Sequence[Person], args: Mapping[str, str]) -> Page:
    """`$skiptoken` is opaque to clients; here it is the number of people before the page."""
    size, start = _page_size(args), args.get("$skiptoken", "0")
    if not start.isdecimal():
        raise BadRequest("Invalid $skiptoken.")
    first, after = int(start), int(start) + size
    return Page(people[first:after], str(after) if after < len(people) else "")


def _page_size(args: Mapping[str, str]) -> int:
    text = args.get("$top", str(DEFAULT_PAGE))
    if not text.isdecimal() or not 1 <= int(text) <= MAX_PAGE:
        raise BadRequest("$top must be a number from 1 to 999.")
    return int(text)


def _order(args: Mapping[str, str], *, is_eventual: bool) -> tuple[str, bool]:
    """Sorting what was filtered or searched is an advanced query."""
    name, _, direction = args.get("$orderby", "").partition(" ")
    if not name:
        return "", False
    is_sifted = "$filter" in args or "$search" in args
    if is_sifted and not (is_eventual and args.get("$count") == "true"):
        raise UnsupportedQuery("Sorting not supported for current query.")
    if name not in SORTABLE or direction not in ("", "asc", "desc"):
        raise UnsupportedQuery("Unsupported sort property for the resource.")
    return name, direction == "desc"


def _filter(expression: str) -> Predicate:
    """`startswith(field,'x')` and `field eq 'x'`, joined by `or` and `and`, without parentheses; case does not matter."""
    if not expression:
        return lambda _person: True
    groups = [
        [_clause(clause.strip()) for clause in _AND.split(group)] for group in _OR.split(expression)
    ]
    return lambda person: any(all(clause(person) for clause in group) for group in groups)


def _clause(text: str) -> Predicate:
    prefix, equal = _STARTS_WITH.fullmatch(text), _EQUALS.fullmatch(text)
    found = prefix or equal
    if found is None or found.group(1) not in PROPERTIES:
        raise UnsupportedQuery("Unsupported or invalid query filter clause.")
    read_value = PROPERTIES[found.group(1)]
    literal = found.group(2) if found.group(2) is not None else found.group(3)
    wanted = literal.replace("''", "'").lower()
    if prefix:
        return lambda person: str(read_value(person)).lower().startswith(wanted)
    return lambda person: str(read_value(person)).lower() == wanted


def _search(expression: str, *, is_eventual: bool) -> Predicate:
    """`"displayName:ad"`, clauses joined by `OR` (upper case, as Graph wants it)."""
    if not expression:
        return lambda _person: True
    if not is_eventual:
        raise UnsupportedQuery(
            "Request with $search query parameter only works through MSGraph with a special request header: "
            "'ConsistencyLevel: eventual'"
        )
    clauses = [_search_clause(part.strip()) for part in expression.split(" OR ")]
    return lambda person: any(clause(person) for clause in clauses)


def _search_clause(text: str) -> Predicate:
    found = _SEARCH_CLAUSE.fullmatch(text)
    if found is None:
        raise BadRequest(
            'Syntax error: $search takes quoted clauses, for example "displayName:adam".'
        )
    name, value = found.groups()
    if name not in _SEARCHABLE:
        raise UnsupportedQuery(f"Property '{name}' does not support $search.")
    read_value = PROPERTIES[name]
    if name not in _TOKENIZED:
        return lambda person: str(read_value(person)).lower().startswith(value.lower())
    wanted = _WORD.findall(value.lower())
    return lambda person: _has_words(str(read_value(person)), wanted)


def _has_words(text: str, wanted: Sequence[str]) -> bool:
    """Every wanted word begins some word of the text."""
    words = _WORD.findall(text.lower())
    return all(any(word.startswith(one) for word in words) for one in wanted)
