"""What the browser looks at: the pages over sample data, and a feed that says what it is told to."""

import json
import queue
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from playwright.sync_api import BrowserContext, Page, expect
from tests.unit.web.pages_world import (
    ADMIN,
    ANALYST,
    HOSTILE,
    NOW,
    PagesWorld,
    environment,
    live,
    person,
    record,
    revision,
    visit,
)
from werkzeug.wrappers import Request, Response

from connector.domain.configuration import Approver, RevisionState
from connector.domain.errors import Reason, Refused
from connector.domain.integration_record import Difference
from connector.domain.launch import LaunchKind
from connector.domain.organization import EnvironmentKind, MicrosoftIdentity
from connector.domain.participant import Presence, Role
from connector.domain.promotion import Item, Plan, PromotionRequest, Readiness
from connector.domain.visit import VisitState
from connector.domain.visit_settings import VisitSettings
from connector.ports.storage import VisitEvent
from connector.usecases.verify_record import Verification
from connector.web.sign_in import post_to

Environ = dict[str, Any]
_NEVER = object()
HAVE_ENOUGH_DATA = 4  # HTMLMediaElement.readyState


class Feed:
    """Server-sent events as the connector's feed sends them, to whoever listens."""

    def __init__(self) -> None:
        self._listeners: list[queue.Queue[object]] = []
        self.cookies: list[str] = []
        self.broken = False

    def say(self, number: int, **told: str) -> None:
        data = json.dumps({"kind": "participant", "at": NOW.isoformat()} | told)
        self._send(f"id: {number}\nevent: visit\ndata: {data}\n\n".encode())

    def hang_up(self) -> None:
        self.broken = True
        self.close()

    def close(self) -> None:
        self._send(_NEVER)

    def _send(self, told: object) -> None:
        for listener in self._listeners:
            listener.put(told)

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = Request(environ)
        if self.broken:
            return Response(status=503)(environ, start_response)
        self.cookies.append(",".join(request.cookies))
        response = Response(self._stream(), mimetype="text/event-stream")
        response.headers["Access-Control-Allow-Origin"] = request.headers.get("Origin", "")
        response.headers["Access-Control-Allow-Credentials"] = "true"
        return response(environ, start_response)

    def _stream(self) -> Iterator[bytes]:
        told: queue.Queue[object] = queue.Queue()
        self._listeners.append(told)
        yield b": hello\n\n"
        while isinstance(message := told.get(), bytes):
            yield message


@dataclass
class Stage:
    """The application under test; `/post-on` is the page a long launch is posted on with."""

    world: PagesWorld
    feed: Feed
    url: str = ""

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/post-on":
            return self._post_on()(environ, start_response)
        return self.world.app(environ, start_response)

    def _post_on(self) -> Any:
        app = self.world.app
        with app.test_request_context("/launch/provider", base_url="https://localhost"):
            app.preprocess_request()
            endpoint = "https://ehr.example/authorize"
            return app.process_response(post_to(endpoint, {"state": HOSTILE["attribute"]}))

    def sign_in(self, window: BrowserContext, who: MicrosoftIdentity) -> None:
        cookie = self.world.client(who).get_cookie("__Host-portal")
        assert cookie is not None
        self._keep(window, cookie.key, cookie.value)

    def launch(self, window: BrowserContext, role: Role) -> None:
        self._keep(window, *self.world.visit_cookie(role))

    def _keep(self, window: BrowserContext, name: str, value: str) -> None:
        window.add_cookies([{"name": name, "value": value, "url": self.url, "secure": True}])


@dataclass(frozen=True)
class Scene:
    """A page with something on it, and who looks at it."""

    name: str
    path: str
    who: MicrosoftIdentity | Role | None
    set_up: Callable[[PagesWorld], None]
    act: Callable[[Page], None] = lambda _page: None

    def open(self, stage: Stage, window: BrowserContext) -> Page:
        self.set_up(stage.world)
        if isinstance(self.who, Role):
            stage.launch(window, self.who)
        elif self.who:
            stage.sign_in(window, self.who)
        page = window.new_page()
        page.goto(stage.url + self.path)
        self.act(page)
        page.wait_for_load_state("load")
        return page


def nothing(_world: PagesWorld) -> None:
    """An empty store."""


def several_organizations(world: PagesWorld) -> None:
    north = environment(1)
    north_live = environment(2, kind=EnvironmentKind.PRODUCTION, organization_id="org1")
    world.store.add(north, live(north), revision(north, 2, microsoft_signed_in_at=NOW))
    world.store.add(north_live, live(north_live))
    berg = environment(3, organization_name="Bergklinik Süd", time_zone="Europe/Berlin")
    asked = {"state": RevisionState.CHANGES_REQUESTED, "change_request": "Wrong port."}
    world.store.add(berg, revision(berg, **asked))
    long = environment(4, organization_name=HOSTILE["long"])
    world.store.add(long, live(long))
    arabic = environment(5, organization_name=HOSTILE["right_to_left"])
    world.store.add(arabic, revision(arabic))


def several_revisions(world: PagesWorld) -> None:
    where = environment(kind=EnvironmentKind.PRODUCTION)
    old = live(where, 1, state=RevisionState.SUPERSEDED)
    text = "The client ID for patients is the one of test.\nPlease enter ours."
    asked = revision(where, 3, state=RevisionState.CHANGES_REQUESTED, change_request=text)
    world.store.add(where, old, live(where, 2), asked)


def waiting_for_approval(world: PagesWorld) -> None:
    where = environment()
    world.store.add(where, revision(where))


def ready_to_approve(world: PagesWorld) -> None:
    where = environment(kind=EnvironmentKind.PRODUCTION)
    changed = revision(where, 2, fhir_base_url="https://new.example.org/api/FHIR/R4")
    stamped = replace(changed, ehr_signed_in_at=NOW)
    world.store.add(where, live(where), stamped)


def refused_url(world: PagesWorld) -> None:
    def refuse(*_args: object) -> None:
        raise Refused(Reason.EHR_ANSWER_INVALID, facts={"code": "http_404"})

    world.enter = refuse


def wrong_suffix(world: PagesWorld) -> None:
    refused_url(world)
    world.answers["suggestions"] = ["https://ehr.example.org/api/FHIR/R4"]


def an_ehr_and_people(world: PagesWorld) -> None:
    world.answers["check_address"] = revision(environment()).endpoints
    names = ("ana@contoso.example", "anastasia.verylongfamilyname@clinics.contoso.example")
    world.answers["find_approver"] = [Approver(name, name) for name in names]


def check_address(page: Page) -> None:
    page.fill("#fhir_base_url", "https://ehr.example.org/api/FHIR/R4")
    page.click("#check-address")


def search_approver(page: Page) -> None:
    page.fill("#approver", "ana")
    page.click("#search-approver")


def group_visits(world: PagesWorld) -> None:
    where = environment()
    world.store.add(where, live(where))
    world.store.records_["env1"] = [
        record("env1", LaunchKind.PROVIDER, verified_at=NOW),
        record("env1", LaunchKind.PATIENT),
        record("env1", LaunchKind.PATIENT, id="group-1", group=True),
    ]


def pasted_wrongly(world: PagesWorld) -> None:
    group_visits(world)
    different = [
        Difference(
            "Launch URL",
            "https://connector.example/launch/provider",
            "https://elsewhere.example/launch",
        ),
        Difference("sessionId", "%CSN%", "%CONFERENCEID%"),
        Difference("departmentId", "%PERFDEPID;;; ; ;;NONE;%", ""),
    ]
    world.answers["verify_record"] = Verification(
        record("env1", LaunchKind.PROVIDER), different, "production"
    )


def paste(page: Page) -> None:
    page.click("details:has(#pasted-provider) summary")
    page.fill("#pasted-provider", "Launch URL: https://elsewhere.example/launch")
    page.click("#verify-provider")
    expect(page.locator("#differences")).to_be_visible()


def promotable(world: PagesWorld) -> None:
    where = environment()
    production = environment(2, kind=EnvironmentKind.PRODUCTION)
    before, source = live(production), live(where)
    world.store.add(where, source)
    world.store.add(production, before)
    proposed = replace(before, settings=VisitSettings(browser_join=False, group_visits=True))
    missing = {Readiness.TEST_VISITS, Readiness.PRODUCTION_PROBED, Readiness.NOTHING_PENDING}
    facts = {"reason": "ehr_unreachable", "code": "certificate_expired"}
    world.answers["plan"] = Plan(
        request=PromotionRequest(
            "env1", before.fhir_base_url, "ana@contoso.example", before.clients
        ),
        test=where,
        source=source,
        target=before,
        proposed=proposed,
        newest_number=1,
        changes=proposed.changes_from(before),
        items=[Item(r, r not in missing, facts) for r in Readiness],
    )


def plan(page: Page) -> None:
    page.click("#plan")
    expect(page.locator("#items")).to_be_visible()


def plan_without_blockers(world: PagesWorld) -> None:
    promotable(world)
    ready = [Item(r, ready=True) for r in Readiness]
    world.answers["plan"] = replace(world.answers["plan"], items=ready)


def fill_and_save(page: Page) -> None:
    page.fill("#organization", "Contoso Clinics North")
    page.fill("#fhir_base_url", "https://ehr.example.org/api/FHIR")
    page.fill("#approver", "ana@contoso.example")
    page.click("#save")


def try_camera(page: Page) -> None:
    page.click("#test-devices")
    expect(page.locator("#camera")).to_have_js_property("readyState", HAVE_ENOUGH_DATA)


def patient_in_lobby(world: PagesWorld) -> None:
    world.store.add(environment())
    world.store.visits_["visit1"] = visit()
    world.store.people = [
        person("a", Role.PROVIDER, Presence.CONNECTED, minutes=6),
        person("b", Role.PATIENT, Presence.LOBBY, minutes=2),
        person("c", Role.PATIENT, Presence.DISCONNECTED, minutes=4),
    ]
    lines = [("provider", "connected", 6), ("patient", "disconnected", 4), ("patient", "lobby", 2)]
    world.store.events = [
        VisitEvent(i, "visit1", "participant", role, label, NOW - timedelta(minutes=m))
        for i, (role, label, m) in enumerate(lines, 1)
    ]


def nobody_yet(world: PagesWorld) -> None:
    world.store.visits_["visit1"] = visit(VisitState.WAITING_FOR_PATIENT)


def patient_first(world: PagesWorld) -> None:
    world.store.visits_["visit1"] = visit(VisitState.WAITING_FOR_PROVIDER, meeting=False)


def over(world: PagesWorld) -> None:
    world.store.visits_["visit1"] = visit(VisitState.ENDED)


BOTH = replace(ANALYST, directory_roles=ADMIN.directory_roles)
SCENES = [
    Scene("welcome", "/", None, nothing),
    Scene("overview-empty", "/", ANALYST, nothing),
    Scene("overview", "/", BOTH, several_organizations),
    Scene("new", "/configurations/new", ADMIN, nothing),
    Scene("new-refused", "/configurations/new", ADMIN, refused_url, fill_and_save),
    Scene("new-incomplete", "/configurations/new", ADMIN, nothing, lambda p: p.click("#save")),
    Scene("new-suggestions", "/configurations/new", ADMIN, wrong_suffix, fill_and_save),
    Scene("new-checked", "/configurations/new", ADMIN, an_ehr_and_people, check_address),
    Scene("new-people", "/configurations/new", ADMIN, an_ehr_and_people, search_approver),
    Scene("new-revision", "/configurations/new?of=env1", ADMIN, several_revisions),
    Scene("configuration-waiting", "/configurations/env1", ADMIN, waiting_for_approval),
    Scene("configuration-production", "/configurations/env1", ADMIN, several_revisions),
    Scene("configuration-groups", "/configurations/env1", ANALYST, group_visits),
    Scene("verification", "/configurations/env1", ANALYST, pasted_wrongly, paste),
    Scene("promotion", "/configurations/env1/promote", ADMIN, promotable),
    Scene("promotion-blocked", "/configurations/env1/promote", ADMIN, promotable, plan),
    Scene("promotion-ready", "/configurations/env1/promote", ADMIN, plan_without_blockers, plan),
    Scene("rollback", "/configurations/env1/rollback", ADMIN, several_revisions),
    Scene("retirement", "/configurations/env1/retirement", ADMIN, several_revisions),
    Scene("help", "/help", None, nothing),
    Scene("help-errors", "/help/errors", ANALYST, nothing),
    Scene("help-doctor", "/help/doctor", None, nothing),
    Scene("approval-first", "/approvals/env1-rev1", ANALYST, waiting_for_approval),
    Scene("approval-ready", "/approvals/env1-rev2", ANALYST, ready_to_approve),
    Scene("visit", "/visits/visit1", Role.PROVIDER, patient_in_lobby),
    Scene("visit-nobody", "/visits/visit1", Role.PROVIDER, nobody_yet),
    Scene("wait", "/visits/visit1/wait", Role.PATIENT, patient_first),
    Scene("wait-testing", "/visits/visit1/wait", Role.PATIENT, patient_first, try_camera),
    Scene("wait-over", "/visits/visit1/wait", Role.PATIENT, over),
    Scene("problem-launch", "/visits/unknown", None, nothing),
    Scene("problem-portal", "/configurations/new", ANALYST, nothing),
]
