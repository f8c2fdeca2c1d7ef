import os
from collections.abc import Iterator

import pytest
from tests.builders.http import guarded_http
from tests.fakes.managed_identity import CLIENT_ID, identity_double
from tests.fakes.system import FixedClock
from tests.fakes.wire import authority, ca_file

from connector.adapters.azure.identity import ManagedIdentity
from connector.adapters.azure.transport import AzureTransport, Budget
from connector.adapters.system.lent_tokens import HeldTokens

__all__ = ["authority", "ca_file", "identity_double"]


@pytest.fixture(autouse=True)
def no_identity_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in os.environ if n.startswith(("IDENTITY_", "MSI_", "AZURE_"))]:
        monkeypatch.delenv(name)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def budget() -> Budget:
    return Budget()


@pytest.fixture
def transport(ca_file: str, budget: Budget) -> Iterator[AzureTransport]:
    http = guarded_http(ca_file)
    made = AzureTransport(http, budget)
    yield made
    made.close()
    http.close()


@pytest.fixture
def identity(transport: AzureTransport, budget: Budget, clock: FixedClock) -> ManagedIdentity:
    return ManagedIdentity(CLIENT_ID, transport, budget, HeldTokens(clock))
