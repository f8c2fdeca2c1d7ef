"""Reading inputs that may be absent, UNKNOWN, or hold something UNKNOWN.

UNKNOWN passes through everything here, and no comparison with it is ever known to fail: a rule is
not broken by what nobody can see yet.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ehr_infra.rules.model import UNKNOWN, Alone, Facts, Resource


def at(value: Any, path: str) -> Any:
    """What stands at `a.b.c` below `value`: None if nothing does, UNKNOWN if that cannot be told."""
    for step in path.split("."):
        if value is UNKNOWN:
            return UNKNOWN
        if not isinstance(value, Mapping):
            return None
        value = value.get(step)
    return value


def items(value: Any) -> Sequence[Any]:
    """The elements of a list; one UNKNOWN element for a list that is UNKNOWN as a whole."""
    if value is UNKNOWN:
        return [UNKNOWN]
    return value if isinstance(value, Sequence) and not isinstance(value, str) else []


def certain(value: Any) -> bool:
    """Nothing in `value` is UNKNOWN, at any depth."""
    if isinstance(value, Mapping):
        return all(certain(each) for each in value.values())
    return value is not UNKNOWN and all(certain(each) for each in items(value))


def differs(value: Any, *accepted: Any) -> bool:
    """`value` is known and none of `accepted`; ARM does not tell upper from lower case."""
    return value is not UNKNOWN and not any(_same(value, each) for each in accepted)


def known_text(value: Any) -> str:
    """A text in lower case, "" for anything else."""
    return value.casefold() if isinstance(value, str) else ""


def _same(value: Any, other: Any) -> bool:
    if isinstance(value, str) and isinstance(other, str):
        return value.casefold() == other.casefold()
    return isinstance(value, bool) is isinstance(other, bool) and bool(value == other)


class Wanted(NamedTuple):
    """An input of a type that must have a value.

    Attributes:
        accepted: the first is what to set; None among them: unset is as good.
        otherwise: what is possible when it is not so.
    """

    type: str
    path: str
    accepted: tuple[Any, ...]
    otherwise: str


def wanted(*rows: Wanted) -> Alone:
    """The rule that every row of a table holds."""

    def check(resource: Resource, _facts: Facts) -> Iterator[str]:
        for row in rows:
            if row.type == resource.type and differs(at(resource.inputs, row.path), *row.accepted):
                yield _unwanted(row, at(resource.inputs, row.path))

    return check


def in_production(check: Alone) -> Alone:
    """The same rule, which test need not keep."""

    def strict(resource: Resource, facts: Facts) -> Iterator[str]:
        if facts.production:
            yield from check(resource, facts)

    return strict


def each_of(*checks: Alone) -> Alone:
    """The rule that all of `checks` hold."""

    def check(resource: Resource, facts: Facts) -> Iterator[str]:
        for one in checks:
            yield from one(resource, facts)

    return check


def _unwanted(row: Wanted, value: Any) -> str:
    """What must not be set may be a secret, so its value is not repeated."""
    if row.accepted == (None,):
        return f"{row.path} is set: {row.otherwise}; remove it"
    now = "unset" if value is None else f"{value!r}"
    return f"{row.path} is {now}: {row.otherwise}; set it to {row.accepted[0]!r}"
