"""What only the wiring decides: who measures, who is trusted, which vendor is written back to."""

from pathlib import Path

import pytest
from tests.builders.store import sqlite_url
from tests.fakes.ehr import FakeWriteBack
from tests.fakes.system import FixedClock
from tests.fakes.wire import WireServer, authority, ca_file, drip, wire
from tests.fakes.wired_microsoft import TENANT, WiredEntra, entra

from connector import bootstrap
from connector.adapters.ehr.write_back import WRITE_BACKS
from connector.adapters.system.clock import SystemClock
from connector.adapters.telemetry import upstream
from connector.adapters.vault.directory import Directory
from connector.adapters.vault.generation import make_keys
from connector.ports.errors import TryLater
from connector.settings import Settings

__all__ = ["authority", "ca_file", "entra", "wire"]


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def settings(tmp_path: Path, ca_file: str, wire: WireServer) -> Settings:
    make_keys(Directory(tmp_path / "keys"), SystemClock().now())
    return Settings(
        public_url="https://connector.example",
        database_url=sqlite_url(tmp_path),
        data_geography="emea",
        keys_directory=tmp_path / "keys",
        microsoft_client_id="aaaaaaaa-0000-4000-8000-000000000001",
        microsoft_login_url=wire.url,
        graph_url=wire.url,
        ca_file=Path(ca_file),
        trusted_private_hosts=frozenset({"localhost"}),
    )


def test_waiting_for_entra_is_not_our_own_time(settings: Settings, entra: WiredEntra) -> None:
    core = bootstrap.build_core(settings)
    sign_in = bootstrap.build_sign_in(core, bootstrap.build_applications(core))
    document = drip(b"{}", pause_seconds=0.2)
    entra.wire.answer("GET", f"/{TENANT}/v2.0/.well-known/openid-configuration", document)
    core.telemetry.begin_request()
    with pytest.raises(TryLater, match="entra_answer"):
        sign_in.begin(tenant=TENANT)
    assert core.telemetry.waited_seconds() >= 0.2


def test_waiting_for_another_thread_is_measured_everywhere(settings: Settings) -> None:
    core = bootstrap.build_core(settings)
    assert core.signed_tokens._waiting is upstream.waiting
    assert bootstrap.build_smart(core)._lent_tokens._waiting is upstream.waiting
    applications = bootstrap.build_applications(core)
    tokens = bootstrap.build_graph(core, bootstrap.build_app_tokens(core, applications))._app_token
    assert tokens._lent_tokens._waiting is upstream.waiting


def test_entra_is_called_with_the_authority_the_settings_add(
    settings: Settings, entra: WiredEntra
) -> None:
    core = bootstrap.build_core(settings)
    url, _ = bootstrap.build_sign_in(core, bootstrap.build_applications(core)).begin(tenant=TENANT)
    assert url.startswith(entra.wire.url)


def test_the_worker_takes_its_write_back_from_the_table(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = FakeWriteBack()
    monkeypatch.setitem(WRITE_BACKS, "epic", lambda *_: planned)
    assert bootstrap.build_worker(settings).deliver_outbox.write_back is planned
