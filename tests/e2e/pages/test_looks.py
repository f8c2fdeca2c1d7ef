"""Every page in a browser: fits, is big enough to touch, breaks no policy. Pictures go to artefacts/pages."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Page
from tests.e2e.pages.stage import SCENES, Scene, Stage

pytestmark = pytest.mark.browser

Window = Callable[..., BrowserContext]

TOO_SMALL = """() => [...document.querySelectorAll('button, .button, .touch, input:not([type=hidden]), select, textarea')]
  .filter((e) => e.checkVisibility() && !e.classList.contains('skip'))
  .filter((e) => (e.closest('.check') ?? e).getBoundingClientRect().height < 43.9)
  .map((e) => e.outerHTML.slice(0, 120))"""
TOO_WIDE = """() => document.documentElement.scrollWidth > document.documentElement.clientWidth
  ? [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
      .map((e) => e.outerHTML.slice(0, 120)) : []"""


def complaints(page: Page) -> list[str]:
    """Console errors and broken policies, but for the answers' own status codes."""
    heard: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if (
            message.type in {"error", "warning"}
            and "the server responded with a status" not in message.text
        ):
            heard.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda err: heard.append(str(err)))
    return heard


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scene", SCENES, ids=lambda s: s.name)
def test_a_page_looks_right(
    scene: Scene, width: int, stage: Stage, window: Window, pictures: Path
) -> None:
    context = window(viewport={"width": width, "height": 800})
    heard: list[str] = []
    context.on("page", lambda page: heard.append(complaints(page)))  # type: ignore[arg-type]
    page = scene.open(stage, context)
    page.wait_for_load_state("load")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.screenshot(path=pictures / f"{scene.name}-{width}-{scheme}.png", full_page=True)
    assert page.evaluate(TOO_WIDE) == []
    assert page.evaluate(TOO_SMALL) == []
    assert heard == [[]]


@pytest.mark.parametrize("scene", SCENES, ids=lambda s: s.name)
def test_a_page_fits_a_narrow_screen_with_large_text(
    scene: Scene, stage: Stage, window: Window
) -> None:
    """WCAG 2.2 1.4.10 and 1.4.4: 320 pixels wide, and text at twice its size at 640."""
    page = scene.open(stage, window(viewport={"width": 320, "height": 640}))
    assert page.evaluate(TOO_WIDE) == []
    page.set_viewport_size({"width": 640, "height": 640})
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert page.evaluate(TOO_WIDE) == []


@pytest.mark.parametrize("scene", SCENES, ids=lambda s: s.name)
def test_every_control_is_reached_by_keyboard_in_reading_order_and_shows_it(
    scene: Scene, stage: Stage, window: Window
) -> None:
    page = scene.open(stage, window(viewport={"width": 360, "height": 800}))
    order = page.evaluate(
        """() => [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')]
             .filter((e) => e.checkVisibility())
             .filter((e) => e.type !== 'radio' || e === document.getElementsByName(e.name)[0]).map((e, i) => { e.dataset.place = i; return i; })"""
    )
    page.evaluate("document.body.tabIndex = -1; document.body.focus()")
    reached = []
    for _ in order:
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                """() => { const e = document.activeElement;
                  return getComputedStyle(e).outlineStyle === 'none' ? 'no outline' : Number(e.dataset.place); }"""
            )
        )
    assert reached == order


def test_printed_records_show_their_whole_text(
    stage: Stage, window: Window, pictures: Path
) -> None:
    scene = next(s for s in SCENES if s.name == "configuration-production")
    page = scene.open(stage, window(viewport={"width": 800, "height": 1000}))
    page.emulate_media(media="print")
    page.screenshot(path=pictures / "configuration-printed.png", full_page=True)
    assert "recordId=provider-record-of-env1" in page.inner_text("body")
    assert not page.is_visible("#record-provider")
    assert not page.is_visible("#new-revision")
