"""The tenant's audit trail."""

from datetime import UTC, datetime

from flask import g

from connector.domain.errors import Reason
from connector.ports.audit_log import AuditFilter
from connector.web.api.documents import AuditEventDocument, AuditEventPage
from connector.web.api.entries import AuditEventsAsked
from connector.web.api.operations import operation
from connector.web.context import web

# Beyond these a time has no UTC, and no line of the trail.
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(9000, 1, 1, tzinfo=UTC)


@operation("GET", "/audit-events", answer=AuditEventPage, refusals=(Reason.AUDIT_ROLE_MISSING,))
def list_audit_events(query: AuditEventsAsked) -> AuditEventPage:
    """What was done and refused in the tenant, newest first; for administrators and approvers."""
    wanted = AuditFilter(
        tenant_id=g.who.tenant_id,
        event=query.event or "",
        outcome=query.outcome or "",
        environment_id=query.environment_id or "",
        reference=query.reference or "",
        actor=query.actor or "",
        since=_within(query.since),
        until=_within(query.until),
    )
    page = web().read_audit.page(g.who, wanted, query.after, query.limit)
    return AuditEventPage(
        items=[AuditEventDocument.of(line) for line in page.lines],
        next=None if page.older is None else str(page.older),
    )


def _within(at: datetime | None) -> datetime | None:
    return at and min(max(at, _EARLIEST), _LATEST)
