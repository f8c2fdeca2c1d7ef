"""An operator makes new keys; running processes find them, and the old ones are still accepted."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.domain.audit import Event, Outcome
from connector.ports.storage import AuditEntry, Store
from connector.ports.system import Clock
from connector.ports.vault import KeyCertificate, KeyGeneration, KeyKind, KeyMaker

# Every process looks for new keys every few seconds: by then all of them publish and accept the
# new keys, so none uses a key that another one does not know. That is of a directory; a vault is
# looked at less often.
SOONEST = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class RotateKeys:
    store: Store
    keys: KeyMaker
    clock: Clock
    soonest: timedelta = SOONEST

    def known(self) -> Sequence[KeyGeneration]:
        """Every generation there is, oldest first of each kind."""
        return self.keys.generations(self.clock.now())

    def certificates(self, kinds: Collection[KeyKind]) -> Sequence[KeyCertificate]:
        """What others must know of the newest keys of these kinds; public, so it is not audited."""
        now = self.clock.now()
        return [self.keys.certificate(kind, now) for kind in kinds]

    def active_from(self, activate_after: timedelta) -> datetime:
        """When keys that are made now would be used."""
        return self.clock.now() + max(activate_after, self.soonest)

    def __call__(
        self, kinds: Collection[KeyKind], activate_after: timedelta
    ) -> Sequence[KeyGeneration]:
        """Make the next generation of each kind; the one in use goes on until `activate_after`.

        The audit line is written first: keys that nobody knows the origin of never exist.

        Raises:
            StorageUnavailable: nothing was made.
        """
        now = self.clock.now()
        active_from = self.active_from(activate_after)
        made = []
        for kind in kinds:
            self.store.audit_all(
                [
                    AuditEntry(
                        at=now,
                        event=Event.KEYS_ROTATED,
                        outcome=Outcome.SUCCESS,
                        reference="",
                        actor="operator",
                        facts={"kind": kind.value, "active_from": active_from.isoformat()},
                    )
                ]
            )
            made.append(self.keys.add(kind, now, active_from))
        return made
