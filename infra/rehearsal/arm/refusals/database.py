"""PostgreSQL flexible server: what its tiers, regions and keys allow."""

from rehearsal.arm.errors import bad_request
from rehearsal.arm.refusals.gateway import vault_of
from rehearsal.arm.world import Write, regions, value_at

KEY_USERS = ("e147488a-f6f5-4113-8e2d-b22465e65bf6",)  # Key Vault Crypto Service Encryption User


def high_availability_is_possible(write: Write) -> None:
    mode = write.value("highAvailability.mode") or "Disabled"
    if mode == "Disabled":
        return
    if write.value("sku.tier") == "Burstable":
        raise bad_request(
            "HANotSupportedForBurstable",  # named here
            "High availability is not supported for Burstable tier servers.",
        )
    if mode == "ZoneRedundant" and not regions()[write.location].zones:
        raise bad_request(
            "HaNotSupportedForLocationNotSupportZRS",
            f"High availability is only supported in locations that support ZRS. {write.location} does not support ZRS.",
        )


def geo_backup_has_pair(write: Write) -> None:
    if _geo_backup(write) and regions()[write.location].pair is None:
        raise bad_request(
            "GeoBackupNotSupported",  # named here
            f"Geo-redundant backup is not supported in location '{write.location}': it has no paired region.",
        )


def geo_backup_has_own_key(write: Write) -> None:
    """Backups in the pair region are encrypted with a key of that region."""
    encryption = write.value("dataEncryption") or {}
    if _geo_backup(write) and encryption.get("type") == "AzureKeyVault":
        needed = ("geoBackupKeyURI", "geoBackupUserAssignedIdentityId")
        missing = [name for name in needed if not encryption.get(name)]
        if missing:
            raise bad_request(
                "GeoBackupEncryptionKeyMissing",  # named here
                f"Geo-redundant backup with a customer managed key needs dataEncryption.{', dataEncryption.'.join(missing)}.",
            )


def key_can_be_used(write: Write) -> None:
    encryption = write.value("dataEncryption") or {}
    uri, identity = encryption.get("primaryKeyURI"), encryption.get("primaryUserAssignedIdentityId")
    if encryption.get("type") != "AzureKeyVault":
        return
    vault = vault_of(write.world, uri or "")
    if not vault or not identity or not write.world.has_role(identity, vault.arm_id, KEY_USERS):
        raise bad_request(
            "AzureKeyVaultMissingPermissions",
            f"The server's identity needs get, wrapKey and unwrapKey permissions on the key {uri}.",
        )


def storage_never_shrinks(write: Write) -> None:
    new, old = write.value("storage.storageSizeGB"), None
    if write.existing:
        old = value_at(write.existing.body, "storage.storageSizeGB")
    if new and old and new < old:
        raise bad_request(
            "StorageSizeDecreaseNotAllowed",  # named here
            f"Storage size cannot be reduced: it is {old} GB, {new} GB was asked for.",
        )


def _geo_backup(write: Write) -> bool:
    return bool(write.value("backup.geoRedundantBackup") == "Enabled")
