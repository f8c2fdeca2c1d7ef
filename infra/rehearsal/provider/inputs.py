"""Inputs on their way to ARM: what azure-native fills in, and where the resource then lives."""

import uuid
from collections.abc import Mapping
from typing import Any

from pulumi.runtime.rpc import UNKNOWN

from rehearsal.arm.types import GUID, Placement, ResourceType
from rehearsal.schema import args_class, fields

SUFFIX_LENGTH = 8


def filled(
    kind: ResourceType,
    name: str,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    *,
    seed: bytes,
    location: str,
) -> dict[str, Any]:
    """The inputs with a name and a location, where the program gave none.

    Args:
        kind: the resource's type.
        name: the resource's name in the program.
        old: its inputs up to now: a name once made up stays.
        new: what the program gave.
        seed: makes up a name; the engine repeats it for the same step.
        location: of the provider's configuration.
    """
    inputs = {key: value for key, value in new.items() if value is not None}
    if kind.name_input not in inputs:
        inputs[kind.name_input] = old.get(kind.name_input) or _made_up(kind, name, seed)
    takes_location = kind.placement is Placement.REGION and location
    if (
        takes_location
        and "location" not in inputs
        and "location" in fields(args_class(kind.token) or object)
    ):
        inputs["location"] = location
    return inputs


def body_of(kind: ResourceType, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """What a PUT carries: the inputs that are not in its path."""
    return {key: value for key, value in inputs.items() if key not in kind.parameters}


def path_is_known(kind: ResourceType, inputs: Mapping[str, Any]) -> bool:
    return all(inputs.get(name) not in (None, UNKNOWN) for name in kind.parameters)


def _made_up(kind: ResourceType, name: str, seed: bytes) -> str:
    """azure-native's habit: the program's name and eight digits; a GUID where only that is a name."""
    if kind.fixed_name:
        return kind.fixed_name
    unique = uuid.uuid5(uuid.NAMESPACE_URL, f"{name}#{seed.hex()}")
    if kind.names.pattern == GUID:
        return str(unique)
    return f"{name}{unique.hex[:SUFFIX_LENGTH]}"
