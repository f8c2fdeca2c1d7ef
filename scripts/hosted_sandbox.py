#!/usr/bin/env python3
"""Write a hosted sandbox into a test stamp's stack file: simulated EHR, MyChart and Microsoft; `--help` says how.

What the simulators and the connector are told is what `make run` tells them, at the stamp's host names.
It edits the file and deploys nothing: `pulumi up` follows. docs/hosted-sandbox.md has the whole story.
"""

import argparse
import json
import secrets
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "infra"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from scripts.release.arguments import GEOGRAPHIES
from scripts.release.outcomes import Exit, Failed, Unreadable
from scripts.release.stack_file import STACKS, StackFile, Value
from scripts.sandbox_parts import configuration
from scripts.sandbox_parts.configuration import Urls

from ehr_infra import values
from ehr_infra.config import ConfigurationInvalid, Settings, read
from ehr_infra.workload import simulator_host

ROOT: Final = Path(__file__).resolve().parents[1]
HEADING: Final = (
    "Written by scripts/hosted_sandbox.py: the simulators in this stamp, synthetic people only."
)
REPOSITORY: Final = "teams-ehr-simulators"
_EPILOG: Final = """\
The connector's certificate is public and lies in the stamp's vault; its migration job prints it:
  scripts/run_job.sh <geography>-test migrateJob keys certificates --which entra --json
After a rotation give all that are in use, one after the other in one file.

exit status:
  0  done, or nothing to do
  2  the arguments are wrong
  3  the stack file could not be read or edited; nothing was changed

docs/hosted-sandbox.md has the whole story."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The certificates are PEM, without a key."""

    geography: str
    certificate: str
    pipeline_certificate: str | None
    dry_run: bool

    @property
    def stack(self) -> str:
        return f"{self.geography}-test"


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    asked = _asked(arguments)
    try:
        file = StackFile.read(root, asked.stack)
        settings = _settings(root, file, asked.stack)
        text = file.with_values(sandbox_values(file.config, settings, asked), heading=HEADING)
    except Failed as err:
        print(f"{asked.stack} was not changed:", *err.messages, sep="\n  ", file=sys.stderr)
        return err.exit
    if text != file.text and not asked.dry_run:
        file.write(text)
    print(_result(file, text, asked), *next_steps(file, settings), sep="\n")
    return Exit.DONE


def sandbox_values(config: Mapping[str, Any], settings: Settings, asked: Asked) -> dict[str, Value]:
    """What goes into the stack file; `config` is what stands there."""
    urls = hosted_urls(settings)
    key = _mychart_key(config)
    documents = {
        "ehr": configuration.fhir_config(urls, None, key),
        "mychart": configuration.mychart_config(urls, None, key),
        "microsoft": configuration.microsoft_config(
            urls,
            None,
            connector_certificate=asked.certificate,
            pipeline_certificate=asked.pipeline_certificate,
        ),
    }
    is_on = config.get("simulators") in (True, "true")  # `pulumi config set` puts it into quotes
    switch: dict[str, Value] = {} if is_on else {"simulators": True}
    return {**_connector_values(), **switch, "simulatorsConfig": documents}


def hosted_urls(settings: Settings) -> Urls:
    """Web and feed of a stamp share their host name.

    Raises:
        Unreadable: a simulator's host name would be too long.
    """
    hosts = (simulator_host(settings, part) for part in ("ehr", "mychart", "microsoft"))
    try:
        ehr, mychart, microsoft = (f"https://{values.host_name(host)}" for host in hosts)
    except ValueError as err:
        raise Unreadable(
            f"hostName {settings.host_name} leaves no room for -microsoft in its first label"
        ) from err
    connector = f"https://{settings.host_name}"
    return Urls(connector, ehr, mychart, microsoft, feed=connector)


def next_steps(file: StackFile, settings: Settings) -> list[str]:
    """What a person does after the edit; docs/hosted-sandbox.md explains each."""
    urls = hosted_urls(settings)
    hosts = [
        url.removeprefix("https://")
        for url in (urls.mock_fhir, urls.mock_mychart, urls.mock_microsoft)
    ]
    todo = [
        *([] if file.config.get("simulatorsImageDigest") else _image(settings.stack)),
        f"certificate {settings.certificate_name}: a wildcard that fits {', '.join(hosts)}",
        f"DNS: A records of these three to $(pulumi stack output publicIp --stack {settings.stack})",
        f"pulumi up --stack {settings.stack} --policy-pack infra/policy",
        *(_shift(settings) if settings.stable_revision else []),
    ]
    return [
        "",
        "Next:",
        *(f"  {number}. {step}" for number, step in enumerate(todo, 1)),
        "",
        f"Testers begin at {urls.connector}/ and {urls.mock_fhir}/; each simulator lists who can sign in.",
        "Each simulator has one replica and keeps its state in memory: a restart or a new configuration",
        "forgets consents, meetings, integration records and appointments made since it started.",
        "The key that EHR and MyChart share stands in the file in clear: it guards synthetic people only.",
        "Whoever knows the addresses can use the simulators: no person's data goes in.",
    ]


def _image(stack: str) -> list[str]:
    registry = f'"$(pulumi stack output registryServer --stack {stack})"'
    source = f'--registry "$BUILD_REGISTRY_ID" --source {REPOSITORY}@sha256:<64 hex>'
    return [
        f"az acr import --name {registry} {source} --image {REPOSITORY}:1",
        f"pulumi config set simulatorsImageDigest sha256:<64 hex> --stack {stack}",
    ]


def _shift(settings: Settings) -> list[str]:
    """Worker and feed are told of the new Microsoft with `up`, the stable revision of web never is."""
    command = f"scripts/shift_traffic.py {settings.stack} --weight 100, then pulumi up"
    return [f"{command}: revision {settings.stable_revision} speaks to the Microsoft of before"]


def _result(file: StackFile, text: str, asked: Asked) -> str:
    if text == file.text:
        return f"{asked.stack}: nothing was changed, all of it stands there already"
    return f"{asked.stack}: {'would be changed' if asked.dry_run else 'changed'}\n{file.diff(text)}"


def _connector_values() -> dict[str, Value]:
    """As who the connector meets the simulators."""
    return {
        "microsoftClientId": configuration.MICROSOFT_CLIENT_ID,
        "ehrClientIds": configuration.ehr_client_ids(),
    }


def _mychart_key(config: Mapping[str, Any]) -> str:
    """The secret of EHR and MyChart; the one that stands there is kept, so that a second run changes nothing."""
    try:
        kept = config["simulatorsConfig"]["ehr"]["mychart_key"]
    except (KeyError, TypeError):
        kept = None
    return kept if isinstance(kept, str) and kept else secrets.token_urlsafe(32)


def _settings(root: Path, file: StackFile, stack: str) -> Settings:
    """As the Pulumi program will read them; the sandbox itself may still be incomplete.

    Raises:
        Unreadable: `pulumi up` would refuse the file.
    """
    without = {**file.config, **_connector_values(), "simulators": False, "simulatorsConfig": {}}
    listed = root / STACKS / "subscriptions.json"
    try:
        return read(stack, without, json.loads(listed.read_text(encoding="utf-8")))
    except ConfigurationInvalid as err:
        raise Unreadable(*err.problems) from err
    except (OSError, ValueError) as err:
        raise Unreadable(f"{listed.name} cannot be read: {err}") from err


def _asked(arguments: list[str] | None) -> Asked:
    """Raises: SystemExit: 2, after saying what is wrong; 0 after --help."""
    parser = argparse.ArgumentParser(
        prog="hosted_sandbox.py",
        description="Write simulated EHR, MyChart and Microsoft into a test stamp's stack file.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("geography", type=_geography, metavar="|".join(GEOGRAPHIES))
    parser.add_argument(
        "--certificate",
        type=_certificates,
        required=True,
        metavar="FILE",
        help="the connector's public Entra certificate, PEM",
    )
    parser.add_argument(
        "--pipeline-certificate",
        type=_certificates,
        metavar="FILE",
        help="of an application that asks for API tokens unattended; without it there is none",
    )
    parser.add_argument("--dry-run", action="store_true", help="show the diff, change nothing")
    return Asked(**vars(parser.parse_args(arguments)))


def _geography(text: str) -> str:
    name, _, environment = text.partition("-")
    if environment == "production":
        raise argparse.ArgumentTypeError(f"{text}: production never hosts simulators")
    if name not in GEOGRAPHIES or environment not in ("", "test"):
        raise argparse.ArgumentTypeError(f"{text} is none of {', '.join(GEOGRAPHIES)}")
    return name


def _certificates(path: str) -> str:
    """The certificates of a PEM file, and nothing else of it: a private key does not get into git."""
    try:
        found = x509.load_pem_x509_certificates(Path(path).read_bytes())
    except (OSError, ValueError) as err:
        raise argparse.ArgumentTypeError(f"{path} holds no certificate as PEM: {err}") from err
    now = datetime.fromtimestamp(time.time(), UTC)
    if not any(each.not_valid_after_utc > now for each in found):
        raise argparse.ArgumentTypeError(f"{path}: the certificate has expired")
    return "".join(each.public_bytes(Encoding.PEM).decode("ascii") for each in found)


if __name__ == "__main__":
    sys.exit(main())
