"""Search parameters served, per type: https://hl7.org/fhir/R4/searchparameter-registry.html"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from mock_fhir.fhir.dates import EARLIEST, LATEST, Interval, date_matcher, parse_interval
from mock_fhir.fhir.resources import Resource


class Kind(StrEnum):
    """Search parameter types of R4."""

    TOKEN = "token"  # noqa: S105 - the word of the specification
    REFERENCE = "reference"
    STRING = "string"
    DATE = "date"


Values = Callable[[Resource], Iterator[Any]]


@dataclass(frozen=True, slots=True)
class Parameter:
    """`values` gives (system, code) pairs, references, texts or (start, end) texts, by kind."""

    kind: Kind
    values: Values


def _at(path: str, resource: Any) -> Iterator[Any]:
    """Every value at a dotted path, lists walked through."""
    nodes = [resource]
    for step in path.split("."):
        found = [node.get(step) for node in nodes if isinstance(node, dict)]
        nodes = [
            item
            for value in found
            if value is not None
            for item in (value if isinstance(value, list) else [value])
        ]
    yield from nodes


def _coded(path: str) -> Parameter:
    """code, Coding, CodeableConcept or Identifier."""

    def values(resource: Resource) -> Iterator[tuple[str, str]]:
        for node in _at(path, resource):
            if not isinstance(node, dict):
                yield "", str(node)
                continue
            for coding in node.get("coding", [node]):
                yield coding.get("system", ""), coding.get("code", coding.get("value", ""))

    return Parameter(Kind.TOKEN, values)


def _referred(path: str, target: str | None = None) -> Parameter:
    def values(resource: Resource) -> Iterator[str]:
        for reference in _at(f"{path}.reference", resource):
            if target is None or reference.startswith(f"{target}/"):
                yield reference

    return Parameter(Kind.REFERENCE, values)


def _texts(*paths: str) -> Parameter:
    def values(resource: Resource) -> Iterator[str]:
        for path in paths:
            yield from (str(node) for node in _at(path, resource) if not isinstance(node, dict))

    return Parameter(Kind.STRING, values)


def _dated(path: str) -> Parameter:
    """date, dateTime, instant or Period."""

    def values(resource: Resource) -> Iterator[tuple[str | None, str | None]]:
        for node in _at(path, resource):
            yield (node.get("start"), node.get("end")) if isinstance(node, dict) else (node, node)

    return Parameter(Kind.DATE, values)


_NAMES = _texts("name.text", "name.family", "name.given", "name.prefix")
EVERY_TYPE = {"_id": _coded("id"), "_lastUpdated": _dated("meta.lastUpdated")}
_BY_TYPE: dict[str, dict[str, Parameter]] = {
    "Patient": {
        "identifier": _coded("identifier"),
        "name": _NAMES,
        "family": _texts("name.family"),
        "given": _texts("name.given"),
        "birthdate": _dated("birthDate"),
        "gender": _coded("gender"),
    },
    "Practitioner": {
        "identifier": _coded("identifier"),
        "name": _NAMES,
        "family": _texts("name.family"),
    },
    "PractitionerRole": {
        "practitioner": _referred("practitioner"),
        "organization": _referred("organization"),
        "location": _referred("location"),
    },
    "RelatedPerson": {"patient": _referred("patient"), "name": _NAMES},
    "Location": {
        "identifier": _coded("identifier"),
        "name": _texts("name"),
        "status": _coded("status"),
    },
    "Organization": {"identifier": _coded("identifier"), "name": _texts("name")},
    "Appointment": {
        "identifier": _coded("identifier"),
        "status": _coded("status"),
        "date": _dated("start"),
        "actor": _referred("participant.actor"),
        "patient": _referred("participant.actor", "Patient"),
        "practitioner": _referred("participant.actor", "Practitioner"),
        "location": _referred("participant.actor", "Location"),
        "part-status": _coded("participant.status"),
        "service-type": _coded("serviceType"),
        "appointment-type": _coded("appointmentType"),
    },
    "Encounter": {
        "identifier": _coded("identifier"),
        "status": _coded("status"),
        "class": _coded("class"),
        "type": _coded("type"),
        "date": _dated("period"),
        "subject": _referred("subject"),
        "patient": _referred("subject", "Patient"),
        "participant": _referred("participant.individual"),
        "practitioner": _referred("participant.individual", "Practitioner"),
        "appointment": _referred("appointment"),
    },
    "AuditEvent": {
        "date": _dated("recorded"),
        "entity": _referred("entity.what"),
        "agent": _referred("agent.who"),
        "outcome": _coded("outcome"),
    },
}
PARAMETERS = {name: {**EVERY_TYPE, **own} for name, own in _BY_TYPE.items()}

Matcher = Callable[[Resource], bool]


def matcher(resource_type: str, name: str, value: str, zone: ZoneInfo) -> Matcher | None:
    """Test of one search parameter; commas are OR. None when the parameter or modifier is unknown here.

    Raises:
        ValueError: the value cannot be read.
    """
    name, _, modifier = name.partition(":")
    parameter = PARAMETERS[resource_type].get(name)
    if parameter is None or modifier not in ALLOWED_MODIFIERS[parameter.kind]:
        return None
    if not value:
        raise ValueError(f"{name} has no value")
    accept = TESTS[parameter.kind]
    tests = [accept(part, modifier, zone) for part in value.split(",")]

    def matches(resource: Resource) -> bool:
        found = list(parameter.values(resource))
        is_match = any(test(one) for one in found for test in tests)
        return not is_match if modifier == "not" else is_match

    return matches


def matches_query(resource: Resource, query: str, zone: ZoneInfo) -> bool:
    """Search constraint of a SMART 2 scope; one that cannot be evaluated allows nothing."""
    for name, value in parse_qsl(query):
        test = matcher(resource["resourceType"], name, value, zone)
        if test is None or not test(resource):
            return False
    return True


def _token_test(text: str, _modifier: str, _zone: ZoneInfo) -> Callable[[Any], bool]:
    """`code`, `system|code`, `|code` (no system), `system|`."""
    system, bar, code = text.rpartition("|")

    def test(value: tuple[str, str]) -> bool:
        return (not bar or value[0] == system) and (not code or value[1] == code)

    return test


def _reference_test(text: str, modifier: str, _zone: ZoneInfo) -> Callable[[Any], bool]:
    """`id`, `Type/id` or absolute URL; the target's type may be the modifier."""
    wanted = "/".join(text.split("/")[-2:])
    if modifier and "/" not in wanted:
        wanted = f"{modifier}/{wanted}"

    def test(value: str) -> bool:
        return value == wanted if "/" in wanted else value.rpartition("/")[2] == wanted

    return test


def _string_test(text: str, modifier: str, _zone: ZoneInfo) -> Callable[[Any], bool]:
    """Starts with, any case; `:contains`, `:exact`."""
    if modifier == "exact":
        return partial(str.__eq__, text)
    folded = text.casefold()
    if modifier == "contains":
        return lambda value: folded in value.casefold()
    return lambda value: any(
        part.startswith(folded) for part in (value.casefold(), *value.casefold().split())
    )


def _date_test(text: str, _modifier: str, zone: ZoneInfo) -> Callable[[Any], bool]:
    accept = date_matcher(text, zone)

    def test(value: tuple[str | None, str | None]) -> bool:
        start = parse_interval(value[0], zone).start if value[0] else EARLIEST
        end = parse_interval(value[1], zone).end if value[1] else LATEST
        return accept(Interval(start, end))

    return test


TESTS = {
    Kind.TOKEN: _token_test,
    Kind.REFERENCE: _reference_test,
    Kind.STRING: _string_test,
    Kind.DATE: _date_test,
}
ALLOWED_MODIFIERS: dict[Kind, frozenset[str]] = {
    Kind.TOKEN: frozenset({"", "not"}),
    Kind.REFERENCE: frozenset({"", "Patient", "Practitioner", "Location", "RelatedPerson"}),
    Kind.STRING: frozenset({"", "exact", "contains"}),
    Kind.DATE: frozenset({""}),
}
