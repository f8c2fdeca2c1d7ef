"""What the key vault and the managed identity refuse: cause and remedy, in one line."""

from collections.abc import Mapping

from connector.ports.errors import OutsideError, TryLater

_IDENTITY = (
    "CONNECTOR_MANAGED_IDENTITY_CLIENT_ID must be the client id of an identity assigned to this app"
)
_NETWORK = "run it in the vault's virtual network, and see that its private endpoint and DNS zone are there"
_ROLES = (
    "grant it Key Vault Secrets User and Key Vault Crypto User to run the connector, Key Vault "
    "Secrets Officer and Key Vault Crypto Officer to make and rotate keys"
)

# Codes of connector.adapters.azure.failures and of the guarded way out.
_WORDS: Mapping[str, tuple[str, str]] = {
    "identity_missing": (
        "no managed identity endpoint answers: this does not run on Azure",
        "run it on Azure, or set CONNECTOR_KEYS_DIRECTORY and CONNECTOR_DATABASE_LOGIN=url",
    ),
    "identity_refused": ("the managed identity endpoint gave no token", _IDENTITY),
    "identity_away": ("the managed identity endpoint does not answer now", "run it again"),
    "vault_unauthorized": (
        "the key vault does not accept the managed identity's token",
        f"{_IDENTITY}, of the vault's tenant",
    ),
    "vault_forbidden": (
        "the managed identity may not do this in the key vault",
        _ROLES,
    ),
    "vault_network": ("the key vault does not let this network in", _NETWORK),
    "vault_not_found": (
        "the key vault does not hold what was asked for",
        "run `connector keys init`",
    ),
    "vault_deleted": (
        "a deleted secret or key of this name waits in the key vault",
        "recover it, or purge it if nothing that it sealed is needed",
    ),
    "vault_throttled": ("the key vault has too much to do", "run it again"),
    "vault_answer": (
        "the key vault's answer could not be understood",
        "see that CONNECTOR_KEY_VAULT_URL is the vault's own address",
    ),
    "name_unknown": (
        "the key vault's name cannot be resolved",
        f"see that CONNECTOR_KEY_VAULT_URL is right; {_NETWORK}",
    ),
    "certificate_authority_unknown": (
        "the key vault's certificate is of an unknown authority",
        "name the authority in CONNECTOR_CA_FILE if it is yours",
    ),
}
_AWAY = ("the key vault cannot be reached now", _NETWORK)


def words_of(err: OutsideError) -> str:
    cause, remedy = _WORDS.get(err.code, _AWAY)
    after = getattr(err, "retry_after_seconds", None)
    if isinstance(err, TryLater) and after:
        remedy = f"{remedy} after {after:.0f} seconds"
    return f"{cause} ({err.code}, {err.host}): {remedy}"
