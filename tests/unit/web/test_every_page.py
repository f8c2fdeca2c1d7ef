"""Every page, with everything a page may have to show, keeps the promises made for all pages."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import g, render_template
from tests.unit.web.page_reading import faults_of, read
from tests.unit.web.pages_world import (
    ANALYST,
    HOSTILE,
    NOW,
    PagesWorld,
    environment,
    live,
    person,
    revision,
    visit,
)

from connector.domain.configuration import Approver, RevisionState
from connector.domain.errors import Reason, Refused
from connector.domain.organization import EnvironmentKind
from connector.domain.participant import Presence, Role
from connector.domain.visit import VisitState
from connector.ports.storage import VisitEvent

Page = Callable[[PagesWorld, str], str]


def welcome(world: PagesWorld, _text: str) -> str:
    return world.client(None).get("/", base_url="https://localhost").text


def overview(world: PagesWorld, text: str) -> str:
    test, production = (
        environment(1, organization_name=text),
        environment(2, organization_name=text, kind=EnvironmentKind.PRODUCTION),
    )
    world.store.add(test, live(test), revision(test, 2))
    world.store.add(production, revision(production, approver=Approver("oid-analyst", text)))
    both = replace(ANALYST, directory_roles=frozenset({"69091246-20e8-4a56-aa4d-066075b2a7a8"}))
    return world.client(both).get("/", base_url="https://localhost").text


def nothing_yet(world: PagesWorld, text: str) -> str:
    client = world.client(replace(ANALYST, sign_in_name=text))
    return client.get("/", base_url="https://localhost").text


def entry(world: PagesWorld, text: str) -> str:
    where = environment(organization_name=text)
    world.store.add(where, revision(where, created_by=text, approver=Approver("x", text)))
    path = "/configurations/new?of=env1&environment=production"
    return world.client().get(path, base_url="https://localhost").text


def entry_refused(world: PagesWorld, text: str) -> str:
    def refuse(*_args: object) -> None:
        raise Refused(Reason.URL_REFUSED, facts={"why": "query"})

    world.app.config["WTF_CSRF_ENABLED"] = False
    world.enter = refuse
    form = {
        "organization": text,
        "environment": "test",
        "fhir_base_url": text,
        "approver": text,
        "time_zone": "Europe/Berlin",
        "provider_client_id": text,
        "patient_client_id": text,
        "backend_client_id": text,
    }
    return world.client().post("/configurations/new", data=form, base_url="https://localhost").text


def records(world: PagesWorld, text: str) -> str:
    where = environment(organization_name=text)
    asked = revision(where, 3, state=RevisionState.CHANGES_REQUESTED, change_request=text)
    old = revision(where, 1, state=RevisionState.SUPERSEDED, created_by=text)
    world.store.add(where, old, live(where, 2), asked)
    return world.client().get("/configurations/env1", base_url="https://localhost").text


def approval(world: PagesWorld, text: str) -> str:
    where = environment(organization_name=text, kind=EnvironmentKind.PRODUCTION)
    world.store.add(where, live(where), revision(where, 2, created_by=text, ehr_signed_in_at=NOW))
    return world.client(ANALYST).get("/approvals/env1-rev2", base_url="https://localhost").text


def provider(world: PagesWorld, text: str) -> str:
    world.store.add(environment(organization_name=text))
    world.store.visits_["visit1"] = visit()
    world.store.people = [
        person("b", Role.PATIENT, Presence.LOBBY),
        person("a", Role.PROVIDER, Presence.CONNECTED),
        person("c", Role.PATIENT, Presence.DISCONNECTED),
    ]
    world.store.events = [VisitEvent(7, "visit1", "participant", text, text, NOW)]
    client = world.client(None)
    world.launched(client, Role.PROVIDER)
    return client.get("/visits/visit1", base_url="https://localhost").text


def patient(world: PagesWorld, _text: str) -> str:
    world.store.visits_["visit1"] = visit(VisitState.WAITING_FOR_PROVIDER, meeting=False)
    client = world.client(None)
    world.launched(client, Role.PATIENT)
    return client.get("/visits/visit1/wait", base_url="https://localhost").text


def patient_too_late(world: PagesWorld, _text: str) -> str:
    world.store.visits_["visit1"] = visit(VisitState.ENDED)
    client = world.client(None)
    world.launched(client, Role.PATIENT)
    return client.get("/visits/visit1/wait", base_url="https://localhost").text


def problem(world: PagesWorld, _text: str) -> str:
    return world.client(None).get("/nowhere", base_url="https://localhost").text


def posted_on(world: PagesWorld, text: str) -> str:
    parameters = {"state": text, text: "value"}
    with world.app.test_request_context(base_url="https://localhost"):
        g.who = None
        return render_template(
            "post_on.html", endpoint="https://ehr.example.org/authorize", parameters=parameters
        )


PAGES: list[Page] = [
    welcome,
    overview,
    nothing_yet,
    entry,
    entry_refused,
    records,
    approval,
    provider,
    patient,
    patient_too_late,
    problem,
    posted_on,
]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_page_keeps_its_promises_whatever_it_shows(
    page: Page, text: str, world: PagesWorld
) -> None:
    assert faults_of(page(world, text)) == []


@pytest.mark.parametrize("page", PAGES)
def test_no_value_becomes_markup(page: Page, world: PagesWorld) -> None:
    html = page(world, HOSTILE["script"])
    assert "<script>" not in html
    assert [s for s in read(html)("script") if "alert" in str(s)] == []


@pytest.mark.parametrize("page", [overview, records, approval])
@pytest.mark.parametrize("text", [HOSTILE["right_to_left"], HOSTILE["long"], HOSTILE["template"]])
def test_a_name_is_shown_whole_and_isolated_from_the_sentence_around_it(
    page: Page, text: str, world: PagesWorld
) -> None:
    isolated = [bdi.text for bdi in read(page(world, text))("bdi")]
    assert text in isolated


def test_the_page_that_posts_on_gives_the_ehr_nothing_of_ours(world: PagesWorld) -> None:
    form = read(posted_on(world, "s1")).select_one("#post-on")
    assert form is not None
    assert {i["name"] for i in form("input")} == {"state", "s1"}


@pytest.mark.parametrize("page", [welcome, provider, patient, problem, posted_on])
def test_nobody_outside_the_portal_is_asked_to_sign_out(page: Page, world: PagesWorld) -> None:
    assert read(page(world, "x")).select_one("#sign-out") is None
