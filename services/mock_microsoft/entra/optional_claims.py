"""Optional claims: in a token only because the application's manifest asks for them.

A tenant that consented long ago may still be served by an older manifest; a tester withholds the claims for it.
https://learn.microsoft.com/entra/identity-platform/optional-claims-reference
"""

import threading
from typing import Any

OPTIONAL_CLAIMS = ("acct", "idtyp", "tenant_ctry", "tenant_region_scope", "wids")


class WithheldClaims:
    """Thread-safe; nothing is withheld until said."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_tenant: dict[str, tuple[str, ...]] = {}

    def set(self, tenant_id: str, names: tuple[str, ...]) -> None:
        """Replaces what was withheld there. Raises ValueError for a claim that is not optional."""
        unknown = set(names) - set(OPTIONAL_CLAIMS)
        if unknown:
            raise ValueError(f'"withheld" may name: {", ".join(OPTIONAL_CLAIMS)}')
        with self._lock:
            self._by_tenant[tenant_id] = names

    def without(self, claims: dict[str, Any]) -> dict[str, Any]:
        """The claims that a token of their tenant (`tid`) carries."""
        with self._lock:
            withheld = self._by_tenant.get(claims["tid"], ())
        return {name: value for name, value in claims.items() if name not in withheld}

    def clear(self) -> None:
        with self._lock:
            self._by_tenant.clear()

    def listed(self) -> list[dict[str, Any]]:
        with self._lock:
            return [
                {"tenant_id": tenant, "withheld": list(names)}
                for tenant, names in self._by_tenant.items()
                if names
            ]
