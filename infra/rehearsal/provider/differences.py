"""What differs between the inputs a resource has and those it should have, and what of it needs a new resource."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rehearsal.arm.types import ResourceType
from rehearsal.arm.world import plain_location


class Change(StrEnum):
    ADD = "ADD"
    DELETE = "DELETE"
    UPDATE = "UPDATE"


@dataclass(frozen=True, slots=True)
class Difference:
    """One property that differs, by its path in Pulumi's notation (`template.containers[0].image`)."""

    path: str
    change: Change
    replaces: bool

    @property
    def kind(self) -> str:
        """The name in the wire's enumeration."""
        return f"{self.change}_REPLACE" if self.replaces else str(self.change)

    @property
    def top(self) -> str:
        return re.split(r"[.\[]", self.path, maxsplit=1)[0]


def differences(
    kind: ResourceType, old: Mapping[str, Any], new: Mapping[str, Any], ignored: Sequence[str]
) -> list[Difference]:
    """The differences in order of their paths; those the program ignores are left out."""
    fixed = (*kind.parameters, "location", *kind.create_only)
    return [
        Difference(path, change, any(covers(one, path) for one in fixed))
        for path, change in _walk("", _normal(old), _normal(new))
        if not any(covers(one, path) for one in ignored)
    ]


def covers(rule: str, path: str) -> bool:
    """Whether a rule names the path, something it lies in, or something in it: a replaced object replaces its parts."""
    plain = re.sub(r"\[\d+\]", "", path)
    return any(
        a == b or a.startswith((f"{b}.", f"{b}["))
        for a, b in ((path, rule), (plain, rule), (rule, plain))
    )


def _normal(inputs: Mapping[str, Any]) -> dict[str, Any]:
    normal = dict(inputs)
    if isinstance(normal.get("location"), str):
        normal["location"] = plain_location(normal["location"])
    return normal


def _walk(path: str, old: Any, new: Any) -> Iterator[tuple[str, Change]]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}):
            yield from _member(f"{path}.{key}" if path else key, old.get(key), new.get(key))
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            yield from _member(f"{path}[{index}]", _item(old, index), _item(new, index))
    elif old != new:
        yield path, Change.UPDATE


def _member(path: str, old: Any, new: Any) -> Iterator[tuple[str, Change]]:
    if old is None and new is not None:
        yield path, Change.ADD
    elif new is None and old is not None:
        yield path, Change.DELETE
    else:
        yield from _walk(path, old, new)


def _item(items: list[Any], index: int) -> Any:
    return items[index] if index < len(items) else None
