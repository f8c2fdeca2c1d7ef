"""What each tenant allows: admin consent and the Teams application access policy of each application, app roles of people.

Two independent locks, as in reality: consent puts roles into app-only tokens, the policy lets the application act on
behalf of a meeting organizer (https://learn.microsoft.com/graph/cloud-communication-online-meeting-application-access-policy).
"""

import threading
from enum import StrEnum


class Consent(StrEnum):
    """`absent`: the tenant has no service principal. `revoked`: it has one, without any role."""

    GRANTED = "granted"
    REVOKED = "revoked"
    ABSENT = "absent"


class Grants:
    """Thread-safe; nothing is granted until said."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._consents: dict[tuple[str, str], Consent] = {}
        self._policies: dict[tuple[str, str, str | None], bool] = {}
        self._app_roles: dict[tuple[str, str], tuple[str, ...]] = {}

    def clear(self) -> None:
        with self._lock:
            self._consents.clear()
            self._policies.clear()
            self._app_roles.clear()

    def set_consent(self, client_id: str, tenant_id: str, consent: Consent) -> None:
        with self._lock:
            self._consents[client_id, tenant_id] = consent

    def consent(self, client_id: str, tenant_id: str) -> Consent:
        with self._lock:
            return self._consents.get((client_id, tenant_id), Consent.ABSENT)

    def set_policy(
        self, client_id: str, tenant_id: str, user_id: str | None, *, granted: bool
    ) -> None:
        """`user_id` None is the tenant-wide (`-Global`) assignment."""
        with self._lock:
            self._policies[client_id, tenant_id, user_id] = granted

    def may_act_for(self, client_id: str, tenant_id: str, user_id: str) -> bool:
        """A user's own assignment wins over the tenant-wide one."""
        with self._lock:
            tenant_wide = self._policies.get((client_id, tenant_id, None), False)
            return self._policies.get((client_id, tenant_id, user_id), tenant_wide)

    def set_app_role(self, client_id: str, person_id: str, role: str, *, assigned: bool) -> None:
        """Assign a person to a role of the application `client_id`, or end that."""
        with self._lock:
            held = self._app_roles.get((client_id, person_id), ())
            others = tuple(one for one in held if one != role)
            self._app_roles[client_id, person_id] = (*others, role) if assigned else others

    def app_roles(self, client_id: str, person_id: str) -> tuple[str, ...]:
        with self._lock:
            return self._app_roles.get((client_id, person_id), ())

    def assignments(self) -> list[dict[str, str | list[str]]]:
        with self._lock:
            return [
                {"client_id": client, "user_id": person, "roles": list(roles)}
                for (client, person), roles in self._app_roles.items()
                if roles
            ]

    def consents(self) -> list[dict[str, str]]:
        with self._lock:
            return [
                {"client_id": client, "tenant_id": tenant, "state": state.value}
                for (client, tenant), state in self._consents.items()
            ]

    def policies(self) -> list[dict[str, str | bool | None]]:
        with self._lock:
            return [
                {"client_id": client, "tenant_id": tenant, "user_id": user, "granted": granted}
                for (client, tenant, user), granted in self._policies.items()
            ]
