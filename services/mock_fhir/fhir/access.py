"""What the bearer of an access token may do (RFC 6750, SMART scopes, patient compartment)."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import request

from mock_fhir.environment import Environment
from mock_fhir.fhir.outcomes import FhirError
from mock_fhir.fhir.parameters import matches_query
from mock_fhir.fhir.resources import Resource, reference_of, references_in
from mock_fhir.grants import AccessToken, Authorization
from mock_fhir.scopes import ResourceScope, resource_scopes

INTERACTIONS = {"c": "create", "r": "read", "u": "update", "s": "search"}
# Resources of the patient compartment; the others are the clinic's own and readable with their scope.
COMPARTMENT_TYPES = frozenset(
    {"Patient", "Appointment", "Encounter", "RelatedPerson", "AuditEvent"}
)


@dataclass(frozen=True, slots=True)
class Permission:
    """What one interaction with one type may touch: any rule that accepts a resource is enough."""

    rules: tuple[Callable[[Resource], bool], ...]

    def allows(self, resource: Resource) -> bool:
        return any(rule(resource) for rule in self.rules)


def bearer_token(environment: Environment) -> AccessToken:
    """The request's live access token. Raises FhirError 401 with the challenge of RFC 6750 3."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not value:
        raise FhirError(
            401, "no access token was sent", headers={"WWW-Authenticate": 'Bearer realm="FHIR"'}
        )
    token = environment.grants.access(value.strip())
    if token is None:
        challenge = 'Bearer realm="FHIR", error="invalid_token"'
        raise FhirError(
            401,
            "the access token is unknown, expired or revoked",
            headers={"WWW-Authenticate": challenge},
        )
    return token


def require(environment: Environment, resource_type: str, action: str) -> Permission:
    """Permission for an interaction (`c r u s`). Raises FhirError 401, or 403 when no scope permits it."""
    token = bearer_token(environment)
    permission = permission_of(token, resource_type, action, environment)
    if not permission.rules:
        raise FhirError(
            403,
            f"no granted scope permits {INTERACTIONS[action]} of {resource_type}",
            headers={"WWW-Authenticate": 'Bearer realm="FHIR", error="insufficient_scope"'},
        )
    return permission


def permission_of(
    token: AccessToken, resource_type: str, action: str, environment: Environment
) -> Permission:
    permitting = [
        scope for scope in resource_scopes(token.scopes) if scope.permits(resource_type, action)
    ]
    return Permission(tuple(_rule(scope, token.authorization, environment) for scope in permitting))


def _rule(
    scope: ResourceScope, authorization: Authorization, environment: Environment
) -> Callable[[Resource], bool]:
    patients = _patients(scope, authorization)

    def accepts(resource: Resource) -> bool:
        in_reach = patients is None or _is_in_compartment(resource, patients)
        return in_reach and matches_query(resource, scope.query, environment.zone)

    return accepts


def _patients(scope: ResourceScope, authorization: Authorization) -> frozenset[str] | None:
    """Ids of the patients within reach; None is everyone."""
    if scope.context == "patient":
        return frozenset(filter(None, [authorization.patient_id]))
    account = authorization.account
    if scope.context == "user" and account is not None and account.is_patient:
        return frozenset(one.patient_id for one in account.patients)
    return None


def _is_in_compartment(resource: Resource, patients: frozenset[str]) -> bool:
    """https://hl7.org/fhir/R4/compartmentdefinition-patient.html"""
    if resource["resourceType"] not in COMPARTMENT_TYPES:
        return True
    wanted = {f"Patient/{patient}" for patient in patients}
    return reference_of(resource) in wanted or not wanted.isdisjoint(references_in(resource))
