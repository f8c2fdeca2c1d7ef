"""SMART scopes, version 1 and 2: https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

LAUNCH_SCOPES = frozenset({"launch", "launch/patient", "launch/encounter"})
IDENTITY_SCOPES = frozenset({"openid", "fhirUser", "profile"})
REFRESH_SCOPES = frozenset({"offline_access", "online_access"})
PLAIN_SCOPES = LAUNCH_SCOPES | IDENTITY_SCOPES | REFRESH_SCOPES
VERSION_1_ACTIONS = {"read": "rs", "write": "cud", "*": "cruds"}

_RESOURCE_SCOPE = re.compile(
    r"^(?P<context>patient|user|system)/(?P<type>[A-Z][A-Za-z]+|\*)"
    r"\.(?P<actions>read|write|\*|c?r?u?d?s?)(?:\?(?P<query>.+))?$"
)


@dataclass(frozen=True, slots=True)
class ResourceScope:
    """One scope over resources. `query` is the search constraint of version 2 (`category=…`), or empty."""

    context: str
    resource_type: str
    actions: frozenset[str]
    query: str

    def covers(self, other: "ResourceScope") -> bool:
        """Whether everything `other` allows is allowed by this one too."""
        return (
            self.context == other.context
            and self.resource_type in ("*", other.resource_type)
            and self.actions >= other.actions
            and self.query in ("", other.query)
        )

    def permits(self, resource_type: str, action: str) -> bool:
        return self.resource_type in ("*", resource_type) and action in self.actions


def parse_resource_scope(text: str) -> ResourceScope | None:
    """None when the text is no resource scope; `.su` and other orders than `cruds` are none either."""
    match = _RESOURCE_SCOPE.match(text)
    if match is None or not match["actions"]:
        return None
    letters = VERSION_1_ACTIONS.get(match["actions"], match["actions"])
    return ResourceScope(match["context"], match["type"], frozenset(letters), match["query"] or "")


def resource_scopes(scopes: Iterable[str]) -> list[ResourceScope]:
    return [scope for text in scopes if (scope := parse_resource_scope(text))]


def is_known(text: str) -> bool:
    return text in PLAIN_SCOPES or parse_resource_scope(text) is not None


def granted(asked: str, allowed: Iterable[str]) -> tuple[str, ...]:
    """The asked scopes that are allowed, as asked for, in that order, once each."""
    permitted = tuple(allowed)
    kept = [text for text in asked.split() if text in permitted or _is_covered(text, permitted)]
    return tuple(dict.fromkeys(kept))


def _is_covered(text: str, permitted: tuple[str, ...]) -> bool:
    wanted = parse_resource_scope(text)
    return wanted is not None and any(scope.covers(wanted) for scope in resource_scopes(permitted))
