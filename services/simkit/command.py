"""Command line of a simulator: `python -m mock_xxx --port N --cert FILE --key FILE --config FILE.json`.

Behind an ingress that ends TLS, in a container without a file of its own: `--port N` alone, with the configuration
in the environment variable SIMULATOR_CONFIG and, from the image, SIMULATOR_HOST=0.0.0.0.
"""

import argparse
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONFIG_VARIABLE = "SIMULATOR_CONFIG"
HOST_VARIABLE = "SIMULATOR_HOST"
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Without `cert_file` and `key_file` plain HTTP is spoken."""

    host: str
    port: int
    cert_file: str | None
    key_file: str | None
    config: dict[str, Any]


def read_command(description: str, arguments: list[str] | None = None) -> Command:
    """Parse the command line and the configuration; a wrong one ends the process with status 2."""
    parser = _parser(description)
    given = parser.parse_args(arguments)
    if bool(given.cert) != bool(given.key):
        parser.error("--cert and --key go together")
    return Command(
        host=given.host,
        port=given.port,
        cert_file=given.cert,
        key_file=given.key,
        config=_config(parser, given.config),
    )


def _parser(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--host",
        default=os.environ.get(HOST_VARIABLE, LOOPBACK),
        help=f"address to listen on (else {HOST_VARIABLE}, else {LOOPBACK})",
    )
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--cert", help="PEM certificate; without it plain HTTP is spoken")
    parser.add_argument("--key", help="PEM private key of it")
    parser.add_argument(
        "--config", type=Path, help=f"JSON configuration file (else JSON in {CONFIG_VARIABLE})"
    )
    return parser


def _config(parser: argparse.ArgumentParser, file: Path | None) -> dict[str, Any]:
    """The variable's value is never repeated: it holds keys that simulators share."""
    source = str(file) if file else CONFIG_VARIABLE
    try:
        text = file.read_text(encoding="utf-8") if file else os.environ.get(CONFIG_VARIABLE, "")
        if not text:
            parser.error(f"give the configuration with --config, or as JSON in {CONFIG_VARIABLE}")
        config = json.loads(text)
    except (OSError, ValueError) as error:
        parser.error(f"cannot read the configuration {source}: {error}")
    if not isinstance(config, dict):
        parser.error(f"the configuration {source} must be one JSON object")
    return config
