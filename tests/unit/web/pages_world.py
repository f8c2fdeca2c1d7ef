"""Sample data and the real application around it, for page tests and browser looks.

The store is only as deep as the pages read: dictionaries behind the methods a page calls.
"""

import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

from flask import Flask
from flask.testing import FlaskClient
from tests.fakes.system import SequentialIds
from tests.fakes.vault import FakeSealer

from connector.domain.configuration import (
    Approver,
    EhrClients,
    Revision,
    RevisionState,
    SmartEndpoints,
)
from connector.domain.errors import Refused
from connector.domain.geography import Geography
from connector.domain.integration_record import IntegrationRecord
from connector.domain.launch import LaunchKind
from connector.domain.organization import Environment, EnvironmentKind, MicrosoftIdentity, Tenant
from connector.domain.participant import Moment, Participant, Presence, Role
from connector.domain.sharing import Grant
from connector.domain.visit import Meeting, Visit, VisitState
from connector.ports.storage import AuditEntry, Door, VisitEvent
from connector.usecases.approve_configuration import ApproveConfiguration
from connector.usecases.find_way_in import FindWayIn
from connector.web.app import create_app
from connector.web.context import Deployment, WebContext
from connector.web.visit_pass import VISIT_PASS, VisitPass

NOW = datetime(2026, 3, 2, 15, 4, 5, tzinfo=UTC)
TENANT = "7d3a1c7e-0000-4000-8000-00000000000a"
ADMIN = MicrosoftIdentity(
    TENANT,
    "oid-admin",
    "avery.admin@contoso.example",
    frozenset({"69091246-20e8-4a56-aa4d-066075b2a7a8"}),
    is_guest=False,
)
ANALYST = MicrosoftIdentity(TENANT, "oid-analyst", "ana@contoso.example", frozenset(), False)

HOSTILE = {
    "script": "<script>alert(1)</script>",
    "attribute": '" onmouseover="alert(1)" style="x',
    "right_to_left": "\u202eعيادة الشمال",
    "long": "Clinics" * 28 + "Nord",
    "emoji": "Clinic 🏥👩🏽‍⚕️ Nórd",
    "template": "{{ 7 * 7 }}{% raw %}",
}


def clients(kind: EnvironmentKind) -> EhrClients:
    return EhrClients(f"{kind}-provider-id", f"{kind}-patient-id", f"{kind}-backend-id")


def environment(number: int = 1, **changed: Any) -> Environment:
    standard = Environment(
        id=f"env{number}",
        tenant_id=TENANT,
        organization_id=f"org{number}",
        organization_name="Contoso Clinics North",
        kind=EnvironmentKind.TEST,
        time_zone="America/Chicago",
    )
    return replace(standard, **changed)


def endpoints(root: str) -> SmartEndpoints:
    """Any field the pages do not show gets an empty value of its type."""
    known = {
        "issuer": f"{root}/oauth2",
        "authorization_endpoint": f"{root}/oauth2/authorize",
        "token_endpoint": f"{root}/oauth2/token",
        "jwks_uri": f"{root}/oauth2/jwks",
        "callback_names_issuer": True,
        "authorize_by_post": True,
        "assertion_algorithm": "RS384",
    }
    return SmartEndpoints(**{f.name: known[f.name] for f in fields(SmartEndpoints)})


def revision(of: Environment, number: int = 1, **changed: Any) -> Revision:
    root = f"https://ehr.example.org/{of.kind}-oauth"
    standard = Revision(
        id=f"{of.id}-rev{number}",
        environment_id=of.id,
        tenant_id=of.tenant_id,
        number=number,
        state=RevisionState.AWAITING_APPROVAL,
        fhir_base_url=f"{root}/api/FHIR/R4",
        clients=clients(of.kind),
        endpoints=endpoints(root),
        approver=Approver("oid-analyst", "ana@contoso.example"),
        created_at=NOW - timedelta(days=2),
        created_by="avery.admin@contoso.example",
    )
    return replace(standard, **changed)


def live(of: Environment, number: int = 1, **changed: Any) -> Revision:
    stamps = {
        "state": RevisionState.ACTIVE,
        "microsoft_signed_in_at": NOW - timedelta(days=1, minutes=9),
        "ehr_signed_in_at": NOW - timedelta(days=1, minutes=4),
        "approved_at": NOW - timedelta(days=1),
    }
    return revision(of, number, **(stamps | changed))


def record(environment_id: str, kind: LaunchKind, **changed: Any) -> IntegrationRecord:
    issued = IntegrationRecord(f"{kind}-record-of-{environment_id}", environment_id, kind)
    return replace(issued, **changed)


def a_tenant() -> Tenant:
    return Tenant(TENANT, Geography.AMERICAS, "US", NOW, "oid-admin")


def visit(state: VisitState = VisitState.LOBBY, *, meeting: bool = True) -> Visit:
    return Visit(
        id="visit1",
        environment_id="env1",
        tenant_id=TENANT,
        visit_key="key",
        state=state,
        created_at=NOW,
        organizer_id="oid-provider",
        meeting=Meeting(
            "m1", "https://teams.example/l/meetup-join/1", "https://teams.example/route?m=1"
        )
        if meeting
        else None,
    )


def person(key: str, role: Role, presence: Presence, minutes: float = 0) -> Participant:
    return Participant(key, role, (Moment(NOW - timedelta(minutes=minutes), presence),))


class FixedClock:
    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at


class QuietTelemetry:
    """Counts nothing; the pages only need it to be there."""

    def unexpected(self, **_facts: str) -> None:
        traceback.print_exc()

    def __getattr__(self, _name: str) -> Any:
        return lambda **_facts: 0.0


@dataclass
class PageStore:
    """What the pages read; `configurations` and `visits` are the same object seen twice."""

    environments_: list[Environment] = field(default_factory=list)
    revisions_: dict[str, Revision] = field(default_factory=dict)
    visits_: dict[str, Visit] = field(default_factory=dict)
    people: list[Participant] = field(default_factory=list)
    events: list[VisitEvent] = field(default_factory=list)
    records_: dict[str, list[IntegrationRecord]] = field(default_factory=dict)
    offers: list[Grant] = field(default_factory=list)
    tenant_: Tenant | None = field(default_factory=a_tenant)
    audited: list[AuditEntry] = field(default_factory=list)

    def add(self, where: Environment, *revisions: Revision) -> None:
        self.environments_.append(where)
        self.revisions_.update({r.id: r for r in revisions})

    @contextmanager
    def read(self) -> Iterator["PageStore"]:
        yield self

    write = read

    @property
    def configurations(self) -> "PageStore":
        return self

    visits = configurations
    records = configurations
    grants = configurations

    def audit(self, entry: AuditEntry) -> None:
        self.audited.append(entry)

    def audit_all(self, entries: list[AuditEntry]) -> None:
        self.audited += entries

    def environments(self, tenant_id: str) -> list[Environment]:
        return [e for e in self.environments_ if e.tenant_id == tenant_id]

    def environment(self, environment_id: str) -> Environment | None:
        return next((e for e in self.environments_ if e.id == environment_id), None)

    def revisions(self, environment_id: str) -> list[Revision]:
        mine = [r for r in self.revisions_.values() if r.environment_id == environment_id]
        return sorted(mine, key=lambda r: -r.number)

    def revision(self, revision_id: str) -> Revision | None:
        return self.revisions_.get(revision_id)

    def save_revision(self, changed: Revision, _expected: str) -> bool:
        self.revisions_[changed.id] = changed
        return True

    def revisions_to_approve(self, tenant_id: str, object_id: str) -> list[Revision]:
        return [
            r
            for r in self.revisions_.values()
            if (r.tenant_id, r.approver.object_id) == (tenant_id, object_id)
            and r.state is RevisionState.AWAITING_APPROVAL
        ]

    def activate(self, _revision: Revision) -> bool:
        return True

    def door_of_environment(self, environment_id: str) -> Door | None:
        where = self.environment(environment_id)
        active = [r for r in self.revisions(environment_id) if r.state is RevisionState.ACTIVE]
        return Door(where, active[0]) if where and active else None

    def of(self, environment_id: str) -> list[IntegrationRecord]:
        """Both records of a live environment, unless a test put others there."""
        if environment_id in self.records_:
            return self.records_[environment_id]
        if self.door_of_environment(environment_id) is None:
            return []
        return [record(environment_id, kind) for kind in LaunchKind]

    def tenant(self, _tenant_id: str) -> Tenant | None:
        return self.tenant_

    def of_tenant(self, _tenant_id: str) -> list[Grant]:
        return self.offers

    def find_environment(
        self, tenant_id: str, name: str, kind: EnvironmentKind
    ) -> Environment | None:
        found = (
            e for e in self.environments(tenant_id) if (e.organization_name, e.kind) == (name, kind)
        )
        return next(found, None)

    def get(self, visit_id: str) -> Visit | None:
        return self.visits_.get(visit_id)

    def events_of(self, _visit_id: str) -> list[VisitEvent]:
        return self.events

    def roster(self, _visit_id: str) -> list[Participant]:
        return self.people


@dataclass
class PagesWorld:
    """The application over one `PageStore`; `enter` plays the use case behind the form.

    `answers` are what other use cases return, by the name of their field of `WebContext`; a `Refused`
    among them is raised.
    """

    store: PageStore
    app: Flask
    clock: FixedClock
    sealer: FakeSealer
    enter: Any = None
    entered: list[Any] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)

    def client(self, who: MicrosoftIdentity | None = ADMIN) -> FlaskClient:
        """A browser, signed in as `who`."""
        client = self.app.test_client()
        if who:
            with client.session_transaction(base_url="https://localhost") as session:
                session.update(session_of(who, self.clock.now()))
        return client

    def launched(self, client: FlaskClient, role: Role, visit_id: str = "visit1") -> None:
        """Leave the pass of a completed launch in the browser."""
        name, value = self.visit_cookie(role, visit_id)
        client.set_cookie(name, value, secure=True, domain="localhost")

    def visit_cookie(self, role: Role, visit_id: str = "visit1") -> tuple[str, str]:
        pass_ = VisitPass(
            visit_id,
            role,
            "America/Chicago",
            "https://ehr.example.org/test-oauth/api/FHIR/R4",
            self.clock.now() + timedelta(hours=1),
        )
        sealed = self.sealer.seal(VISIT_PASS.purpose, VISIT_PASS.adapter.dump_json(pass_))
        return VISIT_PASS.name(visit_id), sealed


def session_of(who: MicrosoftIdentity, now: datetime) -> Mapping[str, Any]:
    return {
        "who": {
            "tenant_id": who.tenant_id,
            "object_id": who.object_id,
            "sign_in_name": who.sign_in_name,
            "directory_roles": sorted(who.directory_roles),
            "is_guest": who.is_guest,
        },
        "began_at": now.timestamp(),
        "used_at": now.timestamp(),
    }


def make_world(feed_url: str = "https://localhost:8444", public_url: str = "") -> PagesWorld:
    store, clock, sealer, ids = PageStore(), FixedClock(), FakeSealer(), SequentialIds()
    unused = cast(Any, None)
    deployment = Deployment(
        public_url=public_url or "https://connector.example",
        feed_url=feed_url,
        geography="americas",
        teams_hosts=frozenset({"teams.example"}),
        clients_offered=clients,
    )
    world = PagesWorld(store, unused, clock, sealer)

    def enter(who: MicrosoftIdentity, entered: Any, reference: str) -> Revision:
        world.entered.append(entered)
        return cast(Revision, world.enter(who, entered, reference))

    def answering(name: str) -> Any:
        def answer(*_args: Any) -> Any:
            if isinstance(world.answers[name], Refused):
                raise world.answers[name]
            return world.answers[name]

        return answer

    known: dict[str, Any] = {
        "check_address": answering("check_address"),
        "find_approver": answering("find_approver"),
        "find_way_in": FindWayIn(cast(Any, store), unused),
        "verify_record": answering("verify_record"),
        "promote_configuration": SimpleNamespace(plan=answering("plan"), apply=answering("apply")),
        "diagnose": SimpleNamespace(suggestions=lambda _url: world.answers.get("suggestions", [])),
        "deployment": deployment,
        "store": store,
        "clock": clock,
        "ids": ids,
        "sealer": sealer,
        "telemetry": QuietTelemetry(),
        "enter_configuration": enter,
        "approve_configuration": ApproveConfiguration(
            cast(Any, store),
            unused,
            clock,
            ids,
            "https://connector.example/approvals/ehr/callback",
            unused,
        ),
    }
    context = WebContext(**{f.name: known.get(f.name, unused) for f in fields(WebContext)})
    world.app = _application(context)
    return world


_applications: list[Flask] = []


def _application(context: WebContext) -> Flask:
    """The application is made once a process and gets a fresh world for each test."""
    if not _applications:
        _applications.append(create_app(context))
    app = _applications[0]
    app.extensions["connector"] = context
    app.config["WTF_CSRF_ENABLED"] = True
    return app
