"""What must be true before a configuration goes from test to production (flow 5, cases 42 and 43)."""

from collections.abc import Sequence
from dataclasses import asdict

from connector.domain.configuration import EhrClients, Revision, RevisionState
from connector.domain.integration_record import in_use
from connector.domain.organization import Environment
from connector.domain.promotion import Item, PromotionRequest, Readiness
from connector.ports.storage import Transaction

PENDING = frozenset({RevisionState.AWAITING_APPROVAL, RevisionState.CHANGES_REQUESTED})


def assess_test(tx: Transaction, source: Revision) -> list[Item]:
    """Test was approved, held a visit that the EHR heard of, and holds the records unchanged.

    Only visits since the approval count: earlier ones say nothing about this revision.
    """
    approved = source.state is RevisionState.ACTIVE
    completed = 0
    if approved and source.approved_at:
        completed = tx.visits.completed_with_write_back(source.environment_id, source.approved_at)
    records = in_use(tx.records.of(source.environment_id), source.settings)
    verified = [record for record in records if record.verified_at]
    return [
        Item(
            Readiness.TEST_APPROVED,
            approved,
            {"revision": source.id, "number": str(source.number), "state": source.state.value},
        ),
        Item(Readiness.TEST_VISITS, completed > 0, {"completed": str(completed)}),
        Item(
            Readiness.RECORDS_VERIFIED,
            bool(records) and len(verified) == len(records),
            {"issued": str(len(records)), "verified": str(len(verified))},
        ),
    ]


def assess_production(
    tx: Transaction,
    request: PromotionRequest,
    source: Revision,
    production: Environment | None,
    revisions: Sequence[Revision],
) -> list[Item]:
    """Production's address is not another environment's, its clients are not test's (case 43)."""
    tenant = tx.configurations.tenant(source.tenant_id)
    pending = next((revision for revision in revisions if revision.state in PENDING), None)
    return [
        _address(tx, request.fhir_base_url, source.tenant_id, production),
        _clients(request.clients, source.clients),
        Item(Readiness.LICENCE_CONFIRMED, bool(tenant and tenant.licence_confirmed_at)),
        Item(
            Readiness.NOTHING_PENDING,
            pending is None,
            {"revision": pending.id, "number": str(pending.number)} if pending else {},
        ),
    ]


def _address(
    tx: Transaction, fhir_base_url: str, tenant_id: str, production: Environment | None
) -> Item:
    """The holder is named as far as it is the tenant's own; it may have shared its address (F30)."""
    owner_id = tx.configurations.owner_of(fhir_base_url)
    if owner_id is None or (production and owner_id == production.id):
        return Item(Readiness.ADDRESS_FREE, ready=True)
    if tx.grants.accepted(fhir_base_url, tenant_id):
        return Item(Readiness.ADDRESS_FREE, ready=True, facts={"shared": "yes"})
    owner = tx.configurations.environment(owner_id)
    if owner is None or owner.tenant_id != tenant_id:
        return Item(Readiness.ADDRESS_FREE, ready=False, facts={"environment": "another tenant's"})
    facts = {"environment": owner.kind.value, "environment_id": owner.id}
    return Item(Readiness.ADDRESS_FREE, ready=False, facts=facts)


def _clients(asked: EhrClients, of_test: EhrClients) -> Item:
    found = {
        "missing": [name for name, value in asdict(asked).items() if not value],
        "of_test": asked.shared_with(of_test),
    }
    facts = {why: ", ".join(names) for why, names in found.items() if names}
    return Item(Readiness.CLIENTS_OF_PRODUCTION, not facts, facts)
