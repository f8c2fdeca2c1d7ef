"""`connector smoke URL`, against a real TLS server that answers as a deployment does, and as none should."""

import importlib
import json
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import trustme
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from tests.fakes.wire import DROPPED, Reply, WireServer, authority, ca_file, drip, wire

from connector.adapters.vault.assertions import AssertionKeys, assertion_key
from connector.cli import main

__all__ = ["authority", "ca_file", "wire"]

MODULE = importlib.import_module("connector.cli.smoke")  # the package's name for it is the command
HEALTHZ, READYZ, JWKS = "/healthz", "/readyz", "/.well-known/jwks.json"
RSA_KEY = generate_rsa(public_exponent=65537, key_size=2048)
EC_KEY = generate_private_key(SECP384R1())
# What the connector itself publishes.
PUBLISHED = AssertionKeys([assertion_key(RSA_KEY), assertion_key(EC_KEY)]).public_keys()
READY = {"status": "ready", "database": "ok", "worker": "alive"}

Smoke = Callable[..., Result]


@pytest.fixture
def deployment(wire: WireServer) -> WireServer:
    """All is well with it."""
    wire.answer("GET", HEALTHZ, Reply(body={"status": "alive"}))
    wire.answer("GET", READYZ, Reply(body=READY))
    wire.answer("GET", JWKS, Reply(body=PUBLISHED))
    return wire


@pytest.fixture
def smoke(deployment: WireServer, ca_file: str, monkeypatch: pytest.MonkeyPatch) -> Smoke:
    """Once, without a pause and without any setting."""
    monkeypatch.delenv("CONNECTOR_PUBLIC_URL", raising=False)

    def run(*words: str, url: str = "", trusting: str = ca_file, attempts: int = 1) -> Result:
        trust = ["--ca-file", trusting] if trusting else []
        often = ["--attempts", str(attempts), "--pause", "0"]
        arguments = ["smoke", url or deployment.url, *trust, *often, *words]
        result = CliRunner().invoke(main, arguments)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return run


def failed(result: Result) -> dict[str, Any]:
    """The one address that failed, of a `--json` run that exited 1."""
    assert result.exit_code == 1
    (found,) = [each for each in json.loads(result.stdout) if each["verdict"] == "failed"]
    assert found["cause"]
    assert found["remedy"]
    return dict(found)


def test_a_deployment_that_answers_as_it_should_gets_a_line_for_each_address(
    smoke: Smoke, deployment: WireServer
) -> None:
    result = smoke()
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["ok", f"{deployment.url}{path}:"] for path in (HEALTHZ, READYZ, JWKS)
    ]
    assert [heard.path for heard in deployment.heard] == [HEALTHZ, READYZ, JWKS]


def test_the_same_is_told_to_programs(smoke: Smoke, deployment: WireServer) -> None:
    told = json.loads(smoke("--json", url=f"{deployment.url}/").stdout)
    assert [(each["verdict"], each["code"], each["remedy"]) for each in told] == [
        ("ok", "", "")
    ] * 3
    assert told[0]["url"] == f"{deployment.url}/healthz"


def test_a_silent_worker_is_told_and_fails_nothing(smoke: Smoke, deployment: WireServer) -> None:
    deployment.answer("GET", READYZ, Reply(body=READY | {"worker": "silent"}))
    result = smoke()
    assert result.exit_code == 0
    assert f"warning {deployment.url}/readyz" in result.stdout
    assert "connector worker" in result.stdout


# --- starting -------------------------------------------------------------------------------------


def test_a_revision_that_is_just_starting_is_waited_for(
    smoke: Smoke, deployment: WireServer
) -> None:
    starting = Reply(503, "no healthy upstream")
    deployment.answer("GET", HEALTHZ, starting, starting, Reply(body={"status": "alive"}))
    deployment.answer("GET", READYZ, DROPPED, Reply(body=READY))
    result = smoke(attempts=3)
    assert result.exit_code == 0
    assert len(result.stderr.splitlines()) == 1
    asked = [len(deployment.requests(path)) for path in (HEALTHZ, READYZ, JWKS)]
    assert asked == [3, 2, 1], "what has answered is not asked again"


def test_each_attempt_connects_anew(smoke: Smoke, deployment: WireServer) -> None:
    """Behind a gateway the next connection may be the first to meet the new revision."""
    deployment.answer("GET", READYZ, Reply(503, None))
    smoke(attempts=4)
    assert deployment.connections == 4


def test_it_ends_after_its_attempts(smoke: Smoke, deployment: WireServer) -> None:
    deployment.answer("GET", READYZ, Reply(503, None))
    assert failed(smoke("--json", attempts=3))["url"].endswith(READYZ)
    assert len(deployment.requests(READYZ)) == 3


def test_there_is_a_pause_between_attempts_and_none_after_the_last(
    smoke: Smoke, deployment: WireServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused: list[float] = []
    monkeypatch.setattr(MODULE.time, "sleep", paused.append)
    deployment.answer("GET", READYZ, Reply(503, None))
    smoke("--pause", "7", attempts=3)
    assert paused == [7.0, 7.0]


# --- unreachable ----------------------------------------------------------------------------------


def all_failed(result: Result) -> list[tuple[str, str, str]]:
    assert result.exit_code == 1
    return [(each["code"], each["cause"], each["remedy"]) for each in json.loads(result.stdout)]


def test_a_name_nobody_has_is_said(smoke: Smoke) -> None:
    told = all_failed(smoke("--json", url="https://connector.invalid"))
    assert {code for code, _, _ in told} == {"name_unknown"}
    assert "unreachable" in told[0][1]
    assert "resolves" in told[0][2]


def test_a_port_where_nobody_listens_is_said(smoke: Smoke) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    told = all_failed(smoke("--json", url=f"https://localhost:{port}"))
    assert {code for code, _, _ in told} == {"no_connection"}
    assert "inside the stamp's network" in told[0][2]


def test_what_is_to_be_done_about_all_of_them_is_said_once(
    smoke: Smoke, deployment: WireServer
) -> None:
    for path in (HEALTHZ, READYZ, JWKS):
        deployment.answer("GET", path, Reply(502, None))
    lines = smoke().stdout.splitlines()
    assert [line.startswith("FAILED") for line in lines] == [True, True, True, False]


def test_a_connection_that_is_broken_off_is_said(smoke: Smoke, deployment: WireServer) -> None:
    deployment.answer("GET", HEALTHZ, DROPPED)
    assert failed(smoke("--json"))["code"] == "connection_lost"


def test_an_answer_that_drips_ends_in_time(
    smoke: Smoke, deployment: WireServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MODULE, "_SECONDS", 0.3)
    deployment.answer("GET", HEALTHZ, drip(b'{"status": "alive"}' + b" " * 200))
    assert failed(smoke("--json"))["code"] == "timeout"


# --- certificates ---------------------------------------------------------------------------------


def test_an_authority_this_machine_does_not_know_is_said(smoke: Smoke) -> None:
    told = all_failed(smoke("--json", trusting=""))
    assert {code for code, _, _ in told} == {"certificate_authority_unknown"}
    assert "--ca-file" in told[0][2]


def test_a_certificate_of_another_host_is_said(smoke: Smoke, authority: trustme.CA) -> None:
    with WireServer(authority.issue_cert("another.example")) as other:
        told = all_failed(smoke("--json", url=other.url))
    assert {code for code, _, _ in told} == {"certificate_of_other_host"}
    assert other.heard == []


def test_a_server_without_tls_is_said(smoke: Smoke) -> None:
    with WireServer(None) as plain:
        told = all_failed(smoke("--json", url=plain.url.replace("http:", "https:")))
    assert {code for code, _, _ in told} == {"tls_failed"}


# --- answers of others ----------------------------------------------------------------------------


def test_an_address_without_a_revision_is_said(smoke: Smoke, deployment: WireServer) -> None:
    for path in (HEALTHZ, READYZ, JWKS):
        deployment.answer(
            "GET", path, Reply(404, "<h1>Error 404 - This Container App is stopped</h1>")
        )
    told = all_failed(smoke("--json"))
    assert {code for code, _, _ in told} == {"http_404"}
    assert "label" in told[0][2]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(smoke: Smoke, deployment: WireServer, status: int) -> None:
    deployment.answer("GET", "/sign-in", Reply(body={"status": "alive"}))
    deployment.answer("GET", HEALTHZ, Reply(status, None, {"Location": "/sign-in"}))
    found = failed(smoke("--json"))
    assert (found["code"], "not followed" in found["cause"]) == (f"http_{status}", True)
    assert deployment.requests("/sign-in") == []


@pytest.mark.parametrize("status", [204, 401, 403, 418, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("path", [HEALTHZ, READYZ, JWKS])
def test_every_other_status_is_named(
    smoke: Smoke, deployment: WireServer, path: str, status: int
) -> None:
    deployment.answer("GET", path, Reply(status, None))
    found = failed(smoke("--json"))
    assert (found["code"], found["url"]) == (f"http_{status}", f"{deployment.url}{path}")
    assert found["cause"].startswith(f"{status}, ")


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body="<html>sign in</html>"),
        Reply(body=b"alive"),
        Reply(body=b""),
        Reply(body=[]),
        Reply(body={}),
        Reply(
            body=b'{"status": "alive", "status": "alive"}', headers={"Content-Type": "text/html"}
        ),
        Reply(body={"status": "ok"}),
        Reply(body={"status": ["alive"]}),
        Reply(body={"status": "ready"}),
        Reply(body=b"[" * 50_000),
        Reply(body=b'{"status": "alive"}' + b" " * 200_000),
    ],
    ids=range(11),
)
@pytest.mark.parametrize("path", [HEALTHZ, READYZ, JWKS])
def test_what_is_not_the_connectors_answer_is_said(
    smoke: Smoke, deployment: WireServer, path: str, reply: Reply
) -> None:
    """The feed, a sign-in page, another service: 200 alone proves nothing."""
    deployment.answer("GET", path, reply)
    assert failed(smoke("--json"))["url"] == f"{deployment.url}{path}"


def test_nothing_a_stranger_answers_is_printed(smoke: Smoke, deployment: WireServer) -> None:
    """It goes to a terminal, and into the log of a build."""
    evil = "\x1b[2J::set-env name=A::B"
    deployment.answer("GET", HEALTHZ, Reply(body={"status": evil}))
    deployment.answer("GET", READYZ, Reply(503, {"status": evil, "database": evil}))
    deployment.answer("GET", JWKS, Reply(body={"keys": [{evil: evil}]}))
    for form in ([], ["--json"]):
        told = smoke(*form)
        assert told.exit_code == 1
        assert "set-env" not in told.output
        assert "\x1b" not in told.output


@pytest.fixture
def nothing(authority: trustme.CA) -> Iterator[WireServer]:
    """An ingress that knows no such label: 404 for everything."""
    with WireServer(authority.issue_cert("localhost")) as server:
        yield server


def test_where_there_is_no_candidate_the_app_is_asked_instead(
    smoke: Smoke, deployment: WireServer, nothing: WireServer
) -> None:
    result = smoke("--instead", f"{deployment.url}/", url=nothing.url, attempts=3)
    assert result.exit_code == 0
    assert f"nothing is under {nothing.url}: {deployment.url} is asked" in result.stderr
    assert nothing.url not in result.stdout
    assert f"ok      {deployment.url}/readyz" in result.stdout
    assert len(nothing.requests(READYZ)) == 3, "its label may just be on the way"


def test_a_candidate_that_appears_in_time_is_the_one_that_counts(
    smoke: Smoke, deployment: WireServer, nothing: WireServer
) -> None:
    for path in (HEALTHZ, READYZ, JWKS):
        nothing.answer("GET", path, Reply(404, None), Reply(502, None))
    result = smoke("--instead", deployment.url, url=nothing.url, attempts=3)
    assert result.exit_code == 1
    assert deployment.heard == []


@pytest.mark.parametrize("path", [HEALTHZ, READYZ, JWKS])
def test_a_candidate_that_answers_anything_is_there(
    smoke: Smoke, deployment: WireServer, nothing: WireServer, path: str
) -> None:
    """A candidate that is broken must never pass because the app behind it is well."""
    nothing.answer("GET", path, Reply(500, None))
    result = smoke("--instead", deployment.url, url=nothing.url)
    assert result.exit_code == 1
    assert deployment.heard == []


def test_a_candidate_that_cannot_be_reached_is_there(smoke: Smoke, deployment: WireServer) -> None:
    result = smoke("--instead", deployment.url, url="https://connector.invalid")
    assert result.exit_code == 1
    assert deployment.heard == []


def test_what_is_asked_instead_must_be_well(smoke: Smoke, nothing: WireServer) -> None:
    result = smoke("--instead", nothing.url, url=nothing.url)
    assert result.exit_code == 1
    assert len(nothing.requests(READYZ)) == 2


# --- not ready ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("problem", "to_do"),
    [
        ("not_migrated", "connector db upgrade"),
        ("not_granted", "CONNECTOR_DATABASE_APP_ROLE"),
        ("read_only", "primary"),
        ("unreachable", "CONNECTOR_DATABASE_URL"),
        ("of_tomorrow", "of_tomorrow"),
        (["odd"], "runbook"),
    ],
    ids=str,
)
def test_what_is_wrong_with_the_database_is_said(
    smoke: Smoke, deployment: WireServer, problem: object, to_do: str
) -> None:
    deployment.answer("GET", READYZ, Reply(503, {"status": "not ready", "database": problem}))
    found = failed(smoke("--json"))
    assert found["code"] == "not_ready"
    assert found["cause"].startswith("503, not ready because of the database (")
    assert to_do in found["remedy"]
    assert "docs/runbooks/doctor.md#database" in found["remedy"]


@pytest.mark.parametrize(
    "change",
    [{"database": "locked"}, {"database": None}, {"status": "not ready"}, {"worker": "odd"}],
    ids=str,
)
def test_ready_means_every_word_of_it(
    smoke: Smoke, deployment: WireServer, change: Mapping[str, Any]
) -> None:
    deployment.answer("GET", READYZ, Reply(body={**READY, **change}))
    assert failed(smoke("--json"))["url"].endswith(READYZ)


# --- keys -----------------------------------------------------------------------------------------

RS384, ES384 = PUBLISHED["keys"]
SMALL = generate_rsa(public_exponent=65537, key_size=1024)  # noqa: S505 - must be refused
WEAK = RSAAlgorithm.to_jwk(SMALL.public_key(), True)
P256 = ECAlgorithm.to_jwk(generate_private_key(SECP256R1()).public_key(), True)


@pytest.mark.parametrize(
    "keys",
    [
        [],
        [RS384],
        [ES384],
        [RS384 | {"alg": "RS256"}, ES384],
        [RS384, ES384 | {"alg": "ES256"}],
        [RS384 | {"use": "enc"}, ES384],
        [RS384, {name: value for name, value in ES384.items() if name != "kid"}],
        [RS384, ES384 | {"kid": ""}],
        [RS384 | {"n": "AQAB"}, ES384],
        [RS384 | {"n": "not base64url!"}, ES384],
        [RS384 | {"n": 5}, ES384],
        [RS384, ES384 | {"y": ES384["x"]}],
        [RS384, ES384 | {"crv": "P-521"}],
        [RS384, ES384 | {"kty": "oct"}],
        [RS384 | WEAK, ES384],
        [RS384, ES384 | P256],
    ],
    ids=range(16),
)
def test_keys_that_no_ehr_can_verify_by_are_missing(
    smoke: Smoke, deployment: WireServer, keys: list[Any]
) -> None:
    deployment.answer("GET", JWKS, Reply(body={"keys": keys}))
    found = failed(smoke("--json"))
    assert (found["code"], found["url"]) == ("keys_missing", f"{deployment.url}{JWKS}")


@pytest.mark.parametrize("keys", [None, {}, "keys", [RS384, ES384, "key"], [[RS384]]], ids=range(5))
def test_what_is_no_key_set_is_said(smoke: Smoke, deployment: WireServer, keys: object) -> None:
    deployment.answer("GET", JWKS, Reply(body={"keys": keys}))
    assert failed(smoke("--json"))["code"] == "keys_malformed"


@pytest.mark.parametrize(
    "leak",
    [
        RSAAlgorithm.to_jwk(RSA_KEY, True),
        ECAlgorithm.to_jwk(EC_KEY, True),
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": "RSA", "d": ""},
        {"kty": "OKP", "seed": "of tomorrow"},
    ],
    ids=["RSA", "EC", "oct", "empty", "unknown"],
)
def test_a_member_that_is_not_public_is_said_and_not_shown(
    smoke: Smoke, deployment: WireServer, leak: Mapping[str, Any]
) -> None:
    deployment.answer("GET", JWKS, Reply(body={"keys": [RS384, ES384, leak]}))
    result = smoke("--json")
    assert failed(result)["code"] == "keys_not_public"
    assert not [v for n, v in leak.items() if n in {"d", "k", "p"} and v and v in result.output]


def test_former_keys_beside_them_are_welcome(smoke: Smoke, deployment: WireServer) -> None:
    deployment.answer("GET", JWKS, Reply(body={"keys": [*PUBLISHED["keys"], P256, WEAK]}))
    assert smoke().exit_code == 0


# --- usage ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://connector.example",
        "connector.example",
        "https://",
        "https://connector.example/readyz",
        "https://connector.example/?a=b",
        "https://connector.example?",
        "https://connector.example/#top",
        "https://me:secret@connector.example",
        "https://connector.example:22",
        "https://connector.example:port",
        "https://connector.example\\@evil.example",
    ],
)
def test_an_address_that_is_no_origin_is_wrong_usage(smoke: Smoke, url: str) -> None:
    result = smoke(url=url)
    assert result.exit_code == 2
    assert "https://HOST[:PORT]" in result.stderr
    assert "secret" not in result.output


@pytest.mark.parametrize(
    "words",
    [
        ["--instead", "http://connector.example"],
        ["--instead", "/readyz"],
        ["--attempts", "0"],
        ["--attempts", "many"],
        ["--pause", "-1"],
        ["more"],
    ],
    ids=str,
)
def test_an_unclear_wish_is_wrong_usage(
    smoke: Smoke, deployment: WireServer, words: list[str]
) -> None:
    assert smoke(*words).exit_code == 2
    assert deployment.heard == []


@pytest.mark.parametrize("content", ["", "no certificate", "-----BEGIN CERTIFICATE-----"])
def test_a_file_without_authorities_is_wrong_usage(
    smoke: Smoke, deployment: WireServer, tmp_path: Path, content: str
) -> None:
    path = tmp_path / "ca.pem"
    path.write_text(content)
    result = smoke(trusting=str(path))
    assert result.exit_code == 2
    assert "--ca-file" in result.stderr
    assert deployment.heard == []


def test_a_file_that_is_not_there_is_wrong_usage(smoke: Smoke, tmp_path: Path) -> None:
    assert smoke(trusting=str(tmp_path / "ca.pem")).exit_code == 2
