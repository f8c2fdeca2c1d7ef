"""Key Vault secrets as a place of keys: only added, never overwritten, values read once.

https://learn.microsoft.com/rest/api/keyvault/secrets
"""

import base64
import contextlib
import re
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta

from azure.core.exceptions import ResourceNotFoundError
from azure.keyvault.secrets import SecretClient, SecretProperties

from connector.adapters.azure.failures import VaultCalls
from connector.adapters.azure.transport import DEADLINE_SECONDS

# Forty processes that each list four kinds every 30 s are 5 requests a second; Key Vault takes 400.
# https://learn.microsoft.com/azure/key-vault/general/service-limits#secrets-managed-storage-account-keys-and-vault-transactions
LOOK_AGAIN = timedelta(seconds=30)
LOOK_SECONDS = 4.0
_OURS = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*\.(key|pem|txt)")
_LONGEST_NAME = 127


def secret_name(name: str) -> str:
    """`graph-0001-key.pem` is the secret `graph-0001-key--pem`: secrets have no dots in their names.

    Raises:
        ValueError: no secret name could be turned back into it.
    """
    if not _OURS.fullmatch(name) or len(name) >= _LONGEST_NAME:
        raise ValueError("not a name of a key")
    return name.replace(".", "--")


def key_name(secret: str) -> str | None:
    """The name that `secret_name` turned into this one; None: it is not one of ours."""
    name = ".".join(secret.split("--"))
    return name if _OURS.fullmatch(name) and len(name) < _LONGEST_NAME else None


class VaultSecrets:
    """Implements `ports.key_places.KeyPlace`.

    A secret that was disabled (its newest version, as portals and tools do it) was taken away. If
    two raced and it has several versions, the oldest enabled one is the truth for everybody.
    """

    look_again = LOOK_AGAIN

    def __init__(self, client: SecretClient, calls: VaultCalls) -> None:
        self._client = client
        self._calls = calls

    def __str__(self) -> str:
        return self._client.vault_url

    def names(self) -> Collection[str]:
        return {name for name, secret in self._listed() if secret.enabled}

    def used_names(self) -> Collection[str]:
        return {name for name, _ in self._listed()}

    def read(self, name: str) -> bytes:
        secret = secret_name(name)
        with self._calls.within(DEADLINE_SECONDS):
            versions = [v for v in self._versions(secret) if v.enabled and v.version]
            if not versions:
                raise FileNotFoundError(f"no {name} in {self}")
            truth = min(versions, key=_age)
            value = self._client.get_secret(secret, truth.version).value
        return _decoded(name, value or "")

    def add(self, name: str, content: bytes) -> None:
        secret, value = secret_name(name), _encoded(name, content)
        with self._calls.within(DEADLINE_SECONDS):
            if not self._versions(secret):
                self._client.set_secret(secret, value, content_type=_content_type(name))

    def _listed(self) -> Iterator[tuple[str, SecretProperties]]:
        with self._calls.within(LOOK_SECONDS):
            listed = list(self._client.list_properties_of_secrets())
        for secret in listed:
            name = key_name(secret.name or "")
            if name is not None:
                yield name, secret

    def _versions(self, secret: str) -> list[SecretProperties]:
        """An unknown secret has none, whether the vault says so with 404 or an empty list."""
        with contextlib.suppress(ResourceNotFoundError):
            return list(self._client.list_properties_of_secret_versions(secret))
        return []


def _age(secret: SecretProperties) -> tuple[datetime, str]:
    return (secret.created_on or datetime.max.replace(tzinfo=UTC), secret.version or "")


def _encoded(name: str, content: bytes) -> str:
    """PEM and times are text as they are; a master key is not."""
    return base64.b64encode(content).decode() if name.endswith(".key") else content.decode()


def _decoded(name: str, value: str) -> bytes:
    return base64.b64decode(value, validate=True) if name.endswith(".key") else value.encode()


def _content_type(name: str) -> str:
    if name.endswith(".pem"):
        return "application/x-pem-file"
    return "application/base64" if name.endswith(".key") else "text/plain"
