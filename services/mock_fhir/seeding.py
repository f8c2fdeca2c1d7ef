"""Resources an environment starts with: the official examples, and what they lack."""

import json
from functools import cache
from pathlib import Path

from mock_fhir.config import EnvironmentKind
from mock_fhir.fhir.resources import Resource, rewritten
from mock_fhir.fhir.store import Store
from mock_fhir.people import CHILD_OF_LEIA

HL7_EXAMPLES = Path(__file__).parent / "seeds" / "hl7"
VIRTUAL_LOCATION = "virtual-clinic"
DEPARTMENT_ID = "101002"
DEPARTMENT_NAME = "BUMC Virtual Clinic"


@cache
def hl7_examples() -> tuple[Resource, ...]:
    """The vendored files, unmodified, in the order of their names."""
    return tuple(json.loads(path.read_bytes()) for path in sorted(HL7_EXAMPLES.glob("*.json")))


def seed_resources(store: Store, kind: EnvironmentKind) -> None:
    for resource in (*hl7_examples(), _virtual_location(), _parent_of_jaina()):
        store.put(rewritten(resource, kind.id_prefix))


def _virtual_location() -> Resource:
    return {
        "resourceType": "Location",
        "id": VIRTUAL_LOCATION,
        "identifier": [{"value": DEPARTMENT_ID}],
        "status": "active",
        "name": DEPARTMENT_NAME,
        "mode": "instance",
        "managingOrganization": {"reference": "Organization/f001"},
    }


def _parent_of_jaina() -> Resource:
    """The examples have Jaina Solo's mother as a Patient only; a proxy is a RelatedPerson of the child."""
    return {
        "resourceType": "RelatedPerson",
        "id": CHILD_OF_LEIA,
        "active": True,
        "patient": {"reference": "Patient/infant-twin-1"},
        "relationship": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/v3-RoleCode",
                        "code": "MTH",
                        "display": "mother",
                    }
                ]
            }
        ],
        "name": [{"family": "Solo", "given": ["Leia"]}],
        "gender": "female",
    }
