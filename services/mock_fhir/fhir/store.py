"""Versions of every resource of an environment, in memory. https://hl7.org/fhir/R4/http.html#versioning"""

import copy
import threading
from collections.abc import Callable, Iterable
from datetime import datetime

from mock_fhir.fhir.resources import Resource
from simkit.clock import instant_text


class VersionConflict(Exception):
    """The version the caller started from is not the current one; `current` is its number as text."""

    def __init__(self, current: str) -> None:
        super().__init__("stale version")
        self.current = current


class Store:
    """Resources by type and id, each with all its versions. Thread-safe; what it hands out may be changed freely."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._types: dict[str, dict[str, list[Resource]]] = {}
        self._now = now
        self._lock = threading.RLock()

    def put(self, resource: Resource, *, expected_version: str | None = None) -> Resource:
        """Store the next version and return it with `meta`. Raises VersionConflict when another one is current."""
        with self._lock:
            if expected_version is not None:
                self._require(expected_version, resource)
            stored = self._append(copy.deepcopy(resource))
            return copy.deepcopy(stored)

    def give(self, resources: Iterable[Resource]) -> None:
        """Store the next version of each without a copy: the caller keeps none. For thousands at once."""
        with self._lock:
            for resource in resources:
                self._append(resource)

    def change(
        self, resource_type: str, resource_id: str, change: Callable[[Resource], bool]
    ) -> None:
        """Apply `change` to the current version; a new version is made only when it returns True."""
        with self._lock:
            resource = self.read(resource_type, resource_id)
            if resource is not None and change(resource):
                self.put(resource)

    def read(self, resource_type: str, resource_id: str) -> Resource | None:
        with self._lock:
            versions = self._types.get(resource_type, {}).get(resource_id)
            return copy.deepcopy(versions[-1]) if versions else None

    def versions(self, resource_type: str, resource_id: str) -> list[Resource]:
        """Oldest first."""
        with self._lock:
            return copy.deepcopy(self._types.get(resource_type, {}).get(resource_id, []))

    def of_type(self, resource_type: str) -> list[Resource]:
        """Current versions, in the order they were first stored. Not copies: read only."""
        with self._lock:
            return [versions[-1] for versions in self._types.get(resource_type, {}).values()]

    def counts(self) -> dict[str, int]:
        with self._lock:
            return {kind: len(resources) for kind, resources in self._types.items()}

    def _require(self, expected_version: str, resource: Resource) -> None:
        of_type = self._types.get(resource["resourceType"], {})
        current = str(len(of_type.get(resource["id"], ())))
        if expected_version != current:
            raise VersionConflict(current)

    def _append(self, resource: Resource) -> Resource:
        of_type = self._types.setdefault(resource["resourceType"], {})
        versions = of_type.setdefault(resource["id"], [])
        resource["meta"] = {
            **resource.get("meta", {}),
            "versionId": str(len(versions) + 1),
            "lastUpdated": instant_text(self._now()),
        }
        versions.append(resource)
        return resource
