"""Server-sent events of one visit for the provider's page: a small ASGI application of its own.

Every open page holds a connection, so it must not live among the launch threads
(performance.md 5a). The visit's sealed cookie admits; the browser's Origin must be ours.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from connector.domain.participant import Role
from connector.ports.storage import Store, VisitEvent
from connector.ports.system import Clock
from connector.ports.vault import Sealer
from connector.web.strict_cookies import believed_cookies
from connector.web.visit_pass import VISIT_PASS

HEARTBEAT_SECONDS = 15.0
# Whoever asks again sooner learns nothing: the reader's own tries after a failure lie up to that far apart.
_RETRY_AFTER_SECONDS = 5
_MOST_DIGITS = 18  # of an event number: storage counts in 63 bits


class Stream(Protocol):
    async def run(self) -> None: ...

    def events(self, visit_id: str, after: int) -> AsyncIterator[VisitEvent]: ...

    def problem(self) -> str | None:
        """None while new events are being read, else one word for what is wrong."""
        ...

    def has_ended(self) -> bool:
        """True once `run` ended, whyever: this process reads nothing any more."""
        ...


@dataclass(frozen=True, slots=True)
class Feed:
    stream: Stream
    store: Store
    sealer: Sealer
    clock: Clock
    page_origin: str

    async def visit_events(self, request: Request) -> Response:
        visit_id = request.path_params["visit_id"]
        if not self._admitted(request, visit_id):
            return JSONResponse({"status": 404, "title": "No such visit here"}, 404)
        after = _event_number(request.headers.get("last-event-id", ""))
        return StreamingResponse(
            self._lines(visit_id, after),
            media_type="text/event-stream",
            headers={
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
                "Access-Control-Allow-Origin": self.page_origin,
                "Access-Control-Allow-Credentials": "true",
                "Vary": "Origin",
            },
        )

    async def healthz(self, _request: Request) -> Response:
        """Alive, whatever the database does: 503 asks whoever runs us to start us anew.

        That helps in one case only, when the reader has ended: pages would get heartbeats for ever.
        """
        ended = self.stream.has_ended()
        return _probed("reader_ended") if ended else JSONResponse({"status": "alive"})

    async def readyz(self, _request: Request) -> Response:
        """503 names what is missing; also when pages would get heartbeats only for now."""
        problem = self.stream.problem() or await asyncio.to_thread(self.store.ready)
        return _probed(problem) if problem else JSONResponse({"status": "ready"})

    def _admitted(self, request: Request, visit_id: str) -> bool:
        origin = request.headers.get("origin", self.page_origin)
        cookies = believed_cookies("; ".join(request.headers.getlist("cookie")))
        sealed = cookies.get(VISIT_PASS.name(visit_id), "")
        pass_ = VISIT_PASS.unseal(self.sealer, sealed)
        return (
            origin == self.page_origin
            and pass_ is not None
            and pass_.visit_id == visit_id
            and pass_.role is Role.PROVIDER
            and pass_.expires_at > self.clock.now()
        )

    async def _lines(self, visit_id: str, after: int) -> AsyncIterator[str]:
        """Events as text, with a comment while nothing happens so that proxies keep the line open."""
        yield "retry: 2000\n\n"
        source = aiter(self.stream.events(visit_id, after))
        pending = asyncio.ensure_future(anext(source))
        try:
            while True:
                done, _ = await asyncio.wait({pending}, timeout=HEARTBEAT_SECONDS)
                if not done:
                    yield ": still here\n\n"
                    continue
                yield _as_text(pending.result())
                pending = asyncio.ensure_future(anext(source))
        except StopAsyncIteration:
            return
        finally:
            pending.cancel()


def _probed(problem: str) -> Response:
    return JSONResponse({"status": problem}, 503, {"Retry-After": str(_RETRY_AFTER_SECONDS)})


def _event_number(last_event_id: str) -> int:
    """Where the page left off; a first connection replays the visit from its start."""
    readable = last_event_id.isdecimal() and len(last_event_id) <= _MOST_DIGITS
    return int(last_event_id) if readable else 0


def _as_text(event: VisitEvent) -> str:
    data = {
        "kind": event.kind,
        "role": event.role,
        "label": event.label,
        "at": event.at.isoformat(),
    }
    return f"id: {event.number}\nevent: visit\ndata: {json.dumps(data)}\n\n"


def create_feed(feed: Feed) -> Starlette:
    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        reader = asyncio.create_task(feed.stream.run())
        yield
        reader.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reader

    return Starlette(
        routes=[
            Route("/feed/visits/{visit_id}", feed.visit_events),
            Route("/healthz", feed.healthz),
            Route("/readyz", feed.readyz),
        ],
        lifespan=lifespan,
    )
