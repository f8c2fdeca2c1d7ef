"""`connector smoke URL`: does a deployment answer, asked from outside, as browsers and EHRs ask it?"""

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import click

from connector.cli import smoke_words
from connector.cli.speech import with_json
from connector.domain.findings import Verdict
from connector.ports.answers import host_of, json_object
from connector.ports.errors import AddressRefused, BadAnswer, OutsideError
from connector.ports.http import Answer, Http

if TYPE_CHECKING:
    from connector.adapters.system.http import GuardedHttp

_SECONDS = 10.0
_MOST_BYTES = 100_000
_NOTHING_THERE = f"http_{HTTPStatus.NOT_FOUND:d}"
_WORKER = ("alive", "silent")
_MARKS = {Verdict.OK: "ok     ", Verdict.WARNING: "warning", Verdict.FAILED: "FAILED "}


@dataclass(frozen=True, slots=True)
class Told:
    """What one address came to; `code` and `remedy` are empty where all is well."""

    url: str
    verdict: Verdict
    code: str
    cause: str
    remedy: str


def _origin(_context: click.Context, _parameter: click.Parameter, url: str | None) -> str | None:
    """Without its slash. What was typed is not repeated: it may hold a password."""
    from connector.adapters.system.egress import destination_of

    if url is None:
        return None
    try:
        target = destination_of(url).target
    except AddressRefused as err:
        raise click.BadParameter(f"https://HOST[:PORT] is needed ({err.code})") from err
    if target != "/" or "#" in url:
        raise click.BadParameter("https://HOST[:PORT] is needed, without a path")
    return url.rstrip("/")


@click.command()
@click.argument("url", callback=_origin)
@click.option(
    "--instead",
    metavar="URL",
    callback=_origin,
    help="Ask this one if nothing is under the first: 404 for all, after all attempts.",
)
@click.option(
    "--ca-file",
    type=click.Path(exists=True, dir_okay=False),
    help="PEM of an authority trusted besides the system's.",
)
@click.option(
    "--attempts",
    type=click.IntRange(1, 1000),
    default=30,
    show_default=True,
    help="How often to ask an address before it counts as failed.",
)
@click.option(
    "--pause",
    "pause_seconds",
    type=click.FloatRange(0, 600),
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="Between two attempts.",
)
@with_json
def smoke(
    *,
    url: str,
    instead: str | None,
    ca_file: str | None,
    attempts: int,
    pause_seconds: float,
    as_json: bool,
) -> None:
    """Ask a deployment whether it answers: alive, ready, with the keys EHRs verify us by.

    Asks URL/healthz, URL/readyz and URL/.well-known/jwks.json over https, each for 10 s at most; no
    redirect is followed. What does not answer as it should is asked again: a revision may just be
    starting. Needs no settings. A silent worker is told and is no failure: it is another app.

    Examples:
      connector smoke https://visits.example.org
      connector smoke --attempts 1 --json https://visits.example.org
      connector smoke https://app---candidate.internal.example --instead https://app.internal.example

    Exit codes: 0 it answers as it should, 1 it does not, 2 wrong usage.
    """
    http = _way_to([each for each in (url, instead) if each], ca_file)
    told = _last_round(http, url, attempts, pause_seconds)
    if instead and all(each.code == _NOTHING_THERE for each in told.values()):
        click.echo(f"nothing is under {url}: {instead} is asked", err=True)
        told = _last_round(http, instead, attempts, pause_seconds)
    _say(list(told.values()), as_json=as_json)
    sys.exit(1 if _failed(told) else 0)


def _way_to(urls: Sequence[str], ca_file: str | None) -> "GuardedHttp":
    """The guarded way out, which may go to private addresses of these: a candidate has no others."""
    from connector.adapters.system.http import GuardedHttp

    try:
        return GuardedHttp(ca_file, frozenset(host_of(url) for url in urls))
    except OSError as err:
        raise click.BadParameter("--ca-file holds no certificates in PEM") from err


def _last_round(
    http: "GuardedHttp", url: str, attempts: int, pause_seconds: float
) -> Mapping[str, Told]:
    told: Mapping[str, Told] = {}
    for attempt, told in enumerate(_rounds(http, url, attempts), start=1):
        if attempt < attempts and _failed(told):
            if attempt == 1:
                _say_that_we_wait(told, attempts)
            time.sleep(pause_seconds)
    return told


def _rounds(http: "GuardedHttp", url: str, attempts: int) -> Iterator[Mapping[str, Told]]:
    """After each round what every address came to; only those that failed are asked again."""
    told: dict[str, Told] = {}
    for _ in range(attempts):
        for path, check in _CHECKS.items():
            if path not in told or told[path].verdict is Verdict.FAILED:
                told[path] = _asked(http, url + path, check)
        http.close()  # the next round resolves and connects anew, as everybody does
        yield told
        if not _failed(told):
            return


def _failed(told: Mapping[str, Told]) -> bool:
    return any(each.verdict is Verdict.FAILED for each in told.values())


def _asked(http: Http, url: str, check: "Check") -> Told:
    try:
        answer = http.send("GET", url, deadline_seconds=_SECONDS, max_bytes=_MOST_BYTES)
        found = check(json_object(answer)) if answer.status == HTTPStatus.OK else _refused(answer)
    except OutsideError as err:
        found = Verdict.FAILED, err.code, *smoke_words.of_error(err.code)
    return Told(url, *found)


def _refused(answer: Answer) -> "Outcome":
    """A 503 is ours if it names the dependency; every gateway has one of its own."""
    if answer.status == HTTPStatus.SERVICE_UNAVAILABLE:
        with contextlib.suppress(BadAnswer):
            problem = json_object(answer).get("database")
            if problem is not None:
                return Verdict.FAILED, "not_ready", *smoke_words.of_database(problem)
    return Verdict.FAILED, f"http_{answer.status}", *smoke_words.of_status(answer.status)


# --- what an answer must be -----------------------------------------------------------------------

Outcome = tuple[Verdict, str, str, str]  # verdict, code, cause, remedy
Check = Callable[[Mapping[str, Any]], Outcome]


def _alive(said: Mapping[str, Any]) -> Outcome:
    if said.get("status") != "alive":
        raise BadAnswer("unexpected")
    return Verdict.OK, "", "alive", ""


def _ready(said: Mapping[str, Any]) -> Outcome:
    worker = said.get("worker")
    if (said.get("status"), said.get("database")) != ("ready", "ok") or worker not in _WORKER:
        raise BadAnswer("unexpected")
    if worker == "silent":
        return Verdict.WARNING, "worker_silent", *smoke_words.WORKER_SILENT
    return Verdict.OK, "", "ready, and the worker is alive", ""


def _published(said: Mapping[str, Any]) -> Outcome:
    from connector.cli.smoke_keys import problem_of

    code = problem_of(said)
    if code is not None:
        return Verdict.FAILED, code, *smoke_words.KEYS[code]
    return Verdict.OK, "", "an RS384 and an ES384 key, public members only", ""


_CHECKS: Mapping[str, Check] = {
    "/healthz": _alive,
    "/readyz": _ready,
    "/.well-known/jwks.json": _published,
}

# --- what is printed ------------------------------------------------------------------------------


def _say_that_we_wait(told: Mapping[str, Told], attempts: int) -> None:
    waits = [each for each in told.values() if each.verdict is Verdict.FAILED]
    click.echo(f"asked again, up to {attempts} times: {waits[0].url}: {waits[0].cause}", err=True)


def _say(found: Sequence[Told], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([asdict(each) for each in found]))
        return
    for each, following in zip_longest(found, found[1:]):
        click.echo(f"{_MARKS[each.verdict]} {each.url}: {each.cause}")
        if each.remedy and (following is None or following.remedy != each.remedy):
            click.echo(f"        to do: {each.remedy}")
