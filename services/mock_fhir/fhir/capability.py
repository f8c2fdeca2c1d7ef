"""CapabilityStatement with the older `oauth-uris` extension, the only discovery some clients read."""

from typing import Any

from mock_fhir import addresses
from mock_fhir.environment import Environment
from mock_fhir.fhir.parameters import PARAMETERS, Kind, Parameter
from mock_fhir.fhir.resources import Resource
from mock_fhir.fhir.validation import WRITABLE_TYPES

OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
PUBLISHED = "2026-11-01"


def capability_statement(environment: Environment) -> Resource:
    """https://hl7.org/fhir/R4/capabilitystatement.html"""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": PUBLISHED,
        "publisher": "Teams EHR Connector Kit, simulated EHR",
        "kind": "instance",
        "software": {"name": "mock_fhir"},
        "implementation": {
            "description": environment.kind.title,
            "url": environment.addresses.fhir,
        },
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "rest": [
            {
                "mode": "server",
                "security": _security(environment.addresses.base),
                "resource": [_resource(name, own) for name, own in PARAMETERS.items()],
            }
        ],
    }


def _security(base: str) -> dict[str, Any]:
    places = {
        "authorize": addresses.AUTHORIZE,
        "token": addresses.TOKEN,
        "register": addresses.REGISTER,
        "introspect": addresses.INTROSPECT,
        "revoke": addresses.REVOKE,
    }
    return {
        "extension": [
            {
                "url": OAUTH_URIS,
                "extension": [
                    {"url": name, "valueUri": base + path} for name, path in places.items()
                ],
            }
        ],
        "cors": True,
        "service": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                        "code": "SMART-on-FHIR",
                    }
                ]
            }
        ],
    }


def _resource(name: str, parameters: dict[str, Parameter]) -> dict[str, Any]:
    interactions = ["read", "vread", "search-type"]
    if name in WRITABLE_TYPES:
        interactions += ["create", "update"]
    described: dict[str, Any] = {
        "type": name,
        "interaction": [{"code": code} for code in interactions],
        "versioning": "versioned-update" if name in WRITABLE_TYPES else "versioned",
        "readHistory": True,
        "updateCreate": False,
        "conditionalCreate": False,
        "conditionalUpdate": False,
        "searchParam": [
            {"name": parameter_name, "type": parameter.kind.value}
            for parameter_name, parameter in parameters.items()
        ],
    }
    includes = [
        f"{name}:{parameter_name}"
        for parameter_name, parameter in parameters.items()
        if parameter.kind == Kind.REFERENCE
    ]
    return {**described, "searchInclude": includes} if includes else described
