"""What must exist first: the parent, what a body names by ARM id, and the parts a resource names of itself."""

from rehearsal.arm.errors import ArmError, bad_request, conflict, not_found
from rehearsal.arm.ids import arm_type, parent_id, references, within
from rehearsal.arm.world import Write


def parent_exists(write: Write) -> None:
    parent = parent_id(write.arm_id)
    if not parent or parent.lower() == f"/subscriptions/{write.world.subscription_id}".lower():
        return
    found = write.world.get(parent)
    if found is None:
        raise _missing_parent(write, parent)
    if found.state in ("Creating", "Deleting"):
        raise conflict(
            "ParentResourceNotReady",  # named here
            f"The parent resource '{parent}' is in state {found.state}.",
        )


def references_exist(write: Write) -> None:
    """`InvalidResourceReference` for what is not there, `ReferencedResourceNotProvisioned` for what is not ready."""
    for where, target in references(write.body):
        if within(target, write.arm_id) or not _in_subscription(write, target):
            continue
        found = write.world.get(target)
        if found is None:
            raise bad_request(
                "InvalidResourceReference",
                f"Resource {target} referenced by resource {write.arm_id} ({where}) was not found. Please make sure that "
                "the referenced resource exists, and that both resources are in the same region.",
            )
        if found.state in ("Creating", "Deleting", "Failed"):
            raise conflict(
                "ReferencedResourceNotProvisioned",
                f"Cannot proceed with operation because resource {target} used by resource {write.arm_id} is not in "
                f"Succeeded state. Resource is in {found.state} state.",
            )


def own_parts_exist(write: Write) -> None:
    """An application gateway's listener names its port by an id below the gateway's own."""
    for where, target in references(write.body):
        if not within(target, write.arm_id) or target.lower() == write.arm_id.lower():
            continue
        collection, _, name = target[len(write.arm_id) + 1 :].partition("/")
        parts = (
            next((v for k, v in write.body.items() if k.lower() == collection.lower()), None) or ()
        )
        if name not in [part.get("name") for part in parts]:
            raise bad_request(
                "InvalidResourceReference",
                f"Resource {target} referenced by resource {write.arm_id} ({where}) was not found.",
            )


def _in_subscription(write: Write, target: str) -> bool:
    return within(target, f"/subscriptions/{write.world.subscription_id}")


def _missing_parent(write: Write, parent: str) -> ArmError:
    if "/providers/" not in parent:
        return not_found(parent)
    kind = arm_type(write.arm_id).partition("/")[2]
    return ArmError(
        404,
        "ParentResourceNotFound",
        f"Failed to perform 'write' on resource(s) of type '{kind}', because the parent resource '{parent}' could not be "
        "found.",
    )
