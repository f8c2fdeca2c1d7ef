"""Both places keys can lie in, as a test gets at them: a directory, and a Key Vault."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.builders.http import guarded_http
from tests.fakes.key_vault import KeyVaultDouble
from tests.fakes.managed_identity import CLIENT_ID
from tests.fakes.system import FixedClock

from connector.adapters.azure.identity import ManagedIdentity
from connector.adapters.azure.key_vault import KeyVault
from connector.adapters.azure.transport import AzureTransport, Budget
from connector.adapters.system.egress import Resolve
from connector.adapters.system.http import GuardedHttp
from connector.adapters.system.lent_tokens import HeldTokens
from connector.adapters.vault.directory import Directory
from connector.adapters.vault.files import Keys, KeyStock
from connector.adapters.vault.key_maker import KeyRotation
from connector.ports.answers import host_of
from connector.ports.vault import KeyKind

_SIGNING = ("client-assertion-rs384", "client-assertion-es384")


class KeyLair(Protocol):
    """A place a test may damage; `stock` is what a new process makes of it."""

    clock: FixedClock

    @property
    def stock(self) -> KeyStock: ...

    def contents(self) -> Mapping[str, bytes]:
        """What may be read now, by name."""
        ...

    def put(self, name: str, content: bytes) -> None: ...

    def take_away(self, name: str) -> None: ...

    def take_away_assertions(self, number: int) -> None: ...

    def go_away(self) -> None: ...

    def come_back(self) -> None: ...


def _loopback(_host: str, _port: int) -> list[str]:
    return ["127.0.0.1"]


def keys_of(lair: KeyLair) -> Keys:
    """The keys of a process that starts now."""
    return Keys(lair.stock, lair.clock)


def rotation_of(lair: KeyLair) -> KeyRotation:
    return KeyRotation(lair.stock, lair.clock)


def rotate(lair: KeyLair, kind: KeyKind, active_from: object = None) -> None:
    """Made now; used from `active_from` on, or at once."""
    now = lair.clock.now()
    rotation_of(lair).add(kind, now, active_from or now)  # type: ignore[arg-type]


@dataclass
class DirectoryLair:
    path: Path
    clock: FixedClock

    @property
    def stock(self) -> KeyStock:
        return KeyStock(Directory(self.path))

    def contents(self) -> Mapping[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted(self.path.glob("*"))}

    def put(self, name: str, content: bytes) -> None:
        self.path.mkdir(exist_ok=True, mode=0o700)
        (self.path / name).write_bytes(content)
        (self.path / name).chmod(0o600)

    def take_away(self, name: str) -> None:
        (self.path / name).unlink()

    def take_away_assertions(self, number: int) -> None:
        for path in self.path.glob(f"client-assertion-{number:04}-*"):
            path.unlink()

    def go_away(self) -> None:
        self.path.rename(self.path.with_name("away"))

    def come_back(self) -> None:
        self.path.with_name("away").rename(self.path)


class VaultLair:
    """`double` is what the vault knows; every `stock` is a process of its own with its own tokens."""

    def __init__(self, double: KeyVaultDouble, ca_file: str, clock: FixedClock) -> None:
        self.double = double
        self.clock = clock
        self._ca_file = ca_file
        self._opened: list[GuardedHttp | AzureTransport] = []

    @property
    def stock(self) -> KeyStock:
        vault = self.open_vault()
        return KeyStock(vault.secrets, vault.signing)

    def open_vault(self, url: str = "", resolve: Resolve = _loopback) -> KeyVault:
        budget, url = Budget(), url or self.double.url
        http = guarded_http(self._ca_file, frozenset({host_of(url)}), resolve=resolve)
        transport = AzureTransport(http, budget)
        self._opened += [http, transport]
        identity = ManagedIdentity(CLIENT_ID, transport, budget, HeldTokens(self.clock))
        return KeyVault(url, identity, transport, budget, self.clock)

    def close(self) -> None:
        for opened in self._opened:
            opened.close()

    def contents(self) -> Mapping[str, bytes]:
        newest = {n: versions[0] for n, versions in sorted(self.double.secrets.items())}
        return {_key_name(n): _decoded(n, v.value) for n, v in newest.items() if v.enabled}

    def put(self, name: str, content: bytes) -> None:
        secret = name.replace(".", "--")
        self.double.put_secret(secret, _encoded(secret, content))

    def take_away(self, name: str) -> None:
        self.double.disable(name.replace(".", "--"))

    def take_away_assertions(self, number: int) -> None:
        for name in _SIGNING:
            self.double.keys[name][number - 1].enabled = False

    def go_away(self) -> None:
        self.double.away = True

    def come_back(self) -> None:
        self.double.away = False


def _key_name(secret: str) -> str:
    return secret.replace("--", ".")


def _encoded(secret: str, content: bytes) -> str:
    return base64.b64encode(content).decode() if secret.endswith("--key") else content.decode()


def _decoded(secret: str, value: str) -> bytes:
    return base64.b64decode(value) if secret.endswith("--key") else value.encode()
