"""The Pulumi program: configuration in, one stamp, outputs out."""

import json
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env

from ehr_infra.config import PROJECT, read
from ehr_infra.stamp import Stamp

SUBSCRIPTIONS = Path(__file__).parents[1] / "stacks" / "subscriptions.json"


def deploy() -> None:
    """Make the selected stack's stamp.

    Raises:
        ConfigurationInvalid: before anything is registered, with every problem.
    """
    settings = read(pulumi.get_stack(), _configuration(), json.loads(SUBSCRIPTIONS.read_text()))
    for name, value in Stamp(settings).outputs.items():
        pulumi.export(name, value)


def _configuration() -> dict[str, Any]:
    """Every key that was set, also one nobody asks for: a mistyped key must not mean its default.

    The language host hands them over in the environment, the Automation API in memory.
    """
    prefix = f"{PROJECT}:"
    handed_over = {**get_config_env(), **CONFIG.get()}
    return {
        key.removeprefix(prefix): value
        for key, value in handed_over.items()
        if key.startswith(prefix)
    }
