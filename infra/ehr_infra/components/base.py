"""Base: what every part of the stamp stands on; each is made before the parts that need it."""

from dataclasses import dataclass

from ehr_infra.components.identity import Identities
from ehr_infra.components.network import Network
from ehr_infra.components.observability import Observability


@dataclass(frozen=True, slots=True)
class Base:
    net: Network
    seen: Observability
    people: Identities
