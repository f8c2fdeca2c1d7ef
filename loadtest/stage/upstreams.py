"""How slow or broken the simulators are during a run: the scenario's standing delays, its events, a fault on purpose."""

from dataclasses import dataclass, field
from typing import Any, Final

from loadtest.scenario import StageAction, StageEvent, UpstreamDelay
from loadtest.stage.controls import Controls

GRAPH_ROUTES: Final = ("/v1.0/*", "/beta/*")
EHR_ROUTES: Final = ("*",)  # of the environment whose `/sim` is asked
WRITE_BACK_ROUTE: Final = "*/SetExternalConnectionStatus"
# What the EHR says when it has recorded a report: docs/conformance, services/mock_fhir/writeback.py.
TAKEN: Final = {"Status": "1"}


@dataclass(slots=True)
class Upstream:
    """One simulator. Its `standing_seconds` hold for the whole run, also beside what an event adds."""

    controls: Controls
    sim_url: str
    routes: tuple[str, ...]
    standing_seconds: float = 0.0
    _in_force: list[str] = field(default_factory=list)

    def delay(self, seconds: float) -> None:
        self._become({"delay_seconds": self.standing_seconds + seconds})

    def fail(self, status: int) -> None:
        self._become({"delay_seconds": self.standing_seconds, "status": status})

    def clear(self) -> None:
        """Only the standing delay is left."""
        self._become({"delay_seconds": self.standing_seconds} if self.standing_seconds else None)

    def _become(self, fault: dict[str, Any] | None) -> None:
        """The first fault that fits is met, so the old ones go before the new ones come."""
        while self._in_force:
            self.controls.clear_fault(self.sim_url, self._in_force.pop())
        for route in self.routes if fault else ():
            self._in_force.append(
                self.controls.add_fault(self.sim_url, {"route": route, **(fault or {})})
            )


@dataclass(frozen=True, slots=True)
class Upstreams:
    ehr: Upstream
    graph: Upstream

    @classmethod
    def of(cls, controls: Controls) -> "Upstreams":
        return cls(
            Upstream(controls, controls.ehr_url, EHR_ROUTES),
            Upstream(controls, controls.microsoft_url, GRAPH_ROUTES),
        )

    def stand(self, delay: UpstreamDelay, extra_ms: int = 0) -> None:
        """From now on every answer is that much later."""
        self.ehr.standing_seconds = (delay.ehr + extra_ms) / 1000
        self.graph.standing_seconds = (delay.graph + extra_ms) / 1000
        self.clear()

    def lose_write_backs(self, times: int) -> None:
        """The EHR says yes to the next reports and records none. Set before `stand`, or a delay is met instead."""
        fault = {"route": WRITE_BACK_ROUTE, "times": times, "status": 200, "body": TAKEN}
        self.ehr.controls.add_fault(self.ehr.sim_url, fault)

    def clear(self) -> None:
        self.ehr.clear()
        self.graph.clear()

    def do(self, event: StageEvent) -> None:
        """An event of the scenario that concerns a simulator; KeyError for any other."""
        actions = {
            StageAction.EHR_DELAY: lambda: self.ehr.delay((event.delay_ms or 0) / 1000),
            StageAction.EHR_FAIL: lambda: self.ehr.fail(event.status or 0),
            StageAction.EHR_CLEAR: self.ehr.clear,
            StageAction.GRAPH_DELAY: lambda: self.graph.delay((event.delay_ms or 0) / 1000),
            StageAction.GRAPH_FAIL: lambda: self.graph.fail(event.status or 0),
            StageAction.GRAPH_CLEAR: self.graph.clear,
        }
        actions[event.do]()
