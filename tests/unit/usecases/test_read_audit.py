"""`ReadAudit`: who may look, what of, in which order (cases 35, 74)."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.builders.configurations import (
    NOON,
    OTHER_TENANT,
    TENANT,
    active,
    an_admin,
    approver,
    awaiting,
    identity,
    the_approver,
)
from tests.builders.world import World

from connector.domain.errors import Reason, Refused
from connector.domain.organization import MicrosoftIdentity
from connector.ports.audit_log import AuditFilter
from connector.ports.storage import AuditEntry
from connector.usecases.read_audit import AuditPage, all_lines

EVERYTHING = AuditFilter(TENANT)
ENTRY = AuditEntry(NOON, "a.b.c", "success", "REF0", TENANT)


@pytest.fixture
def trail(empty_world: World) -> World:
    """Five lines of Contoso, between two of another tenant and one of nobody's."""
    theirs = replace(ENTRY, tenant_id=OTHER_TENANT)
    lines = [replace(ENTRY, reference=f"REF{n}", at=NOON + timedelta(days=n)) for n in range(5)]
    empty_world.store.audit_all([theirs, *lines, replace(ENTRY, tenant_id=None), theirs])
    return empty_world


def references(page: AuditPage) -> list[str]:
    return [line.reference for line in page.lines]


def test_an_admin_sees_the_newest_first(trail: World) -> None:
    page = trail.read_audit.page(an_admin(), EVERYTHING)
    assert references(page) == ["REF4", "REF3", "REF2", "REF1", "REF0"]
    assert page.older is None


def test_pages_follow_one_another_without_a_gap(trail: World) -> None:
    first = trail.read_audit.page(an_admin(), EVERYTHING, limit=2)
    second = trail.read_audit.page(an_admin(), EVERYTHING, first.older, limit=2)
    last = trail.read_audit.page(an_admin(), EVERYTHING, second.older, limit=2)
    assert [references(p) for p in (first, second, last)] == [
        ["REF4", "REF3"],
        ["REF2", "REF1"],
        ["REF0"],
    ]
    assert last.older is None


@pytest.mark.parametrize("asked_for", [OTHER_TENANT, None])
def test_case_74_another_tenants_lines_are_never_seen_whatever_is_asked(
    trail: World, asked_for: str | None
) -> None:
    wanted = AuditFilter(asked_for)
    assert {x.tenant_id for x in trail.read_audit.page(an_admin(), wanted).lines} == {TENANT}
    exported = trail.read_audit.export(an_admin(), wanted, "REF9")
    assert {line.tenant_id for line in exported} == {TENANT}


@pytest.mark.parametrize(
    "who",
    [
        identity(),
        an_admin(is_guest=True),
        the_approver(is_guest=True),
        the_approver(tenant_id=OTHER_TENANT),
    ],
    ids=["reader", "guest admin", "guest approver", "approver of elsewhere"],
)
def test_whoever_is_neither_admin_nor_approver_is_refused(
    trail: World, who: MicrosoftIdentity
) -> None:
    trail.add_environment()
    trail.approve()
    with pytest.raises(Refused) as page:
        trail.read_audit.page(who, EVERYTHING)
    with pytest.raises(Refused) as export:
        trail.read_audit.export(who, EVERYTHING, "REF9")
    assert {page.value.reason, export.value.reason} == {Reason.AUDIT_ROLE_MISSING}
    assert trail.audited("admin.audit.export") == []


def test_the_approver_of_the_live_revision_looks(trail: World) -> None:
    trail.add_environment()
    trail.approve()
    assert trail.read_audit.page(the_approver(), EVERYTHING).lines


def test_the_approver_named_by_the_newest_revision_looks(trail: World) -> None:
    trail.add_environment()
    with trail.store.write() as tx:
        tx.configurations.add_revision(awaiting())
    assert trail.read_audit.page(the_approver(), EVERYTHING).lines


def test_case_35_a_replaced_approver_looks_no_more(trail: World) -> None:
    trail.add_environment()
    trail.approve()
    trail.approve(active(id="rev-2", number=2, approver=approver(object_id="new approver")))
    with pytest.raises(Refused):
        trail.read_audit.page(the_approver(), EVERYTHING)


def test_an_export_is_oldest_first_and_leaves_a_line(trail: World) -> None:
    lines = list(trail.read_audit.export(an_admin(), AuditFilter(TENANT, event="a.b.c"), "REF9"))
    assert [line.reference for line in lines] == ["REF0", "REF1", "REF2", "REF3", "REF4"]
    (row,) = [r for r in trail.rows("audit_event") if r["event"] == "admin.audit.export"]
    assert (row["reference"], row["tenant_id"], row["actor"]) == (
        "REF9",
        TENANT,
        an_admin().object_id,
    )


def test_everything_is_read_in_pieces(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.usecases.read_audit._BATCH", 2)
    world.store.audit_all([ENTRY] * 5)
    assert [x.id for x in all_lines(world.store.audit_log, EVERYTHING)] == [1, 2, 3, 4, 5]
