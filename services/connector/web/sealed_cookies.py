"""Small values a browser carries for us between two of its requests, sealed and bound to a purpose.

`SameSite=None; Partitioned` because a launch may run in a frame of the EHR (C14); `__Host-` so that
no sibling site can plant one.
"""

import re
from dataclasses import dataclass
from typing import Generic, TypeVar

from flask import request
from pydantic import TypeAdapter, ValidationError
from werkzeug.wrappers import Response

from connector.ports.vault import Sealer

T = TypeVar("T")
_NO_NAME = re.compile(r"[^A-Za-z0-9_-]")
_FLAGS = "; Secure; HttpOnly; Path=/; SameSite=None; Partitioned"


@dataclass(frozen=True, slots=True)
class SealedCookie(Generic[T]):
    """One kind of cookie; `adapter` turns its value into JSON and back."""

    purpose: str
    adapter: TypeAdapter[T]
    lifetime_seconds: int

    def name(self, which: str) -> str:
        """Several launches may be under way in one browser: each has its own cookie."""
        return f"__Host-{self.purpose}-{_NO_NAME.sub('', which[-16:])}"

    def set(self, response: Response, sealer: Sealer, which: str, value: T) -> None:
        sealed = sealer.seal(self.purpose, self.adapter.dump_json(value))
        self._set(response, which, sealed, self.lifetime_seconds)

    def read(self, sealer: Sealer, which: str) -> T | None:
        return self.unseal(sealer, request.cookies.get(self.name(which), ""))

    def read_all(self, sealer: Sealer) -> list[T]:
        """Every cookie of this kind the browser sent, whichever it is of."""
        sent = [v for n, v in request.cookies.items() if n.startswith(self.name(""))]
        return [value for sealed in sent if (value := self.unseal(sealer, sealed)) is not None]

    def unseal(self, sealer: Sealer, sealed: str) -> T | None:
        """The value, or None for anything we did not seal for this purpose."""
        opened = sealer.open(self.purpose, sealed) if sealed else None
        try:
            return None if opened is None else self.adapter.validate_json(opened)
        except ValidationError:
            return None

    def clear(self, response: Response, which: str) -> None:
        self._set(response, which, "", 0)

    def _set(self, response: Response, which: str, sealed: str, seconds: int) -> None:
        """Name and value are of base64url's letters: nothing needs quoting (RFC 6265 section 4.1.1)."""
        response.headers.add(
            "Set-Cookie", f"{self.name(which)}={sealed}; Max-Age={seconds}{_FLAGS}"
        )
