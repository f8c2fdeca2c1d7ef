"""One operation of the real engine, and what it says it did: read from its events, not its words."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pulumi import automation
from pulumi.automation.events import EngineEvent, StepEventMetadata

_UNTOUCHED = {"same", "read", "refresh", "discard"}
_COLOURS = re.compile(r"<\{%.*?%\}>")


@dataclass(slots=True)
class Outcome:
    """Attributes:
    changes: what was done to whom: `keyvault:Vault vault` → `create`.
    replaced_for: whose replacement was planned, and for which properties.
    violations: a rule, whom it is about, and what it says.
    errors: what the engine reported, whom it is about first.
    failed: the operation did not succeed.
    """

    changes: dict[str, str] = field(default_factory=dict)
    replaced_for: dict[str, list[str]] = field(default_factory=dict)
    violations: list[tuple[str, str, str]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    failed: bool = False

    @property
    def against(self) -> list[str]:
        """What the policy pack holds against it, a line each."""
        return [f"{rule} {who}: {says}" for rule, who, says in self.violations]

    def hear(self, event: EngineEvent) -> None:
        step = event.resource_pre_event or event.res_outputs_event
        if step is not None:
            self._step(step.metadata)
        if event.policy_event is not None:
            told = event.policy_event
            message = _COLOURS.sub("", told.message).strip()
            self.violations.append((told.policy_name, label(told.resource_urn or ""), message))
        if event.diagnostic_event is not None and event.diagnostic_event.severity == "error":
            words = _COLOURS.sub("", event.diagnostic_event.message).strip()
            self.errors.append(f"{label(event.diagnostic_event.urn or '')}: {words}")

    def _step(self, done: StepEventMetadata) -> None:
        op = str(getattr(done.op, "value", done.op))
        replacing = {
            path for path, d in (done.detailed_diff or {}).items() if "replace" in d.diff_kind
        }
        if replacing:
            self.replaced_for[label(done.urn)] = sorted(replacing)
        if op not in _UNTOUCHED:
            self.changes[label(done.urn)] = op


def label(urn: str) -> str:
    """`keyvault:Vault vault` of a URN; empty of an empty one."""
    if not urn:
        return ""
    _, _, path, name = urn.removeprefix("urn:pulumi:").split("::", maxsplit=3)
    return f"{path.rpartition('$')[2].removeprefix('azure-native:')} {name}"


def operate(action: Callable[..., Any], **options: Any) -> Outcome:
    """Run `stack.up`, `preview`, `refresh` or `destroy`; a failure is an outcome too."""
    outcome = Outcome()
    try:
        action(on_event=outcome.hear, **options)
    except automation.CommandError as err:
        outcome.failed = True
        outcome.errors = outcome.errors or [_last_words(str(err))]
    return outcome


def _last_words(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if "error:" in line]
    return lines[-1] if lines else text[-400:]


def configure(stack: automation.Stack, values: Mapping[str, Any], project: str) -> None:
    """Set configuration values as `pulumi config set --path` would: `a.b` is b of the object a."""
    stack.set_all_config(
        {f"{project}:{key}": automation.ConfigValue(_text(value)) for key, value in values.items()},
        path=True,
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
