"""The Graph application permissions of our app registration, and what each one is for.

https://learn.microsoft.com/graph/permissions-reference
"""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GraphPermission:
    """`name` as in the token's `roles`; any of `instead` allows as much. `feature` ends "needed to …"."""

    name: str
    feature: str
    required: bool = True
    instead: frozenset[str] = frozenset()

    def granted(self, roles: Collection[str]) -> bool:
        return self.name in roles or not self.instead.isdisjoint(roles)


# A read permission is asked for beside the write one: Graph documents that write permissions may
# not be honoured for subscriptions where a read permission suffices (microsoft.md 1.4).
NEEDED = (
    GraphPermission("OnlineMeetings.ReadWrite.All", "make the meeting of a visit"),
    GraphPermission("OnlineMeetings.Read.All", "hear who joins and leaves"),
    GraphPermission(
        "User.Read.All",
        "find the approver by name",
        instead=frozenset({"User.ReadBasic.All", "Directory.Read.All"}),
    ),
    GraphPermission(
        "OnlineMeetingArtifact.Read.All",
        "tell the EHR of joins whose notification was lost",
        required=False,
    ),
    GraphPermission(
        "VirtualAppointment.Read.All",
        "let patients join in the browser",
        required=False,
        instead=frozenset({"VirtualAppointment.ReadWrite.All"}),
    ),
)


def missing(roles: Collection[str]) -> list[GraphPermission]:
    """What the token does not allow, in the order of the table."""
    return [permission for permission in NEEDED if not permission.granted(roles)]
