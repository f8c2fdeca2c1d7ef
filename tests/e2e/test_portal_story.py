"""The whole story by clicking: two people in two browsers take an organization from nothing to production.

Every page on the way is kept at phone and at desktop width in artefacts/portal-story.
"""

import io
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from rich.console import Console
from scripts.sandbox import Sandbox
from scripts.story.cast import (
    ADMIN,
    ANALYST,
    ANALYST_SIGN_IN,
    CLINICIAN,
    EHR_ANALYST,
    ORGANIZATION,
    PASSWORD,
    Cast,
)
from scripts.story.narrator import Narrator
from scripts.story.scenes import Visit, first_sign_in, meet, watch, written_back

pytestmark = pytest.mark.portal_story

PICTURES = Path(__file__).parents[2] / "artefacts" / "portal-story"
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
TOO_WIDE = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"
GUEST = "Phone guest"


@dataclass
class Album:
    """Pictures of pages, numbered in the order of the story."""

    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def keep(self, page: Page, name: str) -> None:
        """At both widths; a page that is wider than a phone is a mistake."""
        number = next(self.numbers)
        for width, size in (("phone", PHONE), ("desktop", DESKTOP)):
            page.set_viewport_size(size)  # type: ignore[arg-type] # a dict of two numbers
            path = PICTURES / f"{number:02}-{name}-{width}.png"
            page.screenshot(path=path, full_page=True)
            assert not page.evaluate(TOO_WIDE), f"{name} does not fit a {width}"


@dataclass
class Story:
    """Admin and analyst, each with a browser of their own."""

    sandbox: Sandbox
    admin: Page
    analyst: Page
    album: Album

    def sign_in(self, page: Page, account: str) -> None:
        """At Microsoft's page, which asks who it is."""
        page.locator(f'[id="{account}"]').click()

    def at_the_ehr(self, page: Page) -> None:
        page.click("#sign-in-ehr")
        if page.locator("#username").is_visible():
            page.fill("#username", EHR_ANALYST)
            page.fill("#password", PASSWORD)
            page.click("#sign-in")

    def open_environment(self, page: Page, kind: str) -> None:
        page.goto(f"{self.sandbox.urls.connector}/")
        page.get_by_role("link", name=f"Open {kind}").click()

    def approve(self) -> None:
        """The named approver takes the link the admin sees, proves both sign-ins, and says yes."""
        self.analyst.goto(self.admin.input_value("#approval-link"))
        self.at_the_ehr(self.analyst)
        self.analyst.click("#approve")
        expect(self.analyst.locator("#state")).to_contain_text("Live")

    # The chapters ---------------------------------------------------------------------------

    def arrive(self) -> None:
        self.admin.goto(f"{self.sandbox.urls.connector}/")
        self.album.keep(self.admin, "welcome")
        self.admin.click("#sign-in")
        self.sign_in(self.admin, ADMIN)
        expect(self.admin.locator("#unconfirmed")).to_be_visible()
        self.album.keep(self.admin, "overview-empty")

    def confirm_tenant(self) -> None:
        self.admin.click("#add-environment")
        expect(self.admin.locator("#first-note")).to_be_visible()
        self.album.keep(self.admin, "tenant-first")
        self.admin.click("#confirm-geography")
        self.admin.check("#licences-held")
        self.admin.click("#confirm-licence")
        expect(self.admin.locator("#licence-confirmed")).to_be_visible()
        self.album.keep(self.admin, "tenant-confirmed")

    def mistype(self) -> None:
        """E1: the address without its version suffix is refused, and the right one is one press away."""
        right = self.sandbox.urls.fhir_base("test")
        self.admin.goto(f"{self.sandbox.urls.connector}/configurations/new")
        self.album.keep(self.admin, "new")
        self.admin.fill("#organization", ORGANIZATION)
        self.admin.fill("#fhir_base_url", right.removesuffix("/api/FHIR/R4"))
        self.admin.click("#check-address")
        expect(self.admin.locator("#suggestions")).to_contain_text(right)
        self.album.keep(self.admin, "address-refused")
        self.admin.click("#use-address-1")
        expect(self.admin.locator("#checked")).to_be_visible()
        expect(self.admin.locator("#organization")).to_have_value(ORGANIZATION)
        self.album.keep(self.admin, "address-answers")

    def name_approver(self) -> None:
        self.admin.fill("#approver", "ana")
        self.admin.click("#search-approver")
        self.album.keep(self.admin, "approver-found")
        self.admin.get_by_label(ANALYST_SIGN_IN).check()
        self.admin.click("#save")
        expect(self.admin.locator("#approval-link")).to_be_visible()
        self.album.keep(self.admin, "waiting-for-approval")

    def wrong_person(self) -> None:
        """Case 30: whoever else opens the link is refused and told why."""
        self.analyst.goto(self.admin.input_value("#approval-link"))
        self.sign_in(self.analyst, CLINICIAN)
        expect(self.analyst.locator("h1")).to_contain_text("not the named approver")
        self.album.keep(self.analyst, "wrong-person")
        self.analyst.click("#runbook")
        expect(self.analyst.locator("#not_the_approver")).to_be_visible()
        self.album.keep(self.analyst, "runbook")
        self.analyst.go_back()

    def ask_for_changes(self) -> None:
        self.analyst.click("#switch-account")
        self.sign_in(self.analyst, ANALYST)
        expect(self.analyst.locator("#approve")).to_have_count(0)
        self.album.keep(self.analyst, "approval-first")
        self.analyst.fill("#text", "Please let patients in at most an hour before the start.")
        self.analyst.click("#request-changes")
        expect(self.analyst.locator("#new-revision")).to_have_count(0)

    def correct(self) -> None:
        self.admin.reload()
        expect(self.admin.locator("#change-request")).to_contain_text("an hour before")
        self.album.keep(self.admin, "changes-requested")
        self.admin.click("#new-revision")
        self.admin.fill("#join_opens_minutes", "60")
        self.album.keep(self.admin, "new-revision")
        self.admin.click("#save")

    def approve_test(self) -> None:
        self.analyst.goto(self.admin.input_value("#approval-link"))
        self.at_the_ehr(self.analyst)
        expect(self.analyst.locator("#approve")).to_be_visible()
        self.album.keep(self.analyst, "approval-ready")
        self.analyst.click("#approve")
        expect(self.analyst.locator("#record-provider")).to_be_visible()
        self.album.keep(self.analyst, "records")

    def compare_records(self, kind: str, *, with_a_mistake: bool) -> None:
        """The analyst pastes both records into the EHR, and what the EHR shows back into the portal."""
        held = self.paste_into_ehr(kind)
        self.open_environment(self.analyst, kind)
        if with_a_mistake:
            wrong = held["provider"].replace("&departmentId=%LOGINDEPTID%", "")
            self.analyst.fill("#pasted-provider", wrong)
            self.analyst.click("#verify-provider")
            expect(self.analyst.locator('[data-token="departmentId"]')).to_be_visible()
            self.album.keep(self.analyst, "record-differs")
            self.open_environment(self.analyst, kind)
        for name, text in held.items():
            self.analyst.fill(f"#pasted-{name}", text)
            self.analyst.click(f"#verify-{name}")
            stamp = self.analyst.locator(f"#verified-{name}")
            expect(stamp).to_have_attribute("data-verified", "yes")
        self.album.keep(self.analyst, f"records-verified-{kind}")

    def paste_into_ehr(self, kind: str) -> dict[str, str]:
        """What the EHR shows of both records afterwards."""
        names = ("provider", "patient")
        texts = {n: self.analyst.input_value(f"#record-{n}") for n in names}
        clients = {n: self.analyst.locator(f"#record-{n}-client .mono").inner_text() for n in names}
        ehr = self.analyst.context.new_page()
        ehr.goto(f"{self.sandbox.urls.ehr(kind)}/fdi/")
        if ehr.locator("#username").is_visible():
            ehr.fill("#username", EHR_ANALYST)
            ehr.fill("#password", PASSWORD)
            ehr.click("#sign-in")
        for name in names:
            ehr.select_option(f"#{name}-client", clients[name])
            ehr.fill(f"#{name}-record", texts[name])
            ehr.click(f"#save-{name}")
            expect(ehr.locator("#saved")).to_be_visible()
        held = {n: ehr.locator(f"#{n}-current").inner_text() for n in names}
        ehr.close()
        return held

    def plan_too_early(self) -> None:
        self.open_environment(self.admin, "test")
        self.admin.click("#promote")
        self.album.keep(self.admin, "promote")
        self.admin.fill("#fhir_base_url", self.sandbox.urls.fhir_base("production"))
        self.admin.click("#plan")
        missing = self.admin.locator('#items [data-ready="no"]')
        expect(missing).to_have_count(1)
        expect(missing).to_have_attribute("data-readiness", "test_visits")
        expect(self.admin.locator("#apply")).to_have_count(0)
        self.album.keep(self.admin, "promote-blocked")

    def hold_test_visit(self) -> None:
        cast, tell = Cast(self.sandbox), Narrator(Console(file=io.StringIO()))
        visit = Visit(cast, tell, "test", "PCHALMERS")
        visit.find()
        first_sign_in(visit)
        meet(visit, GUEST)
        watch(visit, GUEST)
        written_back(visit)

    def promote(self) -> None:
        self.admin.click("#plan")
        expect(self.admin.locator("#readiness")).to_have_text("Ready")
        self.album.keep(self.admin, "promote-ready")
        self.admin.click("#apply")
        expect(self.admin.locator(".band.production")).to_be_visible()
        self.album.keep(self.admin, "production-waits")

    def approve_production(self) -> None:
        self.analyst.goto(self.admin.input_value("#approval-link"))
        self.at_the_ehr(self.analyst)
        self.album.keep(self.analyst, "approval-production")
        self.analyst.click("#approve")
        self.album.keep(self.analyst, "production-live")

    def change_production(self) -> None:
        """A second revision goes live, so that there is something to go back from."""
        self.open_environment(self.admin, "production")
        self.admin.click("#new-revision")
        self.admin.uncheck("#browser_join")
        self.admin.fill("#frame_ancestors", "https://citrix.contoso-health.example")
        self.admin.click("#save")
        expect(self.admin.locator("#comparison tbody tr")).to_have_count(2)
        self.album.keep(self.admin, "change-of-production")
        self.analyst.goto(self.admin.input_value("#approval-link"))
        expect(self.analyst.locator("#comparison tbody tr")).to_have_count(2)
        self.album.keep(self.analyst, "approval-compares")
        self.approve()

    def roll_back(self) -> None:
        self.admin.reload()
        self.admin.click("#roll-back")
        expect(self.admin.locator("#comparison")).to_contain_text("Patients join in the browser")
        self.album.keep(self.admin, "roll-back")
        self.admin.click("#confirm-roll-back")
        expect(self.admin.locator("#revisions li").last).to_contain_text("Live")
        self.album.keep(self.admin, "rolled-back")

    def look_back(self) -> None:
        self.admin.goto(f"{self.sandbox.urls.connector}/")
        expect(self.admin.locator(".environments .card")).to_have_count(2)
        self.album.keep(self.admin, "overview")
        self.admin.get_by_role("link", name="Audit trail").click()
        expect(self.admin.locator("main")).to_contain_text("admin.configuration.roll_back")
        self.album.keep(self.admin, "audit")


@pytest.fixture
def story(tmp_path: Path, browser: Browser) -> Iterator[Story]:
    """A sandbox where nobody has done anything yet."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for old in PICTURES.glob("*.png"):
        old.unlink()
    with Sandbox(tmp_path) as sandbox:
        windows = [_window(browser) for _ in range(2)]
        admin, analyst = (window.new_page() for window in windows)
        yield Story(sandbox, admin, analyst, Album())
        for window in windows:
            window.close()


def _window(browser: Browser) -> BrowserContext:
    context = browser.new_context(ignore_https_errors=True, viewport=DESKTOP)  # type: ignore[arg-type] # a dict of two numbers
    context.set_default_timeout(15_000)
    return context


def test_two_people_take_an_organization_from_the_first_sign_in_to_production_and_back(
    story: Story,
) -> None:
    """Cases 30, 33 and 42; E1 and E13."""
    story.arrive()
    story.confirm_tenant()
    story.mistype()
    story.name_approver()
    story.wrong_person()
    story.ask_for_changes()
    story.correct()
    story.approve_test()
    story.compare_records("test", with_a_mistake=True)
    story.plan_too_early()
    story.hold_test_visit()
    story.promote()
    story.approve_production()
    story.compare_records("production", with_a_mistake=False)
    story.change_production()
    story.roll_back()
    story.look_back()
