"""ARM ids: built from inputs, recognised in a path, and taken apart.

ARM compares ids without regard to case, so everything that looks one up folds it first.
"""

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from rehearsal.arm.types import TYPES, ResourceType

REFERENCE = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+(/providers/[^\s]+)?", re.IGNORECASE
)
SCOPES = ("scope", "resourceUri")


def arm_id(kind: ResourceType, subscription_id: str, inputs: Mapping[str, Any]) -> str:
    """The id a resource of these inputs has.

    Raises:
        KeyError: a path parameter is not among the inputs.
    """
    values = {name: str(inputs[name]) for name in kind.parameters}
    for scope in SCOPES:
        if scope in values:
            values[scope] = values[scope].strip("/")
    return kind.path.format(subscriptionId=subscription_id, **values)


def recognise(path: str) -> tuple[ResourceType, dict[str, str]] | None:
    """The resource type of an id and its path parameters; None when the table has no such type."""
    for kind in TYPES.values():
        match = _pattern(kind).fullmatch(path)
        if match:
            found = match.groupdict()
            for scope in SCOPES:
                if scope in found:
                    found[scope] = f"/{found[scope]}"
            return kind, found
    return None


def parent_id(path: str) -> str:
    """The id of what must exist before this resource can: the scope, the parent resource or the resource group."""
    head, provider, tail = path.rpartition("/providers/")
    parts = tail.split("/")
    if not provider or "/" not in tail:
        return ""
    if len(parts) > 3:  # noqa: PLR2004 - namespace, type, name: more than that is a child
        return _container(f"{head}{provider}{'/'.join(parts[:-2])}")
    return head


def arm_type(path: str) -> str:
    """The type in an id, such as `Microsoft.KeyVault/vaults/keys`."""
    _, provider, tail = path.rpartition("/providers/")
    if not provider:
        return "Microsoft.Resources/resourceGroups"
    namespace, *rest = tail.split("/")
    return "/".join([namespace, *rest[::2]])


def name_of(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def references(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every ARM id inside a body, as (where, id); map keys too, because identities are given so."""
    if isinstance(value, str):
        if REFERENCE.fullmatch(value):
            yield path, value
    elif isinstance(value, Mapping):
        for key, member in value.items():
            yield from references(str(key), path)
            yield from references(member, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from references(member, f"{path}[{index}]")


def within(path: str, scope: str) -> bool:
    """Whether an id is the scope itself or lies in it."""
    inner, outer = path.lower().rstrip("/"), scope.lower().rstrip("/")
    return inner == outer or inner.startswith(f"{outer}/")


def _container(path: str) -> str:
    """Blob containers hang below `blobServices/default`, which is nothing one creates."""
    return path.removesuffix("/blobServices/default")


@functools.cache
def _pattern(kind: ResourceType) -> re.Pattern[str]:
    def group(match: re.Match[str]) -> str:
        name = match[1]
        if name == "recordType":
            return "(?P<recordType>A|AAAA|CNAME|MX|PTR|SRV|TXT)"
        return f"(?P<{name}>{'.+' if name in SCOPES else '[^/]+'})"

    return re.compile(re.sub(r"\\{(\w+)\\}", group, re.escape(kind.path)), re.IGNORECASE)
