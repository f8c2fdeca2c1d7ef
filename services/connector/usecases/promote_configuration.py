"""An admin carries the test configuration to production: plan, look, apply (flow 5, case 42).

The EHR and the directory are asked before the transaction; everything that is written, the
production environment with it, is one transaction. A killed or doubled `apply` therefore finds
production as it was, or its own revision, which it returns.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from connector.domain.audit import Event, Outcome
from connector.domain.configuration import Approver, Revision, RevisionState, SmartEndpoints
from connector.domain.errors import Reason, Refused
from connector.domain.fhir_base_url import normalised
from connector.domain.geography import Geography
from connector.domain.lookalike import LiveAddress
from connector.domain.organization import (
    Environment,
    EnvironmentKind,
    MicrosoftIdentity,
    require_admin,
)
from connector.domain.promotion import Item, Plan, PromotionRequest, Readiness
from connector.ports.errors import AddressRefused, Gone, OutsideError, TryLater
from connector.ports.microsoft import Directory
from connector.ports.smart import SmartServer
from connector.ports.storage import AuditEntry, Store, Transaction
from connector.ports.system import Clock, Ids
from connector.usecases.assess_readiness import PENDING, assess_production, assess_test
from connector.usecases.check_address import refuse_lookalike
from connector.usecases.confirm_geography import other_geography

_IN_EFFECT = frozenset({RevisionState.AWAITING_APPROVAL, RevisionState.ACTIVE})


@dataclass(frozen=True, slots=True)
class _Outside:
    """What the production EHR and the directory answered, and what that means for readiness."""

    endpoints: SmartEndpoints | None
    approver: Approver | None
    items: tuple[Item, Item]


@dataclass(frozen=True, slots=True)
class _Question:
    """One request of one admin, with everything that was asked outside for it."""

    admin: MicrosoftIdentity
    request: PromotionRequest
    outside: _Outside


@dataclass(frozen=True, slots=True)
class PromoteConfiguration:
    store: Store
    smart: SmartServer
    directory: Directory
    clock: Clock
    ids: Ids
    geography: Geography
    vouched_hosts: frozenset[str] = frozenset()

    def plan(self, admin: MicrosoftIdentity, request: PromotionRequest, reference: str) -> Plan:
        """What applying would do now, and what stands in its way; production stays as it is.

        Raises:
            Refused: `ROLE_MISSING`, `URL_REFUSED` (the address itself is malformed),
                `URL_LOOKS_LIKE_ANOTHER`, `CONFIGURATION_UNKNOWN`, `GEOGRAPHY_OTHER`,
                `GEOGRAPHY_UNCONFIRMED`.
        """
        question = self._ask(admin, request)
        with self.store.write() as tx:
            plan = self._plan(tx, question)
            facts = {"digest": plan.digest, "blockers": _names(plan.blockers)}
            self._audit(tx, Event.PROMOTION_PLANNED, plan.source, admin, reference, facts)
        return plan

    def apply(
        self, admin: MicrosoftIdentity, request: PromotionRequest, plan_digest: str, reference: str
    ) -> Revision:
        """The production revision of this plan, waiting for its approver; made once.

        Raises:
            Refused: as `plan`; `PLAN_STALE` (fact `changed` names the parts), `PROMOTION_BLOCKED`
                (fact `blockers`); nothing has changed then.
        """
        question = self._ask(admin, request)
        with self.store.write() as tx:
            plan = self._plan(tx, question, lock=True)
            production = _production(tx, plan.test)
            revisions = _revisions(tx, production)
            for revision in revisions:
                if revision.promotion_plan == plan_digest and revision.state in _IN_EFFECT:
                    return revision
            if plan.digest != plan_digest:
                raise _stale(plan.changed_since(plan_digest))
            if plan.applied:
                return plan.applied
            revision = self._submit(tx, plan, production or self._open_production(tx, plan.test))
            facts = {"digest": plan_digest, "revision": revision.id, "source": plan.source.id}
            self._audit(tx, Event.PROMOTION_APPLIED, revision, admin, reference, facts)
        return revision

    def _ask(self, admin: MicrosoftIdentity, request: PromotionRequest) -> _Question:
        """Whether the environment is this tenant's comes first: nobody probes in another's name."""
        require_admin(admin)
        normal = replace(
            request,
            fhir_base_url=normalised(request.fhir_base_url),
            approver_sign_in_name=request.approver_sign_in_name.strip(),
        )
        with self.store.read() as tx:
            self._test(tx, admin, normal)
        endpoints, probed = self._probe(normal.fhir_base_url)
        approver, known = self._find_approver(admin.tenant_id, normal.approver_sign_in_name)
        return _Question(admin, normal, _Outside(endpoints, approver, (probed, known)))

    def _probe(self, fhir_base_url: str) -> tuple[SmartEndpoints | None, Item]:
        try:
            return self.smart.discover(fhir_base_url), Item(Readiness.PRODUCTION_PROBED, ready=True)
        except AddressRefused as err:
            reason, code, host = Reason.URL_REFUSED, err.code, err.host
        except TryLater as err:
            reason, code, host = Reason.EHR_UNREACHABLE, err.code, err.host
        except OutsideError as err:
            reason, code, host = Reason.EHR_ANSWER_INVALID, err.code, err.host
        facts = {"reason": reason.value, "code": code, "host": host}
        return None, Item(Readiness.PRODUCTION_PROBED, ready=False, facts=facts)

    def _find_approver(self, tenant_id: str, sign_in_name: str) -> tuple[Approver | None, Item]:
        try:
            found = self.directory.find(tenant_id, sign_in_name)
        except Gone as err:
            facts = {"reason": Reason.APPROVER_UNKNOWN.value, "code": err.code}
        except OutsideError as err:
            facts = {"reason": Reason.MICROSOFT_UNREACHABLE.value, "code": err.code}
        else:
            return found, Item(Readiness.APPROVER_KNOWN, ready=True)
        return None, Item(Readiness.APPROVER_KNOWN, ready=False, facts=facts)

    def _test(
        self, tx: Transaction, admin: MicrosoftIdentity, request: PromotionRequest
    ) -> Environment:
        tenant = tx.configurations.tenant(admin.tenant_id)
        if tenant is None:
            raise Refused(Reason.GEOGRAPHY_UNCONFIRMED)
        if tenant.geography is not self.geography:
            raise other_geography(tenant.geography)
        found = tx.configurations.environment(request.test_environment_id)
        if found is None or found.tenant_id != admin.tenant_id:
            raise Refused(Reason.CONFIGURATION_UNKNOWN)
        if found.kind is not EnvironmentKind.TEST:
            raise Refused(Reason.CONFIGURATION_UNKNOWN, facts={"environment": found.kind.value})
        return found

    def _plan(self, tx: Transaction, question: _Question, *, lock: bool = False) -> Plan:
        """With production's own answer to an earlier run taken out, so that its plan is known again.

        `lock`: who applies, approves or rolls back at the same time waits until this transaction ends.
        """
        test = self._test(tx, question.admin, question.request)
        if lock:
            _hold(tx, _source(tx, test), test)
        production = _production(tx, test)
        revisions = _revisions(tx, production)
        newest = revisions[0] if revisions else None
        if newest and newest.promotion_plan and newest.state is RevisionState.AWAITING_APPROVAL:
            before = self._plan_on(tx, question, test, production, revisions[1:])
            if before.digest == newest.promotion_plan:
                return replace(before, applied=newest)
        plan = self._plan_on(tx, question, test, production, revisions)
        live = plan.target if plan.proposed and not plan.changes else None
        return replace(plan, applied=live)

    def _plan_on(
        self,
        tx: Transaction,
        question: _Question,
        test: Environment,
        production: Environment | None,
        revisions: Sequence[Revision],
    ) -> Plan:
        """As if `revisions` were all that production has, newest first."""
        source, request = _source(tx, test), question.request
        probed, known = question.outside.items
        address, clients, licence, pending = assess_production(
            tx, request, source, production, revisions
        )
        target = next((r for r in revisions if r.state is RevisionState.ACTIVE), None)
        newest_number = max((r.number for r in revisions), default=0)
        proposed = self._propose(question, source, newest_number + 1)
        if proposed:
            entered = LiveAddress(proposed.fhir_base_url, proposed.endpoints)
            refuse_lookalike(tx, test.tenant_id, entered, self.vouched_hosts)
        return Plan(
            request=request,
            test=test,
            source=source,
            target=target,
            proposed=proposed,
            newest_number=newest_number,
            changes=proposed.changes_from(target) if proposed else (),
            items=(*assess_test(tx, source), probed, address, clients, known, licence, pending),
        )

    def _propose(self, question: _Question, source: Revision, number: int) -> Revision | None:
        """Test's settings and vendor at production's address; its ids are given when it is applied."""
        outside, request = question.outside, question.request
        if outside.endpoints is None or outside.approver is None:
            return None
        return Revision(
            id="",
            environment_id="",
            tenant_id=source.tenant_id,
            number=number,
            state=RevisionState.DRAFT,
            fhir_base_url=request.fhir_base_url,
            clients=request.clients,
            endpoints=outside.endpoints,
            approver=outside.approver,
            created_at=self.clock.now(),
            created_by=question.admin.sign_in_name,
            vendor=source.vendor,
            settings=source.settings,
        )

    def _open_production(self, tx: Transaction, test: Environment) -> Environment:
        environment = replace(test, id=self.ids.identifier(), kind=EnvironmentKind.PRODUCTION)
        tx.configurations.add_environment(environment, self.clock.now())
        return environment

    def _submit(self, tx: Transaction, plan: Plan, production: Environment) -> Revision:
        if plan.blockers or plan.proposed is None:
            raise Refused(Reason.PROMOTION_BLOCKED, facts={"blockers": _names(plan.blockers)})
        for pending in tx.configurations.revisions(production.id):
            if pending.state in PENDING and not tx.configurations.save_revision(
                pending.superseded(), pending.state.value
            ):
                raise _stale(["production"])
        revision = replace(
            plan.proposed,
            id=self.ids.identifier(),
            environment_id=production.id,
            promotion_plan=plan.digest,
        ).submitted()
        tx.configurations.add_revision(revision)
        return revision

    def _audit(
        self,
        tx: Transaction,
        event: Event,
        revision: Revision,
        admin: MicrosoftIdentity,
        reference: str,
        facts: dict[str, str],
    ) -> None:
        tx.audit(
            AuditEntry(
                at=self.clock.now(),
                event=event,
                outcome=Outcome.SUCCESS,
                reference=reference,
                tenant_id=revision.tenant_id,
                environment_id=revision.environment_id,
                actor=admin.object_id,
                facts=facts,
            )
        )


def _source(tx: Transaction, test: Environment) -> Revision:
    """The revision launches use in test; the newest where none was approved yet."""
    revisions = tx.configurations.revisions(test.id)
    if not revisions:
        raise Refused(Reason.CONFIGURATION_UNKNOWN)
    return next((r for r in revisions if r.state is RevisionState.ACTIVE), revisions[0])


def _production(tx: Transaction, test: Environment) -> Environment | None:
    return tx.configurations.find_environment(
        test.tenant_id, test.organization_name, EnvironmentKind.PRODUCTION
    )


def _hold(tx: Transaction, source: Revision, test: Environment) -> None:
    """What the plan stands on, row by row, newest first as an approval does: it stays as it is."""
    tx.configurations.revision(source.id)
    for revision in _revisions(tx, _production(tx, test)):
        tx.configurations.revision(revision.id)


def _revisions(tx: Transaction, environment: Environment | None) -> Sequence[Revision]:
    return tx.configurations.revisions(environment.id) if environment else ()


def _names(items: Sequence[Item]) -> str:
    return ", ".join(item.readiness.value for item in items)


def _stale(changed: Sequence[str]) -> Refused:
    return Refused(Reason.PLAN_STALE, facts={"changed": ", ".join(changed)})
