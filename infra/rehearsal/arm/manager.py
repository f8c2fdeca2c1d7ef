"""The resource manager itself: one request in, one answer out, no HTTP.

Order of a PUT: api-version, running operations, the rules of `refusals`, then the resource is kept and, where Azure
takes its time, an operation is started that the caller polls.
"""

import re
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from rehearsal.arm.answers import digest, revision_name
from rehearsal.arm.errors import ArmError, bad_request, not_found
from rehearsal.arm.ids import arm_type, recognise
from rehearsal.arm.operations import LONGEST_RETRY_AFTER, Operation, Operations
from rehearsal.arm.refusals import refuse, refuse_deletion
from rehearsal.arm.types import ResourceType
from rehearsal.arm.world import Resource, World, Write

STATUS = re.compile(r"/subscriptions/[^/]+/providers/[^/]+/operationStatuses/(\d+)", re.IGNORECASE)
DELETE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: status, JSON body (None for none), headers."""

    status: int
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class ResourceManager:
    """Azure Resource Manager of one subscription. Safe under threads: requests are taken one at a time.

    Args:
        subscription_id: the only subscription there is.
        clock: seconds since anything, of Azure's time.
        directory: object ids of people, groups and applications; None knows everybody.
    """

    def __init__(
        self,
        subscription_id: str,
        *,
        clock: Callable[[], float],
        directory: Collection[str] | None = None,
    ) -> None:
        self.world = World(subscription_id, directory)
        self._clock = clock
        self._operations = Operations()
        self._lock = threading.RLock()

    def handle(
        self,
        method: str,
        path: str,
        *,
        api_version: str = "",
        body: Mapping[str, Any] | None = None,
        failure: ArmError | None = None,
    ) -> Answer:
        """Answers one request.

        Args:
            method: GET, PUT or DELETE.
            path: an ARM id, or the address of an operation's status.
            api_version: of the query string.
            body: of a PUT, in azure-native's input shape without path parameters.
            failure: the operation this request starts ends so.
        """
        try:
            with self._lock:
                self._operations.settle(self._clock())
                return self._route(method, path, api_version, body or {}, failure)
        except ArmError as error:
            return refusal(error)

    def resources(self) -> list[Resource]:
        """Everything that exists, operations that are due finished first."""
        with self._lock:
            self._operations.settle(self._clock())
            return self.world.all()

    def tamper(self, arm_id: str, path: str, value: Any) -> None:
        """Changes a stored input behind everybody's back, as a hand in the portal would; None removes it.

        Raises:
            KeyError: no such resource, or no such container on the way to the input.
        """
        with self._lock:
            found = self.world.get(arm_id)
            if found is None:
                raise KeyError(arm_id)
            *containers, last = path.split(".")
            inner: Any = found.body
            for container in containers:
                inner = inner[container]
            if value is None:
                del inner[last]
            else:
                inner[last] = value

    def remove(self, arm_id: str) -> None:
        """Deletes a resource and all in it behind everybody's back, whatever depends on it."""
        with self._lock:
            self.world.remove(arm_id)

    def purge(self, vault: str) -> None:
        """Purges a soft-deleted vault.

        Raises:
            ArmError: purge protection forbids it.
        """
        with self._lock:
            left = self.world.soft_deleted[vault.lower()]
            if left.body["properties"].get("enablePurgeProtection"):
                raise bad_request(
                    "VaultPurgeProtected",
                    f"Operation 'purge' is not allowed: {vault} is purge protected.",
                )
            del self.world.soft_deleted[vault.lower()]

    def _route(
        self,
        method: str,
        path: str,
        api_version: str,
        body: Mapping[str, Any],
        failure: ArmError | None,
    ) -> Answer:
        status = STATUS.fullmatch(path)
        if status:
            return self._status(int(status[1]))
        kind, parameters = self._recognised(path, api_version)
        if method == "PUT":
            return self._put(kind, path, {**body, **parameters}, failure)
        existing = self.world.get(path)
        if method == "DELETE":
            return self._delete(existing, failure) if existing else Answer(204)
        if existing is None:
            raise not_found(path)
        return Answer(200, existing.answer())

    def _recognised(self, path: str, api_version: str) -> tuple[ResourceType, dict[str, str]]:
        if not path.lower().startswith(f"/subscriptions/{self.world.subscription_id.lower()}"):
            raise ArmError(
                404, "SubscriptionNotFound", f"The subscription of '{path}' could not be found."
            )
        found = recognise(path)
        if found is None:
            raise ArmError(
                404,
                "InvalidResourceType",
                f"The resource type '{arm_type(path)}' could not be found.",
            )
        kind, parameters = found
        if not api_version:
            message = (
                "The api-version query parameter (?api-version=) is required for all requests."
            )
            raise bad_request("MissingApiVersionParameter", message)
        if api_version != kind.api_version:
            message = f"The api-version '{api_version}' is invalid; supported for this type is '{kind.api_version}'."
            raise bad_request("InvalidApiVersionParameter", message)
        return kind, {name: value for name, value in parameters.items() if name != "subscriptionId"}

    def _put(
        self, kind: ResourceType, path: str, body: dict[str, Any], failure: ArmError | None
    ) -> Answer:
        existing = self.world.get(path)
        scope = self._writer_scope(kind, path)
        self._operations.refuse_second_writer(path, scope)
        arm_id = existing.arm_id if existing else path
        refuse(Write(self.world, kind, arm_id, body, existing, self._clock()))
        resource = self._keep(kind, arm_id, body, existing)
        status = 200 if existing else 201
        if not kind.seconds and not failure:
            return Answer(status, resource.answer())
        resource.state = "Updating" if existing else "Creating"
        operation = self._start(scope, kind.seconds, _ends(resource, failure), failure)
        return Answer(status, resource.answer(), self._polling(path, operation, kind.seconds))

    def _keep(
        self, kind: ResourceType, arm_id: str, body: dict[str, Any], existing: Resource | None
    ) -> Resource:
        created = existing.created_at if existing else self._clock()
        resource = Resource(arm_id=arm_id, kind=kind, body=body, created_at=created)
        if kind.short == "app:ContainerApp":
            template = body.get("template") or {}
            before = existing.revisions if existing else {}
            resource.revisions = {**before, revision_name(resource.name, template): template}
        self.world.put(resource)
        if kind.short == "keyvault:Vault":
            self.world.soft_deleted.pop(resource.name.lower(), None)
        return resource

    def _delete(self, existing: Resource, failure: ArmError | None) -> Answer:
        scope = self._writer_scope(existing.kind, existing.arm_id)
        self._operations.refuse_second_writer(existing.arm_id, scope)
        refuse_deletion(self.world, existing)
        if not existing.kind.seconds and not failure and "/providers/" in existing.arm_id:
            self.world.remove(existing.arm_id)
            return Answer(200)
        existing.state = "Deleting"
        finish = _ends(existing, failure) if failure else lambda: self.world.remove(existing.arm_id)
        operation = self._start(scope, DELETE_SECONDS, finish, failure)
        return Answer(202, None, self._polling(existing.arm_id, operation, DELETE_SECONDS))

    def _start(
        self, scope: str, seconds: float, finish: Callable[[], None], failure: ArmError | None
    ) -> Operation:
        operation = self._operations.start(scope, self._clock() + seconds, finish)
        operation.failure = failure
        return operation

    def _status(self, number: int) -> Answer:
        operation = self._operations.find(number)
        if operation is None:
            raise ArmError(404, "OperationNotFound", f"Operation {number} could not be found.")
        headers = {} if operation.done else {"Retry-After": str(LONGEST_RETRY_AFTER)}
        return Answer(200, operation.status(), headers)

    def _polling(self, path: str, operation: Operation, seconds: float) -> dict[str, str]:
        namespace = arm_type(path).partition("/")[0]
        address = (
            f"/subscriptions/{self.world.subscription_id}/providers/{namespace}/operationStatuses"
        )
        return {
            "Azure-AsyncOperation": f"{address}/{operation.number}?api-version=2024-01-01",
            "Retry-After": str(max(1, min(LONGEST_RETRY_AFTER, int(seconds)))),
        }

    def _writer_scope(self, kind: ResourceType, path: str) -> str:
        """The id up to the resource that admits one writer at a time."""
        if not kind.one_writer:
            return path
        place = kind.path.split("/").index(f"{{{kind.one_writer}}}")
        return "/".join(path.split("/")[: place + 1])


def refusal(error: ArmError) -> Answer:
    """The answer that carries an error, with a correlation id as ARM gives one."""
    headers = {"x-ms-correlation-request-id": digest(error.code, error.message)[:32]}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    return Answer(error.status, error.body(), headers)


def _ends(resource: Resource, failure: ArmError | None) -> Callable[[], None]:
    def finish() -> None:
        resource.state = "Failed" if failure else "Succeeded"

    return finish
