"""A browser for each who comes: with the connections of everybody or with their own, as the scenario wants it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from loadtest.browser import DESKTOP, PHONE, Browser, CookieJar, Transport
from loadtest.hops import Hops
from loadtest.recorder import Clock, Recorder
from loadtest.records import Persona
from loadtest.scenario import Connections


@dataclass(slots=True)
class Browsers:
    """Of one generating process. `connect` makes connections."""

    hops: Hops
    recorder: Recorder
    clock: Clock
    connect: Callable[[], Transport]
    connections: Connections = Connections.SHARED
    _shared: Transport = field(init=False)

    def __post_init__(self) -> None:
        self._shared = self.connect()

    def close(self) -> None:
        self._shared.close()

    @contextmanager
    def at(self, persona: Persona, jar: CookieJar) -> Iterator[Browser]:
        """For as long as the person is there."""
        if self.connections is Connections.SHARED:
            yield self.common(persona, jar)
            return
        own = self.connect()
        try:
            yield self._browser(persona, own, jar)
        finally:
            own.close()

    def common(self, persona: Persona, jar: CookieJar) -> Browser:
        """With the connections of everybody."""
        return self._browser(persona, self._shared, jar)

    def _browser(self, persona: Persona, transport: Transport, jar: CookieJar) -> Browser:
        return Browser(
            persona=persona,
            transport=transport,
            recorder=self.recorder,
            clock=self.clock,
            hops=self.hops,
            jar=jar,
            user_agent=PHONE if persona is Persona.PATIENT else DESKTOP,
        )
