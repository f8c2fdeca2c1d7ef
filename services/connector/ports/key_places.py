"""Where keys lie: a directory of files, or a key vault. What holds them is told by its `str`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


class KeyPlace(Protocol):
    """Named key material that is only ever added, never changed."""

    @property
    def look_again(self) -> timedelta:
        """How often a running process may ask for `names`."""
        ...

    def names(self) -> Collection[str]:
        """What is there to be used now.

        Raises:
            OSError or OutsideError: the place is away.
        """
        ...

    def used_names(self) -> Collection[str]:
        """What is there and what was taken away but not forgotten: none of it is named anew."""
        ...

    def read(self, name: str) -> bytes:
        """What was added under `name`, the same for everybody, however many raced to add it.

        Raises:
            FileNotFoundError: nothing was; OSError or OutsideError: the place is away.
        """
        ...

    def add(self, name: str, content: bytes) -> None:
        """Whole or not at all; where there is or was something of that name nothing happens.

        Raises:
            OSError or OutsideError: it cannot be added now.
        """
        ...


@dataclass(frozen=True, slots=True)
class KeyVersion:
    """One version of a key that never leaves its vault.

    Attributes:
        number: 1, 2, 3 … in the order of creation, versions that are disabled counted.
        active_from: since when it signs; None: since it was made.
    """

    number: int
    id: str
    active_from: datetime | None


class SigningKey(Protocol):
    """A key of one algorithm in a vault, all its versions: they sign and never leave."""

    @property
    def look_again(self) -> timedelta:
        """How often a running process may ask for `versions`."""
        ...

    def versions(self) -> Sequence[KeyVersion]:
        """Those that are enabled, oldest first; empty if there is no such key.

        Raises:
            OutsideError: the vault is away, or refuses.
        """
        ...

    def public(self, version: KeyVersion) -> Mapping[str, str]:
        """The required members of its public JWK (RFC 7638).

        Raises:
            OutsideError: the vault is away, or refuses.
        """
        ...

    def sign(self, version: KeyVersion, digest: bytes) -> bytes:
        """The JWS signature over a SHA-384 digest.

        Raises:
            OutsideError: the vault is away, or refuses.
        """
        ...

    def add(self, active_from: datetime | None) -> None:
        """Make a version like the newest one.

        Raises:
            FileNotFoundError: there is no such key yet; OutsideError: the vault is away, or refuses.
        """
        ...
