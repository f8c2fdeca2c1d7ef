"""Everything this simulator knows, and how its parts are wired together."""

from typing import Any, cast

from flask import current_app

from mock_microsoft.apps import Apps
from mock_microsoft.config import Configuration
from mock_microsoft.entra.device_codes import DeviceCodes
from mock_microsoft.entra.forgery import AccessForgery, Forgery, ForgeryOrders
from mock_microsoft.entra.optional_claims import WithheldClaims
from mock_microsoft.entra.scopes import Resources
from mock_microsoft.entra.sessions import AuthorizationCodes, Sessions
from mock_microsoft.grants import Consent, Grants
from mock_microsoft.graph.throttling import Throttles
from mock_microsoft.notifications.delivery import DeliveryEngine
from mock_microsoft.notifications.outbound import Webhooks
from mock_microsoft.notifications.publisher import Publisher
from mock_microsoft.notifications.subscription import Subscriptions
from mock_microsoft.sandbox_people import READY_TENANTS, sandbox_directory
from mock_microsoft.teams.store import Meetings
from simkit.app import Simulator
from simkit.keys import IssuerKey

EXTENSION = "microsoft"


class World:
    """State in memory; keys survive a reset, so that tokens and published key sets stay valid."""

    def __init__(self, config: Configuration, simulator: Simulator, key: IssuerKey) -> None:
        self.config = config
        self.clock = simulator.clock
        self.directory = sandbox_directory()
        self.apps = Apps(config.apps)
        self.resources = Resources(self.apps, config.public_url)
        self.key = key
        # Claims by key id and token: an application shows one token thousands of times.
        self.verified_tokens: dict[tuple[str, str], dict[str, Any]] = {}
        self.grants = Grants()
        self.sessions = Sessions(self.directory)
        self.codes = AuthorizationCodes()
        self.device_codes = DeviceCodes(config.device_code_interval_seconds)
        self.forgeries: ForgeryOrders[Forgery] = ForgeryOrders()
        self.access_forgeries: ForgeryOrders[AccessForgery] = ForgeryOrders()
        self.withheld_claims = WithheldClaims()
        self.throttles = Throttles(self.clock)
        self.subscriptions = Subscriptions()
        self.webhooks = Webhooks(simulator.journal, self.clock, config.ca_file)
        self.deliveries = DeliveryEngine(self.clock, self.webhooks)
        self.publisher = Publisher(self.subscriptions, self.deliveries, self.key, self.clock)
        self.meetings = Meetings(config.public_url, self.clock.now, self.publisher.publish)
        self._make_tenants_ready()

    def reset(self) -> None:
        self.directory.restore()
        self.apps.restore()
        for part in (
            self.verified_tokens,
            self.grants,
            self.sessions,
            self.codes,
            self.device_codes,
            self.forgeries,
            self.access_forgeries,
            self.withheld_claims,
            self.throttles,
            self.subscriptions,
            self.deliveries,
            self.publisher.faults,
            self.meetings,
        ):
            part.clear()
        self._make_tenants_ready()

    def seed(self, document: dict[str, Any]) -> dict[str, Any]:
        """`{"tenants_ready": ["fabrikam-klinik.example"]}`: consent and policy for every application there."""
        names = document.get("tenants_ready", [])
        if not isinstance(names, list):
            raise ValueError("tenants_ready must be a list of tenant ids or domains")  # noqa: TRY004 - answered as 400
        tenants = [self.directory.tenant(str(name)) for name in names]
        unknown = [name for name, tenant in zip(names, tenants, strict=True) if tenant is None]
        if unknown:
            raise ValueError(f"no such tenant: {', '.join(map(str, unknown))}")
        for tenant in tenants:
            if tenant:
                self._make_ready(tenant.id)
        return {"tenants_ready": names}

    def state(self) -> dict[str, Any]:
        now = self.clock.now()
        meetings = self.meetings.all()
        return {
            "meetings": len(meetings),
            "calls": sum(1 for meeting in meetings if meeting.call_started),
            "participants": sum(len(meeting.present()) for meeting in meetings),
            "subscriptions": len(self.subscriptions.live(now)),
            "deliveries": self.deliveries.counts(),
            "consents": self.grants.consents(),
            "access_policies": self.grants.policies(),
            "app_roles": self.grants.assignments(),
            "forged_id_tokens": self.forgeries.listed(),
            "forged_access_tokens": self.access_forgeries.listed(),
            "withheld_claims": self.withheld_claims.listed(),
            "delivery_faults": self.publisher.faults.listed(),
            "throttles": self.throttles.listed(),
        }

    def _make_tenants_ready(self) -> None:
        """The others have yet to consent, as a new customer has."""
        for tenant in READY_TENANTS:
            self._make_ready(tenant.id)

    def _make_ready(self, tenant_id: str) -> None:
        for app in self.config.apps:
            self.grants.set_consent(app.client_id, tenant_id, Consent.GRANTED)
            if app.app_roles_granted:  # the policy is about Graph; only its callers need one
                self.grants.set_policy(app.client_id, tenant_id, None, granted=True)


def current_world() -> World:
    return cast(World, current_app.extensions[EXTENSION])
