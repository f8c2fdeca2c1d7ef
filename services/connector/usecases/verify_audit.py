"""An operator proves that the audit trail is what was written (reliability.md case 77)."""

from dataclasses import dataclass

from connector.domain.audit_chain import ChainReader, Damage, Finding, Verdict
from connector.ports.audit_log import Anchor, AuditLog


@dataclass(frozen=True, slots=True)
class VerifyAudit:
    """`anchor` None: there is none to compare with, so only the chain is read."""

    log: AuditLog
    anchor: Anchor | None

    def __call__(self) -> Verdict:
        """Read the whole trail once.

        The anchor is read first: a line that is added meanwhile is in the chain only, which is fine.

        Raises:
            StorageUnavailable, AnchorUnavailable: nothing was found out.
        """
        anchored, faults = self._anchored()
        reader = ChainReader(anchored, self.log.is_hash)
        for line in self.log.chain():
            reader.read(line)
        if self.anchor and not (anchored or faults) and reader.lines:
            faults.append(Finding(0, Damage.ANCHOR_MISSING))
        broken = [each for each in (reader.broken, reader.anchor_broken) if each]
        return Verdict(
            lines=reader.lines,
            head_id=reader.head_id,
            anchored_to=max(anchored, default=None),
            lines_after_anchor=reader.lines_after_anchor,
            findings=(*sorted(broken, key=lambda each: each.line_id), *faults),
        )

    def _anchored(self) -> tuple[dict[int, str], list[Finding]]:
        """Hash by id, and the lines of the anchor that cannot be believed, by their number."""
        anchored: dict[int, str] = {}
        faults = []
        for number, line in enumerate(self.anchor.lines() if self.anchor else (), 1):
            if line is None or anchored.setdefault(line.id, line.hash) != line.hash:
                faults.append(Finding(number, Damage.ANCHOR_UNREADABLE))
        return anchored, faults[:1]
