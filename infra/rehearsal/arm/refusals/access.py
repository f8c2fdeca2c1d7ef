"""Role assignments."""

from rehearsal.arm.errors import bad_request, conflict
from rehearsal.arm.ids import name_of
from rehearsal.arm.world import Write

REPLICATION_SECONDS = 30.0  # how long the directory takes to know a new identity everywhere


def principal_is_known(write: Write) -> None:
    """A new identity is not known everywhere at once; naming its type tells ARM not to ask the directory."""
    principal, kind = write.body["principalId"], write.value("principalType")
    identity = write.world.identity(principal)
    if identity:
        known = kind == "ServicePrincipal" or write.now - identity.created_at >= REPLICATION_SECONDS
    else:
        known = write.world.in_directory(principal) and kind in (
            "Group",
            "User",
            "ServicePrincipal",
        )
    if not known:
        raise bad_request(
            "PrincipalNotFound",
            f"Principal {principal} does not exist in the directory. Check that you have the correct principal ID. If you "
            "are creating this principal and then immediately assigning a role, this error might be related to a "
            "replication delay. In this case, set the role assignment principalType property to a value, such as "
            "ServicePrincipal, User, or Group.",
        )


def grant_is_new(write: Write) -> None:
    for one in write.world.of("authorization:RoleAssignment"):
        same = (
            all(
                name_of(str(one.body[part])).lower() == name_of(str(write.body[part])).lower()
                for part in ("principalId", "roleDefinitionId")
            )
            and one.body["scope"].strip("/").lower() == write.body["scope"].strip("/").lower()
        )
        if same and one.arm_id.lower() != write.arm_id.lower():
            raise conflict("RoleAssignmentExists", "The role assignment already exists.")
