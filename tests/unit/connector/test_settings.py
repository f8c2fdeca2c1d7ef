"""Settings: read once, checked together, documented."""

import re
from pathlib import Path

import pytest

from connector.domain.organization import EnvironmentKind
from connector.settings import Settings, SettingsInvalid, load_settings

GOOD = {
    "CONNECTOR_PUBLIC_URL": "https://visits.example.org",
    "CONNECTOR_DATABASE_URL": "sqlite:////tmp/connector.db",
    "CONNECTOR_DATA_GEOGRAPHY": "emea",
    "CONNECTOR_KEYS_DIRECTORY": "/tmp/keys",
    "CONNECTOR_MICROSOFT_CLIENT_ID": "0f1e2d3c-0000-4000-8000-000000000000",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)


def test_the_least_environment_is_enough() -> None:
    assert load_settings().data_geography == "emea"


@pytest.mark.parametrize("name", sorted(GOOD.keys() - {"CONNECTOR_KEYS_DIRECTORY"}))
def test_a_missing_required_setting_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(name)
    with pytest.raises(SettingsInvalid) as refused:
        load_settings()
    assert [p.split(":")[0] for p in refused.value.problems] == [name]


@pytest.mark.parametrize("seconds", ["0", "-1", "1801", "soon", ""])
def test_attendance_is_looked_for_within_half_an_hour(
    seconds: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """32 times that, the last look, is less than the data keys' day."""
    monkeypatch.setenv("CONNECTOR_ATTENDANCE_AFTER_SECONDS", seconds)
    with pytest.raises(SettingsInvalid) as refused:
        load_settings()
    assert [p.split(":")[0] for p in refused.value.problems] == [
        "CONNECTOR_ATTENDANCE_AFTER_SECONDS"
    ]


@pytest.mark.parametrize("seconds", [1, 1800])
def test_the_delay_of_attendance_may_be_set(seconds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNECTOR_ATTENDANCE_AFTER_SECONDS", str(seconds))
    assert load_settings().attendance_after.total_seconds() == seconds


VAULT = "https://kv-ehr.vault.azure.net"
TOKENS = "postgresql+psycopg://id-app@db.example:5432/connector"


def problems() -> list[str]:
    with pytest.raises(SettingsInvalid) as refused:
        load_settings()
    return refused.value.problems


def test_keys_may_lie_in_a_vault_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNECTOR_KEYS_DIRECTORY", "")
    monkeypatch.setenv("CONNECTOR_KEY_VAULT_URL", f"{VAULT}/")
    settings = load_settings()
    assert (settings.keys_directory, settings.key_vault_url) == (None, VAULT)
    assert settings.needs_managed_identity


@pytest.mark.parametrize(("directory", "vault"), [("", ""), ("/tmp/keys", VAULT)])
def test_keys_lie_in_exactly_one_place(
    directory: str, vault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONNECTOR_KEYS_DIRECTORY", directory)
    monkeypatch.setenv("CONNECTOR_KEY_VAULT_URL", vault)
    assert problems() == ["set exactly one of CONNECTOR_KEYS_DIRECTORY and CONNECTOR_KEY_VAULT_URL"]


@pytest.mark.parametrize(
    "vault", ["http://kv.vault.azure.net", "kv.vault.azure.net", f"{VAULT}/secrets/x", "https://"]
)
def test_a_vault_that_is_no_https_origin_is_refused(
    vault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONNECTOR_KEYS_DIRECTORY", "")
    monkeypatch.setenv("CONNECTOR_KEY_VAULT_URL", vault)
    assert [p.split(":")[0] for p in problems()] == ["CONNECTOR_KEY_VAULT_URL"]


def test_postgresql_may_be_signed_in_to_by_token(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not load_settings().needs_managed_identity
    monkeypatch.setenv("CONNECTOR_DATABASE_URL", TOKENS)
    monkeypatch.setenv("CONNECTOR_DATABASE_LOGIN", "entra")
    assert load_settings().needs_managed_identity


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://id-app:hunter2@db.example/connector",
        "postgresql+psycopg://id-app:@db.example/connector",
        "postgresql+psycopg://id-app@db.example/connector?password=hunter2",
        "postgresql+psycopg://id-app@db.example/connector?sslmode=require&passfile=/x",
    ],
)
def test_a_password_beside_the_token_is_refused_and_not_repeated(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONNECTOR_DATABASE_URL", url)
    monkeypatch.setenv("CONNECTOR_DATABASE_LOGIN", "entra")
    (problem,) = problems()
    assert "carries a password" in problem
    assert "hunter2" not in problem


@pytest.mark.parametrize(("name", "value"), [("LOGIN", "entra"), ("APP_ROLE", "id-app")])
def test_sqlite_has_neither_logins_nor_roles(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"CONNECTOR_DATABASE_{name}", value)
    (problem,) = problems()
    assert f"CONNECTOR_DATABASE_{name}" in problem
    assert "needs PostgreSQL" in problem


def test_an_unknown_login_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNECTOR_DATABASE_LOGIN", "kerberos")
    assert [p.split(":")[0] for p in problems()] == ["CONNECTOR_DATABASE_LOGIN"]


def test_all_wrong_settings_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNECTOR_PUBLIC_URL", "http://visits.example.org")
    monkeypatch.setenv("CONNECTOR_DATA_GEOGRAPHY", "antarctica")
    monkeypatch.setenv("CONNECTOR_WEB_WORKERS", "0")
    monkeypatch.setenv("CONNECTOR_DATABASE_URL", "mysql://x")
    monkeypatch.setenv("CONNECTOR_LOG_LEVEL", "LOUD")
    with pytest.raises(SettingsInvalid) as refused:
        load_settings()
    assert {p.split(":")[0] for p in refused.value.problems} == {
        "CONNECTOR_PUBLIC_URL",
        "CONNECTOR_DATA_GEOGRAPHY",
        "CONNECTOR_WEB_WORKERS",
        "CONNECTOR_DATABASE_URL",
        "CONNECTOR_LOG_LEVEL",
    }


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example",
        "https://",
        "visits.example.org",
        "https://a.example/path",
        "https://a.example?x=1",
    ],
)
def test_a_public_url_that_is_no_https_origin_is_refused(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONNECTOR_PUBLIC_URL", url)
    with pytest.raises(SettingsInvalid):
        load_settings()


def test_a_problem_does_not_repeat_the_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNECTOR_DATABASE_URL", "postgres://user:hunter2@db/x")
    with pytest.raises(SettingsInvalid) as refused:
        load_settings()
    assert "hunter2" not in "".join(refused.value.problems)


def test_unknown_ehr_clients_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNECTOR_EHR_CLIENT_IDS", '{"test": {"provider": "a", "janitor": "b"}}')
    with pytest.raises(SettingsInvalid):
        load_settings()


def test_client_ids_are_offered_for_the_environment_they_belong_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CONNECTOR_EHR_CLIENT_IDS", '{"test": {"provider": "p1"}}')
    settings = load_settings()
    assert settings.clients_offered(EnvironmentKind.TEST).provider == "p1"
    assert settings.clients_offered(EnvironmentKind.PRODUCTION).provider == ""


def test_private_hosts_are_a_comma_separated_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNECTOR_TRUSTED_PRIVATE_HOSTS", "localhost, ehr.local")
    assert load_settings().trusted_private_hosts == frozenset({"localhost", "ehr.local"})


def test_launches_redirect_to_teams_only_unless_graph_is_a_simulator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "teams.microsoft.com" in load_settings().teams_hosts
    monkeypatch.setenv("CONNECTOR_GRAPH_URL", "https://localhost:8443")
    assert load_settings().teams_hosts == frozenset({"localhost:8443"})


@pytest.mark.parametrize("region", ["westeurope", "uksouth", ""])
def test_a_region_of_the_data_geography_may_run_it(
    region: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONNECTOR_AZURE_REGION", region)
    assert load_settings().azure_region == region


@pytest.mark.parametrize("region", ["eastus", "japaneast", "West Europe", "atlantis"])
def test_case_75_nothing_starts_in_a_region_of_another_data_geography(
    region: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Microsoft.md 6.3: refuse to start if the configured geography is not the region's."""
    monkeypatch.setenv("CONNECTOR_AZURE_REGION", region)
    with pytest.raises(SettingsInvalid) as refused:
        load_settings()
    assert refused.value.problems == [
        "CONNECTOR_AZURE_REGION is no region of CONNECTOR_DATA_GEOGRAPHY"
    ]


def test_the_portals_of_other_geographies_are_known_by_geography(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CONNECTOR_PORTALS", '{"apac": "https://visits.example.jp/"}')
    assert load_settings().portals == {"apac": "https://visits.example.jp"}


@pytest.mark.parametrize(
    "portals",
    [
        '{"mars": "https://visits.example.org"}',
        '{"apac": "http://visits.example.jp"}',
        '{"apac": "https://visits.example.jp/portal"}',
        '{"apac": ""}',
        "[]",
    ],
)
def test_a_portal_that_is_no_geographys_https_origin_is_refused(
    portals: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONNECTOR_PORTALS", portals)
    with pytest.raises(SettingsInvalid):
        load_settings()


def test_every_setting_stands_in_the_documentation() -> None:
    text = Path("docs/settings.md").read_text()
    documented = set(re.findall(r"`(CONNECTOR_[A-Z_]+)` \|", text))
    assert documented == {f"CONNECTOR_{name.upper()}" for name in Settings.model_fields}
