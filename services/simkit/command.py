"""Command line of a simulator: `python -m mock_xxx --port N --cert FILE --key FILE --config FILE.json`."""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Command:
    port: int
    cert_file: str
    key_file: str
    config: dict[str, Any]


def read_command(description: str, arguments: list[str] | None = None) -> Command:
    """Parse the command line and the configuration file; a wrong one ends the process with status 2."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--cert", required=True, help="PEM certificate for localhost")
    parser.add_argument("--key", required=True, help="PEM private key of it")
    parser.add_argument("--config", type=Path, required=True, help="JSON configuration file")
    given = parser.parse_args(arguments)
    try:
        config = json.loads(given.config.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        parser.error(f"cannot read the configuration {given.config}: {error}")
    if not isinstance(config, dict):
        parser.error(f"the configuration {given.config} must be one JSON object")
    return Command(given.port, given.cert, given.key, config)
