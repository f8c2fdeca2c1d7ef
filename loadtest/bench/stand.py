"""A connector configured through the real flow, whose outside is then played by `outside`.

The sandbox sets everything up, one provider launch is recorded, and web starts anew, behind plain HTTP as behind a
stamp's gateway, before an outside that costs little.
"""

import io
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

import jwt
import psutil  # type: ignore[import-untyped]  # ships no types
import requests
from rich.console import Console
from scripts.sandbox import Sandbox
from scripts.sandbox_parts.configuration import client_id
from scripts.sandbox_parts.plans import inherited_environment
from scripts.sandbox_parts.ports import LOOPBACK
from scripts.story.cast import Cast
from scripts.story.narrator import Narrator
from scripts.story.scenes import SetUp, Visit, first_sign_in

from loadtest.bench.outside import Script

ROOT: Final = Path(__file__).resolve().parents[2]
PATIENT: Final = "PCHALMERS"
READY_SECONDS: Final = 30.0
GIVEN: Final = (HTTPStatus.OK, HTTPStatus.CREATED)
_TLS: Final = ("CONNECTOR_TLS_CERT_FILE", "CONNECTOR_TLS_KEY_FILE")

Exchange = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A configured connector at rest: `environment` are its settings, `iss` what the EHR calls itself."""

    script: Script
    environment: Mapping[str, str]
    fhir_base: str
    iss: str

    def with_settings(self, settings: Mapping[str, str]) -> Self:
        """The same connector with some settings changed."""
        return replace(self, environment={**self.environment, **settings})


def record(
    folder: Path,
    settings: Mapping[str, str] | None = None,
    then: Callable[[Visit], None] | None = None,
) -> Recorded:
    """Set up a sandbox there, launch once, write down what the outside said; nothing runs afterwards.

    Args:
        folder: of the sandbox.
        settings: of the connector that differ from the sandbox's.
        then: what happens before it ends, given the visit that was launched. A patient who launches
            in it is recorded too.
    """
    with Sandbox(folder, settings=settings) as sandbox:
        cast, narrator = Cast(sandbox), Narrator(Console(file=io.StringIO()))
        SetUp(cast, narrator, "test").play()
        visit = Visit(cast, narrator, "test", PATIENT)
        visit.find()
        first_sign_in(visit)
        if then is not None:
            then(visit)
        urls = sandbox.urls
        with sandbox.session() as session:
            said = _journal(session, urls.ehr("test")) + _journal(session, urls.mock_microsoft)
            jwks_uri = session.get(
                f"{urls.fhir_base('test')}/.well-known/smart-configuration", timeout=READY_SECONDS
            ).json()["jwks_uri"]
        script = _script(said, urlsplit(jwks_uri).path, visit.appointment_id, sandbox)
        return Recorded(
            script,
            dict(sandbox.environment),
            urls.fhir_base("test"),
            str(script.id_claims["iss"]),
        )


def _journal(session: requests.Session, url: str) -> list[Exchange]:
    entries: list[Exchange] = session.get(f"{url}/sim/journal", timeout=READY_SECONDS).json()[
        "entries"
    ]
    return [one for one in entries if one["direction"] == "in" and one["status"] in GIVEN]


def _script(
    said: Sequence[Exchange], jwks_path: str, appointment_id: str, sandbox: Sandbox
) -> Script:
    def last(method: str, ending: str, sent: str = "") -> Exchange:
        return [
            one
            for one in said
            if one["method"] == method
            and one["path"].endswith(ending)
            and sent in one["request"]["body"]
        ][-1]

    tokens = _launch_tokens(said)
    token, id_claims = tokens[client_id("test", "provider")]
    patient_token, patient_claims = tokens.get(client_id("test", "patient"), ("", {}))
    token_path = last("POST", "/oauth2/token", "launch%2Fcallback")["path"]
    app_token = last("POST", "/oauth2/v2.0/token", "client_credentials")
    meeting = last("POST", "/createOrGet")
    appointment = last("GET", f"/Appointment/{appointment_id}")
    thread = meeting["response"]["body"].partition("meeting_")[2].partition("%40")[0]
    return Script(
        ports=(sandbox.ports.mock_fhir, sandbox.ports.mock_microsoft),
        certificate=str(sandbox.certificates.cert_file),
        key=str(sandbox.certificates.key_file),
        documents={one["path"]: one["response"]["body"] for one in said if one["method"] == "GET"},
        patched={one["path"]: one["response"]["body"] for one in said if one["method"] == "PATCH"},
        jwks_path=jwks_path,
        token_path=token_path,
        token=token,
        id_claims=id_claims,
        patient_token=patient_token,
        patient_claims=patient_claims,
        appointments_path=appointment["path"].removesuffix(appointment_id),
        appointment=appointment["response"]["body"],
        meeting_path=meeting["path"],
        meeting=meeting["response"]["body"],
        csn=appointment_id.rpartition("-")[2],
        thread=thread,
        meeting_id=json.loads(meeting["response"]["body"])["id"],
        backend_token=_backend_token(said),
        app_token_path=app_token["path"],
        app_token=app_token["response"]["body"],
    )


def _launch_tokens(said: Sequence[Exchange]) -> dict[str, tuple[str, dict[str, Any]]]:
    """By client: the newest token answer, its ID token cut out, and that one's claims."""
    found = {}
    for one in said:
        if one["path"].endswith("/oauth2/token") and "launch%2Fcallback" in one["request"]["body"]:
            body = one["response"]["body"]
            id_token = json.loads(body)["id_token"]
            claims = jwt.decode(id_token, options={"verify_signature": False})
            found[str(claims["aud"])] = (body.replace(id_token, "ID_TOKEN"), claims)
    return found


def _backend_token(said: Sequence[Exchange]) -> str:
    """What the worker's token request was answered; empty when nothing was written back."""
    answers = [
        one["response"]["body"]
        for one in said
        if one["path"].endswith("/oauth2/token")
        and "grant_type=client_credentials" in one["request"]["body"]
    ]
    return answers[-1] if answers else ""


@contextmanager
def playing(script: Script, folder: Path) -> Iterator[psutil.Process]:
    """The outside, until the block ends."""
    file = folder / "script.json"
    file.write_text(json.dumps(asdict(script)), encoding="utf-8")
    command = [sys.executable, "-m", "loadtest.bench.outside", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as process:
        try:
            if process.stdout is None or process.stdout.readline() != "ready\n":
                raise RuntimeError("the bench's outside did not start")
            yield psutil.Process(process.pid)
        finally:
            process.terminate()


@dataclass(frozen=True, slots=True)
class Web:
    """A running connector web; `address` is plain HTTP."""

    address: str
    process: psutil.Process

    def cpu_seconds(self) -> float:
        """Of its worker processes since they began."""
        used = [one.cpu_times() for one in self.process.children(recursive=True)]
        return float(sum(one.user + one.system for one in used))

    def memory_bytes(self) -> list[int]:
        """PSS of each worker process: what it shares is divided among those who share it."""
        return [one.memory_full_info().pss for one in self.process.children(recursive=True)]


@contextmanager
def serving(recorded: Recorded, source: Path, port: int, log: Path) -> Iterator[Web]:
    """The connector whose package lies in `source`, with the recorded settings."""
    settings = {**recorded.environment, "CONNECTOR_BIND": f"{LOOPBACK}:{port}"}
    with running("web", settings, source, log) as process:
        web = Web(f"http://{LOOPBACK}:{port}", psutil.Process(process.pid))
        wait_until_alive(web.address, process)
        yield web


@contextmanager
def running(
    role: str, settings: Mapping[str, str], source: Path, log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """`connector <role>` of the package in `source`, in plain HTTP, until the block ends."""
    plain = {k: v for k, v in settings.items() if k not in _TLS}
    environment = {**inherited_environment(), **plain, "PYTHONPATH": str(source)}
    command = [sys.executable, "-c", "from connector.cli import main; main()", role]
    with (
        log.open("wb") as out,
        subprocess.Popen(command, env=environment, stdout=out, stderr=subprocess.STDOUT) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()


def wait_until_alive(address: str, process: subprocess.Popen[bytes]) -> None:
    """Raises: RuntimeError: it ended, or does not answer."""
    deadline = time.monotonic() + READY_SECONDS
    with requests.Session() as session:
        session.trust_env = False
        while time.monotonic() < deadline and process.poll() is None:
            try:
                if session.get(f"{address}/healthz", timeout=READY_SECONDS).ok:
                    return
            except requests.RequestException:
                time.sleep(0.05)
    raise RuntimeError(f"nothing became ready at {address}")
