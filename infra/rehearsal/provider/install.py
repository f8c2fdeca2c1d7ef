"""Puts the plugin where the engine looks for azure-native.

`$PULUMI_HOME/plugins/resource-azure-native-v<version of the installed SDK>/pulumi-resource-azure-native`: an exact
version there is found without a warning, and neither Pulumi.yaml nor PATH is touched.
"""

import importlib.metadata
import shlex
import sys
from pathlib import Path

ARM_URL = "EHR_REHEARSAL_ARM_URL"
SUBSCRIPTION = "EHR_REHEARSAL_SUBSCRIPTION_ID"
SOURCE_ROOT = Path(__file__).resolve().parents[2]


def install(pulumi_home: Path) -> Path:
    """Writes the plugin, a small shell script, and returns its path.

    The plugin reads the address of the simulated ARM from `EHR_REHEARSAL_ARM_URL` when it starts.
    """
    version = importlib.metadata.version("pulumi-azure-native")
    folder = pulumi_home / "plugins" / f"resource-azure-native-v{version}"
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / "pulumi-resource-azure-native"
    python, root = shlex.quote(sys.executable), shlex.quote(str(SOURCE_ROOT))
    script.write_text(f'#!/bin/sh\nPYTHONPATH={root} exec {python} -m rehearsal.provider "$@"\n')
    script.chmod(0o755)
    return script
