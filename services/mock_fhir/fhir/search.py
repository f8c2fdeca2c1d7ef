"""Search: searchset Bundles with paging. https://hl7.org/fhir/R4/search.html"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from mock_fhir.environment import Environment
from mock_fhir.fhir.access import Permission, bearer_token, permission_of
from mock_fhir.fhir.outcomes import FhirError, outcome
from mock_fhir.fhir.pages import Snapshot
from mock_fhir.fhir.parameters import PARAMETERS, Kind, Matcher, matcher
from mock_fhir.fhir.resources import Resource, reference_of

DEFAULT_COUNT = 50
LARGEST_COUNT = 200
IGNORED = frozenset({"_format", "_pretty", "_total", "_elements"})
SORTS = {
    "_id": lambda resource: resource["id"],
    "_lastUpdated": lambda resource: resource["meta"]["lastUpdated"],
    "date": lambda resource: resource.get("start") or resource.get("period", {}).get("start") or "",
    "name": lambda resource: str(resource.get("name")),
}
PAGE, OFFSET = "_page", "_offset"


@dataclass(slots=True)
class _Search:
    """A request taken apart; `unknown` are parameters this server does not have."""

    matchers: list[Matcher] = field(default_factory=list)
    applied: list[tuple[str, str]] = field(default_factory=list)
    includes: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    sorts: list[str] = field(default_factory=list)
    count: int = DEFAULT_COUNT
    only_total: bool = False


def search(
    environment: Environment,
    resource_type: str,
    parameters: MultiDict[str, str],
    permission: Permission,
    *,
    strict: bool,
) -> Resource:
    """The first page of a search, or a later one when `_page` is given.

    `strict` refuses unknown parameters (`Prefer: handling=strict`) instead of reporting them in the Bundle.

    Raises:
        FhirError: 400 for a value that cannot be read, 404 for a page that is gone.
    """
    if PAGE in parameters:
        return _later_page(environment, resource_type, parameters, permission)
    asked = _taken_apart(environment, resource_type, parameters)
    if asked.unknown and strict:
        raise FhirError(
            400, f"unknown search parameters: {', '.join(asked.unknown)}", code="not-supported"
        )
    matches = [
        resource
        for resource in environment.store.of_type(resource_type)
        if permission.allows(resource) and all(test(resource) for test in asked.matchers)
    ]
    for sort in reversed(asked.sorts):
        matches.sort(key=SORTS[sort.lstrip("-")], reverse=sort.startswith("-"))
    snapshot = Snapshot(
        resource_type=resource_type,
        ids=tuple(resource["id"] for resource in matches),
        query=tuple(asked.applied),
        count=asked.count,
    )
    bundle = _bundle(environment, snapshot, 0, matches[: asked.count])
    if asked.only_total:
        return {key: bundle[key] for key in ("resourceType", "type", "total", "link")}
    bundle["entry"] += _included(environment, asked.includes, matches[: asked.count])
    bundle["entry"] += _warnings(asked.unknown)
    return _without_empty_entry(bundle)


def _taken_apart(
    environment: Environment, resource_type: str, parameters: MultiDict[str, str]
) -> _Search:
    asked = _Search()
    environment.clinic.make_days()
    for name, value in parameters.items(multi=True):
        if name in IGNORED:
            continue
        try:
            known = _control(asked, name, value) or _filter(
                environment, resource_type, asked, name, value
            )
        except ValueError as error:
            raise FhirError(400, f"{name}: {error}", code="value") from error
        if known:
            asked.applied.append((name, value))
        else:
            asked.unknown.append(name)
    return asked


def _control(asked: _Search, name: str, value: str) -> bool:
    """Result parameters; False when the name is none of them or the value is not served."""
    if name == "_count":
        count = int(value)
        if count < 0:
            raise ValueError("must not be negative")
        asked.only_total = asked.only_total or count == 0
        asked.count = min(count, LARGEST_COUNT)
    elif name == "_summary" and value == "count":
        asked.only_total = True
    elif name == "_sort" and all(sort.lstrip("-") in SORTS for sort in value.split(",")):
        asked.sorts = value.split(",")
    elif name == "_include":
        asked.includes.append(value)
    else:
        return False
    return True


def _filter(
    environment: Environment, resource_type: str, asked: _Search, name: str, value: str
) -> bool:
    test = matcher(resource_type, name, value, environment.zone)
    if test is not None:
        asked.matchers.append(test)
    return test is not None


def _later_page(
    environment: Environment,
    resource_type: str,
    parameters: MultiDict[str, str],
    permission: Permission,
) -> Resource:
    snapshot = environment.search_pages.find(parameters[PAGE])
    offset = parameters.get(OFFSET, default=-1, type=int)
    if snapshot is None or snapshot.resource_type != resource_type or offset < 0:
        raise FhirError(404, "this page of a search is gone; search again")
    ids = snapshot.ids[offset : offset + snapshot.count]
    found = [environment.store.read(resource_type, one) for one in ids]
    readable = [resource for resource in found if resource and permission.allows(resource)]
    return _without_empty_entry(_bundle(environment, snapshot, offset, readable, parameters[PAGE]))


def _bundle(
    environment: Environment,
    snapshot: Snapshot,
    offset: int,
    page: list[Resource],
    token: str | None = None,
) -> Resource:
    base = f"{environment.addresses.fhir}/{snapshot.resource_type}"
    links = [{"relation": "self", "url": f"{base}?{urlencode(snapshot.query)}"}]
    following = offset + snapshot.count
    if snapshot.count > 0 and following < len(snapshot.ids):
        kept = token or environment.search_pages.keep(snapshot)
        query = urlencode({PAGE: kept, OFFSET: following})
        links.append({"relation": "next", "url": f"{base}?{query}"})
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(snapshot.ids),
        "link": links,
        "entry": [_entry(environment, resource, "match") for resource in page],
    }


def _entry(environment: Environment, resource: Resource, mode: str) -> dict[str, Any]:
    return {
        "fullUrl": f"{environment.addresses.fhir}/{reference_of(resource)}",
        "resource": resource,
        "search": {"mode": mode},
    }


def _included(
    environment: Environment, includes: Iterable[str], page: list[Resource]
) -> list[dict[str, Any]]:
    """`_include=Appointment:patient`; what the token may not read is left out."""
    token = bearer_token(environment)
    wanted = dict.fromkeys(
        reference
        for include in includes
        for resource in page
        for reference in _included_references(include, resource)
    )
    entries = []
    for reference in wanted:
        target_type, _, identity = reference.partition("/")
        target = environment.store.read(target_type, identity)
        if target and permission_of(token, target_type, "r", environment).allows(target):
            entries.append(_entry(environment, target, "include"))
    return entries


def _included_references(include: str, resource: Resource) -> list[str]:
    source, _, name = include.partition(":")
    name, _, target = name.partition(":")
    parameter = PARAMETERS.get(source, {}).get(name)
    if source != resource["resourceType"] or parameter is None or parameter.kind != Kind.REFERENCE:
        raise FhirError(400, f"_include={include} is not served", code="not-supported")
    return [one for one in parameter.values(resource) if one.startswith(target)]


def _warnings(unknown: list[str]) -> list[dict[str, Any]]:
    if not unknown:
        return []
    text = f"ignored, because not served: {', '.join(unknown)}"
    warning = outcome("warning", "not-supported", text)
    return [{"resource": warning, "search": {"mode": "outcome"}}]


def _without_empty_entry(bundle: Resource) -> Resource:
    """FHIR JSON has no empty arrays: https://hl7.org/fhir/R4/json.html"""
    return bundle if bundle["entry"] else {k: v for k, v in bundle.items() if k != "entry"}
