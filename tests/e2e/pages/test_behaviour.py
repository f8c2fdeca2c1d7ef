"""What the scripts of the pages do, and that nothing needs them but comfort."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import BrowserContext, Page, Request, Route, expect
from tests.e2e.pages.stage import HAVE_ENOUGH_DATA, SCENES, Stage
from tests.unit.web.pages_world import HOSTILE, NOW, environment, person, revision, visit

from connector.domain.participant import Presence, Role
from connector.domain.visit import VisitState
from connector.ports.storage import VisitEvent

pytestmark = pytest.mark.browser

Window = Callable[..., BrowserContext]
scenes = {scene.name: scene for scene in SCENES}


def patient_arrives(stage: Stage) -> None:
    store = stage.world.store
    store.visits_["visit1"] = visit(VisitState.LOBBY)
    store.people = [person("b", Role.PATIENT, Presence.LOBBY)]
    store.events = [VisitEvent(1, "visit1", "participant", "patient", "lobby", NOW)]
    stage.feed.say(1, role="patient", label="lobby")


def listening(stage: Stage, page: Page) -> None:
    """Until the page hears the feed: it then says nothing of a lost connection."""
    expect(page.locator("#connection")).to_be_hidden()
    while not stage.feed.cookies:
        page.wait_for_timeout(20)


def test_the_provider_sees_the_patient_arrive_without_reloading(
    stage: Stage, window: Window
) -> None:
    page = scenes["visit-nobody"].open(stage, window())
    listening(stage, page)
    page.evaluate("window.kept = true")
    patient_arrives(stage)
    expect(page.locator("#visit-state")).to_have_text("The patient is in the lobby")
    expect(page.locator("#roster li")).to_contain_text("In the lobby since 09:04:05")
    expect(page.locator("#news")).to_contain_text("Patient in the lobby")
    expect(page).to_have_title("The patient is in the lobby · Virtual visit")
    assert page.evaluate("window.kept") is True


def test_the_feed_is_asked_with_the_pass_of_this_visit(stage: Stage, window: Window) -> None:
    listening(stage, scenes["visit-nobody"].open(stage, window()))
    assert "__Host-visit-visit1" in stage.feed.cookies[0]


def test_the_sound_is_off_until_asked_for_and_then_heard_once_an_arrival(
    stage: Stage, window: Window
) -> None:
    page = scenes["visit-nobody"].open(stage, window())
    listening(stage, page)
    page.evaluate(
        """() => { window.tones = 0; const start = OscillatorNode.prototype.start;
             OscillatorNode.prototype.start = function (...a) { window.tones += 1; return start.apply(this, a); }; }"""
    )
    assert page.get_attribute("#sound", "aria-pressed") == "false"
    page.click("#sound")
    expect(page.locator("#sound")).to_have_attribute("aria-pressed", "true")
    tried = page.evaluate("window.tones")
    patient_arrives(stage)
    expect(page.locator("#roster li")).to_contain_text("In the lobby")
    assert page.evaluate("window.tones") == 2 * tried
    stage.feed.say(1, role="patient", label="lobby")  # replayed
    stage.world.store.people = [person("b", Role.PATIENT, Presence.DISCONNECTED)]
    stage.feed.say(2, role="patient", label="disconnected")
    expect(page.locator("#roster li")).to_contain_text("Not connected")
    assert page.evaluate("window.tones") == 2 * tried


def test_a_lost_feed_is_said_and_then_unsaid(stage: Stage, window: Window) -> None:
    page = scenes["visit-nobody"].open(stage, window())
    listening(stage, page)
    stage.feed.hang_up()
    expect(page.locator("#connection")).to_be_visible()
    stage.world.store.visits_["visit1"] = visit(VisitState.LOBBY)
    stage.feed.broken = False
    expect(page.locator("#connection")).to_be_hidden(timeout=15_000)
    expect(page.locator("#visit-state")).to_have_text("The patient is in the lobby")


def test_a_page_that_cannot_be_read_again_stays_and_says_so(stage: Stage, window: Window) -> None:
    page = scenes["visit"].open(stage, window())
    listening(stage, page)
    page.route("**/visits/visit1", lambda route: route.fulfill(status=503, body="not now"))
    stage.feed.say(9, role="patient", label="connected")
    expect(page.locator("#connection")).to_be_visible()
    expect(page.locator("#visit-state")).to_have_text("The patient is in the lobby")
    page.unroute("**/visits/visit1")
    expect(page.locator("#connection")).to_be_hidden(timeout=15_000)


def test_the_waiting_patient_is_taken_to_the_meeting(stage: Stage, window: Window) -> None:
    page = scenes["wait"].open(stage, window())
    with page.expect_request("https://teams.example/route?m=1"):
        stage.world.store.visits_["visit1"] = visit(VisitState.WAITING_FOR_PATIENT)


def test_the_waiting_patient_is_told_when_the_visit_is_closed(stage: Stage, window: Window) -> None:
    page = scenes["wait"].open(stage, window())
    stage.world.store.visits_["visit1"] = visit(VisitState.PROVIDER_NO_SHOW, meeting=False)
    expect(page.locator("#wait-state")).to_have_text("The visit was closed")


def test_a_patient_without_network_is_told_and_goes_on_later(stage: Stage, window: Window) -> None:
    context = window()
    page = scenes["wait"].open(stage, context)
    expect(page.locator("#connection-result")).to_contain_text("good")
    context.set_offline(True)
    expect(page.locator("#offline")).to_be_visible()
    context.set_offline(False)
    expect(page.locator("#offline")).to_be_hidden()


def test_a_pass_that_ran_out_is_explained_by_the_server(stage: Stage, window: Window) -> None:
    page = scenes["wait"].open(stage, window())
    stage.world.clock.at += timedelta(hours=2)
    expect(page.locator("h1")).to_have_text("This visit is not open in this browser")


def test_camera_microphone_and_speaker_can_be_tried(stage: Stage, window: Window) -> None:
    page = scenes["wait"].open(stage, window())
    assert not page.is_visible("#camera")
    page.click("#test-devices")
    expect(page.locator("#devices-result")).to_have_text("Camera and microphone work.")
    expect(page.locator("#microphone-result")).to_have_text("Your microphone works.")
    expect(page.locator("#camera")).to_have_js_property("readyState", HAVE_ENOUGH_DATA)
    page.click("#test-speaker")
    expect(page.locator("#speaker-result")).to_contain_text("heard nothing")
    page.click("#stop-devices")
    assert page.evaluate("document.getElementById('camera').srcObject") is None
    expect(page.locator("#test-devices")).to_be_focused()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("NotAllowedError", "Allow both"),
        ("NotFoundError", "No camera or microphone was found"),
        ("NotReadableError", "Another app"),
        ("SomethingNew", "Chrome, Edge or Safari"),
    ],
)
def test_a_device_that_cannot_be_used_is_explained(
    name: str, told: str, stage: Stage, window: Window
) -> None:
    page = scenes["wait"].open(stage, window())
    page.evaluate(
        """(name) => { navigator.mediaDevices.getUserMedia =
             () => Promise.reject(new DOMException('no', name)); }""",
        name,
    )
    page.click("#test-devices")
    expect(page.locator("#devices-result")).to_contain_text(told)


def test_a_browser_without_media_devices_is_told_which_browser_to_use(
    stage: Stage, window: Window
) -> None:
    context = window()
    context.add_init_script(
        "Object.defineProperty(navigator, 'mediaDevices', { value: undefined })"
    )
    page = scenes["wait"].open(stage, context)
    page.click("#test-devices")
    expect(page.locator("#devices-result")).to_contain_text("Chrome, Edge or Safari")


def test_a_record_is_copied_whole(stage: Stage, window: Window) -> None:
    context = window(permissions=["clipboard-read", "clipboard-write"])
    page = scenes["configuration-production"].open(stage, context)
    page.click('[data-copies="record-patient"]')
    expect(page.locator('[data-copied="record-patient"]')).to_have_text("Copied.")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.input_value("#record-patient")


def test_a_browser_that_cannot_copy_selects_the_text(stage: Stage, window: Window) -> None:
    context = window()
    context.add_init_script(
        "Object.defineProperty(navigator, 'clipboard', { value: { writeText: () => Promise.reject() } })"
    )
    page = scenes["configuration-production"].open(stage, context)
    page.click('[data-copies="record-patient"]')
    expect(page.locator('[data-copied="record-patient"]')).to_contain_text("Ctrl+C")
    expect(page.locator("#record-patient")).to_be_focused()


def test_the_overview_filters_while_somebody_types(stage: Stage, window: Window) -> None:
    page = scenes["overview"].open(stage, window())
    page.fill("#filter-organization", "bergKLINIK s")
    expect(page.locator("[data-organization]:visible")).to_have_count(1)
    page.select_option("#filter-state", "active")
    expect(page.locator("[data-organization]:visible")).to_have_count(0)
    expect(page.locator("#filter-found")).to_contain_text("No environment matches")


def test_enter_in_a_field_sends_the_form_and_asks_nothing(stage: Stage, window: Window) -> None:
    page = scenes["new"].open(stage, window())
    page.press("#organization", "Enter")
    expect(page.locator("#problems")).to_contain_text("Please correct the form")


@pytest.mark.parametrize("scripts", [True, False])
def test_a_suggested_address_is_taken_with_one_press(
    scripts: bool,  # noqa: FBT001 - a parameter
    stage: Stage,
    window: Window,
) -> None:
    page = scenes["new-suggestions"].open(stage, window(java_script_enabled=scripts))
    stage.world.answers["check_address"] = revision(environment()).endpoints
    page.click("#use-address-1")
    expect(page.locator("#fhir_base_url")).to_have_value("https://ehr.example.org/api/FHIR/R4")
    expect(page.locator("#checked")).to_be_visible()
    expect(page.locator("#approver")).to_have_value("ana@contoso.example")


def test_a_record_is_downloaded_and_not_shown(stage: Stage, window: Window) -> None:
    page = scenes["configuration-groups"].open(stage, window())
    with page.expect_download() as saved:
        page.click("#download-all")
    assert saved.value.suggested_filename == "contoso-clinics-north-test-records.txt"


def test_a_long_launch_is_posted_on_by_itself(stage: Stage, window: Window) -> None:
    context = window()
    posted: list[Request] = []

    def answer(route: Route) -> None:
        posted.append(route.request)
        route.fulfill(body="EHR")

    context.route("https://ehr.example/**", answer)
    page = context.new_page()
    page.goto(stage.url + "/post-on")
    page.wait_for_url("https://ehr.example/authorize")
    assert posted[0].post_data_json == {"state": HOSTILE["attribute"]}


def test_asking_for_changes_works_in_a_browser(stage: Stage, window: Window) -> None:
    """With the real token, referrer policy and fetch metadata."""
    page = scenes["approval-first"].open(stage, window())
    page.fill("#text", "Wrong port.")
    page.click("#request-changes")
    expect(page.locator("#change-request")).to_have_text("Wrong port.")


def test_signing_out_leads_to_the_welcome_page(stage: Stage, window: Window) -> None:
    page = scenes["overview-empty"].open(stage, window())
    page.click("#sign-out")
    expect(page.locator("#sign-in")).to_be_visible()


# Without scripts


def test_without_scripts_the_long_launch_has_a_button(stage: Stage, window: Window) -> None:
    context = window(java_script_enabled=False)
    context.route("https://ehr.example/**", lambda route: route.fulfill(body="EHR"))
    page = context.new_page()
    page.goto(stage.url + "/post-on")
    page.click("#continue")
    page.wait_for_url("https://ehr.example/authorize")


def test_without_scripts_the_overview_filters(stage: Stage, window: Window) -> None:
    page = scenes["overview"].open(stage, window(java_script_enabled=False))
    page.fill("#filter-organization", "Bergklinik")
    page.click("#filter-show")
    expect(page.locator("[data-organization]")).to_have_count(1)
    assert not page.is_visible("[data-copies]")


def test_without_scripts_the_wait_goes_on_to_the_meeting(stage: Stage, window: Window) -> None:
    page = scenes["wait"].open(stage, window(java_script_enabled=False))
    assert not page.is_visible("#devices")
    with page.expect_request("https://teams.example/route?m=1", timeout=15_000):
        stage.world.store.visits_["visit1"] = visit(VisitState.WAITING_FOR_PATIENT)


def test_without_scripts_the_visit_page_offers_to_refresh(stage: Stage, window: Window) -> None:
    page = scenes["visit"].open(stage, window(java_script_enabled=False))
    page.click("noscript a")
    expect(page.locator("noscript a")).to_have_text("Stop refreshing")
    assert not page.is_visible("#sound")
