"""The life of the sample's stack, step by step; raises at the first broken promise."""

from pathlib import Path

import pytest
from pulumi import automation
from tests.infra.rehearsal import sample

from rehearsal.arm.faults import Fault
from rehearsal.arm.simulated import SimulatedArm
from rehearsal.workspace import rehearsal_stack

SERVER = "*/flexibleServers/psql-sample"


def live(root: Path) -> None:
    project_file, stack_files = sample.written(root)
    with (
        SimulatedArm() as arm,
        rehearsal_stack(
            arm,
            project_file=project_file,
            stack_files=stack_files,
            stack_name="emea-test",
            program=sample.program,
        ) as stack,
    ):
        preview_changes_nothing(stack, arm)
        a_failed_run_is_continued(stack, arm)
        a_second_run_changes_nothing(stack, arm)
        drift_is_found_and_repaired(stack, arm)
        only_the_deleted_vault_is_left(stack, arm)
    assert (stack_files / "Pulumi.emea-test.yaml").read_text() == sample.STACK


def preview_changes_nothing(stack: automation.Stack, arm: SimulatedArm) -> None:
    assert stack.preview().change_summary == {"create": 10}
    assert arm.journal.writes() == []


def a_failed_run_is_continued(stack: automation.Stack, arm: SimulatedArm) -> None:
    """Once after a 500, once after a database that Azure accepted and then could not make."""
    arm.faults.add(Fault.internal_error("PUT", SERVER))
    with pytest.raises(automation.CommandError, match="Server server: InternalServerError: "):
        stack.up()
    arm.faults.add(Fault.fails_after_accepted(SERVER))
    with pytest.raises(automation.CommandError, match="Server server: ProvisioningFailed: "):
        stack.up()
    outputs = stack.up().outputs
    assert outputs["host"].value == "psql-sample.postgres.database.azure.com"
    assert outputs["vault"].value == "https://kv-sample.vault.azure.net/"
    # nothing else was refused: the chained subnets never met
    assert arm.journal.errors() == ["InternalServerError"]


def a_second_run_changes_nothing(stack: automation.Stack, arm: SimulatedArm) -> None:
    before = arm.journal.position
    stack.up(expect_no_changes=True)
    assert arm.journal.writes(since=before) == []


def drift_is_found_and_repaired(stack: automation.Stack, arm: SimulatedArm) -> None:
    vault = next(one for one in arm.resources() if one.endswith("/kv-sample"))
    arm.tamper(vault, "properties.publicNetworkAccess", "Enabled")
    with pytest.raises(automation.CommandError, match="keyvault:Vault vault"):
        stack.refresh(expect_no_changes=True)
    before = arm.journal.position
    assert stack.up(refresh=True).summary.resource_changes == {"update": 1, "same": 9}
    assert [one.path for one in arm.journal.writes(since=before)] == [vault]


def only_the_deleted_vault_is_left(stack: automation.Stack, arm: SimulatedArm) -> None:
    stack.destroy()
    assert arm.resources() == {}
    assert arm.soft_deleted_vaults() == ["kv-sample"]
