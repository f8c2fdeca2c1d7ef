"""The whole sandbox, configured by clicking as the demo does, and a Chromium; one of each for all tests."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright, sync_playwright
from rich.console import Console
from scripts.sandbox import Sandbox
from scripts.story.cast import Cast
from scripts.story.narrator import Narrator
from scripts.story.scenes import SetUp, Visit, first_sign_in

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
]


@pytest.fixture(scope="session")
def narrator() -> Narrator:
    return Narrator(Console(file=io.StringIO()))


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    directory: Path = tmp_path_factory.mktemp("sandbox")
    with Sandbox(directory) as running:
        yield running


@pytest.fixture(scope="session")
def cast(sandbox: Sandbox, narrator: Narrator) -> Cast:
    """Everybody, after the test environment was entered, approved and pasted."""
    everybody = Cast(sandbox)
    SetUp(everybody, narrator, "test").play()
    return everybody


@pytest.fixture
def visit_of(cast: Cast, narrator: Narrator) -> Callable[[str], Visit]:
    """Today's open visit of a patient; its clinician's account is linked by then."""

    def find(username: str) -> Visit:
        found = Visit(cast, narrator, "test", username)
        found.find()
        return found

    linked = find("PCHALMERS")
    if not linked.provider_begins().has("join-now"):
        first_sign_in(linked)
    return find


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
    yield browser
    browser.close()


@pytest.fixture
def window(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Opens browser contexts and closes them after the test."""
    opened: list[BrowserContext] = []

    def open_window(**options: object) -> BrowserContext:
        options = {"permissions": ["camera", "microphone"]} | options
        context = browser.new_context(ignore_https_errors=True, **options)
        context.set_default_timeout(8_000)
        opened.append(context)
        return context

    yield open_window
    for context in opened:
        context.close()
