"""An admin asks what a FHIR base URL leads to, before anything is saved (F18, E1)."""

from dataclasses import dataclass

from connector.domain.configuration import SmartEndpoints
from connector.domain.errors import Reason, Refused
from connector.domain.fhir_base_url import normalised
from connector.domain.lookalike import LiveAddress, host_of, likeness_of
from connector.domain.organization import MicrosoftIdentity, require_admin
from connector.ports.errors import AddressRefused, OutsideError, TryLater
from connector.ports.smart import SmartServer
from connector.ports.storage import Transaction


@dataclass(frozen=True, slots=True)
class CheckAddress:
    smart: SmartServer

    def __call__(self, admin: MicrosoftIdentity, fhir_base_url: str) -> SmartEndpoints:
        """What the EHR's discovery says; nothing is stored.

        Raises:
            Refused: `ROLE_MISSING`, `URL_REFUSED`, `EHR_UNREACHABLE`, `EHR_ANSWER_INVALID`.
        """
        require_admin(admin)
        return discovered(self.smart, normalised(fhir_base_url))


def discovered(smart: SmartServer, fhir_base_url: str) -> SmartEndpoints:
    """`fhir_base_url` in its stored spelling. Raises: Refused: as above."""
    try:
        return smart.discover(fhir_base_url)
    except AddressRefused as err:
        raise Refused(Reason.URL_REFUSED, facts={"why": err.code}) from err
    except TryLater as err:
        facts = {"code": err.code, "host": err.host}
        raise Refused(Reason.EHR_UNREACHABLE, facts=facts) from err
    except OutsideError as err:
        facts = {"code": err.code, "host": err.host}
        raise Refused(Reason.EHR_ANSWER_INVALID, facts=facts) from err


def refuse_lookalike(
    tx: Transaction, tenant_id: str, entered: LiveAddress, vouched_hosts: frozenset[str]
) -> None:
    """Refuse an address that could be taken for another tenant's (case 41, ADR 9).

    Unless an operator vouched for the host: two hospitals may have names that read alike. Whoever is
    live at the address was looked at before, and is not locked out by the other one of such a pair.

    Raises:
        Refused: `URL_LOOKS_LIKE_ANOTHER`; fact `why` is the likeness.
    """
    owner_id = tx.configurations.owner_of(entered.fhir_base_url)
    owner = tx.configurations.environment(owner_id) if owner_id else None
    if host_of(entered.fhir_base_url) in vouched_hosts or (owner and owner.tenant_id == tenant_id):
        return
    likeness = likeness_of(entered, tx.grants.live_elsewhere(tenant_id))
    if likeness is not None:
        raise Refused(Reason.URL_LOOKS_LIKE_ANOTHER, facts={"why": likeness.value})
