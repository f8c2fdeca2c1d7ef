"""The kinds of values a stack file holds; each parser takes text and says in words what is wrong.

Every message follows the value it is about: "… is not an image digest".
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import date
from ipaddress import IPv4Network
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from ehr_infra import capacity
from ehr_infra.geography import Geography, known

STORAGE_GB = (32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32767)
LARGEST_PREFIX = 20
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})+")
_EMAIL = re.compile(r"[^@\s,]+@[^@\s,]+\.[^@\s,]+")
# What Azure cannot change in place: another value would mean another stamp.
CHOSEN_ONCE = {
    "location": "location",
    "vnetCidr": "vnet_cidr",
    "geoBackup": "geo_backup",
    "encryption": "encryption",
}
SIMULATORS = {"ehr", "mychart", "microsoft"}
_CLIENT_KINDS = {"provider", "patient", "backend"}


def _pattern(pattern: str, what: str) -> Callable[[str], str]:
    compiled = re.compile(pattern)

    def parse(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ValueError(f"is not {what}")
        return text

    return parse


digest = _pattern(r"sha256:[0-9a-f]{64}", "an image digest sha256:<64 hex>, never a tag")
revision = _pattern(r"[a-z][a-z0-9]{7}", "a revision suffix of a letter and 7 letters or digits")
suffix = _pattern(r"[a-z0-9]{0,4}", "a name suffix of at most 4 lower-case letters and digits")
server_name = _pattern(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", "a PostgreSQL server name")
vault_object = _pattern(r"[0-9a-zA-Z-]{1,127}", "a name of letters, digits and hyphens")
words = _pattern(r"[\w .,@&/+-]{2,128}", "2 to 128 letters, digits, blanks and .,@&/+-")


def optional(parse: Callable[[str], str]) -> Callable[[str], str | None]:
    """Empty: not set. A key without a default would have to be set in every stack file."""
    return lambda text: parse(text) if text else None


def guid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError as err:
        raise ValueError("is not a GUID") from err


def flag(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError("is neither true nor false")
    return text == "true"


def between(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"-?\d{1,9}", text) or not least <= int(text) <= most:
            raise ValueError(f"is not a whole number from {least} to {most}")
        return int(text)

    return parse


def one_of(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"is none of {', '.join(choices)}")
        return text

    return parse


def region(text: str) -> str:
    found = known(text)
    if found is None or text != found.name:
        near = f"; write {found.name}" if found else ""
        raise ValueError(f"is no Azure region by its programmatic name{near}")
    return text


def storage_gb(text: str) -> int:
    """Disks come in these sizes only."""
    if text not in {str(size) for size in STORAGE_GB}:
        raise ValueError(f"is none of {', '.join(map(str, STORAGE_GB))}")
    return int(text)


def database_sku(text: str) -> str:
    if capacity.tier(text) is None:
        raise ValueError("is no PostgreSQL size such as Standard_D2ds_v5 or Standard_B2s")
    return text


def private_network(text: str) -> IPv4Network:
    try:
        network = IPv4Network(text)
    except ValueError as err:
        raise ValueError("is not an IPv4 network such as 10.41.0.0/20") from err
    if network.prefixlen > LARGEST_PREFIX or not network.is_private:
        raise ValueError(f"is not a private IPv4 network of /{LARGEST_PREFIX} or larger")
    return network


def first_of_month(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError as err:
        raise ValueError("is not a date such as 2026-12-01") from err
    if day.day != 1:
        raise ValueError("is not the first day of a month, which a budget begins on")
    return day


def host_name(text: str) -> str:
    if not _HOST.fullmatch(text):
        raise ValueError("is not a host name such as emea.visits.example.org")
    return text


def https_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("is not an https address without a query")
    return text.rstrip("/")


def host_names(text: str) -> tuple[str, ...]:
    return tuple(host_name(each) for each in _list(text))


def emails(text: str) -> tuple[str, ...]:
    listed = _list(text)
    if not listed or not all(_EMAIL.fullmatch(each) for each in listed):
        raise ValueError("is not a list of at least one e-mail address")
    return tuple(listed)


def portals(text: str) -> Mapping[str, str]:
    named = _object(text)
    unknown = [key for key in named if key not in set(Geography)]
    if unknown:
        raise ValueError(f"names {', '.join(unknown)}, which is none of {', '.join(Geography)}")
    return MappingProxyType({key: https_url(str(url)) for key, url in named.items()})


def ehr_clients(text: str) -> Mapping[str, Any]:
    named = _object(text)
    shaped = all(
        kind in {"test", "production"} and isinstance(ids, dict) and set(ids) <= _CLIENT_KINDS
        for kind, ids in named.items()
    )
    if not shaped:
        raise ValueError(
            'is not client ids such as {"test": {"provider": "…", "patient": "…", "backend": "…"}}'
        )
    return MappingProxyType(named)


def simulators(text: str) -> Mapping[str, Any]:
    named = _object(text)
    if not named:
        return {}
    if set(named) != SIMULATORS or not all(isinstance(each, dict) for each in named.values()):
        raise ValueError(f"is not an object with {', '.join(sorted(SIMULATORS))}, an object each")
    return MappingProxyType(named)


def chosen_once(text: str) -> Mapping[str, Any]:
    named = _object(text)
    if named and set(named) != set(CHOSEN_ONCE):
        raise ValueError(f"does not name {', '.join(CHOSEN_ONCE)}, and only these")
    return MappingProxyType(named)


def _list(text: str) -> list[str]:
    value = _json(text)
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError("is not a list of texts")
    return value


def _object(text: str) -> dict[str, Any]:
    value = _json(text)
    if not isinstance(value, dict):
        raise ValueError("is not an object of keys and values")  # noqa: TRY004 - a wrong value
    return value


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as err:
        raise ValueError("is not a list or an object") from err
