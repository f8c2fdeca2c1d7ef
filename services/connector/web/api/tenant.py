"""The caller's tenant."""

from flask import g

from connector.domain.errors import Reason, Refused
from connector.web.api.documents import TenantDocument
from connector.web.api.operations import operation
from connector.web.context import web


@operation("GET", "/tenant", answer=TenantDocument)
def get_tenant() -> TenantDocument:
    """The tenant of the access token, as it is registered here."""
    with web().store.read() as tx:
        tenant = tx.configurations.tenant(g.who.tenant_id)
    if tenant is None:
        raise Refused(Reason.GEOGRAPHY_UNCONFIRMED)
    return TenantDocument.of(tenant)
