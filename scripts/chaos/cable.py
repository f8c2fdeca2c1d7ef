"""A cable between the command and the connector that can be cut while a request is on its way."""

import socket
import threading
from contextlib import suppress
from enum import StrEnum
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

_CHUNK_BYTES: Final = 65536


class Cut(StrEnum):
    """Which way: the request never arrives, or its effect happens and the answer is lost."""

    REQUEST = "request"
    ANSWER = "answer"


class Cable:
    """Forwards bytes to `target` (https://host:port); TLS passes through unread."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._to = (parts.hostname or "", parts.port or 0)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://localhost:{self._listening.getsockname()[1]}"
        self._armed: Cut | None = None

    def cut_next(self, way: Cut) -> None:
        """The next bytes that come this way end their connection instead."""
        self._armed = way

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return  # closed
            try:
                far = socket.create_connection(self._to)
            except OSError:
                near.close()  # the connector is down just now
                continue
            for source, sink, way in ((near, far, Cut.REQUEST), (far, near, Cut.ANSWER)):
                threading.Thread(target=self._carry, args=(source, sink, way), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, way: Cut) -> None:
        with suppress(OSError):  # the other direction closed both ends
            while data := source.recv(_CHUNK_BYTES):
                if self._armed is way:
                    self._armed = None
                    break
                sink.sendall(data)
        for end in (source, sink):
            _close(end)


def _close(end: socket.socket) -> None:
    with suppress(OSError):  # closed already
        end.shutdown(socket.SHUT_RDWR)
    end.close()
