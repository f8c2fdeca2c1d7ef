"""Microsoft Entra and Graph, as the connector needs them (microsoft.md)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from connector.domain.attendance import Stay
from connector.domain.configuration import Approver
from connector.domain.organization import MicrosoftIdentity
from connector.domain.visit import Meeting
from connector.domain.visit_settings import Lobby


class SignIn(Protocol):
    """Authorization code flow with PKCE through msal, then our own full check of the ID token."""

    def begin(
        self, *, tenant: str, login_hint: str | None = None, choose_account: bool = False
    ) -> tuple[str, dict[str, Any]]:
        """(authorize URL, flow to keep sealed until the callback); `tenant` may be `organizations`.

        Raises:
            TryLater: Entra cannot be reached.
        """
        ...

    def complete(self, flow: Mapping[str, Any], query: Mapping[str, str]) -> MicrosoftIdentity:
        """Redeem the code and verify signature, issuer, audience, times, nonce and version.

        Raises:
            Denied: state mismatch, the person or Entra refused (`code` = AADSTS number or error);
            Untrusted: the ID token does not verify; TryLater.
        """
        ...


class Meetings(Protocol):
    """App-only Graph; organizer and users are Entra object ids."""

    def create_or_get(
        self,
        *,
        tenant_id: str,
        organizer_id: str,
        external_id: str,
        start: datetime | None,
        end: datetime | None,
        lobby: Lobby,
    ) -> Meeting:
        """`createOrGet`, then PATCH of lobby, presenters and chat; without its browser address.

        Safe to repeat and to race: one (tenant, organizer, external id) is one meeting.

        Raises:
            Denied: `code` is `application_access_policy` or Graph's error code; TryLater; BadAnswer.
        """
        ...

    def patient_join_url(self, tenant_id: str, organizer_id: str, meeting_id: str) -> str | None:
        """Where patients join in a browser, without an account or an app.

        None where virtual appointments are not consented, and when Graph does not say it in time or
        says something else: no patient is refused for want of a more comfortable address.
        """
        ...


class Directory(Protocol):
    def find(self, tenant_id: str, sign_in_name: str) -> Approver:
        """The enabled member with this sign-in name. Raises: Gone, Denied, TryLater."""
        ...

    def member(self, tenant_id: str, object_id: str) -> Approver:
        """The enabled member with this object id, as of now. Raises: Gone, Denied, TryLater."""
        ...

    def search(self, tenant_id: str, text: str) -> Sequence[Approver]:
        """Enabled members whose name, sign-in name or address begins with `text`, by sign-in name.

        At most 50 accounts are looked at, and nobody is asked about fewer than two letters.

        Raises:
            Denied, TryLater, BadAnswer.
        """
        ...


@dataclass(frozen=True, slots=True)
class Subscription:
    """A live Graph subscription; `expires_at` aware UTC."""

    graph_id: str
    expires_at: datetime


class Subscriptions(Protocol):
    """Change notifications of one meeting's call (beta `meetingCallEvents`)."""

    def create(
        self, *, tenant_id: str, join_url: str, client_state: str, expires_at: datetime
    ) -> Subscription:
        """Subscribe, adopting (deleting and recreating) one that already exists for this meeting.

        Raises:
            Denied, TryLater, BadAnswer.
        """
        ...

    def renew(self, tenant_id: str, graph_id: str, expires_at: datetime) -> Subscription:
        """Raises: Gone when Graph no longer knows it; TryLater."""
        ...

    def delete(self, tenant_id: str, graph_id: str) -> None:
        """Deleting what is gone succeeds. Raises: TryLater, Denied."""
        ...


class CallEventType(StrEnum):
    STARTED = "callStarted"
    ENDED = "callEnded"
    ROSTER = "rosterUpdated"


class IdentityKind(StrEnum):
    """Slot of Graph's `communicationsIdentitySet` that is filled.

    https://learn.microsoft.com/graph/api/resources/communicationsidentityset
    """

    USER = "user"
    GUEST = "guest"
    COMMUNICATION_SERVICES_USER = "azureCommunicationServicesUser"
    PHONE = "phone"
    APPLICATION = "application"
    APPLICATION_INSTANCE = "applicationInstance"
    UNNAMED = "unnamed"


@dataclass(frozen=True, slots=True)
class RosterLine:
    """One participant of one event, as Graph names them; display names are dropped at parsing.

    `object_id` and `tenant_id` (lower case) are those of an account, None where there is none or
    Graph does not say; `kind` is UNNAMED when the line has no identity, as leaves often have.
    """

    participant_id: str
    kind: IdentityKind
    object_id: str | None
    tenant_id: str | None
    in_lobby: bool
    removed: bool


@dataclass(frozen=True, slots=True)
class CallEvent:
    """A decrypted, parsed notification. `key` dedupes: resourceData.id, else SHA-256 of the text."""

    key: str
    type: CallEventType
    at: datetime
    roster: Sequence[RosterLine]


@dataclass(frozen=True, slots=True)
class Attendee:
    """One person of an attendance report; the name they are called there is dropped at parsing.

    `kind`, `object_id` and `tenant_id` as in `RosterLine`: a report tells accounts and others apart,
    and of the others only whether a name or a number stands there.
    """

    kind: IdentityKind
    object_id: str | None
    tenant_id: str | None
    stays: Sequence[Stay]


@dataclass(frozen=True, slots=True)
class AttendanceReport:
    """One call of a meeting, made by Graph after it ended."""

    ended_at: datetime
    attendees: Sequence[Attendee]


class Attendance(Protocol):
    """Who was in a meeting's calls, told afterwards (microsoft.md 3.9)."""

    def reports(
        self, *, tenant_id: str, organizer_id: str, meeting_id: str, since: datetime
    ) -> Sequence[AttendanceReport]:
        """Every report Graph lists of calls that ended after `since`, oldest first.

        None while the first call goes on, and for minutes after a call; Graph lists about ten.

        Raises:
            Denied: `code` is `application_access_policy` or Graph's; Gone: the meeting or a report
            is not there (any more); TryLater; BadAnswer.
        """
        ...


@dataclass(frozen=True, slots=True)
class UnverifiedItem:
    """One item of a notification post, before anything about it is believed."""

    subscription_id: str
    client_state: str
    tenant_id: str
    raw: Mapping[str, Any]


class NotificationReader(Protocol):
    """Reads what Graph posts; proves it; decrypts it."""

    def split(self, body: bytes) -> tuple[Sequence[UnverifiedItem], Sequence[str]]:
        """(items, validation tokens) of a post.

        Raises:
            BadAnswer: not the documented JSON shape, or more than 1,000 items.
        """
        ...

    def verify_tokens(
        self,
        tokens: Sequence[str],
        tenant_ids: frozenset[str],
        *,
        also_named: frozenset[str] = frozenset(),
    ) -> None:
        """Each token is Graph's, for us, every tenant is vouched for, and no other one is.

        Args:
            tokens: of the post.
            tenant_ids: of the items that are to be believed.
            also_named: of the post's other items; a token may vouch for them, none must.

        Raises:
            Untrusted: `code` names the check; TryLater: keys cannot be fetched.
        """
        ...

    def open(self, item: UnverifiedItem) -> CallEvent | None:
        """Signature, then decryption, then a tolerant parse; None for event types we do not use.

        Raises:
            Untrusted: HMAC or certificate; BadAnswer: not parseable.
        """
        ...
