"""Finding the approver an admin named (flow 4).

https://learn.microsoft.com/graph/api/user-get
"""

from urllib.parse import quote

from connector.adapters.graph.client import V1, GraphClient
from connector.domain.configuration import Approver
from connector.ports.errors import BadAnswer, Gone

LONGEST_SIGN_IN_NAME = 256


class GraphDirectory:
    """Implements `ports.microsoft.Directory`."""

    def __init__(self, graph: GraphClient) -> None:
        self._graph = graph

    def find(self, tenant_id: str, sign_in_name: str) -> Approver:
        name = sign_in_name.strip()
        if "@" not in name or not name.isprintable() or len(name) > LONGEST_SIGN_IN_NAME:
            raise Gone("sign_in_name", host=self._graph.host)
        fields = "id,userPrincipalName,accountEnabled,userType"
        path = f"{V1}/users/{quote(name, safe='')}?$select={fields}"
        user = self._graph.ask(tenant_id, "GET", path)
        object_id, principal = user.get("id"), user.get("userPrincipalName")
        if not isinstance(object_id, str) or not isinstance(principal, str):
            raise BadAnswer("user", host=self._graph.host)
        if user.get("accountEnabled") is not True:
            raise Gone("account_disabled", host=self._graph.host)
        if user.get("userType") != "Member":
            raise Gone("account_is_guest", host=self._graph.host)
        return Approver(object_id.lower(), principal)
