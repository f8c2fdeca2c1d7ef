"""An EHR, and Microsoft, that can be examined and are in order until a test breaks something."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from tests.fakes.faults import Faults

from connector.domain.configuration import SmartEndpoints
from connector.domain.graph_permissions import NEEDED
from connector.domain.scopes import WRITE_BACK_SCOPE
from connector.ports.errors import TryLater
from connector.ports.examination import Metadata, PublishedSmart
from connector.ports.system import Clock

GRANTS = frozenset({"authorization_code", "client_credentials"})
SCOPES = frozenset(
    {"launch", "openid", "fhirUser", "patient/*.rs", "user/*.cruds", "system/Appointment.u"}
)


class FakeEhrExamination:
    """Implements `ports.examination.EhrExamination`.

    `calls` holds (method, what was named); `while_asked` runs at each, to let time pass for instance.
    """

    def __init__(self, clock: Clock) -> None:
        self.faults = Faults()
        self.calls: list[tuple[str, str]] = []
        self.while_asked: Callable[[str], object] = lambda _method: None
        self.served: dict[str, PublishedSmart] = {}
        self.answers: dict[str, Metadata] = {}
        self.also_smart: set[str] = set()
        self.scopes_granted: frozenset[str] = frozenset({WRITE_BACK_SCOPE})
        self.keys_missing: frozenset[str] = frozenset()
        self._clock = clock

    def add_ehr(self, fhir_base_url: str, endpoints: SmartEndpoints, **changes: Any) -> None:
        known = {"grant_types": GRANTS, "scopes": SCOPES} | changes
        self.served[fhir_base_url] = PublishedSmart(endpoints, **known)

    def metadata(self, fhir_base_url: str) -> Metadata:
        self._heard("metadata", fhir_base_url)
        in_order = Metadata(self._clock.now(), "CapabilityStatement", "4.0.1")
        return self.answers.get(fhir_base_url, in_order)

    def smart_configuration(self, fhir_base_url: str) -> PublishedSmart:
        self._heard("smart_configuration", fhir_base_url)
        if fhir_base_url not in self.served:
            raise TryLater("no_connection", host="unknown")
        return self.served[fhir_base_url]

    def is_smart(self, fhir_base_url: str) -> bool:
        self._heard("is_smart", fhir_base_url)
        return fhir_base_url in self.also_smart

    def granted_scopes(
        self, endpoints: SmartEndpoints, *, client_id: str, scope: str
    ) -> frozenset[str]:
        self._heard("granted_scopes", endpoints.token_endpoint)
        return self.scopes_granted

    def missing_keys(self, public_url: str) -> frozenset[str]:
        self._heard("missing_keys", public_url)
        return self.keys_missing

    def asked(self, method: str) -> list[str]:
        return [named for name, named in self.calls if name == method]

    def _heard(self, method: str, named: str) -> None:
        self.calls.append((method, named))
        self.while_asked(method)
        self.faults.before(method)


class FakeMicrosoftExamination:
    """Implements `ports.examination.MicrosoftExamination`; every permission is granted."""

    def __init__(self, clock: Clock) -> None:
        self.faults = Faults()
        self.calls: list[tuple[str, str]] = []
        self.roles: frozenset[str] = frozenset(permission.name for permission in NEEDED)
        self.date: Callable[[], datetime | None] = clock.now

    def graph_date(self) -> datetime | None:
        self._heard("graph_date", "")
        return self.date()

    def permissions(self, tenant_id: str) -> frozenset[str]:
        self._heard("permissions", tenant_id)
        return self.roles

    def require_meeting_policy(self, tenant_id: str, user_id: str) -> None:
        self._heard("require_meeting_policy", user_id)

    def require_webhook(self, notification_url: str, token: str) -> None:
        self._heard("require_webhook", notification_url)

    def asked(self, method: str) -> list[str]:
        return [named for name, named in self.calls if name == method]

    def _heard(self, method: str, named: str) -> None:
        self.calls.append((method, named))
        self.faults.before(method)
