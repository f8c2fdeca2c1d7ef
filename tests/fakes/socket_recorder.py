"""Every connection this process tries to make and every name it looks up, at the lowest level.

Connections are recorded and refused, so nothing can be reached; names resolve to what the test says.
"""

import ipaddress
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest


@dataclass
class SocketRecorder:
    """`connections` are (host, port), `look_ups` names in order.

    `names` maps a name to the addresses of each look-up in turn; the last ones repeat, and a name
    that is not there does not exist.
    """

    connections: list[tuple[str, int]] = field(default_factory=list)
    look_ups: list[str] = field(default_factory=list)
    names: dict[str, list[Sequence[str]]] = field(default_factory=dict)

    def resolves(self, name: str, *answers: Sequence[str]) -> None:
        self.names[name] = list(answers)

    def connect(self, address: Any) -> None:
        self.connections.append((str(address[0]), int(address[1])))
        raise ConnectionRefusedError("recorded, not connected")

    def connect_ex(self, address: Any) -> int:
        self.connections.append((str(address[0]), int(address[1])))
        return 111

    def getaddrinfo(self, host: Any, port: Any, *_args: Any, **_options: Any) -> list[Any]:
        text = host.decode() if isinstance(host, bytes) else str(host)
        addresses: Sequence[str] = [text] if _is_address(text) else self._look_up(text)
        return [_entry(address, int(port or 0)) for address in addresses]

    def _look_up(self, name: str) -> Sequence[str]:
        self.look_ups.append(name)
        planned = self.names.get(name.lower().rstrip("."))
        if not planned:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return planned.pop(0) if len(planned) > 1 else planned[0]


def _entry(address: str, port: int) -> tuple[Any, ...]:
    if ":" in address:
        return socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0)
    return socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


@pytest.fixture
def sockets(monkeypatch: pytest.MonkeyPatch) -> Iterator[SocketRecorder]:
    """From here to the end of the test nothing leaves the process."""
    recorder = SocketRecorder()
    with monkeypatch.context() as patched:
        # Bound methods, so each is called without the socket.
        patched.setattr(socket.socket, "connect", recorder.connect)
        patched.setattr(socket.socket, "connect_ex", recorder.connect_ex)
        patched.setattr(socket, "getaddrinfo", recorder.getaddrinfo)
        yield recorder
