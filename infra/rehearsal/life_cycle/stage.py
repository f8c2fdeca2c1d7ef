"""The stage of one stack's rehearsal: the stack, the simulated ARM, and what ought to happen."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pulumi import automation

from ehr_infra.config import KEYS, PROJECT
from ehr_infra.program import deploy
from rehearsal.arm.simulated import SimulatedArm
from rehearsal.arm.world import Resource
from rehearsal.life_cycle.engine import Outcome, configure, label, operate
from rehearsal.recording import DIGEST, Run, recorded, run, stack_values
from rehearsal.workspace import REPOSITORY

PACK = str(REPOSITORY / "infra" / "policy" / "run")
_SHOWN = 4


class Broken(Exception):
    """A step did not go as it must; the message names the resource."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the program registers without an image, with the job's, and with the apps' too.

    Asked of the program itself, without an engine.
    """

    foundation: Run
    prepared: Run
    service: Run

    @classmethod
    def of(cls, stack: str) -> "Expected":
        """Raises:
        ConfigurationInvalid: the stack file is not usable.
        """
        return cls(
            foundation=run(stack, imageDigest=None),
            prepared=run(stack, imageDigest=None, migrateDigest=DIGEST),
            service=recorded(stack),
        )


@dataclass(slots=True)
class Stage:
    name: str
    stack: automation.Stack
    arm: SimulatedArm
    expected: Expected

    @property
    def production(self) -> bool:
        return self.name.endswith("-production")

    def set(self, **values: Any) -> None:
        configure(self.stack, values, PROJECT)

    @contextmanager
    def changed(self, **values: Any) -> Iterator[None]:
        """Other configuration for a while."""
        before = {key: self.stack_value(key) for key in values}
        self.set(**values)
        yield
        self.set(**before)

    def stack_value(self, key: str) -> Any:
        """As the stack file has it, or the project's default; `a.b` is b of the object a."""
        first, *rest = key.split(".")
        value = stack_values(self.name).get(first, KEYS[first].default)
        return value[rest[0]] if rest else value

    def run(
        self, action: str, *, judged: bool = False, program: Any = None, **more: Any
    ) -> Outcome:
        """Args:
        action: `up`, `preview`, `refresh` or `destroy`.
        judged: by the policy pack too.
        program: instead of the repository's.
        """
        if judged:
            more["policy_packs"] = [PACK]
        if action in {"up", "preview"}:
            more["program"] = program or deploy
        return operate(getattr(self.stack, action), **more)

    def judge_state(self) -> None:
        """What is deployed, by the pack, without the program: `pulumi policy analyze`.

        Raises:
            Broken: with what it says.
        """
        workspace = self.stack.workspace
        command = ["policy", "analyze", "--policy-pack", PACK, "--stack", self.name]
        variables = {**workspace.env_vars, "PULUMI_HOME": str(workspace.pulumi_home)}
        try:
            workspace.pulumi_command.run(command, workspace.work_dir, variables)
        except automation.CommandError as err:
            raise Broken(f"the state of {self.name} breaks a rule: {err}") from err

    def output(self, name: str) -> Any:
        return self.stack.outputs()[name].value

    def find(self, kind: str, part: str = "") -> Resource:
        """The one resource of a type at ARM whose id holds `part`."""
        found = [
            r
            for id_, r in self.arm.resources().items()
            if r.kind.token.endswith(kind) and part in id_
        ]
        if len(found) != 1:
            raise Broken(f"{kind} {part}: {len(found)} at ARM, expected one")
        return found[0]


def went(outcome: Outcome, expected: Mapping[str, str]) -> str:
    """The operation succeeded and did exactly `expected`.

    Raises:
        Broken: naming whom it did something else to.
    """
    if outcome.failed:
        raise Broken("; ".join([*outcome.against, *outcome.errors][:_SHOWN]))
    wrong = [
        f"{who}: expected {expected.get(who, 'no change')}, saw {outcome.changes.get(who, 'no change')}"
        for who in sorted(expected.keys() | outcome.changes.keys())
        if expected.get(who) != outcome.changes.get(who)
    ]
    if wrong:
        more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise Broken("; ".join(wrong[:_SHOWN]) + more)
    return summary(outcome.changes)


def refused(outcome: Outcome, *words: str) -> str:
    """The operation failed, and said each of `words`.

    Raises:
        Broken: it went through, or failed for another reason.
    """
    said = " | ".join([*outcome.errors, *outcome.against])
    if not outcome.failed:
        raise Broken(f"went through, though {' and '.join(words)} should have stopped it")
    missing = [word for word in words if word not in said]
    if missing:
        raise Broken(f"was refused without naming {', '.join(missing)}: {said[:600]}")
    return f"refused: {' '.join(words)}"


def quiet(stage: Stage, since: int) -> None:
    """Nothing was written to Azure since then.

    Raises:
        Broken: naming the first write.
    """
    writes = stage.arm.journal.writes(since=since)
    if writes:
        raise Broken(f"{writes[0].method} {writes[0].path} was sent, expected no write")


def summary(changes: Mapping[str, str]) -> str:
    counts = {op: list(changes.values()).count(op) for op in sorted(set(changes.values()))}
    return ", ".join(f"{op} {count}" for op, count in counts.items()) or "no change"


def creations(run: Run, besides: Run | None = None) -> dict[str, str]:
    """What an engine creates for what a run registered, the stack itself included."""
    known = {r.urn for r in besides.resources} if besides else set()
    made = {label(r.urn): "create" for r in run.resources if r.urn not in known}
    if besides is None:
        made[f"pulumi:pulumi:Stack {PROJECT}-{run.stack}"] = "create"
    return made
