"""The worker tells the anchor, outside the database, what the head of the audit trail is."""

from dataclasses import dataclass

from connector.domain.audit_chain import AnchoredLine
from connector.ports.audit_log import Anchor, AuditLog
from connector.ports.system import Clock


@dataclass(slots=True)
class AnchorAudit:
    """Remembers what it anchored, so that a quiet trail adds nothing; a restart repeats one line."""

    log: AuditLog
    anchor: Anchor
    clock: Clock
    anchored_id: int = 0

    def __call__(self) -> AnchoredLine | None:
        """Add the newest line if it is not the last one added; what was added.

        Raises:
            StorageUnavailable, AnchorUnavailable: the next call anchors what this one could not.
        """
        head = self.log.head()
        if head is None or head.id == self.anchored_id:
            return None
        line = AnchoredLine(self.clock.now(), head.id, head.hash)
        self.anchor.add(line)
        self.anchored_id = head.id
        return line
