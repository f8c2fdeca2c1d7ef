"""The egress guard: which addresses this process may connect to (reliability.md cases 37 and 38).

FHIR base URLs come from people, so every one is a request to connect somewhere on their behalf.
https://cheatsheetseries.owasp.org/cheatsheets/Server_Side_Request_Forgery_Prevention_Cheat_Sheet.html
"""

import ipaddress
import re
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from connector.ports.errors import AddressRefused, NotConnected

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Sequence[str]]

HTTPS_PORT = 443
_FIRST_UNPRIVILEGED_PORT = 1024
_LAST_PORT = 65535
_LONGEST_URL = 4096
_PLAIN_URL = re.compile(rf"[\x21-\x7e]{{1,{_LONGEST_URL}}}")
# A path that no parser would change: nothing escaped, no dot segments, no query.
_PLAIN_TARGET = re.compile(
    r"(?P<server>https://[A-Za-z0-9.:-]+)(?P<target>(?:/(?!\.\.?(?:/|$))[A-Za-z0-9._~@:-]+)+)"
)
_HOST_NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*", re.IGNORECASE)
# `2130706433`, `0x7f.1` and `0177.0.0.1` are addresses to a resolver though not to a reader.
_NUMERIC_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*", re.IGNORECASE)

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# Azure's platform address is globally routable and answers virtual machines only.
# https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
_PLATFORM = frozenset({ipaddress.ip_address("168.63.129.16")})


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a request goes: lower-case host name or address, port, and path with query."""

    host: str
    port: int
    target: str


def destination_of(url: str) -> Destination:
    """Take an https URL apart, refusing every spelling two parsers could read differently.

    Raises:
        AddressRefused: `code` is the rule that was broken.
    """
    plain = _PLAIN_TARGET.fullmatch(url)
    if plain is None or len(url) > _LONGEST_URL:
        return _taken_apart(url)
    server = _server(plain["server"])
    return Destination(server.host, server.port, plain["target"])


@lru_cache(maxsize=256)
def _server(server: str) -> Destination:
    """Of the few servers there are; what is asked of them is remembered nowhere."""
    return _taken_apart(f"{server}/")


def _taken_apart(url: str) -> Destination:
    if not _PLAIN_URL.fullmatch(url) or "\\" in url:
        raise AddressRefused("url_characters")
    try:
        parsed = parse_url(url)
    except LocationParseError as unreadable:
        raise AddressRefused("url_malformed") from unreadable
    if parsed.scheme != "https":
        raise AddressRefused("not_https")
    host = (parsed.host or "").lower()
    port = HTTPS_PORT if parsed.port is None else parsed.port
    authority = re.split(r"[/?#]", url.partition("://")[2], maxsplit=1)[0]
    if "@" in authority:
        raise AddressRefused("userinfo", host=host)
    if "%" in authority:  # urllib3 decodes an escaped name, others do not
        raise AddressRefused("host_name", host=host)
    if port != HTTPS_PORT and not _FIRST_UNPRIVILEGED_PORT <= port <= _LAST_PORT:
        raise AddressRefused("port", host=host)
    _check_host(host)
    return Destination(host, port, parsed.request_uri)


def _check_host(host: str) -> None:
    if literal(host) is not None:
        return
    last_label = host.rpartition(".")[2]
    if not _HOST_NAME.fullmatch(host) or _NUMERIC_LABEL.fullmatch(last_label):
        raise AddressRefused("host_name", host=host)


def literal(host: str) -> Address | None:
    """The address if `host` is one in canonical spelling (brackets of a URL allowed)."""
    try:
        return ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None


def is_public(address: Address) -> bool:
    """Reachable by anyone on the Internet, also after the tunnels an address may name.

    `is_global` alone lets multicast through, and IPv4 addresses inside IPv6 ones.
    """
    if isinstance(address, ipaddress.IPv6Address):
        inner = _embedded(address)
        if inner is not None:
            return is_public(inner)
        if address.is_site_local:
            return False
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not address.is_unspecified
        and address not in _PLATFORM
    )


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if address.teredo is not None:
        return address.teredo[1]
    return address.ipv4_mapped or address.sixtofour


def system_resolve(host: str, port: int) -> Sequence[str]:
    """Addresses of a name as the operating system sees them.

    Raises:
        OSError: the name has none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for *_, sockaddr in found]


class EgressGuard:
    """Checks every address a host has, just before the one connection that uses them.

    Args:
        trusted_private_hosts: names that may resolve to private addresses: laptops only.
        resolve: (host, port) to addresses.
    """

    def __init__(self, trusted_private_hosts: frozenset[str], resolve: Resolve) -> None:
        self._trusted = frozenset(host.lower() for host in trusted_private_hosts)
        self._resolve = resolve

    def addresses(self, host: str, port: int, timeout_seconds: float) -> Sequence[str]:
        """Addresses that may be connected to; the caller connects to these, not to the name.

        Raises:
            AddressRefused: any of them is not public and the host is not trusted;
            NotConnected: `name_unknown` or `name_timeout`.
        """
        itself = literal(host)
        names = [str(itself)] if itself else self._look_up(host, port, timeout_seconds)
        if host not in self._trusted and not all(_passes(name) for name in names):
            raise AddressRefused("address_not_public", host=host)
        return names

    def _look_up(self, host: str, port: int, timeout_seconds: float) -> Sequence[str]:
        """Resolve in a thread of its own: getaddrinfo takes no timeout and may hang for half a minute."""
        outcome: list[Sequence[str] | OSError] = []

        def look_up() -> None:
            try:
                outcome.append(self._resolve(host, port))
            except (OSError, UnicodeError) as failed:
                outcome.append(OSError(str(failed)))

        thread = threading.Thread(target=look_up, name="name look-up", daemon=True)
        thread.start()
        thread.join(timeout_seconds)
        if not outcome:
            raise NotConnected("name_timeout", host=host)
        addresses = outcome[0]
        if isinstance(addresses, OSError) or not addresses:
            raise NotConnected("name_unknown", host=host)
        return addresses


def _passes(address: str) -> bool:
    # A zone (`fe80::1%eth0`) only ever names something local.
    found = literal(address)
    return found is not None and is_public(found)
