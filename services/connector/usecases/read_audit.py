"""Who looks at the audit trail of their tenant, and what they see of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from connector.domain.audit import Event, Outcome
from connector.domain.configuration import Revision, RevisionState
from connector.domain.errors import Reason, Refused
from connector.domain.organization import MicrosoftIdentity, may_configure
from connector.ports.audit_log import AuditFilter, AuditLine, AuditLog
from connector.ports.storage import AuditEntry, Store
from connector.ports.system import Clock

PAGE = 50
_BATCH = 500


@dataclass(frozen=True, slots=True)
class AuditPage:
    """`older` is what to ask for as `before_id` to see the next lines; None at the end."""

    lines: Sequence[AuditLine]
    older: int | None


@dataclass(frozen=True, slots=True)
class ReadAudit:
    store: Store
    log: AuditLog
    clock: Clock

    def page(
        self,
        who: MicrosoftIdentity,
        wanted: AuditFilter,
        before_id: int | None = None,
        limit: int = PAGE,
    ) -> AuditPage:
        """Newest first, of the person's own tenant whatever `wanted` says.

        Raises:
            Refused: neither an administrator who may configure nor a named approver.
        """
        self._require_looking(who)
        found = self.log.page(_own(wanted, who), before_id, limit + 1)
        lines = found[:limit]
        return AuditPage(lines, lines[-1].id if len(found) > limit else None)

    def export(
        self, who: MicrosoftIdentity, wanted: AuditFilter, reference: str
    ) -> Iterator[AuditLine]:
        """All of it, oldest first, read in pieces while it is sent; that it was taken is audited.

        Raises:
            Refused: as `page`, before anything is read.
        """
        self._require_looking(who)
        self.store.audit_all(
            [
                AuditEntry(
                    at=self.clock.now(),
                    event=Event.AUDIT_EXPORTED,
                    outcome=Outcome.SUCCESS,
                    reference=reference,
                    tenant_id=who.tenant_id,
                    actor=who.object_id,
                )
            ]
        )
        return all_lines(self.log, _own(wanted, who))

    def _require_looking(self, who: MicrosoftIdentity) -> None:
        if may_configure(who):
            return
        if who.is_guest or not self._is_named_approver(who):
            raise Refused(Reason.AUDIT_ROLE_MISSING)

    def _is_named_approver(self, who: MicrosoftIdentity) -> bool:
        """Of a newest or live revision; a replaced approver looks no more (case 35)."""
        with self.store.read() as tx:
            counting = [
                revision
                for environment in tx.configurations.environments(who.tenant_id)
                for revision in _counting(tx.configurations.revisions(environment.id))
            ]
        return any(revision.approver.object_id == who.object_id for revision in counting)


def all_lines(log: AuditLog, wanted: AuditFilter) -> Iterator[AuditLine]:
    """Everything the filter finds, oldest first; no transaction stays open between the pieces."""
    after = 0
    while lines := log.following(wanted, after, _BATCH):
        yield from lines
        after = lines[-1].id


def _own(wanted: AuditFilter, who: MicrosoftIdentity) -> AuditFilter:
    return replace(wanted, tenant_id=who.tenant_id)


def _counting(revisions: Sequence[Revision]) -> list[Revision]:
    """The newest revision, and the one launches use."""
    return [r for r in revisions if r is revisions[0] or r.state is RevisionState.ACTIVE]
