"""An admin enters an EHR environment: FHIR base URL, clients, approver (flow 4, first half).

The base URL is probed through the egress guard before anything is stored, and what the EHR's
discovery said is kept with the revision: that is what the approver sees and what launches use.
"""

from dataclasses import dataclass

from connector.domain.audit import Event, Outcome
from connector.domain.configuration import (
    Approver,
    EhrClients,
    EhrVendor,
    Revision,
    RevisionState,
    SmartEndpoints,
)
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
from connector.domain.visit_settings import DEFAULTS, VisitSettings
from connector.ports.errors import Gone, OutsideError
from connector.ports.microsoft import Directory
from connector.ports.smart import SmartServer
from connector.ports.storage import AuditEntry, Store, Transaction
from connector.ports.system import Clock, Ids
from connector.usecases.check_address import discovered, refuse_lookalike
from connector.usecases.confirm_geography import other_geography

_PENDING = frozenset({RevisionState.AWAITING_APPROVAL, RevisionState.CHANGES_REQUESTED})
_STANDING = _PENDING | {RevisionState.ACTIVE}


@dataclass(frozen=True, slots=True)
class EnteredConfiguration:
    """What the form holds, as typed."""

    organization_name: str
    kind: EnvironmentKind
    fhir_base_url: str
    approver_sign_in_name: str
    time_zone: str
    clients: EhrClients
    vendor: EhrVendor = EhrVendor.EPIC
    settings: VisitSettings = DEFAULTS


@dataclass(frozen=True, slots=True)
class EnterConfiguration:
    store: Store
    smart: SmartServer
    directory: Directory
    clock: Clock
    ids: Ids
    geography: Geography
    vouched_hosts: frozenset[str] = frozenset()

    def __call__(
        self, admin: MicrosoftIdentity, entered: EnteredConfiguration, reference: str
    ) -> Revision:
        """Store the revision, waiting for its approver.

        Raises:
            Refused: `ROLE_MISSING`, `URL_REFUSED`, `URL_TAKEN`, `URL_LOOKS_LIKE_ANOTHER`,
                `APPROVER_UNKNOWN`, `EHR_UNREACHABLE`, `EHR_ANSWER_INVALID`, `MICROSOFT_UNREACHABLE`,
                `GEOGRAPHY_OTHER`, `GEOGRAPHY_UNCONFIRMED`, `PROMOTION_NEEDED` (ADR 7),
                `CLIENTS_MIXED_UP`; nothing is stored then.
        """
        require_admin(admin)
        fhir_base_url = normalised(entered.fhir_base_url)
        endpoints = discovered(self.smart, fhir_base_url)
        approver = self._approver(admin.tenant_id, entered.approver_sign_in_name)
        with self.store.write() as tx:
            self._require_tenant(tx, admin.tenant_id)
            environment = self._environment(tx, admin, entered)
            _refuse_taken(tx, fhir_base_url, environment)
            _refuse_clients_of_other(tx, environment, entered.clients)
            address = LiveAddress(fhir_base_url, endpoints)
            refuse_lookalike(tx, environment.tenant_id, address, self.vouched_hosts)
            revision = self._revision(
                tx, environment, fhir_base_url, endpoints, approver, admin, entered
            )
            tx.configurations.add_revision(revision)
            self._audit(tx, revision, admin, reference)
        return revision

    def _approver(self, tenant_id: str, sign_in_name: str) -> Approver:
        try:
            return self.directory.find(tenant_id, sign_in_name.strip())
        except Gone as err:
            raise Refused(Reason.APPROVER_UNKNOWN) from err
        except OutsideError as err:
            raise Refused(Reason.MICROSOFT_UNREACHABLE, facts={"code": err.code}) from err

    def _environment(
        self, tx: Transaction, admin: MicrosoftIdentity, entered: EnteredConfiguration
    ) -> Environment:
        name = entered.organization_name.strip()
        found = tx.configurations.find_environment(admin.tenant_id, name, entered.kind)
        if found is not None:
            return found
        if entered.kind is EnvironmentKind.PRODUCTION:
            raise Refused(Reason.PROMOTION_NEEDED)
        environment = Environment(
            id=self.ids.identifier(),
            tenant_id=admin.tenant_id,
            organization_id=self.ids.identifier(),
            organization_name=name,
            kind=entered.kind,
            time_zone=entered.time_zone,
        )
        tx.configurations.add_environment(environment, self.clock.now())
        return environment

    def _require_tenant(self, tx: Transaction, tenant_id: str) -> None:
        """An admin confirmed its geography first; another one's deployment turns it away (case 75)."""
        tenant = tx.configurations.tenant(tenant_id)
        if tenant is None:
            raise Refused(Reason.GEOGRAPHY_UNCONFIRMED)
        if tenant.geography is not self.geography:
            raise other_geography(tenant.geography)

    def _revision(  # noqa: PLR0913 - one value each of what a revision is made of
        self,
        tx: Transaction,
        environment: Environment,
        fhir_base_url: str,
        endpoints: SmartEndpoints,
        approver: Approver,
        admin: MicrosoftIdentity,
        entered: EnteredConfiguration,
    ) -> Revision:
        """The next revision; what was still waiting for approval is superseded by it."""
        earlier = tx.configurations.revisions(environment.id)
        for revision in earlier:
            if revision.state in _PENDING:
                tx.configurations.save_revision(revision.superseded(), revision.state.value)
        return Revision(
            id=self.ids.identifier(),
            environment_id=environment.id,
            tenant_id=environment.tenant_id,
            number=1 + max((r.number for r in earlier), default=0),
            state=RevisionState.DRAFT,
            fhir_base_url=fhir_base_url,
            clients=entered.clients,
            endpoints=endpoints,
            approver=approver,
            created_at=self.clock.now(),
            created_by=admin.sign_in_name,
            vendor=entered.vendor,
            settings=entered.settings,
        ).submitted()

    def _audit(
        self, tx: Transaction, revision: Revision, admin: MicrosoftIdentity, reference: str
    ) -> None:
        tx.audit(
            AuditEntry(
                at=self.clock.now(),
                event=Event.CONFIGURATION_SUBMITTED,
                outcome=Outcome.SUCCESS,
                reference=reference,
                tenant_id=revision.tenant_id,
                environment_id=revision.environment_id,
                actor=admin.object_id,
                facts={"revision": revision.id, "number": str(revision.number)},
            )
        )


def _refuse_taken(tx: Transaction, fhir_base_url: str, environment: Environment) -> None:
    """A base URL belongs to one environment; a second claim never takes it over (case 41).

    Whoever its owner shares it with may configure it too (F30).
    """
    owner = tx.configurations.owner_of(fhir_base_url)
    if owner in (None, environment.id):
        return
    if tx.grants.accepted(fhir_base_url, environment.tenant_id) is None:
        raise Refused(Reason.URL_TAKEN)


def _refuse_clients_of_other(
    tx: Transaction, environment: Environment, clients: EhrClients
) -> None:
    """No client id of test in production, nor the reverse (case 43, E11)."""
    for kind in set(EnvironmentKind) - {environment.kind}:
        other = tx.configurations.find_environment(
            environment.tenant_id, environment.organization_name, kind
        )
        for revision in tx.configurations.revisions(other.id) if other else ():
            mixed_up = clients.shared_with(revision.clients)
            if revision.state in _STANDING and mixed_up:
                facts = {"environment": kind.value, "clients": ", ".join(mixed_up)}
                raise Refused(Reason.CLIENTS_MIXED_UP, facts=facts)
