"""A configuration revision and its life: draft, two stamps, approval (design.md section 5, ADR 7)."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum

from connector.domain.errors import Reason, Refused
from connector.domain.launch import LaunchKind
from connector.domain.organization import MicrosoftIdentity
from connector.domain.visit_settings import DEFAULTS, VisitSettings


class RevisionState(StrEnum):
    """States of a revision; `ACTIVE` is the one launches use."""

    DRAFT = "draft"
    AWAITING_APPROVAL = "awaiting_approval"
    CHANGES_REQUESTED = "changes_requested"
    ACTIVE = "active"
    SUPERSEDED = "superseded"
    RETIRED = "retired"


class EhrVendor(StrEnum):
    """Vendors whose write-back is built (`connector.adapters.ehr`)."""

    EPIC = "epic"


@dataclass(frozen=True, slots=True)
class SmartEndpoints:
    """What the EHR's discovery documents said when the base URL was probed.

    These are shown to the approver and pinned: a launch never sends a code anywhere else.
    https://hl7.org/fhir/smart-app-launch/STU2.2/conformance.html
    """

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    callback_names_issuer: bool
    authorize_by_post: bool
    assertion_algorithm: str = "RS384"


@dataclass(frozen=True, slots=True)
class EhrClients:
    """Client ids the hospital registered for the connector at this EHR, one per audience."""

    provider: str
    patient: str
    backend: str

    def of(self, kind: LaunchKind) -> str:
        return {LaunchKind.PROVIDER: self.provider, LaunchKind.PATIENT: self.patient}[kind]

    def shared_with(self, other: "EhrClients") -> list[str]:
        """Audiences whose client id the other has as well, for whichever audience (case 43)."""
        others = set(asdict(other).values())
        return [name for name, value in asdict(self).items() if value and value in others]


@dataclass(frozen=True, slots=True)
class Approver:
    """The one person who may approve: named by sign-in name, held to by object id."""

    object_id: str
    sign_in_name: str


@dataclass(frozen=True, slots=True)
class Change:
    """One value that two revisions do not share, as text; `before` is empty where nothing was."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Revision:
    """One version of an environment's configuration; values change only through its methods.

    `promotion_plan` is the digest of the plan that made it, empty for one an admin entered.
    """

    id: str
    environment_id: str
    tenant_id: str
    number: int
    state: RevisionState
    fhir_base_url: str
    clients: EhrClients
    endpoints: SmartEndpoints
    approver: Approver
    created_at: datetime
    created_by: str
    vendor: EhrVendor = EhrVendor.EPIC
    settings: VisitSettings = DEFAULTS
    promotion_plan: str = ""
    microsoft_signed_in_at: datetime | None = None
    ehr_signed_in_at: datetime | None = None
    approved_at: datetime | None = None
    change_request: str = ""

    def digest(self) -> str:
        """SHA-256 of everything an approval covers; a changed value makes another digest."""
        shown = {
            "environment": self.environment_id,
            "number": self.number,
            "approver_object_id": self.approver.object_id,
            **self.values(),
        }
        return hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()

    def values(self) -> dict[str, str]:
        """What it configures, by field name, as text; the approver by sign-in name."""
        return {
            "fhir_base_url": self.fhir_base_url,
            "vendor": self.vendor.value,
            "approver": self.approver.sign_in_name,
            **{f"client_{name}": value for name, value in asdict(self.clients).items()},
            **{name: str(value) for name, value in asdict(self.endpoints).items()},
            **self.settings.values(),
        }

    def changes_from(self, earlier: "Revision | None") -> list[Change]:
        """What it changes compared with an earlier revision, or with nothing, field by field."""
        before = earlier.values() if earlier else {}
        return [
            Change(field, before.get(field, ""), after)
            for field, after in self.values().items()
            if before.get(field) != after
        ]

    def submitted(self) -> "Revision":
        self._require(RevisionState.DRAFT, RevisionState.CHANGES_REQUESTED)
        return replace(
            self,
            state=RevisionState.AWAITING_APPROVAL,
            microsoft_signed_in_at=None,
            ehr_signed_in_at=None,
            change_request="",
        )

    def signed_in_with_microsoft(self, who: MicrosoftIdentity, at: datetime) -> "Revision":
        self._require(RevisionState.AWAITING_APPROVAL)
        self.require_approver(who)
        return replace(self, microsoft_signed_in_at=self.microsoft_signed_in_at or at)

    def signed_in_to_ehr(self, who: MicrosoftIdentity, at: datetime) -> "Revision":
        self._require(RevisionState.AWAITING_APPROVAL)
        self.require_approver(who)
        if self.microsoft_signed_in_at is None:
            raise Refused(Reason.STEP_MISSING, facts={"step": "microsoft_sign_in"})
        return replace(self, ehr_signed_in_at=at)

    def approved(self, who: MicrosoftIdentity, shown_digest: str, at: datetime) -> "Revision":
        """The approver says yes to exactly what was shown.

        Raises:
            Refused: not the named approver, a sign-in is missing, or the revision changed since.
        """
        self.require_approver(who)
        self._require(RevisionState.AWAITING_APPROVAL)
        if self.microsoft_signed_in_at is None or self.ehr_signed_in_at is None:
            raise Refused(Reason.STEP_MISSING, facts={"step": "ehr_sign_in"})
        if shown_digest != self.digest():
            raise Refused(Reason.CHANGED_SINCE_SHOWN)
        return replace(self, state=RevisionState.ACTIVE, approved_at=at)

    def changes_requested(self, who: MicrosoftIdentity, text: str) -> "Revision":
        self.require_approver(who)
        self._require(RevisionState.AWAITING_APPROVAL)
        return replace(self, state=RevisionState.CHANGES_REQUESTED, change_request=text)

    def superseded(self) -> "Revision":
        return replace(self, state=RevisionState.SUPERSEDED)

    def retired(self) -> "Revision":
        """Its environment takes no launches any more, until a revision is approved again."""
        self._require(RevisionState.ACTIVE)
        return replace(self, state=RevisionState.RETIRED)

    def restored(self) -> "Revision":
        """A revision that was approved once and replaced since takes launches again (rollback)."""
        if self.approved_at is None or self.state is not RevisionState.SUPERSEDED:
            raise Refused(Reason.STATE_CONFLICT, facts={"state": self.state})
        return replace(self, state=RevisionState.ACTIVE)

    def require_approver(self, who: MicrosoftIdentity) -> None:
        named = who.object_id == self.approver.object_id and who.tenant_id == self.tenant_id
        if not named or who.is_guest:
            raise Refused(Reason.NOT_THE_APPROVER, facts={"revision": self.id})

    def _require(self, *states: RevisionState) -> None:
        if self.state is RevisionState.SUPERSEDED:
            raise Refused(Reason.CHANGED_SINCE_SHOWN, facts={"state": self.state})
        if self.state not in states:
            raise Refused(Reason.STATE_CONFLICT, facts={"state": self.state})
