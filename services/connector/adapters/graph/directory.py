"""Finding the approver an admin named, and asking again before the approver decides (flow 4).

https://learn.microsoft.com/graph/api/user-get
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from connector.adapters.graph.client import V1, GraphClient
from connector.domain.configuration import Approver
from connector.ports.errors import BadAnswer, Gone

LONGEST_SIGN_IN_NAME = 256
LEAST_SEARCHED = 2
_FIELDS = "id,userPrincipalName,accountEnabled,userType"
_SEARCHED = ("displayName", "givenName", "surname", "userPrincipalName", "mail")
_MOST_LOOKED_AT = 50


class GraphDirectory:
    """Implements `ports.microsoft.Directory`."""

    def __init__(self, graph: GraphClient) -> None:
        self._graph = graph

    def find(self, tenant_id: str, sign_in_name: str) -> Approver:
        name = sign_in_name.strip()
        if "@" not in name or not name.isprintable() or len(name) > LONGEST_SIGN_IN_NAME:
            raise Gone("sign_in_name", host=self._graph.host)
        return self._enabled_member(tenant_id, name)

    def member(self, tenant_id: str, object_id: str) -> Approver:
        found = self._enabled_member(tenant_id, object_id)
        if found.object_id != object_id.lower():
            raise BadAnswer("user", host=self._graph.host)
        return found

    def search(self, tenant_id: str, text: str) -> Sequence[Approver]:
        """https://learn.microsoft.com/graph/api/user-list and its `$filter`."""
        begin = text.strip()
        if len(begin) < LEAST_SEARCHED or not begin.isprintable():
            return []
        literal = begin[:LONGEST_SIGN_IN_NAME].replace("'", "''")
        query = {
            "$filter": " or ".join(f"startswith({name},'{literal}')" for name in _SEARCHED),
            "$select": _FIELDS,
            "$top": str(_MOST_LOOKED_AT),
        }
        path = f"{V1}/users?{urlencode(query, safe='$', quote_via=quote)}"
        listed = self._graph.ask(tenant_id, "GET", path).get("value")
        if not isinstance(listed, list) or not all(isinstance(user, dict) for user in listed):
            raise BadAnswer("users", host=self._graph.host)
        found = [self._named(user) for user in listed if _is_enabled_member(user)]
        return sorted(found, key=lambda person: person.sign_in_name.casefold())

    def _enabled_member(self, tenant_id: str, name_or_id: str) -> Approver:
        path = f"{V1}/users/{quote(name_or_id, safe='')}?$select={_FIELDS}"
        user = self._graph.ask(tenant_id, "GET", path)
        found = self._named(user)
        if user.get("accountEnabled") is not True:
            raise Gone("account_disabled", host=self._graph.host)
        if user.get("userType") != "Member":
            raise Gone("account_is_guest", host=self._graph.host)
        return found

    def _named(self, user: Mapping[str, Any]) -> Approver:
        object_id, principal = user.get("id"), user.get("userPrincipalName")
        if not isinstance(object_id, str) or not isinstance(principal, str):
            raise BadAnswer("user", host=self._graph.host)
        return Approver(object_id.lower(), principal)


def _is_enabled_member(user: Mapping[str, Any]) -> bool:
    return user.get("accountEnabled") is True and user.get("userType") == "Member"
