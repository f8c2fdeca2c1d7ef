"""`RotateKeys`: new keys are announced in the audit trail, then made, then used."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from tests.builders.configurations import NOON
from tests.builders.world import World

from connector.ports.vault import KeyCertificate, KeyGeneration, KeyKind, KeyState
from connector.usecases.rotate_keys import SOONEST, RotateKeys


@dataclass
class FakeKeyMaker:
    """Implements `ports.vault.KeyMaker`."""

    made: list[KeyGeneration] = field(default_factory=list)
    fails: bool = False

    def generations(self, now: datetime) -> Sequence[KeyGeneration]:
        return self.made

    def add(self, kind: KeyKind, now: datetime, active_from: datetime) -> KeyGeneration:
        if self.fails:
            raise PermissionError
        self.made.append(KeyGeneration(kind, 2, active_from, KeyState.COMING, ("id",)))
        return self.made[-1]

    def certificate(self, kind: KeyKind, now: datetime) -> KeyCertificate:
        return KeyCertificate(kind, 2, KeyState.COMING, "pem", "id", now + timedelta(days=730))


@pytest.fixture
def maker() -> FakeKeyMaker:
    return FakeKeyMaker()


@pytest.fixture
def rotate(world: World, maker: FakeKeyMaker) -> RotateKeys:
    return RotateKeys(world.store, maker, world.clock)


def test_each_kind_gets_a_generation_that_is_used_later(
    rotate: RotateKeys, maker: FakeKeyMaker
) -> None:
    made = rotate([KeyKind.SEALING, KeyKind.ENTRA], timedelta(hours=24))
    assert [(g.kind, g.active_from) for g in made] == [
        (KeyKind.SEALING, NOON + timedelta(hours=24)),
        (KeyKind.ENTRA, NOON + timedelta(hours=24)),
    ]
    assert rotate.known() == made


@pytest.mark.parametrize("after", [timedelta(), timedelta(seconds=1), timedelta(days=-1)])
def test_no_key_is_used_before_every_process_knows_it(rotate: RotateKeys, after: timedelta) -> None:
    (made,) = rotate([KeyKind.ASSERTIONS], after)
    assert made.active_from == rotate.active_from(after) == NOON + SOONEST


def test_a_rotation_is_audited_by_kind_and_time(world: World, rotate: RotateKeys) -> None:
    rotate([KeyKind.SEALING], timedelta(hours=1))
    assert world.audited("operator.keys.rotate") == [
        {"kind": "sealing", "active_from": "2026-03-02T13:00:00+00:00"}
    ]


def test_an_attempt_that_failed_is_audited_too(
    world: World, rotate: RotateKeys, maker: FakeKeyMaker
) -> None:
    maker.fails = True
    with pytest.raises(PermissionError):
        rotate([KeyKind.SEALING], timedelta(hours=1))
    assert len(world.audited("operator.keys.rotate")) == 1


def test_certificates_are_public_and_shown_without_a_line_of_audit(
    world: World, rotate: RotateKeys
) -> None:
    kinds = [KeyKind.NOTIFICATIONS, KeyKind.ENTRA]
    assert [each.kind for each in rotate.certificates(kinds)] == kinds
    assert world.audited("operator.keys.rotate") == []
