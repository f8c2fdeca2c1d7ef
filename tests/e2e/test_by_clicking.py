"""The clinician's and the patient's part by clicking in Chromium, JavaScript and all."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from scripts.sandbox import Sandbox
from scripts.story.cast import EHR_CLINICIAN, PASSWORD
from scripts.story.scenes import Visit

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
WINDOW = Callable[..., BrowserContext]


def patient_opens_visit(page: Page, sandbox: Sandbox, visit: Visit) -> None:
    page.goto(f"{sandbox.urls.mychart('test')}/login")
    page.fill("#username", visit.username)
    page.fill("#password", PASSWORD)
    page.click("#log-in")
    page.click(f"#appointment-{visit.appointment_id}")


def clinician_opens_visit(page: Page, visit: Visit) -> None:
    page.goto(f"{visit.hyperspace}/")
    page.fill("#username", EHR_CLINICIAN)
    page.fill("#password", PASSWORD)
    page.click("#sign-in")
    page.goto(f"{visit.hyperspace}/appointments/{visit.appointment_id}")


def pressed(page: Page, button: str) -> Page:
    """The tab the EHR opens for a launch."""
    with page.context.expect_page() as opened:
        page.get_by_role("button", name=button).click()
    return opened.value


def stands_before_the_meeting(teams: Page) -> None:
    """Teams asks a browser it has not seen who this is; the connector does not."""
    teams.click("#sign-in")
    teams.get_by_role("button", name=re.compile("Adam Careful")).click()
    expect(teams.locator("#join-now")).to_be_visible()


def patient_is(status: Page, presence: str) -> None:
    row = status.locator(f"#roster [data-role=patient][data-presence={presence}]").last
    expect(row).to_be_visible(timeout=15_000)


def visit_is(status: Page, state: str) -> None:
    expect(status.locator("#visit-state")).to_have_attribute("data-state", state, timeout=15_000)


def test_a_patient_waits_joins_drops_and_the_clinician_sees_it_live(
    visit_of: Callable[[str], Visit], sandbox: Sandbox, window: WINDOW
) -> None:
    visit = visit_of("PHEUVEL")
    phone, desk = window(**PHONE).new_page(), window().new_page()

    patient_opens_visit(phone, sandbox, visit)
    phone.click("#begin-virtual-visit")
    expect(phone.locator("#wait-state")).to_be_visible()

    clinician_opens_visit(desk, visit)
    teams = pressed(desk, "Begin virtual visit")
    stands_before_the_meeting(teams)
    status = pressed(desk, "Visit status")
    visit_is(status, "waiting_for_provider")

    # The waiting page moves on by itself, without a click.
    phone.locator("#display_name").wait_for(timeout=15_000)
    phone.fill("#display_name", "Phone guest")
    phone.click("#join")
    expect(phone.locator("#state-lobby")).to_be_visible()
    patient_is(status, "lobby")

    teams.click("#join-now")
    teams.click("#admit-1")
    phone.locator("#state-in-call").wait_for()
    patient_is(status, "connected")
    visit_is(status, "in_visit")

    phone.click("#leave")
    patient_is(status, "disconnected")
    visit_is(status, "interrupted")
    teams.click("#end-meeting")
    visit_is(status, "ended")

    desk.goto(f"{visit.hyperspace}/appointments/{visit.appointment_id}")
    expect(desk.locator("#audit")).to_contain_text("disconnected")


def test_the_back_button_after_a_launch_opens_no_second_meeting(
    visit_of: Callable[[str], Visit], window: WINDOW
) -> None:
    """Case 3: the callback address again is a page that says what to do, never a second meeting."""
    visit = visit_of("LSOLO")
    desk = window().new_page()
    callbacks: list[str] = []
    desk.context.on(
        "request", lambda r: callbacks.append(r.url) if "/launch/callback" in r.url else None
    )
    clinician_opens_visit(desk, visit)
    teams = pressed(desk, "Begin virtual visit")
    expect(teams.locator("#sign-in")).to_be_visible()
    answer = teams.goto(callbacks[0])
    assert answer is not None
    assert answer.status == 409
    expect(teams.locator("#reference")).to_be_visible()
