"""An admin looks for the approver to name, by the beginning of their name (F20)."""

from collections.abc import Sequence
from dataclasses import dataclass

from connector.domain.configuration import Approver
from connector.domain.errors import Reason, Refused
from connector.domain.organization import MicrosoftIdentity, require_admin
from connector.ports.errors import OutsideError
from connector.ports.microsoft import Directory


@dataclass(frozen=True, slots=True)
class FindApprover:
    directory: Directory

    def __call__(self, admin: MicrosoftIdentity, text: str) -> Sequence[Approver]:
        """Enabled members of the admin's own tenant; nobody for fewer than two letters.

        Raises:
            Refused: `ROLE_MISSING`, `MICROSOFT_UNREACHABLE`.
        """
        require_admin(admin)
        try:
            return self.directory.search(admin.tenant_id, text)
        except OutsideError as err:
            raise Refused(Reason.MICROSOFT_UNREACHABLE, facts={"code": err.code}) from err
