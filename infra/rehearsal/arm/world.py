"""What exists in the simulated subscription, and the questions the rules ask about it."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from rehearsal.arm import answers
from rehearsal.arm.ids import name_of, references, within
from rehearsal.arm.types import ResourceType


@dataclass(slots=True, kw_only=True)
class Resource:
    """One resource: the body it was given, path parameters included, and how it is doing.

    `revisions` of a container app: each revision's name and the template it runs.
    """

    arm_id: str
    kind: ResourceType
    body: dict[str, Any]
    created_at: float
    state: str = "Succeeded"
    revisions: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return name_of(self.arm_id)

    @property
    def location(self) -> str:
        return plain_location(self.body.get("location"))

    def answer(self) -> dict[str, Any]:
        """The body of a GET: the answer's outputs, the id, and the inputs under `inputs` for the provider's refresh."""
        shown = answers.answer(self.kind.token, self.body, self.arm_id)
        if "provisioningState" in shown:
            shown["provisioningState"] = self.state
        return {"id": self.arm_id, **shown, "inputs": self.body}


@dataclass(frozen=True, slots=True)
class Region:
    pair: str | None
    zones: tuple[str, ...]
    lacks: frozenset[str]


class World:
    """The subscription's content. Not locked: its owner serves one request at a time."""

    def __init__(self, subscription_id: str, directory: Collection[str] | None) -> None:
        self.subscription_id = subscription_id
        self._directory = directory
        self._resources: dict[str, Resource] = {}
        self.soft_deleted: dict[str, Resource] = {}

    def get(self, arm_id: str) -> Resource | None:
        return self._resources.get(arm_id.lower().rstrip("/"))

    def put(self, resource: Resource) -> None:
        self._resources[resource.arm_id.lower()] = resource

    def all(self) -> list[Resource]:
        return list(self._resources.values())

    def of(self, short: str) -> list[Resource]:
        """Every resource of a type, named without the package: `network:Subnet`."""
        return [one for one in self._resources.values() if one.kind.short == short]

    def below(self, arm_id: str) -> list[Resource]:
        """The resource and everything in it: children, and what is attached to them."""
        return [one for one in self._resources.values() if within(one.arm_id, arm_id)]

    def remove(self, arm_id: str) -> None:
        """Removes the resource with all below it; a vault stays behind, soft deleted."""
        for one in self.below(arm_id):
            del self._resources[one.arm_id.lower()]
            if one.kind.short == "keyvault:Vault":
                self.soft_deleted[one.name.lower()] = one

    def referrers(self, arm_id: str) -> list[Resource]:
        """Resources outside it whose bodies name it or something in it."""
        return [
            one
            for one in self._resources.values()
            if not within(one.arm_id, arm_id)
            and any(within(target, arm_id) for _, target in references(one.body))
        ]

    def identity(self, principal: str) -> Resource | None:
        """The user assigned identity behind a principal id."""
        known = self.of("managedidentity:UserAssignedIdentity")
        return next((one for one in known if answers.principal_id(one.arm_id) == principal), None)

    def in_directory(self, principal: str) -> bool:
        """Whether a person, group or application is known; anybody is when no directory was given."""
        return self._directory is None or principal in self._directory

    def has_role(self, identity_id: str, scope: str, roles: Collection[str]) -> bool:
        """Whether an identity holds one of these role definitions (GUIDs) on a resource or above it."""
        principal = answers.principal_id(identity_id)
        return any(
            grant.body["principalId"] == principal
            and name_of(grant.body["roleDefinitionId"]) in roles
            and within(scope, grant.body["scope"])
            for grant in self.of("authorization:RoleAssignment")
        )


@dataclass(frozen=True, slots=True)
class Write:
    """A PUT on its way: what the rules look at."""

    world: World
    kind: ResourceType
    arm_id: str
    body: dict[str, Any]
    existing: Resource | None
    now: float

    @property
    def name(self) -> str:
        return name_of(self.arm_id)

    @property
    def location(self) -> str:
        return plain_location(self.body.get("location"))

    def value(self, path: str) -> Any:
        """A dotted input, None where it is not given."""
        return value_at(self.body, path)

    def identities(self) -> list[str]:
        """Ids of the user assigned identities it runs as."""
        return list(self.value("identity.userAssignedIdentities") or ())


def value_at(body: Any, path: str) -> Any:
    for step in path.split("."):
        body = body.get(step) if isinstance(body, Mapping) else None
    return body


def plain_location(location: Any) -> str:
    """`East US 2` and `eastus2` are one region."""
    return str(location or "").replace(" ", "").lower()


@cache
def regions() -> Mapping[str, Region]:
    """What each region offers, from the dated table `regions.json`."""
    table = json.loads(resources.files("rehearsal.arm").joinpath("regions.json").read_text())
    return {
        name: Region(row["pair"], tuple(row["zones"]), frozenset(row["lacks"]))
        for name, row in table["regions"].items()
    }


def lock_levels(world: World, scope: str) -> Iterator[Resource]:
    """Locks that reach a resource: set on it, above it, or on something in it."""
    for lock in world.of("authorization:ManagementLockByScope"):
        if within(scope, lock.body["scope"]) or within(lock.body["scope"], scope):
            yield lock
