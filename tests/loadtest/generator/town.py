"""A small town to launch in: EHR, connector, feed and Teams in one object, as strict about the way as the real ones.

In memory it is a browser's `Transport`; behind `serve` it is an HTTP server for a real Locust.
"""

import json
import re
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from loadtest.browser import Answer, Unreachable

SECRET = "s3cret-token"
Reply = tuple[int, dict[str, str], str]


def page(*ids: str, text: str = "", **data: str) -> Reply:
    elements = "".join(f'<i id="{one}"></i>' for one in ids)
    marked = "".join(f' data-{name}="{value}"' for name, value in data.items())
    return 200, {}, f"<html><h1>t</h1><p{marked}></p>{elements}{text}</html>"


def event(number: int, at: str = "1970-01-01T00:00:00.500+00:00") -> list[str]:
    """Lines of the feed."""
    return [f"id: {number}", "event: visit", f'data: {{"at": "{at}"}}', ""]


def to(url: str, **headers: str) -> Reply:
    return 303, {"Location": url, **headers}, ""


@dataclass(slots=True)
class Meeting:
    """Seat numbers by where they are."""

    in_call: set[str] = field(default_factory=set)
    lobby: set[str] = field(default_factory=set)
    ended: bool = False


@dataclass(slots=True)
class Town:
    root: str = "https://town"
    broken: list[tuple[str, Reply | str]] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    cookies_of: dict[str, str] = field(default_factory=dict)
    meetings: dict[str, Meeting] = field(default_factory=lambda: defaultdict(Meeting))
    feed_lines: list[str] = field(default_factory=list)
    last_event_ids: list[str] = field(default_factory=list)
    closed: int = 0
    _seats: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        with self._lock:
            status, said, text = self.answer(method, url, dict(headers), body.decode())
        lowered = tuple((name.lower(), value) for name, value in said.items())
        return Answer(status, lowered, text.encode())

    @contextmanager
    def stream(self, url: str, headers: Mapping[str, str]) -> Iterator["TownStream"]:
        yield TownStream(self.send("GET", url, headers, b""), list(self.feed_lines))

    def close(self) -> None:
        self.closed += 1

    def break_once(self, path: str, reply: Reply | str) -> None:
        """The next request to a path with this in it is answered so; a word is a connection's end."""
        self.broken.append((path, reply))

    def answer(self, method: str, url: str, headers: dict[str, str], body: str) -> Reply:
        parts = urlsplit(url)
        self.asked.append((method, parts.path))
        self.cookies_of[parts.path] = headers.get("Cookie", "")
        self.last_event_ids.append(headers.get("Last-Event-ID", ""))
        for one in [one for one in self.broken if one[0] in parts.path]:
            self.broken.remove(one)
            if isinstance(one[1], str):
                raise Unreachable(one[1])
            return one[1]
        given = {**_flat(parts.query), **_flat(body)}
        for row_method, pattern, handler in _TABLE:
            found = re.fullmatch(pattern, parts.path)
            if found and row_method == method:
                return handler(self, found.groups(), given, headers.get("Cookie", ""))
        return 404, {}, "no such page"

    def begin_launch(self, _found: Any, given: dict[str, str], _cookie: str) -> Reply:
        kind, appointment = given["client_id"], given["appointment"]
        return to(f"{given['launch_uri']}?iss=i&launch={SECRET}.{kind}.{appointment}")

    def launch(self, _found: Any, given: dict[str, str], _cookie: str) -> Reply:
        timing = {"Server-Timing": "own;dur=2.5, upstream;dur=40"}
        address = f"{self.root}/ehr/oauth2/authorize?state={SECRET}&launch={given['launch']}"
        return to(address, **timing, **{"Set-Cookie": f"state={SECRET}; Path=/; Secure"})

    def authorize(self, _found: Any, given: dict[str, str], _cookie: str) -> Reply:
        return to(f"{self.root}/connector/launch/callback?code={given['launch']}&state={SECRET}")

    def callback(self, _found: Any, given: dict[str, str], cookie: str) -> Reply:
        if f"state={SECRET}" not in cookie:
            return 400, {}, "expired"
        _, kind, appointment = given["code"].split(".")
        timing = {"Server-Timing": "own;dur=7.5", "Set-Cookie": "state=; Max-Age=0; Path=/"}
        if kind == "status":
            return to(f"{self.root}/connector/visits/{appointment}", **timing)
        if kind == "provider":
            self.meetings[appointment]
            return to(self.staff_door(appointment), **timing)
        if appointment in self.meetings:
            return to(self.patient_door(appointment), **timing)
        return to(f"{self.root}/connector/visits/{appointment}/wait", **timing)

    def staff_door(self, appointment: str) -> str:
        thread = quote(f"19:meeting_{appointment}@thread.v2", safe="").replace("%3A", "%3a")
        return f"{self.root}/teams/l/meetup-join/{thread}/0?context={SECRET}"

    def patient_door(self, appointment: str) -> str:
        thread = quote(f"19:meeting_{appointment}@thread.v2", safe="")
        return f"{self.root}/teams/webrtc-svc/api/route?tid={SECRET}&convId={thread}"

    def wait(self, found: tuple[str, ...], _given: Any, _cookie: str) -> Reply:
        here = f"/connector/visits/{found[0]}"
        data = {"status": f"{here}/status", "join": f"{here}/join"}
        return page("wait", state="waiting_for_provider", reason="no_meeting", **data)

    def status(self, found: tuple[str, ...], _given: Any, _cookie: str) -> Reply:
        can_join = found[0] in self.meetings
        told = {"state": "waiting_for_provider", "reason": "no_meeting", "can_join": can_join}
        return 200, {}, json.dumps(told)

    def join(self, found: tuple[str, ...], _given: Any, _cookie: str) -> Reply:
        return to(self.patient_door(found[0]))

    def visit_page(self, found: tuple[str, ...], _given: Any, _cookie: str) -> Reply:
        return page(feed=f"{self.root}/feed/feed/visits/{found[0]}")

    def open_feed(self, _found: Any, _given: Any, _cookie: str) -> Reply:
        return 200, {"Content-Type": "text/event-stream"}, "\n".join(self.feed_lines)

    def show_staff_door(self, _found: Any, _given: Any, cookie: str) -> Reply:
        return page("join-now") if "teams=" in cookie else page("sign-in")

    def show_patient_door(self, _found: Any, _given: Any, _cookie: str) -> Reply:
        return page("display_name")

    def staff_joins(self, found: tuple[str, ...], _given: Any, _cookie: str) -> Reply:
        return self._seat(found[0], lobby=False)

    def patient_joins(self, _found: Any, given: dict[str, str], _cookie: str) -> Reply:
        return self._seat(given["convId"], lobby=True)

    def _seat(self, thread: str, *, lobby: bool) -> Reply:
        appointment = re.search(r"meeting_(.+?)(?:@|%40)", thread)[1]  # type: ignore[index]
        self._seats += 1
        seat = f"{appointment}-{self._seats}"
        where = self.meetings[appointment].lobby if lobby else self.meetings[appointment].in_call
        where.add(seat)
        return to(f"/teams/teams/seat/{seat}")

    def show_seat(self, found: tuple[str, ...], _given: Any, _cookie: str) -> Reply:
        seat = found[0]
        meeting = self.meetings[seat.rpartition("-")[0]]
        if seat in meeting.lobby and not meeting.ended:
            return page("state-lobby")
        if seat not in meeting.in_call or meeting.ended:
            return page("over")
        forms = "".join(
            f'<form class="admit">\n<input type="hidden" name="participant" value="{one}"></form>'
            for one in meeting.lobby
        )
        inside, waiting = len(meeting.in_call), len(meeting.lobby)
        words = f"In this meeting ({inside}) Waiting in the lobby ({waiting})"
        return page("state-in-call", text=words + forms)

    def act(self, found: tuple[str, ...], given: dict[str, str], _cookie: str) -> Reply:
        seat, action = found
        meeting = self.meetings[seat.rpartition("-")[0]]
        if action == "admit":
            meeting.lobby.discard(given["participant"])
            meeting.in_call.add(given["participant"])
        elif action == "leave":
            meeting.in_call.discard(seat)
        else:
            meeting.ended = True
        return to(f"/teams/teams/seat/{seat}")

    def teams_sign_in(self, _found: Any, given: dict[str, str], _cookie: str) -> Reply:
        if given["sign_in_name"] not in ("clinician@example", "surgeon@example"):
            return page("another-account")
        return to("/teams/", **{"Set-Cookie": f"teams={given['sign_in_name']}; Secure; HttpOnly"})

    def hyperspace_sign_in(self, _found: Any, given: dict[str, str], _cookie: str) -> Reply:
        return to("/ehr/hyperspace/", **{"Set-Cookie": f"hyperspace={given['username']}"})

    def hyperspace(self, _found: Any, _given: Any, cookie: str) -> Reply:
        return page("schedule") if "hyperspace=" in cookie else page("username")

    def begin_status(self, found: tuple[str, ...], _given: Any, cookie: str) -> Reply:
        if "hyperspace=" not in cookie:
            return page("username")
        return to(f"{self.root}/connector/launch/provider?launch={SECRET}.status.{found[0]}")

    def overview(self, _found: Any, _given: Any, cookie: str) -> Reply:
        if "portal=" not in cookie:
            return page("sign-in")
        link = '<a href="/configurations/new">new</a><a href="/configurations/env-1">Open test</a>'
        return page("audit-trail", text=link)

    def sign_in(self, _found: Any, _given: Any, _cookie: str) -> Reply:
        return to(f"{self.root}/teams/organizations/oauth2/v2.0/authorize?state={SECRET}")

    def picker(self, _found: Any, _given: Any, _cookie: str) -> Reply:
        return page("another-account")

    def picked(self, _found: Any, _given: Any, _cookie: str) -> Reply:
        return to(f"{self.root}/connector/signin/microsoft/callback?code={SECRET}")

    def signed_in(self, _found: Any, _given: Any, _cookie: str) -> Reply:
        return to("/connector/", **{"Set-Cookie": "portal=1"})

    def anything(self, _found: Any, _given: Any, _cookie: str) -> Reply:
        return page("audit-lines")


Handler = Callable[[Town, tuple[str, ...], dict[str, str], str], Reply]
_TABLE: tuple[tuple[str, str, Handler], ...] = (
    ("GET", r"/ehr/sim/launch", Town.begin_launch),
    ("GET", r"/ehr/oauth2/authorize", Town.authorize),
    ("POST", r"/ehr/hyperspace/sign-in", Town.hyperspace_sign_in),
    ("GET", r"/ehr/hyperspace/", Town.hyperspace),
    ("GET", r"/ehr/hyperspace/appointments/([^/]+)/begin", Town.begin_status),
    ("GET", r"/connector/launch/callback", Town.callback),
    ("GET", r"/connector/launch/(?:provider|patient)", Town.launch),
    ("GET", r"/connector/visits/([^/]+)", Town.visit_page),
    ("GET", r"/connector/visits/([^/]+)/wait", Town.wait),
    ("GET", r"/connector/visits/([^/]+)/status", Town.status),
    ("GET", r"/connector/visits/([^/]+)/join", Town.join),
    ("GET", r"/connector/", Town.overview),
    ("GET", r"/connector/signin/microsoft", Town.sign_in),
    ("GET", r"/connector/signin/microsoft/callback", Town.signed_in),
    ("GET", r"/connector/configurations/env-1", Town.anything),
    ("GET", r"/connector/audit", Town.anything),
    ("GET", r"/feed/feed/visits/([^/]+)", Town.open_feed),
    ("POST", r"/teams/signin", Town.teams_sign_in),
    ("GET", r"/teams/", Town.anything),
    ("GET", r"/teams/l/meetup-join/(.+)/0", Town.show_staff_door),
    ("POST", r"/teams/l/meetup-join/(.+)/0", Town.staff_joins),
    ("GET", r"/teams/webrtc-svc/api/route", Town.show_patient_door),
    ("POST", r"/teams/webrtc-svc/api/route", Town.patient_joins),
    ("GET", r"/teams/teams/seat/([^/]+)", Town.show_seat),
    ("POST", r"/teams/teams/seat/([^/]+)/(admit|leave|end)", Town.act),
    ("GET", r"/teams/organizations/oauth2/v2.0/authorize", Town.picker),
    ("POST", r"/teams/organizations/oauth2/v2.0/authorize", Town.picked),
)


@dataclass(frozen=True, slots=True)
class TownStream:
    answer: Answer
    _lines: list[str]

    def lines(self, seconds: float) -> Iterator[str]:
        yield from self._lines if seconds > 0 else []


def _flat(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}


@contextmanager
def serve() -> Iterator[Town]:
    """The town on a loopback port, over HTTP."""
    town = Town()

    class Desk(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = town.send(self.command, self.path, dict(self.headers.items()), body)
            self.send_response(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_POST = _reply  # noqa: N815 - the names http.server looks for

        def log_message(self, *_: Any) -> None:
            """Nothing: a test's output is its own."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Desk)
    town.root = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield town
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
