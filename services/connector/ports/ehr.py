"""What the connector reads of and reports to an EHR."""

from dataclasses import dataclass
from typing import Protocol

from connector.domain.configuration import SmartEndpoints
from connector.domain.launch import AppointmentFacts
from connector.domain.participant import ConnectionStatus, Role


@dataclass(frozen=True, slots=True)
class EhrTarget:
    """Where a call goes and as whom; `client_id` is the backend client for write-backs."""

    fhir_base_url: str
    endpoints: SmartEndpoints
    client_id: str


@dataclass(frozen=True, slots=True)
class ConnectionReport:
    """One connect, disconnect or lobby arrival, in the EHR's own ids.

    `key` makes it idempotent: the EHR keeps one audit row for one key.
    """

    conference_id: str
    person_id: str
    role: Role
    status: ConnectionStatus
    key: str


class Appointments(Protocol):
    def read(self, fhir_base_url: str, access_token: str, appointment_id: str) -> AppointmentFacts:
        """Raises: Gone, Denied (`insufficient_scope`), TryLater, BadAnswer."""
        ...

    def find(self, fhir_base_url: str, access_token: str, conference_id: str) -> AppointmentFacts:
        """The one Appointment with this identifier. Raises: as `read`; Gone if none or several."""
        ...


class WriteBack(Protocol):
    def report(self, target: EhrTarget, report: ConnectionReport) -> None:
        """Tell the EHR; safe to repeat.

        Raises:
            Rejected: the EHR named a permanent reason, its error word is `code`;
            TryLater: network, 5xx, 429, `LOCK-FAILED`;
            OutsideError: anything else in the way (gateway, credentials, address): it may end.
        """
        ...
