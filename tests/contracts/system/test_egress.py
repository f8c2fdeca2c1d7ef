"""The egress guard: refused spellings and addresses, without one connection or look-up of a name."""

import socket
from collections.abc import Iterator

import pytest

from connector.adapters.system.egress import destination_of, is_public, literal
from connector.adapters.system.http import GuardedHttp
from connector.ports.errors import AddressRefused, TryLater

REFUSED_URLS = [
    "http://fhir.example.org/r4",
    "HTTP://fhir.example.org/r4",
    "ftp://fhir.example.org/",
    "file:///etc/passwd",
    "gopher://fhir.example.org/",
    "fhir.example.org/r4",
    "//fhir.example.org/r4",
    "",
    "https://",
    "https:///r4",
    "https://user@fhir.example.org/",
    "https://user:secret@fhir.example.org/",
    "https://fhir.example.org@127.0.0.1/",
    "https://@fhir.example.org/",
    "https://fhir.example.org:22/",
    "https://fhir.example.org:0/",
    "https://fhir.example.org:80/",
    "https://fhir.example.org:65536/",
    "https://fhir.example.org:-1/",
    "https://fhir.example.org:port/",
    "https://localhost./",
    "https://fhir.example.org./",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0177.0.0.1/",
    "https://127.1/",
    "https://127.0.0.1./",
    "https://0x7f.0.0.1/",
    "https://8.8.8/",
    "https://fhir.example.org\\@127.0.0.1/",
    "https://fhir.example.org\t/",
    "https://fhir.example.org/a b",
    "https://fhir.example.org/\r\nHost: evil",
    "https://fhir.example.org/\x00",
    "https://fhïr.example.org/",
    "https://127。0。0。1/",
    "https://%6c%6f%63alhost/",
    "https://[fe80::1%25eth0]/",
    "https://fhir_host.example.org/",
    "https://-fhir.example.org/",
    "https://fhir..example.org/",
    "https://" + "a" * 5000 + ".example.org/",
]

PRIVATE_URLS = [
    "https://127.0.0.1/",
    "https://127.0.0.1:8443/",
    "https://127.255.255.254/",
    "https://0.0.0.0/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://169.254.169.254/latest/meta-data",
    "https://168.63.129.16/",
    "https://192.0.2.1/",
    "https://198.18.0.1/",
    "https://224.0.0.1/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://[::]/",
    "https://[::1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[64:ff9b::10.0.0.1]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[2002:7f00:1::]/",
    "https://[2002:a00:1::1]/",
    "https://[2001:0:4136:e378:8000:63bf:f5ff:fffe]/",
    "https://[fe80::1]/",
    "https://[fec0::1]/",
    "https://[fc00::1]/",
    "https://[fd00:ec2::254]/",
    "https://[ff02::1]/",
    "https://[2001:db8::1]/",
]


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """Every attempt to connect anywhere."""
    attempts: list[object] = []

    def record(self: socket.socket, address: object) -> None:
        attempts.append(address)
        raise OSError("recorded, not connected")

    monkeypatch.setattr(socket.socket, "connect", record)
    return attempts


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_a_url_that_could_be_read_two_ways_is_refused_before_any_look_up(
    url: str, connections: list[object]
) -> None:
    looked_up: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        looked_up.append(host)
        return ["93.184.215.14"]

    http = GuardedHttp(None, frozenset({"localhost"}), resolve=resolve)
    with pytest.raises(AddressRefused):
        http.send("GET", url)
    assert (looked_up, connections) == ([], [])


@pytest.mark.parametrize("url", PRIVATE_URLS)
def test_a_private_address_is_refused_without_a_connection(
    url: str, connections: list[object]
) -> None:
    with pytest.raises(AddressRefused) as refused:
        GuardedHttp(None, frozenset({"localhost"})).send("GET", url)
    assert refused.value.code == "address_not_public"
    assert connections == []


@pytest.mark.parametrize(
    "addresses",
    [
        ["10.0.0.1"],
        ["93.184.215.14", "10.0.0.1"],
        ["::1", "93.184.215.14"],
        ["fe80::1%eth0"],
        ["not an address"],
    ],
)
def test_one_private_address_refuses_the_name(
    addresses: list[str], connections: list[object]
) -> None:
    http = GuardedHttp(None, frozenset(), resolve=lambda *_: addresses)
    with pytest.raises(AddressRefused, match="address_not_public"):
        http.send("GET", "https://fhir.example.org/")
    assert connections == []


def test_the_connection_goes_to_the_address_that_was_checked(connections: list[object]) -> None:
    """A name that changes its address between check and use has nothing to change (case 38)."""
    answers = iter([["93.184.215.14"], ["127.0.0.1"]])
    http = GuardedHttp(None, frozenset(), resolve=lambda *_: next(answers))
    with pytest.raises(TryLater, match="no_connection"):
        http.send("GET", "https://rebinding.example/")
    assert connections == [("93.184.215.14", 443)]
    with pytest.raises(AddressRefused, match="address_not_public"):
        http.send("GET", "https://rebinding.example/")
    assert len(connections) == 1


def test_only_the_trusted_name_may_be_private(connections: list[object]) -> None:
    http = GuardedHttp(None, frozenset({"Localhost"}), resolve=lambda *_: ["127.0.0.1"])
    with pytest.raises(TryLater):
        http.send("GET", "https://LOCALHOST:8443/")
    assert connections == [("127.0.0.1", 8443)]
    with pytest.raises(AddressRefused):
        http.send("GET", "https://evil.localhost:8443/")
    assert len(connections) == 1


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.215.14", "2606:4700::1111", "64:ff9b::8.8.8.8"]
)
def test_public_addresses_pass(address: str) -> None:
    found = literal(address)
    assert found is not None
    assert is_public(found)


def test_a_url_keeps_its_path_and_query() -> None:
    found = destination_of("https://FHIR.Example.org:8443/api/FHIR/R4?identifier=a%7Cb#part")
    assert (found.host, found.port) == ("fhir.example.org", 8443)
    assert found.target == "/api/FHIR/R4?identifier=a%7Cb"
