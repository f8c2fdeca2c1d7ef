"""Small values a browser carries for us between two of its requests, sealed and bound to a purpose.

`SameSite=None; Partitioned` because a launch may run in a frame of the EHR (C14); `__Host-` so that
no sibling site can plant one.
"""

from dataclasses import dataclass
from typing import Generic, TypeVar

from flask import request
from pydantic import TypeAdapter, ValidationError
from werkzeug.wrappers import Response

from connector.ports.vault import Sealer

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SealedCookie(Generic[T]):
    """One kind of cookie; `adapter` turns its value into JSON and back."""

    purpose: str
    adapter: TypeAdapter[T]
    lifetime_seconds: int

    def name(self, which: str) -> str:
        """Several launches may be under way in one browser: each has its own cookie."""
        return f"__Host-{self.purpose}-{which[-16:]}"

    def set(self, response: Response, sealer: Sealer, which: str, value: T) -> None:
        response.set_cookie(
            self.name(which),
            sealer.seal(self.purpose, self.adapter.dump_json(value)),
            max_age=self.lifetime_seconds,
            secure=True,
            httponly=True,
            samesite="None",
            partitioned=True,
        )

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
        response.set_cookie(
            self.name(which),
            "",
            max_age=0,
            secure=True,
            httponly=True,
            samesite="None",
            partitioned=True,
        )
