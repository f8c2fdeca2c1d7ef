"""R04 to R08, R10, R16, R18: who may reach what, and that no password or key opens anything."""

import re
from collections.abc import Iterator
from typing import Any

from ehr_infra.rules import arm
from ehr_infra.rules.model import UNKNOWN, Facts, Resource
from ehr_infra.rules.reading import Wanted, at, differs, each_of, items, wanted

_OFF = ("Disabled",)
_UNSET_OR_FALSE = (False, None)
_REACHABLE = "anyone on the internet who finds a credential can try it"

database_is_private = wanted(
    Wanted(arm.SERVER, "network.publicNetworkAccess", _OFF, _REACHABLE),
)

stores_are_private = wanted(
    Wanted(arm.VAULT, "properties.publicNetworkAccess", _OFF, _REACHABLE),
    Wanted(arm.REGISTRY, "publicNetworkAccess", _OFF, _REACHABLE),
    Wanted(arm.STORAGE, "publicNetworkAccess", _OFF, _REACHABLE),
    Wanted(
        arm.STORAGE,
        "allowBlobPublicAccess",
        _UNSET_OR_FALSE,
        "a container can be opened to everybody",
    ),
    Wanted(arm.BLOB_CONTAINER, "publicAccess", ("None", None), "everybody may read it"),
)

_LOST_FOR_GOOD = "a deleted key takes everything it encrypted with it"

vault_survives_deletion = wanted(
    Wanted(arm.VAULT, "properties.enablePurgeProtection", (True,), _LOST_FOR_GOOD),
    Wanted(arm.VAULT, "properties.enableSoftDelete", (True, None), _LOST_FOR_GOOD),
    Wanted(arm.VAULT, "properties.softDeleteRetentionInDays", (90, None), _LOST_FOR_GOOD),
)


def _no_access_policies(resource: Resource, _facts: Facts) -> Iterator[str]:
    policies = [
        each for each in items(at(resource.inputs, "properties.accessPolicies")) if each != UNKNOWN
    ]
    if resource.type == arm.VAULT and policies:
        yield (
            "properties.accessPolicies has entries: they grant beside the role assignments "
            "everybody reviews; remove them and assign a role"
        )


vault_grants_by_role = each_of(
    wanted(
        Wanted(
            arm.VAULT,
            "properties.enableRbacAuthorization",
            (True,),
            "whoever may write the vault can grant himself its secrets",
        )
    ),
    _no_access_policies,
)

database_signs_in_with_entra = wanted(
    Wanted(arm.SERVER, "authConfig.passwordAuth", _OFF, "a password can leak and never expires"),
    Wanted(arm.SERVER, "authConfig.activeDirectoryAuth", ("Enabled",), "no identity can sign in"),
    Wanted(
        arm.SERVER,
        "administratorLoginPassword",
        (None,),
        "a password lies in the state and opens every row",
    ),
)

registry_and_storage_take_identities = wanted(
    Wanted(arm.REGISTRY, "adminUserEnabled", _UNSET_OR_FALSE, "one shared password pulls images"),
    Wanted(arm.REGISTRY, "anonymousPullEnabled", _UNSET_OR_FALSE, "anybody may pull our images"),
    Wanted(
        arm.STORAGE,
        "allowSharedKeyAccess",
        (False,),
        "one shared key opens the account and no log says who used it",
    ),
)

_KEYS_TAKEN = "whoever has the key can write false telemetry, and no log says who"

telemetry_takes_identities = wanted(
    Wanted(arm.WORKSPACE, "features.disableLocalAuth", (True,), _KEYS_TAKEN),
    Wanted(arm.COMPONENT, "disableLocalAuth", (True,), _KEYS_TAKEN),
    Wanted(
        arm.ENVIRONMENT,
        "appLogsConfiguration.destination",
        ("azure-monitor",),
        "log-analytics needs the workspace's shared key, anything else loses the logs",
    ),
    Wanted(
        arm.ENVIRONMENT,
        "appLogsConfiguration.logAnalyticsConfiguration.sharedKey",
        (None,),
        "the workspace's shared key would lie in the state",
    ),
)

_SECRET_NAME = re.compile(
    r"SECRET|PASSW|PWD|TOKEN|API_?KEY|ACCESS_?KEY|ACCOUNT_?KEY|PRIVATE_?KEY|SHARED_?KEY"
    r"|CREDENTIAL|CONNECTION_?STRING|\bSAS\b|_SAS_|_SAS$"
)
# Names that only say where a secret is, or how long it lives.
_NOT_ITSELF = re.compile(r"_(NAMES?|URI|URL|ID|FILE|PATH|DIRECTORY|SECONDS|DAYS|SCOPE)$")
# No secret once key authentication is off, which R18 sees to.
_PUBLIC = {"APPLICATIONINSIGHTS_CONNECTION_STRING"}
_SECRET_VALUE = re.compile(
    r"://[^/@\s:]*:[^/@\s]+@|AccountKey=|SharedAccessKey=|[?&]sig=|-----BEGIN [A-Z ]*PRIVATE KEY"
)


def no_literal_secrets(resource: Resource, _facts: Facts) -> Iterator[str]:
    """R10. Names are said, values never."""
    for container in arm.containers(resource):
        for name, value in arm.variables(container).items():
            if _is_literal_secret(name.upper(), value):
                yield (
                    f"environment variable {name} holds a secret in plain text: it lies in the "
                    "state and in the portal for all to read; let the service read it from the vault"
                )
    for secret in items(at(resource.inputs, "configuration.secrets")):
        if differs(at(secret, "value"), None, ""):
            yield (
                f"configuration.secrets holds the value of {at(secret, 'name')}: it lies in the "
                "state; let the service read it from the vault"
            )


def _is_literal_secret(name: str, value: Any) -> bool:
    if not isinstance(value, str) or not value or name in _PUBLIC:
        return False
    named = _SECRET_NAME.search(name) and not _NOT_ITSELF.search(name)
    return bool(named or _SECRET_VALUE.search(value))
