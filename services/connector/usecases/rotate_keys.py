"""An operator makes new keys; running processes find them, and the old ones are still accepted."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.domain.audit import Event, Outcome
from connector.ports.storage import AuditEntry, Store
from connector.ports.system import Clock
from connector.ports.vault import KeyGeneration, KeyKind, KeyMaker

# Every process looks at the directory every few seconds: by then all of them publish and accept
# the new keys, so none uses a key that another one does not know.
SOONEST = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class RotateKeys:
    store: Store
    keys: KeyMaker
    clock: Clock

    def known(self) -> Sequence[KeyGeneration]:
        """Every generation there is, oldest first of each kind."""
        return self.keys.generations(self.clock.now())

    def active_from(self, activate_after: timedelta) -> datetime:
        """When keys that are made now would be used."""
        return self.clock.now() + max(activate_after, SOONEST)

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
