"""A throw-away home for the real Pulumi CLI, in which our program meets the simulated ARM.

Nothing outside is touched or reached: the project and stack files are copied, state and plugins live in a temporary
directory, the engine asks no network for updates, plugins or telemetry.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from pulumi import automation

from rehearsal.arm.simulated import SimulatedArm
from rehearsal.provider.install import ARM_URL, SOURCE_ROOT, SUBSCRIPTION, install

REPOSITORY = Path(__file__).resolve().parents[2]
ATTACH_TO = "PULUMI_DEBUG_PROVIDERS"
BUILT_CLI = Path("tools/pulumi/bin/pulumi")
# Somebody's credential in the shell: it may reach neither the state nor an output.
CANARY = "canary-of-the-rehearsal-5eb5c81f"
SWITCHES = {
    "PULUMI_SKIP_UPDATE_CHECK": "true",
    "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
    "PULUMI_AUTOMATION_API_SKIP_VERSION_CHECK": "true",
    "PULUMI_CONFIG_PASSPHRASE": f"{CANARY}, guards nothing",
    "DO_NOT_TRACK": "1",
    "NO_COLOR": "1",
    "ARM_CLIENT_SECRET": CANARY,
    **dict.fromkeys(
        ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"), ""
    ),
}


class NoCli(Exception):
    """No Pulumi CLI; the message says what to do."""


def find_cli(root: Path = REPOSITORY) -> Path:
    """The Pulumi CLI: the one built in the repository, else the one on PATH.

    Raises:
        NoCli: there is neither.
    """
    built = root / BUILT_CLI
    on_path = shutil.which("pulumi")
    if built.exists():
        return built
    if on_path is None:
        raise NoCli(
            f"No Pulumi CLI on PATH or at {BUILT_CLI}: run `make pulumi-cli` (needs Go), or install Pulumi."
        )
    return Path(on_path)


@contextmanager
def rehearsal_stack(
    arm: SimulatedArm,
    *,
    project_file: Path,
    stack_files: Path,
    stack_name: str,
    program: Callable[[], None],
) -> Iterator[automation.Stack]:
    """A Pulumi stack of a copied project, on a new file backend.

    Args:
        arm: the simulated ARM, already started.
        project_file: the repository's `Pulumi.yaml`.
        stack_files: the directory of `Pulumi.<stack>.yaml`; it lies below the project file's directory.
        stack_name: the stack; it is created.
        program: runs in this process for every preview and update.

    Raises:
        NoCli: there is no Pulumi CLI.
    """
    command = _command()
    with tempfile.TemporaryDirectory(prefix="rehearsal-") as scratch:
        work_dir = _copy_project(Path(scratch, "project"), project_file, stack_files)
        home, state = Path(scratch, "home"), Path(scratch, "state")
        state.mkdir()
        install(home)
        yield automation.create_or_select_stack(
            stack_name,
            program=program,
            project_name=_project_name(work_dir, command),
            opts=automation.LocalWorkspaceOptions(
                work_dir=str(work_dir),
                pulumi_home=str(home),
                pulumi_command=command,
                env_vars={
                    **SWITCHES,
                    "PULUMI_BACKEND_URL": state.as_uri(),
                    ARM_URL: arm.url,
                    SUBSCRIPTION: arm.subscription_id,
                },
            ),
        )


@contextmanager
def standing_plugin(stack: automation.Stack) -> Iterator[None]:
    """One plugin process for every operation inside, to which the engine attaches.

    Starting one costs as much processor as the rest of an operation: it loads the SDK. How the engine
    finds and starts the plugin by itself is tried outside.
    """
    variables = cast(dict[str, str], stack.workspace.env_vars)  # read anew for every command
    command = [sys.executable, "-m", "rehearsal.provider"]
    environment = {**os.environ, **variables, "PYTHONPATH": str(SOURCE_ROOT)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as plugin:  # noqa: S603
        try:
            port = plugin.stdout.readline().strip() if plugin.stdout else ""
            variables[ATTACH_TO] = f"azure-native:{port}"
            yield
        finally:
            variables.pop(ATTACH_TO, None)
            plugin.terminate()


def _command() -> automation.PulumiCommand:
    cli = find_cli()
    if cli == REPOSITORY / BUILT_CLI:
        return automation.PulumiCommand(root=str(cli.parent.parent), skip_version_check=True)
    return automation.PulumiCommand(skip_version_check=True)


def _project_name(work_dir: Path, command: automation.PulumiCommand) -> str:
    workspace = automation.LocalWorkspace(work_dir=str(work_dir), pulumi_command=command)
    return workspace.project_settings().name


def _copy_project(target: Path, project_file: Path, stack_files: Path) -> Path:
    """The project and its stack files in their places, so that `main` and `stackConfigDir` hold."""
    root = project_file.resolve().parent
    copied = target / stack_files.resolve().relative_to(root)
    copied.mkdir(parents=True)
    shutil.copy(project_file, target / "Pulumi.yaml")
    for stack_file in stack_files.glob("Pulumi.*.yaml"):
        shutil.copy(stack_file, copied)
    return target
