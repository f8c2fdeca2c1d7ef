"""What a rule sees of a stamp and what it says; nothing here or beside it imports Pulumi.

A resource is seen as the program registered it: inputs by their wire names. So the same rules judge
a recorded run of the program, the engine's preview through the policy pack, and exported state.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Any, Final, NamedTuple


class Unknown(Enum):
    """The value of an input the engine does not know before it created something else."""

    VALUE = "unknown"


UNKNOWN: Final = Unknown.VALUE


class Safeguard(StrEnum):
    """What of the HIPAA Security Rule a rule is there for; the value is the word of our documents."""

    ACCESS = "access"
    AUDIT = "audit"
    INTEGRITY = "integrity"
    TRANSMISSION = "transmission"
    CONTINGENCY = "contingency"

    @property
    def section(self) -> str:
        """Where it stands in 45 CFR part 164."""
        return _SECTIONS[self]


_SECTIONS = {
    Safeguard.ACCESS: "164.312(a)(1)",
    Safeguard.AUDIT: "164.312(b)",
    Safeguard.INTEGRITY: "164.312(c)(1)",
    Safeguard.TRANSMISSION: "164.312(e)(1)",
    Safeguard.CONTINGENCY: "164.308(a)(7)(i)",
}


@dataclass(frozen=True, slots=True)
class Resource:
    """A registered resource.

    Attributes:
        type: its token, `azure-native:keyvault:Vault`.
        name: its Pulumi name.
        inputs: by wire name; any value at any depth may be UNKNOWN.
        retain_on_delete: None where the view cannot know it, as the policy pack.
        provider: URN of the provider it uses, "" where that is not known.
        origins: by input, the URNs of the resources its value was made from. Only asked when the
            value itself is UNKNOWN; an input that is absent here refers to nobody can tell what.
    """

    type: str
    name: str
    inputs: Mapping[str, Any]
    protect: bool = False
    retain_on_delete: bool | None = None
    provider: str = ""
    urn: str = ""
    origins: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the stamp is meant to be.

    Attributes:
        location: the stamp's region; "" where it is not known: the one most resources are in.
        stack: its name, `emea-production`.
    """

    geography: str
    environment: str
    location: str
    stack: str
    allow_cross_country_backup: bool = False

    @property
    def production(self) -> bool:
        """Everything that is not called test is judged as strictly as production."""
        return self.environment != "test"


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that is broken.

    Attributes:
        rule: its id.
        resource: the Pulumi name, or the stack's where no one resource is at fault.
        says: one line: what is wrong, why it matters, what to set.
    """

    rule: str
    resource: str
    says: str


class Fault(NamedTuple):
    """What a rule found wrong at a resource; None: at no single one."""

    resource: Resource | None
    says: str


Alone = Callable[[Resource, Facts], Iterator[str]]
Together = Callable[[Sequence[Resource], Facts], Iterator[Fault]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the stamp.

    Attributes:
        title: what holds, in one sentence.
        why: what happens otherwise.
        alone: what can be told from one resource; refuses before that resource is created.
        together: what takes all of them; tells only after all are planned.
    """

    id: str
    title: str
    why: str
    safeguard: Safeguard
    alone: Alone | None = None
    together: Together | None = None
