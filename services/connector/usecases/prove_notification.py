"""What Graph must send back shows which visit a notification is about, before anything is read.

The client state names the visit and carries a keyed hash of it. So a notification proves itself also
while its subscription exists at Graph and our note of it is still on its way (case 54).
"""

from connector.ports.microsoft import UnverifiedItem
from connector.ports.vault import Sealer
from connector.usecases.redeem_code import same


def client_state_of(sealer: Sealer, visit_id: str) -> str:
    """The secret of this visit's subscriptions: 66 characters, Graph takes 128."""
    return f"{visit_id}.{sealer.keyed_hash('graph-client-state', visit_id)}"


def proven_visit_id(sealer: Sealer, item: UnverifiedItem) -> str | None:
    """The visit whose secret the item carries; None if it carries none of ours."""
    visit_id = item.client_state.partition(".")[0]
    return visit_id if same(item.client_state, client_state_of(sealer, visit_id)) else None
