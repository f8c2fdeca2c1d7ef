"""A revision becomes the one launches use: approved just now, or restored by a rollback."""

from connector.domain.configuration import Revision
from connector.domain.errors import Reason, Refused
from connector.domain.integration_record import IntegrationRecord
from connector.domain.launch import LaunchKind
from connector.domain.lookalike import LiveAddress
from connector.ports.storage import Transaction
from connector.ports.system import Ids
from connector.usecases.check_address import refuse_lookalike


def go_live(
    tx: Transaction, revision: Revision, ids: Ids, vouched_hosts: frozenset[str] = frozenset()
) -> None:
    """Claim its address, issue the records it needs, and have changed ones compared again.

    So are those of an environment that was out of use: nobody knows what the EHR holds by now. The
    address is held once more against those of other tenants that went live since it was entered.

    Raises:
        Refused: `URL_TAKEN`: another environment holds the address and does not share it;
            `URL_LOOKS_LIKE_ANOTHER`.
    """
    address = LiveAddress(revision.fhir_base_url, revision.endpoints)
    refuse_lookalike(tx, revision.tenant_id, address, vouched_hosts)
    before = tx.configurations.door_of_environment(revision.environment_id)
    if not tx.configurations.activate(revision):
        raise Refused(Reason.URL_TAKEN)
    if before is None or _records_differ(before.revision, revision):
        tx.records.forget_verification(revision.environment_id)
    issued = {(r.kind, r.group) for r in tx.records.of(revision.environment_id)}
    for group in (False, True) if revision.settings.group_visits else (False,):
        for kind in LaunchKind:
            if (kind, group) not in issued:
                tx.records.add(
                    IntegrationRecord(ids.secret(), revision.environment_id, kind, group)
                )


def _records_differ(before: Revision, after: Revision) -> bool:
    return before.settings.department is not after.settings.department
