"""How a refusal reaches the engine, and what a preview may promise."""

from collections.abc import Mapping
from typing import Any, NoReturn

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import provider_pb2
from pulumi.runtime.proto.status_pb2 import Status
from pulumi.runtime.rpc import UNKNOWN

from rehearsal.arm.answers import VOLATILE, computed_names, shape
from rehearsal.arm.types import ResourceType
from rehearsal.arm.world import value_at

DETAILS = "grpc-status-details-bin"


def fail(context: grpc.ServicerContext, reason: str) -> NoReturn:
    context.abort(grpc.StatusCode.UNKNOWN, reason)
    raise AssertionError("abort has raised")


def fail_partly(
    context: grpc.ServicerContext, reason: str, *, arm_id: str, outputs: Struct, inputs: Struct
) -> NoReturn:
    """The resource exists and is not right: the engine keeps it, and the next update tries again."""
    left = provider_pb2.ErrorResourceInitFailed(
        id=arm_id, properties=outputs, reasons=[reason], inputs=inputs
    )
    detail = AnyMessage()
    detail.Pack(left)
    status = Status(code=grpc.StatusCode.UNKNOWN.value[0], message=reason, details=[detail])
    context.set_trailing_metadata(((DETAILS, status.SerializeToString()),))
    fail(context, reason)


def previewed(
    kind: ResourceType, inputs: Mapping[str, Any], old: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Outputs of a write that is only previewed: what ARM will compute is unknown, unless an update leaves it alone.

    Args:
        kind: the resource's type.
        inputs: as checked; what is unknown in them stays so.
        old: its outputs up to now; None for a creation.
    """
    shown = shape(kind.token, inputs)
    new_revision = old is not None and shown.get("template") != old.get("template")
    for path in computed_names(kind.token):
        *containers, last = path.split(".")
        inner: Any = value_at(shown, ".".join(containers)) if containers else shown
        if isinstance(inner, dict):
            stays = old is not None and not (new_revision and last in VOLATILE)
            known = value_at(old, path) if stays else None
            inner[last] = UNKNOWN if known is None else known
    return shown
