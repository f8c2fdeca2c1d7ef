"""What ARM answers when it refuses: a status, a code and a sentence.

Codes are those seen in Azure's documentation and issue threads. Where Azure's own code is not public the one used
here is marked `named here` beside its rule; the status and the reason are still Azure's.
"""

from typing import Any


class ArmError(Exception):
    """A refusal on its way to becoming an answer."""

    def __init__(
        self, status: int, code: str, message: str, *, retry_after: int | None = None
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after

    def body(self) -> dict[str, Any]:
        return {"error": {"code": self.code, "message": self.message}}


def bad_request(code: str, message: str) -> ArmError:
    return ArmError(400, code, message)


def conflict(code: str, message: str) -> ArmError:
    return ArmError(409, code, message)


def not_found(arm_id: str) -> ArmError:
    """As ARM words it, with the group named apart from the resource."""
    parts = arm_id.strip("/").split("/")
    group = parts[3] if len(parts) > 3 else ""  # noqa: PLR2004 - subscriptions/x/resourceGroups/y
    if "providers" not in parts:
        return ArmError(
            404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found."
        )
    resource = "/".join(parts[parts.index("providers") + 1 :])
    return ArmError(
        404,
        "ResourceNotFound",
        f"The Resource '{resource}' under resource group '{group}' was not found.",
    )
