"""A launch whose assertion cannot be signed: the page says "try again", and the EHR hears nothing."""

from dataclasses import replace
from typing import Any

import pytest
from tests.builders.configurations import active
from tests.builders.key_places import VaultLair, keys_of
from tests.builders.launches import transaction
from tests.fakes.system import SequentialIds
from tests.fakes.wire import DROPPED, Reply, wire
from tests.fakes.wired_ehr import WiredEhr, ehr, http

from connector.adapters.smart.server import SmartHttp
from connector.adapters.system.http import GuardedHttp
from connector.adapters.system.lent_tokens import HeldTokens
from connector.adapters.system.signed_tokens import PublishedKeys
from connector.domain.errors import Reason, Refused
from connector.usecases.redeem_code import RedeemCode

__all__ = ["ehr", "http", "wire"]


@pytest.fixture
def redeem(filled_vault: VaultLair, http: GuardedHttp) -> RedeemCode:
    clock = filled_vault.clock
    return RedeemCode(
        SmartHttp(
            http,
            keys_of(filled_vault).assertions,
            clock,
            SequentialIds(),
            signed_tokens=PublishedKeys(http, clock),
            lent_tokens=HeldTokens(clock),
        )
    )


def _forbid(lair: VaultLair) -> None:
    lair.double.may.remove("keys/sign")


def _throttle(lair: VaultLair) -> None:
    lair.double.faults.append(Reply(429, {"error": {}}, {"Retry-After": "9"}))


def _go_away(lair: VaultLair) -> None:
    lair.double.faults.append(DROPPED)


def _disable(lair: VaultLair) -> None:
    lair.take_away_assertions(1)


def _lend_no_tokens(lair: VaultLair) -> None:
    lair.double.identity.revoke()
    lair.double.identity.client_id = "another"


@pytest.mark.parametrize("break_it", [_forbid, _throttle, _go_away, _disable, _lend_no_tokens])
def test_whatever_ails_the_vault_the_launch_is_refused_as_a_matter_of_later(
    break_it: Any, redeem: RedeemCode, filled_vault: VaultLair, ehr: WiredEhr
) -> None:
    revision = replace(active(), endpoints=ehr.endpoints)
    break_it(filled_vault)
    with pytest.raises(Refused) as refused:
        redeem(revision, "client", "https://connector.example/callback", "code", transaction())
    assert refused.value.reason is Reason.EHR_UNREACHABLE
    assert refused.value.facts["host"] == "kv.vault.localhost"
    assert ehr.wire.heard == []


def test_a_throttled_vault_says_when_to_come_back(
    redeem: RedeemCode, filled_vault: VaultLair, ehr: WiredEhr
) -> None:
    _throttle(filled_vault)
    with pytest.raises(Refused) as refused:
        redeem(active(endpoints=ehr.endpoints), "client", "https://c.example/", "c", transaction())
    assert refused.value.retry_after_seconds == 9
