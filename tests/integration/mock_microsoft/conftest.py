from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from flask import Flask
from tests.conformance.mock_microsoft.microsoft_desk import Desk, configuration
from tests.integration.mock_microsoft.receiver import Receiver

from simkit.server import Embedded


@dataclass(frozen=True)
class Certificates:
    ca_file: str
    cert_file: str
    key_file: str


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder: Path = tmp_path_factory.mktemp("certificates")
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    for blob in issued.cert_chain_pems:
        blob.write_to_path(folder / "cert.pem", append=True)
    return Certificates(*(str(folder / name) for name in ("ca.pem", "cert.pem", "key.pem")))


@pytest.fixture(scope="module")
def served_receiver(certificates: Certificates) -> Iterator[Receiver]:
    receiver = Receiver(certificates.cert_file, certificates.key_file)
    with receiver.server:
        yield receiver


@pytest.fixture
def receiver(served_receiver: Receiver) -> Receiver:
    served_receiver.forget()
    return served_receiver


@pytest.fixture
def desk(certificates: Certificates, receiver: Receiver) -> Iterator[Desk]:
    """The simulator without a server; it trusts the receiver's certificate, and stops before the receiver does."""
    desk = Desk(configuration(ca_file=certificates.ca_file))
    yield desk
    desk.world.deliveries.stop()


@pytest.fixture
def served(running: tuple[Desk, str]) -> tuple[Desk, str]:
    """The simulator over TLS as after start, and its base URL."""
    running[0].sim("POST", "reset")
    return running


@pytest.fixture(scope="module")
def running(certificates: Certificates) -> Iterator[tuple[Desk, str]]:
    desks: list[Desk] = []

    def app_for(base_url: str) -> Flask:
        desks.append(Desk(configuration(base_url, certificates.ca_file)))
        return desks[0].app

    with Embedded(
        app_for, cert_file=certificates.cert_file, key_file=certificates.key_file
    ) as server:
        yield desks[0], server.url
    desks[0].world.deliveries.stop()
