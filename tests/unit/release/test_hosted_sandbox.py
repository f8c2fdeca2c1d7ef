import importlib
import json
import re
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from flask import Flask
from scripts.hosted_sandbox import REPOSITORY, main
from scripts.release.outcomes import Unreadable
from scripts.sandbox_parts import configuration
from scripts.sandbox_parts.pipeline import ensure_pipeline_credential
from tests.unit.release.hosted import STACK, Stacks, keys
from tests.unit.release.recorded_help import commands_in, unknown_flags

from connector.cli import main as operators
from simkit.command import CONFIG_VARIABLE, HOST_VARIABLE
from simkit.server import Embedded

MODULES = {"ehr": "mock_fhir", "mychart": "mock_mychart", "microsoft": "mock_microsoft"}
HOSTS = {part: f"https://emea-test-{part}.visits.example.org" for part in MODULES}
CONNECTOR = "https://emea-test.visits.example.org"


@pytest.fixture(scope="module")
def made_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def stacks(tmp_path: Path, made_keys: Path) -> Stacks:
    return Stacks.copied(tmp_path, made_keys)


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from strings(each)
    else:
        yield str(value)


def refused(stacks: Stacks, capsys: pytest.CaptureFixture[str], *more: str, status: int = 3) -> str:
    before = stacks.text
    assert stacks.run(*more) == status
    assert stacks.text == before
    return capsys.readouterr().err


def wrong_usage(arguments: list[str], root: Path, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        main(arguments, root)
    assert ended.value.code == 2
    return capsys.readouterr().err


def test_every_line_and_comment_stays_but_the_client_the_connector_is(stacks: Stacks) -> None:
    before = stacks.text
    assert stacks.run() == 0
    gone = [line for line in before.splitlines() if line not in stacks.text.splitlines()]
    assert gone == ["  teams-ehr-connector:microsoftClientId: bbbbbbbb-0000-4000-8000-000000000001"]


def test_what_is_new_stands_at_the_end_below_a_comment_that_says_whose_it_is(
    stacks: Stacks,
) -> None:
    last = stacks.text.splitlines()[-1]
    stacks.run()
    after = stacks.text.split(last)[1].splitlines()[1:]
    assert after[0].startswith("  # Written by scripts/hosted_sandbox.py")
    assert after[1] == "  teams-ehr-connector:ehrClientIds:"


def test_a_key_that_follows_config_is_left_where_it_is(stacks: Stacks) -> None:
    stacks.add("\n# Of pulumi stack init.\nencryptedkey: abc=\n")
    stacks.run()
    assert stacks.text.endswith("\n\n# Of pulumi stack init.\nencryptedkey: abc=\n")
    assert yaml.safe_load(stacks.text)["encryptedkey"] == "abc="
    assert stacks.sandbox["mychart"]["public_url"] == HOSTS["mychart"]


def test_the_documents_are_the_sandbox_s_own_at_the_stamp_s_host_names(stacks: Stacks) -> None:
    stacks.run()
    urls = configuration.Urls(CONNECTOR, *HOSTS.values(), feed=CONNECTOR)  # type: ignore[misc]
    key = stacks.sandbox["ehr"]["mychart_key"]
    certificate = Path(stacks.certificate).read_text()
    assert stacks.sandbox == {
        "ehr": configuration.fhir_config(urls, None, key),
        "mychart": configuration.mychart_config(urls, None, key),
        "microsoft": configuration.microsoft_config(
            urls, None, connector_certificate=certificate, pipeline_certificate=None
        ),
    }


def test_nothing_of_a_laptop_is_in_them(stacks: Stacks) -> None:
    stacks.run()
    assert [text for text in strings(stacks.sandbox) if "localhost" in text] == []
    assert [name for name, of in stacks.sandbox.items() if "ca_file" in of] == []


def test_the_connector_is_told_the_same_ids(stacks: Stacks) -> None:
    stacks.run()
    config, told = stacks.file.config, stacks.sandbox
    assert config["microsoftClientId"] == told["microsoft"]["apps"][0]["client_id"]
    registered = {(c["environment"], c["client_id"]) for c in told["ehr"]["clients"]}
    offered = config["ehrClientIds"].items()
    assert {(name, each) for name, ids in offered for each in ids.values()} == registered


def test_a_second_run_changes_nothing_and_says_so(
    stacks: Stacks, capsys: pytest.CaptureFixture[str]
) -> None:
    stacks.run()
    first = stacks.text
    capsys.readouterr()
    assert stacks.run() == 0
    assert stacks.text == first
    assert "nothing was changed" in capsys.readouterr().out


def test_quotes_that_pulumi_config_set_adds_are_no_change(stacks: Stacks) -> None:
    stacks.run()
    stacks.edit("simulators: true", 'simulators: "true"')
    before = stacks.text
    stacks.run()
    assert stacks.text == before


def test_after_a_rotation_the_certificates_change_and_the_shared_key_does_not(
    stacks: Stacks, tmp_path: Path
) -> None:
    stacks.run()
    key, before = stacks.sandbox["ehr"]["mychart_key"], stacks.text
    both = tmp_path / "both.pem"
    newer = ensure_pipeline_credential(tmp_path / "newer.pem")
    both.write_text(Path(stacks.certificate).read_text() + newer)
    assert main(["emea", "--certificate", str(both)], stacks.root) == 0
    assert stacks.sandbox["ehr"]["mychart_key"] == stacks.sandbox["mychart"]["ehr_key"] == key
    assert stacks.sandbox["microsoft"]["apps"][0]["certificate_pem"] == both.read_text()
    assert [line for line in before.splitlines() if line not in stacks.text.splitlines()] == []
    assert stacks.text.count("# Written by") == 1


def test_two_stamps_have_two_keys(stacks: Stacks) -> None:
    stacks.run()
    main(["apac", "--certificate", stacks.certificate], stacks.root)
    other = yaml.safe_load((stacks.path.parent / "Pulumi.apac-test.yaml").read_text())["config"]
    key = other["teams-ehr-connector:simulatorsConfig"]["ehr"]["mychart_key"]
    assert len(key) >= 32
    assert key != stacks.sandbox["ehr"]["mychart_key"]


@pytest.mark.parametrize("there", ["simulatorsConfig: {}", "simulatorsConfig: {ehr: {}}  # soon"])
def test_an_unfinished_sandbox_is_finished(stacks: Stacks, there: str) -> None:
    stacks.add(f"  teams-ehr-connector:{there}\n  teams-ehr-connector:simulators: false # off\n")
    assert stacks.run() == 0
    assert stacks.file.config["simulators"] is True
    assert "simulators: true # off\n" in stacks.text
    assert stacks.sandbox["ehr"]["public_url"] == HOSTS["ehr"]
    assert stacks.text.count("# soon") == there.count("# soon")


def test_a_dry_run_shows_the_diff_and_changes_nothing(
    stacks: Stacks, capsys: pytest.CaptureFixture[str]
) -> None:
    before = stacks.text
    assert stacks.run("--dry-run") == 0
    assert stacks.text == before
    page = capsys.readouterr().out
    assert "emea-test: would be changed" in page
    assert "+  teams-ehr-connector:simulators: true" in page


def test_what_comes_next_can_be_typed_and_what_is_lost_is_said(
    stacks: Stacks, capsys: pytest.CaptureFixture[str]
) -> None:
    stacks.run()
    page = capsys.readouterr().out
    order = ["az acr import", "simulatorsImageDigest sha256", "a wildcard", "DNS", "pulumi up"]
    assert sorted(order, key=page.rindex) == order
    assert [u for call in commands_in(page.split("Next:")[1]) for u in unknown_flags(call)] == []
    assert "keeps its state in memory: a restart" in page
    assert "guards synthetic people only" in page


def test_the_image_is_asked_for_until_it_stands_there(
    stacks: Stacks, capsys: pytest.CaptureFixture[str]
) -> None:
    stacks.add(f"  teams-ehr-connector:simulatorsImageDigest: sha256:{'a' * 64}\n")
    stacks.run()
    assert "simulatorsImageDigest" not in capsys.readouterr().out.split("Next:")[1]


def test_a_stable_revision_is_said_to_need_a_shift(
    stacks: Stacks, capsys: pytest.CaptureFixture[str]
) -> None:
    image = f"sha256:{'a' * 64}"
    stacks.add(f"  teams-ehr-connector:imageDigest: {image}\n")
    stacks.add('  teams-ehr-connector:stableRevision: "r111bbbb"\n')
    stacks.run()
    assert f"shift_traffic.py {STACK} --weight 100" in capsys.readouterr().out


def test_the_help_says_how_the_certificate_is_had_and_that_command_exists(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    page = capsys.readouterr().out
    (command,) = re.findall(r"run_job\.sh \S+ migrateJob (.*)", page)
    assert CliRunner().invoke(operators, [*command.split(), "--help"]).exit_code == 0


def test_no_private_key_gets_into_the_file(stacks: Stacks, tmp_path: Path) -> None:
    """The pipeline's file begins with its key."""
    file = tmp_path / "pipeline.pem"
    certificate = ensure_pipeline_credential(file)
    assert "PRIVATE KEY" in file.read_text()
    assert stacks.run("--pipeline-certificate", str(file)) == 0
    assert "PRIVATE" not in stacks.text
    *_, pipeline = stacks.sandbox["microsoft"]["apps"]
    assert pipeline["client_id"] == configuration.PIPELINE_CLIENT_ID
    assert pipeline["certificate_pem"] == certificate


def test_without_a_certificate_of_the_pipeline_there_is_no_pipeline(stacks: Stacks) -> None:
    stacks.run()
    apps = [app["client_id"] for app in stacks.sandbox["microsoft"]["apps"]]
    assert configuration.PIPELINE_CLIENT_ID not in apps


def test_the_entra_certificate_must_be_given(
    stacks: Stacks, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "--certificate" in wrong_usage(["emea"], stacks.root, capsys)


@pytest.mark.parametrize("name", ["absent.pem", "entra-key.pem", "master.key"])
def test_a_file_without_a_certificate_is_refused(
    stacks: Stacks, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    arguments = ["emea", "--certificate", str(stacks.keys / name)]
    said = wrong_usage(arguments, stacks.root, capsys)
    assert "holds no certificate" in said
    assert "BEGIN" not in said


def test_an_expired_certificate_is_refused(
    stacks: Stacks, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    arguments = ["emea", "--certificate", str(expired(stacks, tmp_path / "old.pem"))]
    assert "has expired" in wrong_usage(arguments, stacks.root, capsys)


def expired(stacks: Stacks, file: Path) -> Path:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key: Any = load_pem_private_key((stacks.keys / "entra-key.pem").read_bytes(), None)
    current = x509.load_pem_x509_certificate(Path(stacks.certificate).read_bytes())
    now = datetime.fromtimestamp(time.time(), UTC)
    old = x509.CertificateBuilder(
        current.issuer,
        current.subject,
        current.public_key(),
        current.serial_number,
        now - timedelta(days=2),
        now - timedelta(days=1),
    )
    file.write_bytes(old.sign(key, SHA256()).public_bytes(Encoding.PEM))
    return file


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("emea-production", "production never hosts simulators"),
        ("emea-staging", "is none of americas, emea, apac"),
        ("../emea", "is none of"),
    ],
)
def test_only_test_stamps_are_meant(
    stacks: Stacks, capsys: pytest.CaptureFixture[str], name: str, words: str
) -> None:
    arguments = [name, "--certificate", stacks.certificate]
    assert words in wrong_usage(arguments, stacks.root, capsys)


def test_the_stack_s_own_name_is_understood(stacks: Stacks) -> None:
    assert main([STACK, "--certificate", stacks.certificate], stacks.root) == 0


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("location: swedencentral", "location: nowhere", "no Azure region"),
        ("hostName: emea-test", f"hostName: {'e' * 54}", "leaves no room"),
        ("microsoftClientId: b", "microsoftClientId: !!str b", "by hand"),
        ("microsoftClientId: b", "microsoftClientId:\n    b", "by hand"),
        ("config:", "settings:", "has no config"),
    ],
)
def test_a_stack_file_that_is_not_understood_is_not_edited(
    stacks: Stacks, capsys: pytest.CaptureFixture[str], old: str, new: str, words: str
) -> None:
    stacks.edit(old, new)
    stacks.edit("portals:\n", "portals: {}\n  pulumi:x:\n")  # names hostName, which is changed
    assert words in refused(stacks, capsys)


@pytest.mark.parametrize(
    ("there", "words"),
    [
        ("ehrClientIds:\n    # Of our own EHR.\n    test: {provider: p}", "has comments within"),
        ("ehrClientIds: &ids\n    test: {provider: p}", "by hand"),
        ("ehrClientIds:\n    test: {}\n  teams-ehr-connector:ehrClientIds: {}", "2 times"),
        ("simulators: [yes]", "by hand"),
        ('"teams-ehr-connector:ehrClientIds" : {}', "by hand"),
    ],
)
def test_an_object_in_another_form_is_left_to_a_person(
    stacks: Stacks, capsys: pytest.CaptureFixture[str], there: str, words: str
) -> None:
    prefix = "" if there.startswith('"') else "teams-ehr-connector:"
    stacks.add(f"  {prefix}{there}\n")
    assert words in refused(stacks, capsys)


def test_a_missing_list_of_subscriptions_is_named(
    stacks: Stacks, capsys: pytest.CaptureFixture[str]
) -> None:
    (stacks.path.parent / "subscriptions.json").unlink()
    assert "subscriptions.json cannot be read" in refused(stacks, capsys)


def test_an_object_is_written_so_that_it_is_read_as_it_was(stacks: Stacks) -> None:
    value = {"words": ["no", "1e5", "a: b # c", "a\nb\n"], "none": {}, "n": 3, "on": True}
    stacks.path.write_bytes(stacks.text.replace("\n", "\r\n").encode())
    text = stacks.file.with_values({"portals": value})
    assert yaml.safe_load(text)["config"]["teams-ehr-connector:portals"] == value
    assert text.count("\n") == text.count("\r\n")
    with pytest.raises(Unreadable):
        stacks.file.with_values({"portals": "x"})


# ---- The simulators take what was written -------------------------------------------------------


def started(part: str, document: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[Flask, Any]:
    """What `python -m <module> --port 8080` would serve in its container, and how."""
    served: list[tuple[Flask, Any]] = []
    module = importlib.import_module(f"{MODULES[part]}.__main__")
    monkeypatch.setenv(CONFIG_VARIABLE, json.dumps(document))
    monkeypatch.setenv(HOST_VARIABLE, "0.0.0.0")
    monkeypatch.setattr(sys, "argv", [MODULES[part], "--port", "8080"])
    monkeypatch.setattr(module, "serve", lambda app, **how: served.append((app, how)))
    module.main()
    return served[0]


@pytest.mark.parametrize("part", MODULES)
def test_each_simulator_starts_with_its_document_and_answers_over_http(
    stacks: Stacks, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    stacks.run()
    app, how = started(part, stacks.sandbox[part], monkeypatch)
    assert how == {"host": "0.0.0.0", "port": 8080, "cert_file": None, "key_file": None}
    with Embedded(lambda _url: app) as server, requests.Session() as session:
        for path in ("/", "/healthz", "/sim/clock"):
            # The gateway asks under the app's own name, not under the public one.
            answer = session.get(server.url + path, headers={"Host": "app.internal"}, timeout=10)
            assert answer.status_code == 200


@pytest.mark.parametrize(
    ("part", "path", "name"),
    [
        (
            "ehr",
            "/interconnect-tst-oauth/api/FHIR/R4/.well-known/smart-configuration",
            "token_endpoint",
        ),
        ("microsoft", "/common/v2.0/.well-known/openid-configuration", "token_endpoint"),
    ],
)
def test_addresses_are_the_public_ones_whatever_name_the_gateway_asks_under(
    stacks: Stacks, monkeypatch: pytest.MonkeyPatch, part: str, path: str, name: str
) -> None:
    stacks.run()
    app, _ = started(part, stacks.sandbox[part], monkeypatch)
    found = app.test_client().get(path, base_url="http://app.internal").json
    assert found
    assert found[name].startswith(f"{HOSTS[part]}/")


def test_calls_of_the_simulators_trust_the_system_s_authorities(
    stacks: Stacks, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mock_fhir.config import parse_config
    from mock_microsoft.config import Configuration
    from mock_mychart.config import read_config

    stacks.run()
    of = stacks.sandbox
    read = [
        parse_config(of["ehr"]),
        read_config(of["mychart"]),
        Configuration.model_validate(of["microsoft"]),
    ]
    assert [one.ca_file for one in read] == [None, None, None]


def test_the_image_is_named_as_the_stamp_s_registry_names_it() -> None:
    source = Path("infra/ehr_infra/components/registry.py").read_text()
    assert f'SIMULATORS_REPOSITORY = "{REPOSITORY}"' in source
