"""The file of prepared launches: a CSV with a heading, read whole; every problem is named by its line.

| column | must be there | holds |
|---|---|---|
| `persona` | yes | `provider` or `patient` |
| `launch_url` | this | the address the EHR opens: `TARGET/launch/<persona>?iss=…&launch=…` |
| `iss`, `launch` | or these two | the EHR's FHIR base address and the launch token, when the address is put together here |
| `visit` | no | any reference: rows with the same are the two people of one visit. Without one a row is a visit of its own |
| `clinician` | no | any name of whose visit it is: only counted |
| `cookies` | no | a file beside this one, for an EHR that must find its user signed in: `cookie_file` |

A launch token is good for one launch and a way into a patient's record. It is never written down, nor is the EHR's
own reference of a visit: what a run keeps of a visit is the line it stands in.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from loadtest.browser import CookieJar
from loadtest.prepared.cookie_file import CookiesRefused, read_cookies
from loadtest.records import Persona

LAUNCHERS: Final = {one.value: one for one in (Persona.PROVIDER, Persona.PATIENT)}
URL, ISS, LAUNCH = "launch_url", "iss", "launch"
COLUMNS: Final = ("persona", URL, ISS, LAUNCH, "visit", "clinician", "cookies")
HTTPS_PORT: Final = 443


class LaunchesRefused(Exception):
    """The file cannot be used; each line of the message is one problem, with its line and without its values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedLaunch:
    line: int
    persona: Persona
    url: str = field(repr=False)
    clinician: str = field(default="", repr=False)
    cookies: CookieJar = field(default_factory=CookieJar, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedVisit:
    """One or two people. `csn` stands where the EHR's number stands in a visit we booked: the line of its first row."""

    csn: str
    provider: PreparedLaunch | None = None
    patient: PreparedLaunch | None = None

    @property
    def launches(self) -> tuple[PreparedLaunch, ...]:
        return tuple(one for one in (self.provider, self.patient) if one is not None)


@dataclass(frozen=True, slots=True)
class LaunchFile:
    """`trials` are spent before the run, to see that the EHR lets launches through; `visits` in order of arrival."""

    trials: tuple[PreparedVisit, ...]
    visits: tuple[PreparedVisit, ...]

    @classmethod
    def read(cls, file: Path, target: str) -> Self:
        """`target` is the connector's address, without a slash at the end.

        Raises:
            LaunchesRefused: names every problem.
        """
        heading, lines = _lines(file)
        if problems := list(_problems_of_heading(heading)):
            raise _refused(file, problems)
        reading = _Reading(target, file.parent)
        for line in lines:
            reading.take(line, heading)
        if not reading.problems and not lines:
            reading.problems.append("line 2: there is no launch")
        if reading.problems:
            raise _refused(file, reading.problems)
        visits = tuple(reading.visits.values())
        trials = _trials(visits)
        left = tuple(one for one in visits if one not in trials)
        if not left:
            spent = "the first visit of each persona is spent to see that launches get through"
            raise _refused(file, [f"line 2: no launch is left for the run: {spent}"])
        return cls(trials, left)

    @property
    def clinicians(self) -> int:
        """Named ones."""
        named = {one.clinician for visit in self.visits for one in visit.launches}
        return len(named - {""})


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    cells: Sequence[str]


@dataclass(slots=True)
class _Reading:
    """What is known after so many rows. `tokens`: (issuer, launch) → the line it stands in."""

    target: str
    folder: Path
    problems: list[str] = field(default_factory=list)
    visits: dict[str, PreparedVisit] = field(default_factory=dict)
    tokens: dict[tuple[str, str], int] = field(default_factory=dict)
    jars: dict[str, CookieJar] = field(default_factory=dict)

    def take(self, line: _Line, heading: Sequence[str]) -> None:
        if len(line.cells) != len(heading):
            words = f"has {len(line.cells)} cells, the heading {len(heading)}"
            self.problems.append(f"line {line.number}: {words}")
            return
        cells = [cell.strip() for cell in line.cells]
        row = dict.fromkeys(COLUMNS, "") | dict(zip(heading, cells, strict=True))
        found = [*self._problems_of(row, line.number)]
        self.problems += [f"line {line.number}: {one}" for one in found]
        if not found:
            self._keep(row, line.number)

    def _problems_of(self, row: Mapping[str, str], number: int) -> Iterator[str]:
        persona = LAUNCHERS.get(row["persona"])
        if persona is None:
            yield f"persona must be one of {', '.join(LAUNCHERS)}"
        ways = [bool(row[URL]), bool(row[ISS] or row[LAUNCH])]
        if all(ways) or not any(ways):
            yield f"either {URL} must be filled, or {ISS} and {LAUNCH}"
        elif persona:
            yield from _problems_of_url(_url_of(row, self.target), self.target, persona)
            yield from self._used_before(_token_of(_url_of(row, self.target)), number)
            yield from self._taken(row["visit"], persona)
        yield from self._problems_of_cookies(row["cookies"])

    def _used_before(self, token: tuple[str, str], number: int) -> Iterator[str]:
        first = self.tokens.setdefault(token, number)
        if first != number and all(token):
            yield f"its launch stands in line {first} already, and is good for one launch only"

    def _taken(self, visit: str, persona: Persona) -> Iterator[str]:
        known = self.visits.get(visit)
        earlier = known and {Persona.PROVIDER: known.provider, Persona.PATIENT: known.patient}
        other = earlier and earlier[persona]
        if other:
            yield f"its visit has a {persona} in line {other.line} already"

    def _problems_of_cookies(self, name: str) -> Iterator[str]:
        if not name or name in self.jars:
            return
        try:
            self.jars[name] = read_cookies(self.folder / name)
        except CookiesRefused as err:
            self.jars[name] = CookieJar()
            yield f"the cookies' file {err}"

    def _keep(self, row: Mapping[str, str], number: int) -> None:
        launch = PreparedLaunch(
            line=number,
            persona=LAUNCHERS[row["persona"]],
            url=_url_of(row, self.target),
            clinician=row["clinician"],
            cookies=self.jars.get(row["cookies"], CookieJar()),
        )
        # A line's own number is no reference: nobody else is of that visit.
        key = row["visit"] or f"\n{number}"
        known = self.visits.get(key, PreparedVisit(csn=f"line {number}"))
        provider = launch if launch.persona is Persona.PROVIDER else known.provider
        patient = launch if launch.persona is Persona.PATIENT else known.patient
        self.visits[key] = PreparedVisit(csn=known.csn, provider=provider, patient=patient)


def _lines(file: Path) -> tuple[Sequence[str], list[_Line]]:
    """Heading and rows; empty lines are none. Raises: LaunchesRefused."""
    lines, number = [], 1
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            rows = csv.reader(stream, strict=True)
            for cells in rows:
                if cells:
                    lines.append(_Line(number, cells))
                number = rows.line_num + 1
    except OSError as err:
        raise LaunchesRefused(f"{file} cannot be read: {err.strerror}") from err
    except UnicodeDecodeError as err:
        raise LaunchesRefused(f"{file} is not UTF-8") from err
    except csv.Error as err:
        raise LaunchesRefused(f"{file} is not CSV from line {number} on: {err}") from err
    if not lines:
        raise LaunchesRefused(f"{file} is empty: the first line names the columns")
    return [cell.strip() for cell in lines[0].cells], lines[1:]


def _problems_of_heading(heading: Sequence[str]) -> Iterator[str]:
    if "persona" not in heading:
        yield "line 1: there is no column persona; commas stand between columns"
    if URL not in heading and not {ISS, LAUNCH} <= {*heading}:
        yield f"line 1: there is no column {URL}, nor the two columns {ISS} and {LAUNCH}"
    unknown = [str(place) for place, name in enumerate(heading, 1) if name not in COLUMNS]
    if unknown:
        # Not by name: a file without a heading begins with a launch.
        yield f"line 1: unknown are columns {', '.join(unknown)}; known are {', '.join(COLUMNS)}"
    twice = sorted({name for name in heading if name in COLUMNS and heading.count(name) > 1})
    yield from (f"line 1: column {name} stands there twice" for name in twice)


def _url_of(row: Mapping[str, str], target: str) -> str:
    asked = urlencode({ISS: row[ISS], LAUNCH: row[LAUNCH]})
    return row[URL] or f"{target}/launch/{row['persona']}?{asked}"


def _problems_of_url(url: str, target: str, persona: Persona) -> Iterator[str]:
    try:
        given, ours = urlsplit(url), urlsplit(target)
        there = (given.scheme, given.hostname, given.port or HTTPS_PORT)
        here = (ours.scheme, ours.hostname, ours.port or HTTPS_PORT)
        asked = parse_qs(given.query)
        issuers, tokens = asked.get(ISS, []), asked.get(LAUNCH, [])
        is_issuer = len(issuers) == 1 and _is_https(issuers[0])
    except ValueError:
        yield "its launch is no address"
        return
    path = f"{ours.path}/launch/{persona}"
    if there != here or "@" in given.netloc:
        yield f"its launch goes to another host than the target {target}"
    elif given.path != path:
        yield f"a {persona} launches at {path}, its launch goes to another page"
    if not is_issuer:
        yield f"its launch needs one {ISS} that begins with https://"
    if len(tokens) != 1:
        yield f"its launch needs one {LAUNCH}"


def _is_https(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" and bool(parts.hostname)


def _token_of(url: str) -> tuple[str, str]:
    """Empty where there is none: that is a problem of its own."""
    try:
        asked = parse_qs(urlsplit(url).query)
    except ValueError:
        return "", ""
    return asked.get(ISS, [""])[0], asked.get(LAUNCH, [""])[0]


def _trials(visits: Sequence[PreparedVisit]) -> tuple[PreparedVisit, ...]:
    """The first visit with a clinician and the first with a patient; mostly they are the same."""
    first = [
        next((one for one in visits if one.provider), None),
        next((one for one in visits if one.patient), None),
    ]
    return tuple(one for one in visits if one in first)


def _refused(file: Path, problems: Sequence[str]) -> LaunchesRefused:
    return LaunchesRefused("\n".join([f"{file} cannot be used:", *problems]))
