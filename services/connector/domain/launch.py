"""What a launch carries from the EHR's button to the meeting (design.md flows 1 and 2)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

LAUNCH_LIFETIME = timedelta(minutes=10)


class LaunchKind(StrEnum):
    """Which of the two doors was used; each has its own EHR client and scopes."""

    PROVIDER = "provider"
    PATIENT = "patient"


class FhirUserType(StrEnum):
    """Resource types a `fhirUser` claim may name."""

    PRACTITIONER = "Practitioner"
    PRACTITIONER_ROLE = "PractitionerRole"
    PATIENT = "Patient"
    RELATED_PERSON = "RelatedPerson"
    PERSON = "Person"


# A proxy (a parent) launches as RelatedPerson; the patient of the visit is the child.
USERS_OF = {
    LaunchKind.PROVIDER: frozenset({FhirUserType.PRACTITIONER, FhirUserType.PRACTITIONER_ROLE}),
    LaunchKind.PATIENT: frozenset({FhirUserType.PATIENT, FhirUserType.RELATED_PERSON}),
}


class Intent(StrEnum):
    """SMART `intent` values the connector knows; anything else begins the visit."""

    BEGIN = "begin-virtual-visit"
    STATUS = "visit-status"


@dataclass(frozen=True, slots=True)
class LaunchTransaction:
    """One launch between redirect and callback, sealed into the cookie of the browser that began it.

    `state` and `nonce` are 32 random bytes in base64url; `code_verifier` is PKCE's (RFC 7636).
    `frame_ancestors` may frame the answers besides the EHR, also when it is refused.
    """

    state: str
    nonce: str
    code_verifier: str
    kind: LaunchKind
    environment_id: str
    revision_id: str
    fhir_base_url: str
    began_at: datetime
    frame_ancestors: tuple[str, ...] = ()

    def expired(self, now: datetime) -> bool:
        return now - self.began_at > LAUNCH_LIFETIME


@dataclass(frozen=True, slots=True)
class EhrUser:
    """The person an EHR vouches for: the `sub` it assigned and the FHIR resource it names."""

    user_id: str
    fhir_type: FhirUserType
    fhir_id: str


@dataclass(frozen=True, slots=True)
class AppointmentFacts:
    """What the connector needs of an Appointment, and all it reads of one.

    `conference_id` is the EHR's own contact number (Epic: CSN); `start` and `end` are aware UTC.
    """

    appointment_id: str
    conference_id: str
    patient_id: str | None
    status: str
    start: datetime | None
    end: datetime | None

    @property
    def cancelled(self) -> bool:
        return self.status in {"cancelled", "noshow", "entered-in-error"}
