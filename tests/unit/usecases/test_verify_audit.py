"""`VerifyAudit` and `AnchorAudit`: the trail, its anchor, and what each proves (case 77)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from tests.builders.configurations import NOON, TENANT
from tests.builders.world import World

from connector.domain.audit_chain import AnchoredLine, Damage
from connector.ports.audit_log import AnchorUnavailable
from connector.ports.storage import AuditEntry
from connector.usecases.anchor_audit import AnchorAudit
from connector.usecases.verify_audit import VerifyAudit


@dataclass
class FakeAnchor:
    """Implements `ports.audit_log.Anchor`."""

    kept: list[AnchoredLine | None] = field(default_factory=list)
    down: bool = False

    def lines(self) -> Iterator[AnchoredLine | None]:
        return iter(self.kept)

    def add(self, line: AnchoredLine) -> None:
        if self.down:
            raise AnchorUnavailable
        self.kept.append(line)


@pytest.fixture
def anchor() -> FakeAnchor:
    return FakeAnchor()


@pytest.fixture
def anchoring(world: World, anchor: FakeAnchor) -> AnchorAudit:
    return AnchorAudit(world.store.audit_log, anchor, world.clock)


def happen(world: World, times: int = 1) -> None:
    entry = AuditEntry(NOON, "a.b.c", "success", "ref", TENANT)
    world.store.audit_all([entry] * times)


def findings(world: World, anchor: FakeAnchor | None) -> list[tuple[int, str]]:
    verdict = VerifyAudit(world.store.audit_log, anchor)()
    return [(each.line_id, each.damage.value) for each in verdict.findings]


def test_the_head_is_anchored_with_the_time(
    world: World, anchor: FakeAnchor, anchoring: AnchorAudit
) -> None:
    happen(world, 3)
    head = world.store.audit_log.head()
    assert head is not None
    assert anchoring() == AnchoredLine(world.clock.now(), 3, head.hash)
    assert [line.id for line in anchor.kept if line] == [3]


def test_an_empty_trail_has_nothing_to_anchor(anchoring: AnchorAudit, anchor: FakeAnchor) -> None:
    assert anchoring() is None
    assert anchor.kept == []


def test_a_quiet_trail_is_anchored_once(
    world: World, anchor: FakeAnchor, anchoring: AnchorAudit
) -> None:
    happen(world)
    anchoring()
    world.clock.advance(timedelta(minutes=1))
    assert anchoring() is None
    happen(world)
    assert anchoring() is not None
    assert len(anchor.kept) == 2


def test_what_could_not_be_anchored_is_anchored_the_next_time(
    world: World, anchor: FakeAnchor, anchoring: AnchorAudit
) -> None:
    happen(world)
    anchor.down = True
    with pytest.raises(AnchorUnavailable):
        anchoring()
    anchor.down = False
    assert anchoring() is not None


def test_the_verdict_says_how_far_the_anchor_reaches(
    world: World, anchor: FakeAnchor, anchoring: AnchorAudit
) -> None:
    happen(world, 2)
    anchoring()
    happen(world)
    verdict = VerifyAudit(world.store.audit_log, anchor)()
    assert verdict.whole
    assert (verdict.lines, verdict.head_id, verdict.anchored_to) == (3, 3, 2)
    assert verdict.lines_after_anchor == 1


def test_without_an_anchor_only_the_chain_is_read(world: World) -> None:
    happen(world)
    verdict = VerifyAudit(world.store.audit_log, None)()
    assert verdict.whole
    assert verdict.anchored_to is None


def test_an_anchored_line_the_trail_does_not_hold_is_gone(world: World, anchor: FakeAnchor) -> None:
    happen(world)
    anchor.kept = [AnchoredLine(NOON, 2, "hash")]
    assert findings(world, anchor) == [(2, Damage.GONE)]


def test_unreadable_and_contradicting_lines_of_the_anchor_are_named_by_their_number(
    world: World, anchor: FakeAnchor, anchoring: AnchorAudit
) -> None:
    happen(world)
    line = anchoring()
    anchor.kept = [line, line, AnchoredLine(NOON, 1, "other"), None]
    assert findings(world, anchor) == [(3, Damage.ANCHOR_UNREADABLE)]
    for kept in ([None, line], [None]):
        anchor.kept = kept
        assert findings(world, anchor) == [(1, Damage.ANCHOR_UNREADABLE)]


def test_an_anchor_that_is_empty_or_missing_is_a_finding_when_there_is_something_to_prove(
    world: World, anchor: FakeAnchor
) -> None:
    assert findings(world, anchor) == []
    happen(world)
    assert findings(world, anchor) == [(0, Damage.ANCHOR_MISSING)]


def test_a_broken_chain_and_a_broken_anchor_are_both_named_in_order(
    world: World, anchor: FakeAnchor
) -> None:
    happen(world, 3)
    with world.store._engines.writing.begin() as connection:
        connection.exec_driver_sql("UPDATE audit_event SET actor = 'x' WHERE id = 3")
    anchor.kept = [AnchoredLine(NOON, 2, "other")]
    assert findings(world, anchor) == [(2, Damage.REWRITTEN), (3, Damage.ALTERED)]
