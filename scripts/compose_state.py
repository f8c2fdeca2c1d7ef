"""What compose.yaml's containers share, made once: certificates, keys, the simulators' configuration files.

`python -m scripts.compose_state /sandbox` in the simulators' image, with the connector's environment. It is the
sandbox of `make run` at the same addresses, in another folder and on PostgreSQL.
"""

import json
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

from scripts.sandbox_parts import configuration
from scripts.sandbox_parts.certificates import ensure_certificates
from scripts.sandbox_parts.pipeline import ensure_pipeline_credential
from scripts.sandbox_parts.ports import DEFAULT_BASE, Ports
from scripts.sandbox_parts.state_directory import write_private


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: python -m scripts.compose_state FOLDER", file=sys.stderr)
        return 2
    prepare(Path(arguments[0]))
    return 0


def prepare(folder: Path) -> None:
    """Run again it changes nothing but a certificate about to expire.

    Raises:
        CalledProcessError: `connector keys init` failed; it said why.
    """
    ca_file = ensure_certificates(folder).ca_file
    subprocess.run(["connector", "keys", "init"], check=True)
    urls = configuration.Urls.of(Ports.from_base(DEFAULT_BASE))
    shared = _kept(folder / "mychart-key")
    _configure(folder, "mock_fhir", configuration.fhir_config(urls, ca_file, shared))
    _configure(folder, "mock_mychart", configuration.mychart_config(urls, ca_file, shared))
    microsoft = configuration.microsoft_config(
        urls,
        ca_file,
        connector_certificate=_entra_certificates(folder / "keys"),
        pipeline_certificate=ensure_pipeline_credential(folder / "pipeline.pem"),
    )
    _configure(folder, "mock_microsoft", microsoft)


def _kept(file: Path) -> str:
    """The secret that EHR and MyChart share; one that is made anew would part those that run."""
    if not file.exists():
        write_private(file, secrets.token_urlsafe(32))
    return file.read_text(encoding="ascii")


def _entra_certificates(keys: Path) -> str:
    files = sorted(keys.glob("entra*-certificate.pem"))
    return "".join(file.read_text(encoding="ascii") for file in files)


def _configure(folder: Path, name: str, config: dict[str, Any]) -> None:
    write_private(folder / f"{name}.json", json.dumps(config, indent=1))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
