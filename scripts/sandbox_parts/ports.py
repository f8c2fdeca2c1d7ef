"""Which port each part of the sandbox listens on, and who stands in the way."""

import socket
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Final, Self

import psutil  # type: ignore[import-untyped]  # ships no types

LOOPBACK: Final = "127.0.0.1"
DEFAULT_BASE: Final = 8440
# A process that is being started holds what its parent had, until it has begun.
PATIENCE_SECONDS: Final = 1.0
_LOOK_SECONDS: Final = 0.02
HIGHEST_PORT: Final = 65535
BASE_VARIABLE: Final = "SANDBOX_PORT_BASE"
VARIABLES: Final = {
    "connector": "CONNECTOR_PORT",
    "mock_fhir": "MOCK_FHIR_PORT",
    "mock_mychart": "MOCK_MYCHART_PORT",
    "mock_microsoft": "MOCK_MICROSOFT_PORT",
    "feed": "FEED_PORT",
}


class PortRefused(Exception):
    """A port is taken, doubled or no port; the message names it and the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    connector: int
    mock_fhir: int
    mock_mychart: int
    mock_microsoft: int
    feed: int

    @classmethod
    def from_base(cls, base: int) -> Self:
        """Five neighbours, the connector first."""
        return cls(**{name: base + step for step, name in enumerate(VARIABLES)})

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """SANDBOX_PORT_BASE moves all, a part's own variable moves that part.

        Raises:
            PortRefused: a variable is no port, or two parts have the same.
        """
        base = _port(BASE_VARIABLE, environment.get(BASE_VARIABLE, str(DEFAULT_BASE)))
        chosen = asdict(cls.from_base(base))
        for name, variable in VARIABLES.items():
            if environment.get(variable):
                chosen[name] = _port(variable, environment[variable])
        if max(chosen.values()) > HIGHEST_PORT:
            raise PortRefused(f"{BASE_VARIABLE}={base}: the last port is {HIGHEST_PORT}.")
        if len(set(chosen.values())) < len(chosen):
            raise PortRefused(f"Two parts share a port: {chosen}. Give each its own.")
        return cls(**chosen)

    @classmethod
    def free(cls) -> Self:
        """Ports that nobody uses at the moment."""
        with ExitStack() as stack:
            sockets = [stack.enter_context(socket.create_server((LOOPBACK, 0))) for _ in VARIABLES]
            numbers = [one.getsockname()[1] for one in sockets]
        return cls(**dict(zip(VARIABLES, numbers, strict=True)))

    def require_free(self) -> None:
        """Raises PortRefused naming every port that is and stays taken, by whom, and what to do."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (taken := self._taken()) and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
        if taken:
            raise PortRefused("\n".join(_remedy(name, port) for name, port in taken.items()))

    def _taken(self) -> dict[str, int]:
        return {name: port for name, port in asdict(self).items() if not _is_free(port)}


def _port(variable: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= HIGHEST_PORT:
        raise PortRefused(f"{variable}={text} is no port: give a number up to {HIGHEST_PORT}.")
    return int(text)


def _is_free(port: int) -> bool:
    try:
        socket.create_server((LOOPBACK, port)).close()
    except OSError:
        return False
    return True


def _remedy(name: str, port: int) -> str:
    holder = _listener(port)
    who = f" by process {holder.pid} ({holder.name()}): stop it, or" if holder else ":"
    return (
        f"Port {port} of {name} is taken{who} move this part with {VARIABLES[name]}=<port>, "
        f"or all parts with {BASE_VARIABLE}=<first of five ports>."
    )


def _listener(port: int) -> psutil.Process | None:
    """The process that listens there; None where the system does not tell (macOS without root)."""
    try:
        for connection in psutil.net_connections("tcp"):
            is_holder = connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
            if is_holder and connection.pid:
                return psutil.Process(connection.pid)
    except psutil.Error:
        return None
    return None
