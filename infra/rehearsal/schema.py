"""The input schema of azure-native, derived from the SDK's args classes.

The wheel ships no machine-readable schema, and the SDK accepts dict-style arguments with any key, any enum string and
any scalar. But every args class states what is required (its signature), wire names (its getters) and nested types,
enums and scalars (the getters' annotations); that is enough to find what Azure would refuse only minutes later.

Safe under threads, which takes two things. The SDK loads its modules lazily, and Python's lazy loader shows a half-loaded
module to a second thread: `sdk_package` loads under a lock. And `typing.get_type_hints` caches forward references that
modules share: the annotations are walked here, each reference looked up in the module that wrote it.
"""

import collections.abc
import difflib
import functools
import importlib
import inspect
import sys
import threading
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from pulumi.runtime.rpc import UNKNOWN

TYPE_NAMES = {str: "a string", bool: "true or false", int: "a whole number", float: "a number"}
# Two services of one SDK module share an enum's name, and the generator kept the other one's values (azure-native 3.29:
# server groups' SystemAssigned for flexible servers' SystemManaged, and other operators for those of query rules).
OVERWRITTEN = {
    "pulumi_azure_native.dbforpostgresql._enums.DataEncryptionType": ("SystemManaged",),
    "pulumi_azure_native.monitor._enums.ConditionOperator": (
        "Equals",
        "GreaterThan",
        "GreaterThanOrEqual",
        "LessThan",
        "LessThanOrEqual",
    ),
}
_LOADING = threading.Lock()
Check = Callable[[str, Any], Iterator[str]]


@dataclass(frozen=True, slots=True)
class Field:
    """One input: its name on the wire, whether it must be given, and what finds problems in a value of it."""

    name: str
    required: bool
    check: Check


def check(type_token: str, inputs: Mapping[str, Any]) -> list[str]:
    """What is wrong with the inputs of a resource, in words; empty when nothing is.

    Args:
        type_token: such as `azure-native:keyvault:Vault`.
        inputs: as registered with the engine (wire names); values that are not known yet are not judged.
    """
    args = args_class(type_token)
    if args is None:
        return [f"{type_token} is no resource type of the installed azure-native SDK"]
    return list(_object_problems(args, "", inputs))


@functools.cache
def args_class(type_token: str) -> type | None:
    """The class that holds the inputs of a resource type.

    When a nested type owns the name `<Resource>Args`, the resource's own class is `<Resource>InitArgs`.
    """
    resource = type_token.split(":")[2]
    package = sdk_package(type_token)
    if package is None:
        return None
    found = getattr(package, f"{resource}InitArgs", None) or getattr(package, f"{resource}Args")
    return typing.cast(type, found)


def sdk_package(type_token: str) -> types.ModuleType | None:
    """The SDK's package that has the resource type, wholly loaded; None when there is none."""
    _, module_name, resource = type_token.split(":")
    with _LOADING:
        try:
            package = importlib.import_module(f"pulumi_azure_native.{module_name}")
        except ModuleNotFoundError:
            return None
        return package if hasattr(package, resource) else None  # the look inside loads it


@functools.cache
def fields(args: type) -> Mapping[str, Field]:
    """The inputs of an args class by wire name."""
    signature = inspect.signature(args)
    found: dict[str, Field] = {}
    for python_name, attribute in vars(args).items():
        if not isinstance(attribute, property) or attribute.fget is None:
            continue
        wire = getattr(attribute.fget, "_pulumi_name", python_name)
        hint = attribute.fget.__annotations__["return"]
        required = signature.parameters[python_name].default is inspect.Parameter.empty
        found[wire] = Field(wire, required, _check_for(hint, args.__module__))
    return types.MappingProxyType(found)


def _object_problems(args: type, path: str, value: Any) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{path or 'the inputs'}: expected an object, got {_shown(value)}"
        return
    known = fields(args)
    for key, member in value.items():
        where = _join(path, key)
        if key not in known:
            yield f"{where} is not known{_nearest(key, known)}"
        elif member is not None:
            yield from known[key].check(where, member)
    for field in known.values():
        if field.required and value.get(field.name) is None:
            yield f"{_join(path, field.name)} is required"


def _check_for(hint: Any, module: str) -> Check:
    return functools.partial(_problems_if_known, _check_of(hint, module))


def _problems_if_known(check_value: Check, path: str, value: Any) -> Iterator[str]:
    return iter(()) if value == UNKNOWN else check_value(path, value)


def _check_of(hint: Any, module: str) -> Check:
    options = list(_options(hint, module))
    if any(option is Any for option in options):
        return _anything
    enums = [o for o in options if isinstance(o, type) and issubclass(o, Enum)]
    if enums:  # a string beside an enum is the SDK's way of writing an enum that may grow
        return functools.partial(_enum_problems, tuple(v for e in enums for v in _values(e)))
    checks = [_check_option(option, module) for option in options]
    return checks[0] if len(checks) == 1 else functools.partial(_any_of, checks)


def _values(enum: type[Enum]) -> Iterator[Any]:
    yield from (member.value for member in enum)
    yield from OVERWRITTEN.get(f"{enum.__module__}.{enum.__name__}", ())


def _check_option(option: Any, module: str) -> Check:
    origin = typing.get_origin(option)
    if origin is collections.abc.Sequence:
        return functools.partial(_list_problems, _check_for(typing.get_args(option)[0], module))
    if origin is collections.abc.Mapping:
        return functools.partial(_map_problems, _check_for(typing.get_args(option)[1], module))
    if option in TYPE_NAMES:
        return functools.partial(_scalar_problems, option)
    return functools.partial(_object_problems, option)


def _options(hint: Any, module: str) -> Iterator[Any]:
    """What a value may be once `Input`, `Optional` and `Output` are taken off."""
    if isinstance(hint, typing.ForwardRef):
        hint = hint.__forward_arg__
    if isinstance(hint, str):
        if not hint.startswith("Output["):
            yield vars(sys.modules[module])[hint]
    elif typing.get_origin(hint) in (typing.Union, types.UnionType):
        for member in typing.get_args(hint):
            yield from _options(member, module)
    elif hint is not types.NoneType and not _is_asynchronous(hint):
        yield hint


def _is_asynchronous(hint: Any) -> bool:
    origin = typing.get_origin(hint)
    return origin is collections.abc.Awaitable or getattr(origin, "__name__", "") == "Output"


def _anything(_path: str, _value: Any) -> Iterator[str]:
    return iter(())


def _any_of(checks: Sequence[Check], path: str, value: Any) -> Iterator[str]:
    """A value of a union: judged by the member it fits best."""
    found: list[list[str]] = [list(one(path, value)) for one in checks]
    fewest = min(len(problems) for problems in found)
    return iter(next(problems for problems in found if len(problems) == fewest))


def _scalar_problems(expected: type, path: str, value: Any) -> Iterator[str]:
    if not _is_scalar(expected, value):
        yield f"{path}: expected {TYPE_NAMES[expected]}, got {_shown(value)}"


def _is_scalar(expected: type, value: Any) -> bool:
    if expected in (int, float):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and (expected is float or float(value).is_integer())
    return isinstance(value, expected)


def _enum_problems(allowed: tuple[Any, ...], path: str, value: Any) -> Iterator[str]:
    plain = value.value if isinstance(value, Enum) else value
    if plain not in allowed:
        yield f"{path}: {_shown(plain)} is none of {', '.join(map(str, allowed))}"


def _list_problems(item: Check, path: str, value: Any) -> Iterator[str]:
    if not isinstance(value, list | tuple):
        yield f"{path}: expected a list, got {_shown(value)}"
        return
    for index, member in enumerate(value):
        yield from item(f"{path}[{index}]", member)


def _map_problems(item: Check, path: str, value: Any) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{path}: expected a map, got {_shown(value)}"
        return
    for key, member in value.items():
        yield from item(_join(path, key), member)


def _nearest(key: str, known: Mapping[str, Field]) -> str:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return f" (did you mean {near[0]}?)" if near else ""


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, str | bool | int | float) else type(value).__name__
