"""Small readings of FHIR R4 resources held as plain JSON objects."""

from collections.abc import Iterator
from typing import Any

Resource = dict[str, Any]
CONFERENCE_SYSTEM = "urn:mock-fhir:group-conference"
CSN_SYSTEM = "urn:oid:1.2.840.114350.1.13.0.1.7.3.698084.8"


def reference_of(resource: Resource) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def references_in(node: Any) -> Iterator[str]:
    """Every literal reference anywhere below the node."""
    if isinstance(node, dict):
        if isinstance(node.get("reference"), str):
            yield node["reference"]
        for value in node.values():
            yield from references_in(value)
    elif isinstance(node, list):
        for value in node:
            yield from references_in(value)


def actors(appointment: Resource, resource_type: str) -> list[str]:
    """Ids of the participants of one type, for example `Patient`."""
    references = (one.get("actor", {}).get("reference", "") for one in appointment["participant"])
    return [text.split("/")[1] for text in references if text.startswith(f"{resource_type}/")]


def csn_of(resource: Resource) -> str | None:
    """Contact serial number; None for a resource that is no visit of the clinic."""
    return _identifier(resource, CSN_SYSTEM)


def conference_of(appointment: Resource) -> str | None:
    """Conference id of the group visit the appointment belongs to; None for a visit of one patient."""
    return _identifier(appointment, CONFERENCE_SYSTEM)


def _identifier(resource: Resource, system: str) -> str | None:
    identifiers = resource.get("identifier", [])
    return next((one.get("value") for one in identifiers if one.get("system") == system), None)


def display_name(resource: Resource) -> str:
    """A person's name to show: the written text, else given and family name; an organization's name as it is."""
    name = resource.get("name")
    if isinstance(name, str):
        return name
    for one in name or []:
        parts = [*one.get("given", []), one.get("family", "")]
        shown = one.get("text") or " ".join(part for part in parts if part)
        if shown:
            return str(shown)
    return reference_of(resource)


def rewritten(node: Any, prefix: str) -> Any:
    """A copy in which every resource id and every relative reference has the prefix; contained ids stay."""
    if isinstance(node, list):
        return [rewritten(value, prefix) for value in node]
    if not isinstance(node, dict):
        return node
    copy = {key: rewritten(value, prefix) for key, value in node.items() if key != "contained"}
    if "contained" in node:
        copy["contained"] = node["contained"]
    reference = node.get("reference")
    if isinstance(reference, str) and _is_relative(reference):
        kind, _, identity = reference.partition("/")
        copy["reference"] = f"{kind}/{prefix}{identity}"
    if "resourceType" in node and "id" in node:
        copy["id"] = prefix + node["id"]
    return copy


def _is_relative(reference: str) -> bool:
    return reference.count("/") == 1 and not reference.startswith(("#", "urn:", "http"))
