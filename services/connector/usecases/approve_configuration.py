"""The named approver proves both sign-ins and says yes to exactly what was shown (flow 4).

The EHR sign-in only proves the base URL: scope `openid fhirUser`, no FHIR request, and the token is
dropped where it arrives (F22). Before the two steps that decide, the EHR sign-in and the yes, Entra
is asked whether the approver's account still is an enabled member. Cases 30-36, 47 of reliability.md.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from connector.domain.audit import Event, Outcome
from connector.domain.configuration import Revision, RevisionState
from connector.domain.errors import Reason, Refused
from connector.domain.launch import USERS_OF, LaunchKind, LaunchTransaction
from connector.domain.organization import MicrosoftIdentity
from connector.domain.scopes import APPROVAL_SCOPES
from connector.ports.errors import Gone, OutsideError
from connector.ports.microsoft import Directory
from connector.ports.storage import AuditEntry, Store, Transaction
from connector.ports.system import Clock, Ids
from connector.usecases.begin_launch import authorization_parameters
from connector.usecases.go_live import go_live
from connector.usecases.redeem_code import RedeemCode, check_callback

Change = Callable[[Revision, datetime], Revision]


@dataclass(frozen=True, slots=True)
class EhrSignInRequest:
    endpoint: str
    parameters: dict[str, str]
    transaction: LaunchTransaction


@dataclass(frozen=True, slots=True)
class ApproveConfiguration:
    store: Store
    redeem_code: RedeemCode
    clock: Clock
    ids: Ids
    callback_url: str
    directory: Directory
    vouched_hosts: frozenset[str] = frozenset()

    def show(self, who: MicrosoftIdentity, revision_id: str) -> Revision:
        """What the approver is asked to approve; opening it is the first stamp."""
        with self.store.write() as tx:
            return self._changed(tx, revision_id, lambda r, at: r.signed_in_with_microsoft(who, at))

    def begin_ehr_sign_in(self, who: MicrosoftIdentity, revision_id: str) -> EhrSignInRequest:
        self._ask_again(who, revision_id)
        revision = self.show(who, revision_id)
        transaction = LaunchTransaction(
            state=self.ids.secret(),
            nonce=self.ids.secret(),
            code_verifier=self.ids.secret(),
            kind=LaunchKind.PROVIDER,
            environment_id=revision.environment_id,
            revision_id=revision.id,
            fhir_base_url=revision.fhir_base_url,
            began_at=self.clock.now(),
        )
        parameters = authorization_parameters(
            transaction,
            client_id=revision.clients.provider,
            scope=APPROVAL_SCOPES,
            redirect_uri=self.callback_url,
            audience=revision.fhir_base_url,
        )
        return EhrSignInRequest(revision.endpoints.authorization_endpoint, parameters, transaction)

    def complete_ehr_sign_in(
        self,
        who: MicrosoftIdentity,
        transaction: LaunchTransaction | None,
        query: Mapping[str, str],
        reference: str,
    ) -> Revision:
        """The second stamp: the EHR at this base URL, and no other, signed somebody in."""
        if transaction is None:
            raise Refused(Reason.STATE_FOREIGN)
        revision = self._revision(transaction.revision_id)
        revision.require_approver(who)
        code = check_callback(transaction, query, revision, self.clock)
        client_id = revision.clients.provider
        _, user = self.redeem_code(revision, client_id, self.callback_url, code, transaction)
        if user.fhir_type not in USERS_OF[LaunchKind.PROVIDER]:
            raise Refused(Reason.WRONG_KIND_OF_USER, facts={"user": user.fhir_type.value})
        with self.store.write() as tx:
            stamped = self._changed(tx, revision.id, lambda r, at: r.signed_in_to_ehr(who, at))
            self._audit(tx, Event.APPROVER_SIGNED_IN_TO_EHR, stamped, who, reference)
        return stamped

    def approve(
        self, who: MicrosoftIdentity, revision_id: str, shown_digest: str, reference: str
    ) -> Revision:
        """Atomic and repeatable: a second click finds it active and changes nothing (case 36).

        Raises:
            Refused: `NOT_THE_APPROVER`, `STEP_MISSING`, `CHANGED_SINCE_SHOWN`, `URL_TAKEN`,
                `URL_LOOKS_LIKE_ANOTHER`, `APPROVER_DISABLED`, `MICROSOFT_UNREACHABLE`; nothing has
                changed then.
        """
        self._ask_again(who, revision_id)
        with self.store.write() as tx:
            revision = _require(tx.configurations.revision(revision_id))
            if revision.state is RevisionState.ACTIVE:
                revision.require_approver(who)
                return revision
            active = revision.approved(who, shown_digest, self.clock.now())
            if not tx.configurations.save_revision(active, revision.state.value):
                raise Refused(Reason.CHANGED_SINCE_SHOWN)
            go_live(tx, active, self.ids, self.vouched_hosts)
            self._audit(tx, Event.CONFIGURATION_APPROVED, active, who, reference)
        return active

    def request_changes(
        self, who: MicrosoftIdentity, revision_id: str, text: str, reference: str
    ) -> Revision:
        with self.store.write() as tx:
            returned = self._changed(tx, revision_id, lambda r, _at: r.changes_requested(who, text))
            self._audit(tx, Event.CHANGES_REQUESTED, returned, who, reference)
        return returned

    def require_enabled(self, who: MicrosoftIdentity) -> None:
        """Ask Entra again: an account may have been disabled since it signed in (case 47).

        Raises:
            Refused: `APPROVER_DISABLED`, `MICROSOFT_UNREACHABLE`.
        """
        try:
            self.directory.member(who.tenant_id, who.object_id)
        except Gone as err:
            raise Refused(Reason.APPROVER_DISABLED, facts={"code": err.code}) from err
        except OutsideError as err:
            raise Refused(Reason.MICROSOFT_UNREACHABLE, facts={"code": err.code}) from err

    def _ask_again(self, who: MicrosoftIdentity, revision_id: str) -> None:
        """Outside any transaction, so that nobody's write waits for Graph; only for the approver."""
        self._revision(revision_id).require_approver(who)
        self.require_enabled(who)

    def _revision(self, revision_id: str) -> Revision:
        with self.store.read() as tx:
            return _require(tx.configurations.revision(revision_id))

    def _changed(self, tx: Transaction, revision_id: str, change: Change) -> Revision:
        revision = _require(tx.configurations.revision(revision_id))
        changed = change(revision, self.clock.now())
        if not tx.configurations.save_revision(changed, revision.state.value):
            raise Refused(Reason.CHANGED_SINCE_SHOWN)
        return changed

    def _audit(
        self, tx: Transaction, event: Event, revision: Revision, who: MicrosoftIdentity, ref: str
    ) -> None:
        tx.audit(
            AuditEntry(
                at=self.clock.now(),
                event=event,
                outcome=Outcome.SUCCESS,
                reference=ref,
                tenant_id=revision.tenant_id,
                environment_id=revision.environment_id,
                actor=who.object_id,
                facts={"revision": revision.id, "digest": revision.digest()},
            )
        )


def _require(revision: Revision | None) -> Revision:
    if revision is None:
        raise Refused(Reason.CONFIGURATION_UNKNOWN)
    return revision
