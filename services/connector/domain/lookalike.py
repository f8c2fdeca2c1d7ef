"""Addresses that could be taken for another tenant's (cases 5 and 41, ADR 9).

Two things are refused at entry. One sign-in for two addresses: the EHR at the entered address names
endpoints of an EHR that is live under another address, so it is the same EHR spelled otherwise, or
borrows its sign-in. And a host of another owner that reads like a live one. Siblings below one
domain (`et0965.epichosted.com`, `et0966.epichosted.com`) are one owner's and may read alike.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from connector.domain.configuration import SmartEndpoints


class Likeness(StrEnum):
    """Why an address is refused; tells nothing of whose the other one is."""

    SAME_EHR = "same_ehr"
    HOST_READS_ALIKE = "host_reads_alike"


@dataclass(frozen=True, slots=True)
class LiveAddress:
    """What another tenant launches from."""

    fhir_base_url: str
    endpoints: SmartEndpoints


# Characters and pairs that stand for one another in small print; ASCII is all a host may hold here.
_CONFUSED = (("0", "o"), ("1", "l"), ("i", "l"), ("5", "s"), ("rn", "m"), ("vv", "w"))
# `example.co.uk`: a short label before a country is part of the suffix.
_LONGEST_SECOND_LEVEL = 3
_COUNTRY = 2
# `ucsd.edu` and `ucsf.edu` are two hospitals: in short names one letter tells them apart.
_SHORTEST_NAME = 6


def likeness_of(entered: LiveAddress, live: Iterable[LiveAddress]) -> Likeness | None:
    """How the entered address may be taken for one of those that are live.

    Args:
        entered: normalised, and what discovery said there.
        live: of other tenants. If the very address is among them, nothing is said here: it is
            taken or shared, and that is another question.
    """
    others = list(live)
    if any(other.fhir_base_url == entered.fhir_base_url for other in others):
        return None
    if any(_one_sign_in(entered.endpoints, other.endpoints) for other in others):
        return Likeness.SAME_EHR
    host = host_of(entered.fhir_base_url)
    if any(_reads_alike(host, host_of(other.fhir_base_url)) for other in others):
        return Likeness.HOST_READS_ALIKE
    return None


def host_of(fhir_base_url: str) -> str:
    return urlsplit(fhir_base_url).hostname or ""


def _one_sign_in(a: SmartEndpoints, b: SmartEndpoints) -> bool:
    """A code or an ID token of the one would be good at the other."""
    return bool({a.issuer, a.authorization_endpoint} & {b.issuer, b.authorization_endpoint}) or (
        a.token_endpoint == b.token_endpoint
    )


def _reads_alike(a: str, b: str) -> bool:
    owners = _owner(a), _owner(b)
    if owners[0] == owners[1]:
        return False
    skeletons = _skeleton(a), _skeleton(b)
    long_names = min(len(owner[0]) for owner in owners) >= _SHORTEST_NAME
    return (
        skeletons[0] == skeletons[1] or _begins_with(a, b) or (long_names and _one_edit(*skeletons))
    )


def _owner(host: str) -> tuple[str, ...]:
    """The labels somebody registered; an approximation of the public suffix list."""
    labels = host.split(".")
    country = len(labels[-1]) == _COUNTRY and len(labels[-2:][0]) <= _LONGEST_SECOND_LEVEL
    return tuple(labels[-3:] if country else labels[-2:])


def _skeleton(host: str) -> str:
    text = host.replace(".", "").replace("-", "")
    for seen, meant in _CONFUSED:
        text = text.replace(seen, meant)
    return text


def _begins_with(a: str, b: str) -> bool:
    """`ehr.contoso.org.elsewhere.example` reads like `ehr.contoso.org` to whoever stops there."""
    return a.replace("-", ".").startswith(b.replace("-", ".") + ".")


def _one_edit(a: str, b: str) -> bool:
    """One letter added, left out or changed, or two neighbours swapped."""
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), None)
    if start is None:
        return abs(len(a) - len(b)) <= 1
    rest_a, rest_b = a[start:], b[start:]
    swapped = rest_a[:2] == rest_b[1::-1] and rest_a[2:] == rest_b[2:]
    return swapped or rest_b[1:] in (rest_a, rest_a[1:]) or rest_a[1:] == rest_b
