"""The report as people open it: nothing is fetched, nothing sticks out, everything can be reached and read."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from tests.loadtest.verdict.run_builder import RunBuilder

from loadtest.verdict import judge

pytestmark = pytest.mark.browser

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
# WCAG 2.2 1.4.3, for every element that holds text of its own, against the nearest painted background.
CONTRASTS = """() => {
  const channels = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (rgb) => rgb.slice(0, 3)
    .map((c) => c / 255).map((c) => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
    .reduce((sum, c, n) => sum + c * [.2126, .7152, .0722][n], 0);
  const paper = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const found = channels(getComputedStyle(e).backgroundColor);
      if (found.length < 4 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  const speaks = (e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
  return [...document.querySelectorAll("body *")].filter((e) => speaks(e) && e.getClientRects().length)
    .map((e) => {
      const drawn = getComputedStyle(e);
      const ink = light(channels(e.closest("svg") ? drawn.fill : drawn.color)), ground = light(paper(e));
      return [(Math.max(ink, ground) + .05) / (Math.min(ink, ground) + .05), e.textContent.trim().slice(0, 40)];
    }).filter(([ratio]) => ratio < 4.5);
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as started:
        opened = started.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of the report of a run that lost something in a surge."""
    run = RunBuilder(tmp_path_factory.mktemp("report") / "run-1")
    run.says(scenario="surge-10x", fault="kill_worker at 50 s")
    run.says(rates=((0.0, 2.0), (40.0, 3.5), (50.0, 2.0), (90.0, 0.0)))
    run.ledger = replace(run.books, write_backs=run.books.write_backs[3:])
    judge(run.write())
    return f"file://{run.folder}/report.html"


@pytest.fixture(params=[(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")], ids=str)
def opened(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[Page]:
    width, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.goto(address)
    yield page
    context.close()


def test_nothing_sticks_out_of_the_page(opened: Page) -> None:
    width = opened.evaluate("document.documentElement.scrollWidth")
    assert width == opened.evaluate("window.innerWidth")


def test_every_word_stands_out_from_its_ground(opened: Page) -> None:
    opened.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert opened.evaluate(CONTRASTS) == []


def test_the_verdict_and_the_rate_are_seen_without_scrolling(opened: Page) -> None:
    for one in ("#verdict", "#rate"):
        box = opened.locator(one).bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < 900


def test_plots_are_named_and_their_letters_can_be_read(opened: Page) -> None:
    assert opened.get_by_role("img", name="How long launches took").count() == 1
    heights = opened.evaluate(
        "[...document.querySelectorAll('svg text')].map((t) => t.getBoundingClientRect().height)"
    )
    assert min(height for height in heights if height) > 9


def test_the_numbers_behind_a_plot_are_opened_by_keyboard(opened: Page) -> None:
    summary = opened.locator("figure summary").first
    summary.focus()
    opened.keyboard.press("Enter")
    assert opened.locator("figure details[open] table").first.is_visible()


def test_the_page_asks_nobody_for_anything(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page, asked = context.new_page(), list[str]()
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address, wait_until="networkidle")
    assert asked == [address]
    context.close()
