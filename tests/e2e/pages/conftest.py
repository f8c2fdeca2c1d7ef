"""A real Chromium before the real pages, served over TLS on loopback, with sample data behind them."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme
from playwright.sync_api import Browser, BrowserContext, Playwright, sync_playwright
from tests.e2e.pages.stage import Feed, Stage
from tests.unit.web.pages_world import make_world
from werkzeug.serving import make_server

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
Application = Callable[..., object]


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    return context


@contextmanager
def served(application: Application, certificate: ssl.SSLContext) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, application, threaded=True, ssl_context=certificate)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"https://localhost:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def stage(certificate: ssl.SSLContext) -> Iterator[Stage]:
    feed = Feed()
    with served(feed, certificate) as feed_url:
        stage = Stage(make_world(feed_url=feed_url), feed)
        with served(stage, certificate) as stage.url:
            yield stage
        feed.close()


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


@pytest.fixture(scope="session")
def pictures() -> Path:
    folder = Path(__file__).parents[3] / "artefacts" / "pages"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
