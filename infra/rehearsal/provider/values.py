"""Property values between the engine's wire and Python: secrets, unknowns, whole numbers.

https://github.com/pulumi/pulumi/blob/master/developer-docs/architecture/deployment-execution/property-values.md
"""

from collections.abc import Mapping
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the signature every Pulumi SDK knows


def from_wire(struct: Struct) -> dict[str, Any]:
    """Plain values: secrets unwrapped, numbers that are whole made so; unknowns stay Pulumi's unknown string."""
    plain = _plain(MessageToDict(struct))
    return plain if isinstance(plain, dict) else {}


def to_wire(values: Mapping[str, Any]) -> Struct:
    struct = Struct()
    struct.update(dict(values))
    return struct


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get(SIGNATURE) == SECRET:
            return _plain(value.get("value"))
        return {key: _plain(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_plain(member) for member in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
