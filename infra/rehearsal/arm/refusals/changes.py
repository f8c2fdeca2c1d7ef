"""Inputs that cannot change once the resource exists."""

from rehearsal.arm.errors import bad_request, conflict
from rehearsal.arm.world import Write, plain_location, value_at


def create_only_inputs_are_unchanged(write: Write) -> None:
    if write.existing is None:
        return
    if write.location and write.location != write.existing.location:
        raise conflict(
            "InvalidResourceLocation",
            f"The resource '{write.name}' already exists in location '{write.existing.location}'. A resource with the same "
            f"name cannot be created in location '{plain_location(write.location)}'. Please select a new resource name.",
        )
    for path in write.kind.create_only:
        new, old = write.value(path), value_at(write.existing.body, path)
        if path != "location" and new is not None and new != old:
            raise conflict(
                "PropertyChangeNotAllowed",
                f"Changing property '{path}' is not allowed: it was set to {old!r} when the resource was created.",
            )


def purge_protection_stays_on(write: Write) -> None:
    on = "properties.enablePurgeProtection"
    if write.existing and value_at(write.existing.body, on) and write.value(on) is not True:
        raise bad_request(
            "BadRequest",
            'The property "enablePurgeProtection" cannot be set to false. Enabling the purge protection for a vault is an '
            "irreversible action.",
        )
