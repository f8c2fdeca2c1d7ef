"""Names: their form, and those that are one in all of Azure."""

from collections.abc import Mapping

from rehearsal.arm.errors import bad_request, conflict
from rehearsal.arm.world import Write

BAD_NAME_CODES: Mapping[str, str] = {
    "azure-native:keyvault:Vault": "VaultNameNotValid",
    "azure-native:storage:StorageAccount": "AccountNameInvalid",
    "azure-native:authorization:RoleAssignment": "InvalidRoleAssignmentId",
}
TAKEN: Mapping[str, tuple[str, str]] = {
    "azure-native:keyvault:Vault": (
        "VaultAlreadyExists",
        "The vault name '{name}' is already in use. Vault names are globally unique.",
    ),
    "azure-native:containerregistry:Registry": (
        "AlreadyInUse", "The registry DNS name {name}.azurecr.io is already in use.",
    ),
    "azure-native:storage:StorageAccount": (
        "StorageAccountAlreadyTaken", "The storage account named {name} is already taken.",
    ),
    "azure-native:dbforpostgresql:Server": (
        "ServerNameAlreadyExists", "Specified server name {name} is already used.",
    ),
}  # fmt: skip


def name_is_allowed(write: Write) -> None:
    if not write.kind.names.admits(write.name):
        rule = write.kind.names
        raise bad_request(
            BAD_NAME_CODES.get(write.kind.token, "InvalidResourceName"),
            f"Resource name {write.name} is invalid: {rule.shortest} to {rule.longest} characters of the form {rule.pattern}.",
        )


def public_name_is_free(write: Write) -> None:
    if not write.kind.public_suffix or write.existing:
        return
    others = write.world.of(write.kind.short)
    if any(one.name.lower() == write.name.lower() for one in others):
        code, message = TAKEN[write.kind.token]
        raise conflict(code, message.format(name=write.name))


def vault_is_not_soft_deleted(write: Write) -> None:
    """A deleted vault keeps its name until it is purged, which purge protection forbids for the retention time."""
    left = write.world.soft_deleted.get(write.name.lower())
    if left and not write.existing and write.value("properties.createMode") != "recover":
        raise conflict(
            "ConflictError",
            f"A vault with the same name already exists in deleted state ('{write.name}'). You need to either recover or "
            "purge existing key vault.",
        )
