"""The simulated ARM as a server on loopback, started in the process of the rehearsal or the test."""

import json
import threading
import time
from collections.abc import Callable, Collection, Mapping
from types import TracebackType
from typing import Any, Self

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from rehearsal.arm.errors import ArmError
from rehearsal.arm.faults import Fault, Faults
from rehearsal.arm.journal import Entry, Journal
from rehearsal.arm.manager import Answer, ResourceManager, refusal
from rehearsal.arm.pace import AZURE_SECONDS_PER_SECOND
from rehearsal.arm.world import Resource

SUBSCRIPTION_ID = "5eb5c81f-0000-4000-8000-000000000001"


class _QuietHandler(WSGIRequestHandler):
    protocol_version = "HTTP/1.0"  # no idle connection outlives the run

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - name given by werkzeug
        """Nothing: the journal has it."""


class SimulatedArm:
    """Context manager: the simulated ARM at `url`, its state in memory.

    Args:
        subscription_id: the only subscription there is.
        directory: object ids of people, groups and applications; None knows everybody.
        clock: seconds; the default is this machine's, sped up.
    """

    def __init__(
        self,
        subscription_id: str = SUBSCRIPTION_ID,
        *,
        directory: Collection[str] | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.subscription_id = subscription_id
        self.journal = Journal()
        self.faults = Faults()
        self.manager = ResourceManager(
            subscription_id, clock=clock or _fast_clock, directory=directory
        )
        self._server = make_server(
            "127.0.0.1", 0, self._wsgi, threaded=True, request_handler=_QuietHandler
        )
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def request(
        self,
        method: str,
        path: str,
        *,
        api_version: str = "",
        body: Mapping[str, Any] | None = None,
    ) -> Answer:
        """One request without HTTP: faults and journal as over the wire."""
        fault = self.faults.take(method, path)
        answer = self._answer(method, path, api_version, body, fault)
        error = ((answer.body or {}).get("error") or {}).get("code", "")
        self.journal.record(
            lambda number: Entry(number, method, path, api_version, answer.status, error, body)
        )
        return answer

    def resources(self) -> dict[str, Resource]:
        """Everything that exists, by id; operations that are due are finished first."""
        return {one.arm_id: one for one in self.manager.resources()}

    def soft_deleted_vaults(self) -> list[str]:
        return [one.name for one in self.manager.world.soft_deleted.values()]

    def tamper(self, arm_id: str, path: str, value: Any) -> None:
        """Changes an input of a resource by hand (`properties.publicNetworkAccess`); None removes it."""
        self.manager.tamper(arm_id, path, value)

    def delete(self, arm_id: str) -> None:
        """Deletes a resource by hand, whatever depends on it."""
        self.manager.remove(arm_id)

    def _answer(
        self,
        method: str,
        path: str,
        api_version: str,
        body: Mapping[str, Any] | None,
        fault: Fault | None,
    ) -> Answer:
        failure: ArmError | None = None
        if fault:
            time.sleep(fault.delay_seconds)
            failure = fault.error if fault.accepted else None
            if fault.error and not fault.accepted:
                return refusal(fault.error)
        return self.manager.handle(
            method, path, api_version=api_version, body=body, failure=failure
        )

    def _wsgi(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        body = json.loads(request.get_data() or b"null")
        answer = self.request(
            request.method, request.path, api_version=request.args.get("api-version", ""), body=body
        )
        headers = dict(answer.headers)
        if "Azure-AsyncOperation" in headers:
            headers["Azure-AsyncOperation"] = self.url + headers["Azure-AsyncOperation"]
        text = "" if answer.body is None else json.dumps(answer.body)
        return Response(text, answer.status, headers, content_type="application/json")(
            environ, start_response
        )


def _fast_clock() -> float:
    return time.monotonic() * AZURE_SECONDS_PER_SECOND
