"""What an examination asks of the outside: nothing is written anywhere, no redirect is followed.

Of FHIR it reads `/metadata` only. Every method ends within the timeouts of `ports.http`, and raises
`OutsideError`s whose `code` says what is wrong.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from connector.domain.configuration import EhrVendor, SmartEndpoints


@dataclass(frozen=True, slots=True)
class Metadata:
    """What answered at `/metadata`.

    `date` is the server's clock, aware UTC. `code` is "" for a JSON object with status 200, else why
    it could not be read; `resource_type` and `fhir_version` are "" then.
    """

    date: datetime | None
    resource_type: str = ""
    fhir_version: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class PublishedSmart:
    """A smart-configuration that passed every check of discovery; `scopes` is None if it names none."""

    endpoints: SmartEndpoints
    grant_types: frozenset[str]
    scopes: frozenset[str] | None


class EhrExamination(Protocol):
    def metadata(self, fhir_base_url: str) -> Metadata:
        """Read the CapabilityStatement without any sign-in.

        Raises:
            AddressRefused, TryLater: nobody answered; whoever answers anything does not raise.
        """
        ...

    def smart_configuration(self, fhir_base_url: str) -> PublishedSmart:
        """Raises: as `SmartServer.discover`."""
        ...

    def is_smart(self, fhir_base_url: str) -> bool:
        """Whether a smart-configuration is published there; its content is not judged.

        Raises:
            AddressRefused, TryLater: nobody answered.
        """
        ...

    def granted_scopes(
        self, endpoints: SmartEndpoints, *, client_id: str, scope: str
    ) -> frozenset[str]:
        """Ask for a client-credentials token, drop it, and say what it would have allowed.

        Raises:
            Denied: `code` is the OAuth error, `invalid_client` or `invalid_scope` for instance;
            TryLater, BadAnswer.
        """
        ...

    def missing_keys(self, public_url: str) -> frozenset[str]:
        """Ids of our signing keys that the JWK set lacks which EHRs fetch at our public URL.

        Raises:
            OutsideError: it cannot be read there.
        """
        ...


class WriteBackExamination(Protocol):
    def require_place(self, vendor: EhrVendor, fhir_base_url: str) -> None:
        """Check that the write-back's address follows from the base URL; nothing is sent.

        Raises:
            Denied: `code` says why it does not.
        """
        ...


class MicrosoftExamination(Protocol):
    def graph_date(self) -> datetime | None:
        """Graph's clock, aware UTC; None if it does not say. Raises: AddressRefused, TryLater."""
        ...

    def permissions(self, tenant_id: str) -> frozenset[str]:
        """Application permissions of a token fetched now.

        Raises:
            Denied: Entra gives none, `code` is its AADSTS number;
            BadAnswer: `token_opaque`, the token cannot be looked into; TryLater.
        """
        ...

    def require_meeting_policy(self, tenant_id: str, user_id: str) -> None:
        """Ask Graph for a meeting of this person that does not exist.

        Raises:
            Denied: `application_access_policy`, or another refusal; TryLater, BadAnswer.
        """
        ...

    def require_webhook(self, notification_url: str, token: str) -> None:
        """Do Graph's handshake with an address of ours: the token comes back as it is.

        https://learn.microsoft.com/graph/change-notifications-delivery-webhooks

        Raises:
            BadAnswer: `not_echoed`, or what answered instead; AddressRefused, TryLater.
        """
        ...
