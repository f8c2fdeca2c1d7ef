"""The feed over ASGI: who may listen, what a line looks like, when it is alive, when ready."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.fakes.system import FixedClock
from tests.fakes.vault import FakeSealer
from tests.unit.feed.stage import Browser, HookedStore, eventually

from connector.adapters.feed import stream as stream_module
from connector.adapters.feed.stream import EventStream
from connector.domain.participant import Role
from connector.web import provider_events
from connector.web.provider_events import Feed, create_feed
from connector.web.visit_pass import VISIT_PASS, VisitPass

ORIGIN = "https://connector.example"
EVENTS = "/feed/visits/visit-1"
CLOCK = FixedClock()
PASS = VisitPass(
    visit_id="visit-1",
    role=Role.PROVIDER,
    time_zone="America/Chicago",
    fhir_base_url="https://ehr.example/api/FHIR/R4",
    expires_at=CLOCK.now() + timedelta(hours=12),
)


@pytest.fixture
def sealer() -> FakeSealer:
    return FakeSealer()


@pytest.fixture
def feed(stream: EventStream, store: HookedStore, sealer: FakeSealer) -> Feed:
    return Feed(stream, store, sealer, CLOCK, ORIGIN)


def _cookie(sealer: FakeSealer, pass_: VisitPass = PASS, named: str = "visit-1") -> str:
    sealed = sealer.seal(VISIT_PASS.purpose, VISIT_PASS.adapter.dump_json(pass_))
    return f"{VISIT_PASS.name(named)}={sealed}"


@pytest.fixture
def headers(sealer: FakeSealer) -> dict[str, str]:
    """What a provider's page sends."""
    return {"Origin": ORIGIN, "Cookie": _cookie(sealer)}


def _events(piece: str | None) -> tuple[str, dict[str, Any]]:
    assert piece is not None
    number, kind, data = piece.strip().split("\n")
    assert kind == "event: visit"
    return number, json.loads(data.removeprefix("data: "))


def test_a_provider_hears_what_happens(
    feed: Feed, store: HookedStore, headers: dict[str, str]
) -> None:
    async def story() -> None:
        app = create_feed(feed)
        store.add("lobby")
        async with app.router.lifespan_context(app), Browser(app, EVENTS, headers) as browser:
            assert browser.status == 200
            assert browser.headers["content-type"].startswith("text/event-stream")
            assert browser.headers["cache-control"] == "no-store"
            assert browser.headers["access-control-allow-origin"] == ORIGIN
            assert browser.headers["access-control-allow-credentials"] == "true"
            assert await browser.piece() == "retry: 2000\n\n"
            first = {"kind": "presence", "role": "patient", "label": "lobby"}
            number, data = _events(await browser.piece())
            assert (number, data) == ("id: 1", first | {"at": "2026-11-20T12:00:00+00:00"})
            store.add("connected")
            number, data = _events(await browser.piece())
            assert (number, data["label"]) == ("id: 2", "connected")

    asyncio.run(story())


@pytest.mark.parametrize(
    ("last_event_id", "first"),
    [
        ("", 1),
        ("0", 1),
        ("1", 2),
        ("-1", 1),
        ("1.0", 1),
        ("null", 1),
        ("²", 1),
        ("9" * 19, 1),
        ("9" * 6000, 1),
    ],
    ids=lambda value: str(value)[:8],
)
def test_a_page_goes_on_after_the_last_event_it_names_if_it_names_one(
    feed: Feed, store: HookedStore, headers: dict[str, str], last_event_id: str, first: int
) -> None:
    async def story() -> None:
        app = create_feed(feed)
        store.add("lobby", "connected")
        asked = headers | {"Last-Event-ID": last_event_id}
        async with app.router.lifespan_context(app), Browser(app, EVENTS, asked) as browser:
            await browser.piece()
            assert _events(await browser.piece())[0] == f"id: {first}"

    asyncio.run(story())


def test_our_own_page_needs_no_origin(feed: Feed, sealer: FakeSealer) -> None:
    """A browser names none when feed and page share it."""

    async def story() -> None:
        app = create_feed(feed)
        asked = {"Cookie": _cookie(sealer)}
        async with app.router.lifespan_context(app), Browser(app, EVENTS, asked) as browser:
            assert browser.status == 200

    asyncio.run(story())


REFUSED = {
    "no cookie": lambda _: {"Origin": ORIGIN},
    "garbage": lambda _: {"Cookie": f"{VISIT_PASS.name('visit-1')}=garbage"},
    "foreign origin": lambda s: {"Origin": "https://evil.example", "Cookie": _cookie(s)},
    "null origin": lambda s: {"Origin": "null", "Cookie": _cookie(s)},
    "origin with a port": lambda s: {"Origin": f"{ORIGIN}:8443", "Cookie": _cookie(s)},
    "patient": lambda s: {"Cookie": _cookie(s, replace(PASS, role=Role.PATIENT))},
    "expired": lambda s: {"Cookie": _cookie(s, replace(PASS, expires_at=CLOCK.now()))},
    "another visit's": lambda s: {"Cookie": _cookie(s, replace(PASS, visit_id="visit-2"))},
    "another purpose": lambda s: {"Cookie": f"{VISIT_PASS.name('visit-1')}={s.seal('x', b'{}')}"},
    "tossed by a sibling, in disguise": lambda s: {"Cookie": f"\xa0{_cookie(s)}"},
    "two of the name": lambda s: {"Cookie": f"{_cookie(s)}; {_cookie(s)}"},
    "sealed by others": lambda _: {"Cookie": _cookie(FakeSealer())},
    "other words": lambda s: {
        "Cookie": f"{VISIT_PASS.name('visit-1')}={s.seal(VISIT_PASS.purpose, b'[1]')}"
    },
}


@pytest.mark.parametrize("asked", REFUSED.values(), ids=REFUSED)
def test_others_hear_nothing_not_even_whether_the_visit_exists(
    feed: Feed, sealer: FakeSealer, store: HookedStore, asked: Any
) -> None:
    async def story() -> None:
        app = create_feed(feed)
        async with app.router.lifespan_context(app):
            for path in (EVENTS, "/feed/visits/unknown"):
                async with Browser(app, path, asked(sealer)) as browser:
                    assert browser.status == 404
                    assert "access-control-allow-origin" not in browser.headers
                    assert json.loads(await browser.piece() or "") == {
                        "status": 404,
                        "title": "No such visit here",
                    }

    asyncio.run(story())
    assert store.reads["events_of"] == 0


def test_a_pass_opens_its_own_visit_only(feed: Feed, headers: dict[str, str]) -> None:
    async def story() -> None:
        app = create_feed(feed)
        async with Browser(app, "/feed/visits/visit-2", headers) as browser:
            assert browser.status == 404

    asyncio.run(story())


def test_a_silent_line_is_kept_open_by_comments_which_lose_nothing(
    feed: Feed, store: HookedStore, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert provider_events.HEARTBEAT_SECONDS == 15
    monkeypatch.setattr(provider_events, "HEARTBEAT_SECONDS", 0.02)

    async def story() -> None:
        app = create_feed(feed)
        async with app.router.lifespan_context(app), Browser(app, EVENTS, headers) as browser:
            await browser.piece()
            assert [await browser.piece() for _ in range(3)] == [": still here\n\n"] * 3
            store.add("connected")
            piece = await browser.piece()
            while piece == ": still here\n\n":
                piece = await browser.piece()
            assert _events(piece)[1]["label"] == "connected"

    asyncio.run(story())


def test_a_closed_page_is_forgotten(
    feed: Feed, stream: EventStream, store: HookedStore, headers: dict[str, str]
) -> None:
    async def story() -> None:
        app = create_feed(feed)
        async with app.router.lifespan_context(app):
            store.add("lobby")
            async with Browser(app, EVENTS, headers) as browser:
                await browser.piece()
                await browser.piece()
                assert stream._watchers
            await eventually(lambda: not stream._watchers)

    asyncio.run(story())


def test_a_page_that_reads_too_slowly_is_sent_away_to_come_back(
    feed: Feed, store: HookedStore, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "BUFFERED", 3)

    async def story() -> None:
        app = create_feed(feed)
        async with app.router.lifespan_context(app), Browser(app, EVENTS, headers) as browser:
            await browser.piece()
            await eventually(lambda: store.reads["events_of"])
            # One batch larger than the buffer: the page cannot read in between.
            with store.inner.write() as tx:
                for label in "abcde":
                    tx.visits.add_event("visit-1", "presence", "patient", label, CLOCK.now())
            pieces = []
            while piece := await browser.piece():
                pieces.append(_events(piece)[1]["label"])
            assert pieces == ["a", "b", "c"]
        asked = headers | {"Last-Event-ID": "3"}
        async with app.router.lifespan_context(app), Browser(app, EVENTS, asked) as browser:
            await browser.piece()
            assert _events(await browser.piece())[1]["label"] == "d"

    asyncio.run(story())


def test_a_reader_that_dies_ends_the_lines_and_asks_for_a_new_process(
    feed: Feed, store: HookedStore, headers: dict[str, str]
) -> None:
    def mistake() -> None:
        raise LookupError

    async def story() -> None:
        app = create_feed(feed)
        async with app.router.lifespan_context(app):
            async with Browser(app, EVENTS, headers) as browser:
                await browser.piece()
                await eventually(lambda: store.reads["events_after"])
                store.before["events_after"] = mistake
                assert await browser.piece() is None
            assert await _told(app, "/readyz") == (503, "reader_stalled")
            assert await _told(app, "/healthz") == (503, "reader_ended")

    with pytest.raises(LookupError):
        asyncio.run(story())


async def _told(app: Any, path: str) -> tuple[int, str]:
    async with Browser(app, path, {}) as browser:
        return browser.status, json.loads(await browser.piece() or "")["status"]


def test_the_process_is_ready_while_events_are_read_and_the_database_is_ready(
    feed: Feed, stream: EventStream
) -> None:
    async def story() -> list[tuple[int, str]]:
        app = create_feed(feed)
        before = await _told(app, "/readyz")
        async with app.router.lifespan_context(app):
            await eventually(lambda: stream.problem() is None)
            during = await _told(app, "/readyz")
        return [before, during, await _told(app, "/readyz")]

    stalled = (503, "reader_stalled")
    assert asyncio.run(story()) == [stalled, (200, "ready"), stalled]


def test_a_database_that_is_not_ready_is_named(
    feed: Feed, stream: EventStream, store: HookedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store.inner, "ready", lambda: "not_migrated")

    async def story() -> tuple[int, str]:
        app = create_feed(feed)
        async with app.router.lifespan_context(app):
            await eventually(lambda: stream.problem() is None)
            return await _told(app, "/readyz")

    assert asyncio.run(story()) == (503, "not_migrated")


def test_a_failover_of_the_database_kills_no_process(
    feed: Feed, store: HookedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The platform restarts what is not alive: every replica, were this to depend on the database."""

    def asked(*_: object) -> None:
        raise AssertionError("liveness has nothing to ask the database")

    store.hiccups["last_event_number"] = 1_000_000
    monkeypatch.setattr(store.inner, "ready", lambda: "unreachable")

    async def story() -> list[tuple[int, str]]:
        app = create_feed(feed)
        async with app.router.lifespan_context(app):
            await eventually(lambda: store.hiccups["last_event_number"] < 999_990)
            ready = await _told(app, "/readyz")
            monkeypatch.setattr(store.inner, "ready", asked)
            return [ready, await _told(app, "/healthz")]

    assert asyncio.run(story()) == [(503, "reader_stalled"), (200, "alive")]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_probe_that_is_told_no_is_told_when_to_ask_again(
    path: str, feed: Feed, stream: EventStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EventStream, "has_ended", lambda _self: True)

    async def story() -> tuple[int, str]:
        async with Browser(create_feed(feed), path, {}) as browser:
            return browser.status, browser.headers.get("retry-after", "")

    status, seconds = asyncio.run(story())
    assert (status, seconds.isdecimal()) == (503, True)


def test_a_process_is_alive_before_it_has_read_anything(feed: Feed) -> None:
    assert asyncio.run(_told(create_feed(feed), "/healthz")) == (200, "alive")
