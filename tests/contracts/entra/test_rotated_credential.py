"""A rotated certificate reaches Entra without a restart (docs/operating.md)."""

from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from tests.fakes.wired_microsoft import CLIENT_ID, OTHER_TENANT, TENANT, WiredEntra

from connector.adapters.entra.applications import Applications
from connector.adapters.system.http import GuardedHttp
from connector.adapters.vault.files import FileKeys


@dataclass
class Keys:
    now: Mapping[str, str]


@pytest.fixture
def keys(connector_keys: FileKeys) -> Keys:
    return Keys(connector_keys.entra_credential)


@pytest.fixture
def applications(http: GuardedHttp, entra: WiredEntra, keys: Keys) -> Applications:
    return Applications(http, entra.wire.url, CLIENT_ID, lambda: keys.now)


def rotated(keys: Keys) -> Mapping[str, str]:
    """Another PEM text of the same certificate: another credential as far as anybody can see."""
    return {**keys.now, "public_certificate": keys.now["public_certificate"] + "\n"}


def test_an_application_is_made_once_while_the_credential_stays(applications: Applications) -> None:
    assert applications.of(TENANT) is applications.of(TENANT)


def test_every_application_is_made_anew_with_a_new_credential(
    applications: Applications, keys: Keys
) -> None:
    before = [applications.of(tenant) for tenant in (TENANT, OTHER_TENANT)]
    keys.now = rotated(keys)
    after = [applications.of(tenant) for tenant in (TENANT, OTHER_TENANT)]
    assert not {id(each) for each in before} & {id(each) for each in after}
    assert applications.of(TENANT) is after[0]
