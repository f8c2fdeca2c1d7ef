"""Set up once: a sandbox, configured and approved; one call recorded; visits launched; the database filled."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import parse_qs, quote, urlsplit

import urllib3
from scripts.sandbox_parts.ports import Ports
from scripts.story.narrator import eventually
from scripts.story.scenes import Visit, until_watched

from loadtest.bench.outside import Script
from loadtest.bench.parts.database import Database
from loadtest.bench.parts.filling import fill, rest, suffix_of
from loadtest.bench.stand import ROOT, Recorded, playing, record, serving
from loadtest.bench.wrk import NotMeasured, Request

VIEWERS: Final = 200
ORGANIZATIONS: Final = 10
AUDIT_LINES: Final = 200
FIRST_CSN: Final = 700_000_000
_AT_ONCE: Final = 16
_CLIENT_SECONDS: Final = 30.0
_SESSION: Final = "__Host-portal"
_PASS: Final = "__Host-visit-"  # noqa: S105 - the name of a cookie
_WRITE_BACK: Final = "/SetExternalConnectionStatus"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Heard:
    """While the clinician joined: Graph's post as it came, and the cookie of the admin who is signed in."""

    post: bytes
    portal_cookie: str


@dataclass(frozen=True, slots=True)
class Pass:
    """What a browser needs to watch one visit."""

    visit_id: str
    cookie: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """At rest: `database` is copied for each side, `passes` are of `VIEWERS` visits in it."""

    recorded: Recorded
    heard: Heard
    database: Database
    environment_id: str
    passes: Sequence[Pass]


@contextmanager
def prepared(folder: Path) -> Iterator[Prepared]:
    """The outside plays until the block ends.

    Raises:
        NotMeasured: the set-up did not leave what the parts need.
    """
    heard: list[Heard] = []
    recorded = record(folder / "sandbox", then=lambda visit: heard.append(_join(visit)))
    recorded = replace(recorded, script=of_every_organization(recorded.script))
    database = Database(folder / "sandbox" / "connector.db")
    environment_id: str = database.ask("SELECT id FROM ehr_environment")[0]
    with playing(recorded.script, folder):
        passes = _launch_visits(recorded, database, folder)
        with database.writing() as connection:
            fill(connection, organizations=ORGANIZATIONS, audit_lines=AUDIT_LINES)
            rest(connection)
        yield Prepared(
            recorded=recorded,
            heard=heard[0],
            database=database,
            environment_id=environment_id,
            passes=passes,
        )


def _join(visit: Visit) -> Heard:
    """The clinician joins; Graph's post is applied, and the EHR told."""
    until_watched(visit)
    cast = visit.cast
    cast.clinician.press("join-now")
    eventually(
        "the EHR heard of the clinician",
        lambda: ("provider", "connected") in visit.audit_trail(),
    )
    graph = cast.sandbox.urls.mock_microsoft
    entries = cast.admin.get_json(f"{graph}/sim/journal?path=*/graph/notifications")["entries"]
    posts = [one["request"]["body"] for one in entries if one["status"] == HTTPStatus.ACCEPTED]
    session = cast.admin.browser.session.cookies.get(_SESSION)
    if not posts or not session:
        raise NotMeasured("neither a notification nor a portal session was there to record")
    return Heard(posts[-1].encode(), f"{_SESSION}={session}")


def of_every_organization(script: Script) -> Script:
    """The EHRs of all organizations take reports as the recorded one does."""
    said = dict(script.documents)
    for path, answer in script.documents.items():
        if path.endswith(_WRITE_BACK):
            for number in range(2, ORGANIZATIONS + 1):
                said[path.replace("/api/", f"{suffix_of(number)}/api/", 1)] = answer
    if said.keys() == script.documents.keys():
        raise NotMeasured("no write-back was recorded")
    return replace(script, documents=said)


def _launch_visits(recorded: Recorded, database: Database, folder: Path) -> list[Pass]:
    port = Ports.free().connector
    with serving(recorded, ROOT / "services", port, folder / "prepare.log") as web:
        browsers = Browsers(web.address, recorded)
        csns = range(FIRST_CSN, FIRST_CSN + VIEWERS)
        cookies = browsers.at_once(browsers.launch, csns)
    visits = {visit_id[-16:]: visit_id for visit_id in database.ask("SELECT id FROM visit")}
    return [_pass(cookie, visits) for cookie in cookies]


def _pass(cookie: str, visits: dict[str, str]) -> Pass:
    name = cookie.partition("=")[0].removeprefix(_PASS)
    if name not in visits:
        raise NotMeasured("a launch left a pass for no visit")
    return Pass(visits[name], cookie)


class Browsers:
    """Sixteen at once: launches that nobody measures."""

    def __init__(self, address: str, recorded: Recorded) -> None:
        self._address = address
        self._begin = f"/launch/provider?launch=bench&iss={quote(recorded.fhir_base, safe='')}"
        self._iss = quote(recorded.iss, safe="")
        self._pool = urllib3.PoolManager(maxsize=_AT_ONCE, timeout=_CLIENT_SECONDS, retries=False)

    @property
    def first_half(self) -> Request:
        return Request(self._begin)

    def begin(self, csn: int) -> Request:
        """The first half of a launch; the second half that the EHR would send the browser on."""
        answer = self._ask(self.first_half)
        given = parse_qs(urlsplit(answer.headers.get("Location", "")).query)
        if "state" not in given:
            raise NotMeasured(f"a launch was answered {answer.status}, and not sent to the EHR")
        state, nonce = given["state"][0], given["nonce"][0]
        back = f"/launch/callback?code={csn}~{nonce}&state={state}&iss={self._iss}"
        return Request(back, answer.headers["Set-Cookie"].partition(";")[0])

    def launch(self, csn: int) -> str:
        """Both halves; the visit's pass, a cookie."""
        answer = self._ask(self.begin(csn))
        given = [one.partition(";")[0] for one in answer.headers.getlist("Set-Cookie")]
        passes = [one for one in given if one.startswith(_PASS)]
        if not passes:
            raise NotMeasured(f"a launch was answered {answer.status}, and left no pass")
        return passes[0]

    def at_once(self, each: Callable[[int], _T], csns: Sequence[int]) -> list[_T]:
        """On new connections: web has closed those of the last round, or is about to."""
        self._pool.clear()
        with ThreadPoolExecutor(_AT_ONCE) as browsers:
            return list(browsers.map(each, csns))

    def _ask(self, asked: Request) -> urllib3.BaseHTTPResponse:
        address, headers = self._address + asked.path, {"Cookie": asked.cookie}
        try:
            return self._pool.request(asked.method, address, headers=headers, redirect=False)
        except urllib3.exceptions.HTTPError as err:
            raise NotMeasured(f"a launch was not answered: {type(err).__name__}") from err
