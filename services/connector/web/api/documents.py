"""What the API answers: documents made of domain values, and of nothing else (docs/api.md)."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Self

from pydantic import Field

from connector.domain.configuration import Change, EhrVendor, Revision, RevisionState
from connector.domain.geography import Geography
from connector.domain.integration_record import Difference, IntegrationRecord
from connector.domain.launch import LaunchKind
from connector.domain.organization import Environment, EnvironmentKind, Tenant
from connector.domain.promotion import Item, Plan
from connector.domain.sharing import Grant, GrantState
from connector.domain.visit_settings import Department, Lobby
from connector.ports.audit_log import AuditLine
from connector.usecases.verify_record import Verification
from connector.web.api.operations import Document, Page
from connector.web.problem_json import ReadinessItem


class TenantDocument(Document):
    id: str
    geography: Geography
    country: str = Field(description="What Entra said when it was registered; may be empty.")
    registered_at: datetime
    licence_confirmed_at: datetime | None

    @classmethod
    def of(cls, tenant: Tenant) -> Self:
        return cls(
            id=tenant.id,
            geography=tenant.geography,
            country=tenant.country,
            registered_at=tenant.registered_at,
            licence_confirmed_at=tenant.licence_confirmed_at,
        )


class ChangeDocument(Document):
    """`before` is empty where nothing was."""

    field: str
    before: str
    after: str


class Endpoints(Document):
    """What the EHR's discovery said when the revision was entered; launches use exactly these."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    callback_names_issuer: bool
    authorize_by_post: bool
    assertion_algorithm: str


class ClientIdsDocument(Document):
    provider: str
    patient: str
    backend: str


class SettingsDocument(Document):
    department: Department
    group_visits: bool
    browser_join: bool
    lobby: Lobby
    join_opens_minutes: int
    join_closes_minutes: int
    frame_ancestors: tuple[str, ...]


class RevisionDocument(Document):
    """`changes` are those from the revision before it."""

    id: str
    environment_id: str
    number: int
    state: RevisionState
    fhir_base_url: str
    vendor: EhrVendor
    approver: str
    clients: ClientIdsDocument
    endpoints: Endpoints
    settings: SettingsDocument
    digest: str = Field(description="Covers everything an approval covers.")
    promotion_plan: str = Field(description="Digest of the plan that made it; else empty.")
    created_at: datetime
    created_by: str
    microsoft_signed_in_at: datetime | None
    ehr_signed_in_at: datetime | None
    approved_at: datetime | None
    change_request: str
    changes: list[ChangeDocument]

    @classmethod
    def of(cls, revision: Revision, before: Revision | None = None) -> Self:
        same = {name: getattr(revision, name) for name in _OF_REVISION}
        return cls(
            **same,
            approver=revision.approver.sign_in_name,
            clients=ClientIdsDocument(**asdict(revision.clients)),
            endpoints=Endpoints(**asdict(revision.endpoints)),
            settings=SettingsDocument(**asdict(revision.settings)),
            digest=revision.digest(),
            changes=changes_of(revision.changes_from(before)),
        )


_OF_REVISION = (
    "id",
    "environment_id",
    "number",
    "state",
    "fhir_base_url",
    "vendor",
    "promotion_plan",
    "created_at",
    "created_by",
    "microsoft_signed_in_at",
    "ehr_signed_in_at",
    "approved_at",
    "change_request",
)


class EnvironmentDocument(Document):
    """`active` is the revision launches use, `newest` the one somebody is at work on; often the same."""

    id: str
    organization_id: str
    organization: str
    kind: EnvironmentKind
    time_zone: str
    url: str = Field(description="Its page in the portal.")
    approval_url: str | None = Field(description="For the approver, while the newest one waits.")
    newest: RevisionDocument | None
    active: RevisionDocument | None

    @classmethod
    def of(cls, environment: Environment, revisions: Sequence[Revision], portal: str) -> Self:
        newest = revisions[0] if revisions else None
        waits = newest is not None and newest.state is RevisionState.AWAITING_APPROVAL
        documents = revision_documents(revisions)
        return cls(
            id=environment.id,
            organization_id=environment.organization_id,
            organization=environment.organization_name,
            kind=environment.kind,
            time_zone=environment.time_zone,
            url=f"{portal}/configurations/{environment.id}",
            approval_url=f"{portal}/approvals/{newest.id}" if newest and waits else None,
            newest=documents[0] if documents else None,
            active=next((d for d in documents if d.state is RevisionState.ACTIVE), None),
        )


class EnvironmentPage(Page):
    items: list[EnvironmentDocument]


class RevisionList(Document):
    """Newest first."""

    items: list[RevisionDocument]


class RecordDocument(Document):
    """`text` is what the EHR analyst pastes into the EHR."""

    id: str
    environment_id: str
    kind: LaunchKind
    group: bool
    text: str
    verified_at: datetime | None
    verified_by: str

    @classmethod
    def of(cls, record: IntegrationRecord, text: str) -> Self:
        return cls(
            id=record.id,
            environment_id=record.environment_id,
            kind=record.kind,
            group=record.group,
            text=text,
            verified_at=record.verified_at,
            verified_by=record.verified_by,
        )


class RecordList(Document):
    """Empty while the environment takes no launches."""

    items: list[RecordDocument]


class DifferenceDocument(Document):
    token: str
    issued: str
    pasted: str

    @classmethod
    def of(cls, difference: Difference) -> Self:
        return cls(token=difference.token, issued=difference.issued, pasted=difference.pasted)


class VerificationDocument(Document):
    """`belongs_to` says whose record id was pasted instead: test, production, other, or nobody's."""

    record_id: str
    unchanged: bool
    verified_at: datetime | None
    differences: list[DifferenceDocument]
    belongs_to: str

    @classmethod
    def of(cls, verification: Verification) -> Self:
        return cls(
            record_id=verification.record.id,
            unchanged=not verification.differences,
            verified_at=verification.record.verified_at,
            differences=[DifferenceDocument.of(d) for d in verification.differences],
            belongs_to=verification.belongs_to,
        )


class FindingDocument(Document):
    """`who` can put it right; `runbook` is the page and heading below /help."""

    check: str
    verdict: str
    code: str
    facts: Mapping[str, str]
    title: str
    cause: str
    remedy: str
    who: str
    runbook: str


class ExaminationDocument(Document):
    """Findings in the order of dependence; nothing of it is kept."""

    environment_id: str
    examined_at: datetime
    findings: list[FindingDocument]


class PlanDocument(Document):
    """`ready` says that applying `digest` now would work; `applied` is what it did already."""

    digest: str
    ready: bool
    test_environment_id: str
    source_revision_id: str
    target_revision_id: str | None
    items: list[ReadinessItem]
    changes: list[ChangeDocument]
    applied: RevisionDocument | None

    @classmethod
    def of(cls, plan: Plan) -> Self:
        return cls(
            digest=plan.digest,
            ready=not plan.blockers,
            test_environment_id=plan.test.id,
            source_revision_id=plan.source.id,
            target_revision_id=plan.target.id if plan.target else None,
            items=[readiness_of(item) for item in plan.items],
            changes=changes_of(plan.changes),
            applied=RevisionDocument.of(plan.applied, plan.target) if plan.applied else None,
        )


class ShareDocument(Document):
    """One FHIR base URL that its owner's tenant offers to a guest's."""

    id: str
    fhir_base_url: str
    owner_environment_id: str | None = Field(description="Told to the owner only.")
    owner_tenant_id: str
    guest_tenant_id: str
    state: GrantState
    offered_at: datetime
    answered_at: datetime | None

    @classmethod
    def of(cls, grant: Grant, tenant_id: str) -> Self:
        mine = grant.owner_tenant_id == tenant_id
        return cls(
            id=grant.id,
            fhir_base_url=grant.fhir_base_url,
            owner_environment_id=grant.owner_environment_id if mine else None,
            owner_tenant_id=grant.owner_tenant_id,
            guest_tenant_id=grant.guest_tenant_id,
            state=grant.state,
            offered_at=grant.offered_at,
            answered_at=grant.answered_at,
        )


class ShareList(Document):
    """Offered by the tenant or to it, newest first."""

    items: list[ShareDocument]


class AuditEventDocument(Document):
    id: int
    at: datetime
    event: str
    outcome: str
    reference: str
    environment_id: str | None
    actor: str
    facts: Mapping[str, str]
    hash: str

    @classmethod
    def of(cls, line: AuditLine) -> Self:
        return cls(**{name: getattr(line, name) for name in cls.model_fields})


class AuditEventPage(Page):
    """Newest first."""

    items: list[AuditEventDocument]


def revision_documents(revisions: Sequence[Revision]) -> list[RevisionDocument]:
    """Of an environment's revisions, newest first: each with what it changed of the one before."""
    earlier = [*revisions[1:], None]
    return [RevisionDocument.of(r, before) for r, before in zip(revisions, earlier, strict=False)]


def changes_of(changes: Sequence[Change]) -> list[ChangeDocument]:
    return [ChangeDocument(field=c.field, before=c.before, after=c.after) for c in changes]


def readiness_of(item: Item) -> ReadinessItem:
    return ReadinessItem(
        readiness=item.readiness.value, ready=item.ready, blocks=item.blocks, facts=item.facts
    )
