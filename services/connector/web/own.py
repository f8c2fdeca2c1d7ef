"""What belongs to the signed-in person's tenant; another tenant's does not exist for them (case 74)."""

from flask import g

from connector.domain.configuration import Revision
from connector.domain.errors import Reason, Refused
from connector.domain.organization import Environment
from connector.web.context import web


def own_environment(environment_id: str) -> Environment:
    """Raises: Refused: `CONFIGURATION_UNKNOWN`."""
    with web().store.read() as tx:
        environment = tx.configurations.environment(environment_id)
    if environment is None or environment.tenant_id != g.who.tenant_id:
        raise Refused(Reason.CONFIGURATION_UNKNOWN)
    return environment


def own_revision(revision_id: str) -> Revision:
    """Raises: Refused: `CONFIGURATION_UNKNOWN`."""
    with web().store.read() as tx:
        revision = tx.configurations.revision(revision_id)
    if revision is None or revision.tenant_id != g.who.tenant_id:
        raise Refused(Reason.CONFIGURATION_UNKNOWN)
    return revision
