"""`EventStream`: every event of a visit once and in order, whatever readers and database do (case 63)."""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.builders.web import SilentTelemetry
from tests.unit.feed.stage import HookedStore, eventually, rest, running, take

from connector.adapters.feed import stream as stream_module
from connector.adapters.feed.stream import EventStream
from connector.ports.storage import VisitEvent


async def _watching(stream: EventStream, store: HookedStore, after: int = 0) -> Any:
    """(source, its first event to come) of a page that has read all history."""
    before = store.reads["events_of"]
    source = stream.events("visit-1", after)
    first = asyncio.ensure_future(anext(source))
    await eventually(lambda: store.reads["events_of"] > before)
    return source, first


def test_history_comes_first_and_then_what_happens(stream: EventStream, store: HookedStore) -> None:
    async def story() -> list[str]:
        store.add("lobby", "connected")
        async with running(stream):
            source = stream.events("visit-1", 0)
            history = await take(source, 2)
            store.add("disconnected", "connected")
            return history + await take(source, 2)

    assert asyncio.run(story()) == ["lobby", "connected", "disconnected", "connected"]


def test_a_page_that_comes_back_gets_what_it_has_not_seen(
    stream: EventStream, store: HookedStore
) -> None:
    async def story() -> list[str]:
        store.add("a", "b", "c")
        async with running(stream):
            seen = await anext(stream.events("visit-1", 0))
            return await take(stream.events("visit-1", seen.number), 2)

    assert asyncio.run(story()) == ["b", "c"]


def test_events_of_other_visits_are_not_told(stream: EventStream, store: HookedStore) -> None:
    async def story() -> list[str]:
        store.add("theirs", visit_id="visit-2")
        async with running(stream):
            source = stream.events("visit-1", 0)
            store.add("ours")
            first = await take(source, 1)
            store.add("theirs again", visit_id="visit-2")
            store.add("ours again")
            return first + await take(source, 1)

    assert asyncio.run(story()) == ["ours", "ours again"]


@pytest.mark.parametrize("hooks", ["before", "after"])
def test_what_happens_while_history_is_read_comes_once(
    stream: EventStream, store: HookedStore, hooks: str
) -> None:
    """Before: it is in the history and in the queue; after: in the queue only."""
    getattr(store, hooks)["events_of"] = lambda: store.add("meanwhile")

    async def story() -> list[str]:
        store.add("first")
        async with running(stream):
            source = stream.events("visit-1", 0)
            told = await take(source, 2)
            store.add("last")
            return told + await take(source, 1)

    assert asyncio.run(story()) == ["first", "meanwhile", "last"]


def test_who_begins_to_watch_while_the_position_is_read_misses_nothing(
    stream: EventStream, store: HookedStore
) -> None:
    """The idle reader passes over old events; this one is new to a page that has just come."""

    async def story() -> list[str]:
        loop, arrived = asyncio.get_running_loop(), threading.Event()
        source: AsyncIterator[VisitEvent] = stream.events("visit-1", 0)

        def come_and_happen() -> None:
            store.after["events_of"] = arrived.set
            page = asyncio.run_coroutine_threadsafe(take(source, 1), loop)
            assert arrived.wait(5)  # the page has read an empty history
            store.add("meanwhile")
            pages.append(page)

        pages: list[Any] = []
        async with running(stream):
            store.before["last_event_number"] = come_and_happen
            await eventually(lambda: pages)
            told: list[str] = await asyncio.wrap_future(pages[0])
            return told

    assert asyncio.run(story()) == ["meanwhile"]


def test_nobody_watches_before_the_reader_knows_where_it_is(
    stream: EventStream, store: HookedStore
) -> None:
    async def story() -> None:
        pending = asyncio.ensure_future(take(stream.events("visit-1", 0), 1))
        await asyncio.sleep(0.05)
        assert store.reads["events_of"] == 0
        store.add("first")
        async with running(stream):
            assert await pending == ["first"]

    asyncio.run(story())


def test_events_nobody_watches_are_not_read(stream: EventStream, store: HookedStore) -> None:
    async def story() -> None:
        async with running(stream):
            store.add("a", "b")
            before = store.reads["last_event_number"]
            await eventually(lambda: store.reads["last_event_number"] > before + 3)

    asyncio.run(story())
    assert store.reads["events_after"] == 0


def test_more_events_than_one_read_brings_come_in_order(
    stream: EventStream, store: HookedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "BATCH", 3)
    labels = [str(number) for number in range(10)]

    async def story() -> list[str]:
        async with running(stream):
            source, first = await _watching(stream, store)
            store.add(*labels)
            return [(await first).label, *await take(source, 9)]

    assert asyncio.run(story()) == labels


def test_a_slow_reader_is_dropped_and_comes_back_for_the_rest(
    stream: EventStream, store: HookedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "BUFFERED", 4)
    labels = [str(number) for number in range(12)]

    async def story() -> None:
        async with running(stream):
            slow, first = await _watching(stream, store)
            fast, also_first = await _watching(stream, store)
            store.add(labels[0])
            seen = [await first]
            told = [(await also_first).label]
            for label in labels[1:]:
                store.add(label)
                told += await take(fast, 1)
            seen += await rest(slow)
            assert [event.label for event in seen] == labels[:5]
            assert told == labels
            again = stream.events("visit-1", seen[-1].number)
            assert await take(again, 7) == labels[5:]

    asyncio.run(story())


def test_a_page_that_leaves_is_forgotten(stream: EventStream, store: HookedStore) -> None:
    async def story() -> None:
        async with running(stream):
            source, first = await _watching(stream, store)
            assert stream._watchers
            first.cancel()
            await eventually(first.done)
            await source.aclose()
            assert not stream._watchers

    asyncio.run(story())


# --- a database that does not answer --------------------------------------------------------------


@pytest.mark.parametrize("read", ["last_event_number", "events_after", "events_of"])
def test_a_database_that_fails_for_a_while_only_delays(
    stream: EventStream, store: HookedStore, read: str
) -> None:
    store.hiccups[read] = 3

    async def story() -> list[str]:
        store.add("first")
        async with running(stream):
            source = stream.events("visit-1", 0)
            told = await take(source, 1)
            store.add("last")
            return told + await take(source, 1)

    assert asyncio.run(story()) == ["first", "last"]
    assert store.hiccups[read] == 0


def test_operators_are_told_of_a_database_that_fails(
    stream: EventStream, store: HookedStore, telemetry: SilentTelemetry
) -> None:
    store.hiccups["last_event_number"] = 1

    async def story() -> None:
        async with running(stream):
            pass

    asyncio.run(story())
    assert telemetry.seen == [{"unexpected": True, "place": "feed", "reference": ""}]


def test_a_reader_that_has_not_read_for_ten_seconds_is_stalled(
    stream: EventStream, store: HookedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert stream_module.STALLED_SECONDS == 10.0
    monkeypatch.setattr(stream_module, "STALLED_SECONDS", 0.2)

    async def story() -> None:
        assert stream.problem() == "reader_stalled"
        async with running(stream):
            assert stream.problem() is None
            store.hiccups["last_event_number"] = 1_000_000
            await eventually(lambda: stream.problem() == "reader_stalled")
            store.hiccups["last_event_number"] = 0
            await eventually(lambda: stream.problem() is None)

    asyncio.run(story())


def test_streams_end_with_their_reader(stream: EventStream, store: HookedStore) -> None:
    """A mistake of ours ends the reader: pages must notice, and so must whoever runs us."""

    def mistake() -> None:
        raise LookupError

    async def story() -> None:
        async with running(stream) as reader:
            source, first = await _watching(stream, store)
            store.add("first")
            assert (await first).label == "first"
            store.before["events_after"] = mistake
            assert await rest(source) == []
            assert stream.problem() == "reader_stalled"
            with pytest.raises(LookupError):
                await reader

    with pytest.raises(LookupError):
        asyncio.run(story())
