"""The one Microsoft sign-in of a provider: link the EHR's user ID to the account, for good.

The link stands by itself: when the meeting cannot be made afterwards, the next launch needs no
sign-in.
"""

from dataclasses import dataclass

from connector.domain.audit import Event, Outcome
from connector.domain.errors import Reason, Refused
from connector.domain.launch import LAUNCH_LIFETIME
from connector.domain.organization import MicrosoftIdentity
from connector.ports.storage import AuditEntry, Store
from connector.ports.system import Clock
from connector.usecases.complete_launch import VerifiedLaunch


@dataclass(frozen=True, slots=True)
class LinkAccount:
    store: Store
    clock: Clock

    def __call__(self, launch: VerifiedLaunch, who: MicrosoftIdentity, reference: str) -> str:
        """The Entra object id now linked to the launching provider.

        Raises:
            Refused: the launch is older than ten minutes, the account is a guest's or another
                tenant's, or the EHR user is linked to somebody else.
        """
        if self.clock.now() - launch.verified_at > LAUNCH_LIFETIME:
            raise Refused(Reason.SIGN_IN_EXPIRED)
        if who.tenant_id != launch.tenant_id:
            raise Refused(Reason.ACCOUNT_OF_OTHER_TENANT)
        if who.is_guest:
            raise Refused(Reason.ACCOUNT_IS_GUEST)
        with self.store.write() as tx:
            tx.links.add(
                launch.environment_id,
                launch.user.user_id,
                who.tenant_id,
                who.object_id,
                self.clock.now(),
            )
            linked = tx.links.find(launch.environment_id, launch.user.user_id)
            if linked != who.object_id:
                raise Refused(Reason.ACCOUNT_LINKED_TO_ANOTHER_USER)
            tx.audit(
                AuditEntry(
                    at=self.clock.now(),
                    event=Event.ACCOUNT_LINKED,
                    outcome=Outcome.SUCCESS,
                    reference=reference,
                    tenant_id=launch.tenant_id,
                    environment_id=launch.environment_id,
                    actor=who.object_id,
                )
            )
        return linked
