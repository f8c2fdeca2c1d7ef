"""What a written resource must keep beyond its structure: invariants app-2, app-3 and required codes.

Structure is checked by `fhir.resources` (R4B, the nearest it has to R4 4.0.1), which does not check codes.
"""

from collections.abc import Iterator
from typing import Any

from mock_fhir.fhir.outcomes import FhirError
from mock_fhir.fhir.resources import Resource

APPOINTMENT_STATUSES = frozenset(
    [
        "proposed",
        "pending",
        "booked",
        "arrived",
        "fulfilled",
        "cancelled",
        "noshow",
        "entered-in-error",
        "checked-in",
        "waitlist",
    ]
)
STATUSES_WITHOUT_TIME = frozenset({"proposed", "cancelled", "waitlist"})
PARTICIPANT_STATUSES = frozenset(["accepted", "declined", "tentative", "needs-action"])
PARTICIPANT_REQUIRED = frozenset(["required", "optional", "information-only"])
ENCOUNTER_STATUSES = frozenset(
    [
        "planned",
        "arrived",
        "triaged",
        "in-progress",
        "onleave",
        "finished",
        "cancelled",
        "entered-in-error",
        "unknown",
    ]
)


def check_resource(resource: Resource) -> None:
    """Raises FhirError 422 that names the element, never its value when that could be a person's."""
    _check_structure(resource)
    broken = next(RULES[resource["resourceType"]](resource), None)
    if broken:
        raise FhirError(422, broken, code="invariant")


def _check_structure(resource: Resource) -> None:
    # Imported at the first write: it costs half a second and 40 MB that readers need not pay.
    from fhir.resources.R4B import get_fhir_model_class
    from pydantic import ValidationError

    try:
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise FhirError(
            422, f"{resource['resourceType']}.{place}: {first['type']}", code="structure"
        ) from error


def _appointment(resource: Resource) -> Iterator[str]:
    status = resource.get("status")
    has_start, has_end = "start" in resource, "end" in resource
    if status not in APPOINTMENT_STATUSES:
        yield "Appointment.status is no code of appointmentstatus"
    if has_start != has_end:
        yield "app-2: either start and end are specified, or neither"
    if not has_start and status not in STATUSES_WITHOUT_TIME:
        yield "app-3: only proposed, cancelled or waitlisted appointments can lack start and end"
    for participant in resource["participant"]:
        if participant.get("status") not in PARTICIPANT_STATUSES:
            yield "Appointment.participant.status is no code of participationstatus"
        if participant.get("required", "required") not in PARTICIPANT_REQUIRED:
            yield "Appointment.participant.required is no code of participantrequired"
        if "type" not in participant and "actor" not in participant:
            yield "app-1: either the type or actor on the participant is specified"


def _encounter(resource: Resource) -> Iterator[str]:
    if resource.get("status") not in ENCOUNTER_STATUSES:
        yield "Encounter.status is no code of encounter-status"


RULES: dict[str, Any] = {"Appointment": _appointment, "Encounter": _encounter}
WRITABLE_TYPES = frozenset(RULES)
