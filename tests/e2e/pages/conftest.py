"""A real Chromium before the real pages, served over TLS on loopback, with sample data behind them."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme
from tests.e2e.pages.stage import Feed, Stage
from tests.unit.web.pages_world import make_world
from werkzeug.serving import make_server

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
def pictures() -> Path:
    folder = Path(__file__).parents[3] / "artefacts" / "pages"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
