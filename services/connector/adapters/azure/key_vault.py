"""One Key Vault: the place of our secrets, and the two keys that sign as us."""

from collections.abc import Mapping
from functools import partial

from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.crypto import CryptographyClient
from azure.keyvault.secrets import SecretClient

from connector.adapters.azure.failures import VaultCalls
from connector.adapters.azure.identity import ManagedIdentity
from connector.adapters.azure.secrets import VaultSecrets
from connector.adapters.azure.signing_keys import VaultSigningKey
from connector.adapters.azure.transport import AzureTransport, Budget
from connector.ports.answers import host_of
from connector.ports.system import Clock

# Made with the vault, by Pulumi (infra/): nobody who runs the connector may make or export them.
SIGNING_KEYS = {"RS384": "client-assertion-rs384", "ES384": "client-assertion-es384"}


class KeyVault:
    """`secrets` is a `KeyPlace`, `signing` the `SigningKey` of each algorithm.

    The SDK checks that the vault's challenge names a resource of the vault's own domain before it
    sends a token: that stays on, wherever the vault is.

    Args:
        url: `https://kv-….vault.azure.net`.
    """

    def __init__(
        self,
        url: str,
        identity: ManagedIdentity,
        transport: AzureTransport,
        budget: Budget,
        clock: Clock,
    ) -> None:
        calls = VaultCalls(host_of(url), budget, clock, identity.forget_all)
        options = {**transport.options, "verify_challenge_resource": True}
        keys = KeyClient(url, identity, **options)
        crypto = partial(CryptographyClient, credential=identity, **options)
        self.secrets = VaultSecrets(SecretClient(url, identity, **options), calls)
        self.signing: Mapping[str, VaultSigningKey] = {
            algorithm: VaultSigningKey(
                keys, calls, clock, name=name, algorithm=algorithm, crypto=crypto
            )
            for algorithm, name in SIGNING_KEYS.items()
        }
