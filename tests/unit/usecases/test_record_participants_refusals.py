"""Posts that are not what they seem, and posts that cannot be read now: cases 54-56 of reliability.md."""

import contextlib
from collections.abc import Callable
from datetime import timedelta

import pytest
from tests.builders.calls import at, connected, roster
from tests.builders.configurations import OTHER_TENANT, TENANT, active, endpoints, environment
from tests.builders.launches import PROVIDER_OBJECT_ID, patient_launch, provider_launch
from tests.builders.world import World, values

from connector.domain.audit import Event, Outcome
from connector.ports.errors import BadAnswer, OutsideError, TryLater, Untrusted
from connector.ports.microsoft import CallEvent
from connector.usecases.prove_notification import client_state_of
from connector.usecases.receive_notification import Received

Item = tuple[str, str, str, CallEvent | None]
FABRIKAM_BASE = "https://ehr.fabrikam.example/api/FHIR/R4"
NEWS = roster(1, connected("guest"))


@pytest.fixture
def item(world: World) -> Item:
    """What Graph would send about the one watched meeting; a test spoils it."""
    world.open_visit.for_patient(patient_launch(), "ref")
    opened = world.open_visit.for_provider(provider_launch(), PROVIDER_OBJECT_ID, "ref")
    world.watch_meetings()
    world.clock.set(at(60))
    (graph_id,) = world.subscriptions.live
    return (graph_id, client_state_of(world.sealer, opened.visit.id), TENANT, NEWS)


@pytest.fixture
def other_item(world: World, item: Item) -> Item:
    """The same of a meeting of another tenant, served by the same deployment."""
    fabrikam = environment(
        id="env-fabrikam", tenant_id=OTHER_TENANT, organization_id="org-fabrikam"
    )
    world.add_environment(fabrikam)
    revision = active(
        id="rev-fabrikam",
        environment_id=fabrikam.id,
        tenant_id=OTHER_TENANT,
        fhir_base_url=FABRIKAM_BASE,
        endpoints=endpoints(FABRIKAM_BASE),
    )
    world.approve(revision)
    launch = {"environment_id": fabrikam.id, "tenant_id": OTHER_TENANT}
    world.open_visit.for_patient(patient_launch("patient-2", **launch), "ref")
    opened = world.open_visit.for_provider(
        provider_launch("provider-2", **launch), PROVIDER_OBJECT_ID, "ref"
    )
    world.watch_meetings()
    graph_id = next(id_ for id_ in world.subscriptions.live if id_ != item[0])
    return (graph_id, client_state_of(world.sealer, opened.visit.id), OTHER_TENANT, NEWS)


def post(world: World, *items: Item, tokens_for: frozenset[str] | None = None) -> None:
    world.receive_notification(world.reader.post(items, tokens_for=tokens_for))
    world.apply_notifications()


def post_stored(world: World, *items: Item) -> None:
    """As if the door had let it in."""
    with world.store.write() as tx:
        tx.inbox.add(world.reader.post(items), world.clock.now())
    world.apply_notifications()


def nothing_happened(world: World) -> bool:
    effects = ("participant", "outbox_message", "visit_event", "applied_notification")
    return not any(world.rows(table) for table in effects)


def why(world: World) -> list[str]:
    return [facts["why"] for facts in world.audited(Event.NOTIFICATION_REFUSED)]


def dead_letters(world: World) -> list[str]:
    return [row["code"] for row in world.rows("graph_notification") if row["due_at"] is None]


def test_a_post_as_graph_sends_it_is_applied(world: World, item: Item) -> None:
    post(world, item)

    assert len(world.rows("outbox_message")) == 1
    assert why(world) == []


# Case 54: not ours ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda i: (i[0], "wrong", *i[2:]), "client_state"),
        (lambda i: (i[0], "", *i[2:]), "client_state"),
        (lambda i: (i[0], i[1] + "\u00e9", *i[2:]), "client_state"),
        (lambda i: (i[0], i[1].partition(".")[0], *i[2:]), "client_state"),
        (lambda i: (i[0], "." + i[1].partition(".")[2], *i[2:]), "client_state"),
        (lambda i: (i[0], i[1], OTHER_TENANT, i[3]), "tenant"),
        (lambda i: (i[0], i[1], "", i[3]), "tenant"),
    ],
)
def test_case_54_a_notification_that_is_not_ours_is_dropped_and_audited(
    world: World, item: Item, spoil: Callable[[Item], Item], reason: str
) -> None:
    """Beside one that is ours; alone it is not even stored."""
    post_stored(world, spoil(item))

    assert nothing_happened(world)
    assert why(world) == [reason]
    assert world.rows("graph_notification") == []


def test_case_54_a_notification_of_a_visit_we_no_longer_have_is_dropped(
    world: World, item: Item
) -> None:
    gone = client_state_of(world.sealer, "visit-of-last-month")

    post(world, (item[0], gone, *item[2:]))

    assert why(world) == ["visit_unknown"]


def test_the_secret_proves_a_notification_whose_subscription_is_not_noted_yet(
    world: World, item: Item
) -> None:
    """Graph made the subscription and posts; the worker died before it wrote that down."""
    with world.store.write() as tx:
        tx._connection.exec_driver_sql("UPDATE meeting_watch SET graph_id = NULL")

    post(world, item)

    assert len(world.rows("participant")) == 1
    assert why(world) == []


# Not worth keeping ------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe not json", b"[" * 100_000])
def test_garbage_is_dropped_at_the_door(world: World, body: bytes) -> None:
    assert world.receive_notification(body) is Received.UNREADABLE

    assert world.rows("graph_notification") == []
    assert world.rows("audit_event") == []


def test_a_post_without_a_secret_of_ours_is_dropped_at_the_door(world: World, item: Item) -> None:
    for foreign in ("", "wrong", item[1][:-1], f"another.{item[1].partition('.')[2]}"):
        body = world.reader.post([(item[0], foreign, *item[2:])] * 3)
        assert world.receive_notification(body) is Received.NOT_OURS

    assert world.rows("graph_notification") == []
    assert why(world) == []


def test_a_post_with_one_item_of_ours_is_stored(world: World, item: Item) -> None:
    body = world.reader.post([(item[0], "wrong", *item[2:]), item])

    assert world.receive_notification(body) is Received.STORED
    assert len(world.rows("graph_notification")) == 1


def test_a_post_full_of_foreign_items_is_one_line_of_the_audit_trail(
    world: World, item: Item
) -> None:
    post(world, *[(item[0], "wrong", *item[2:])] * 50, item)

    assert world.audited(Event.NOTIFICATION_REFUSED) == [{"why": "client_state", "items": "50"}]


def test_case_54_the_audit_line_says_that_graph_was_refused_and_names_nobody(
    world: World, item: Item
) -> None:
    post(world, (item[0], "wrong", *item[2:]), item)

    line = world.rows("audit_event")[-1]
    assert (line["event"], line["outcome"]) == (Event.NOTIFICATION_REFUSED, Outcome.REFUSED)
    assert (line["actor"], line["tenant_id"], line["reference"]) == ("graph", None, "")


def test_case_54_a_notification_that_is_not_ours_is_never_opened(world: World, item: Item) -> None:
    world.reader.faults.fail("open", Untrusted("must not be called"), times=None)
    world.reader.faults.fail("verify_tokens", Untrusted("must not be called"), times=None)

    post_stored(world, (item[0], "wrong", *item[2:]))

    assert why(world) == ["client_state"]


def test_case_54_a_foreign_item_does_not_keep_ours_from_being_applied(
    world: World, item: Item
) -> None:
    post(world, (item[0], "wrong", *item[2:]), item)

    assert len(world.rows("participant")) == 1
    assert why(world) == ["client_state"]


def test_the_secret_of_one_visit_does_not_open_another(
    world: World, item: Item, other_item: Item
) -> None:
    post(world, (other_item[0], item[1], OTHER_TENANT, NEWS))

    assert nothing_happened(world)
    assert why(world) == ["tenant"]


# Case 55: two tenants ---------------------------------------------------------------------------


def test_case_55_a_post_of_two_tenants_is_applied_to_each_in_its_own_visit(
    world: World, item: Item, other_item: Item
) -> None:
    post(world, item, other_item)

    assert sorted(values(world.rows("outbox_message"), "tenant_id")) == [TENANT, OTHER_TENANT]
    assert len(set(values(world.rows("participant"), "visit_id"))) == 2
    assert len(set(values(world.rows("participant"), "key"))) == 2


@pytest.mark.parametrize(
    "vouched", [frozenset({TENANT}), frozenset({TENANT, OTHER_TENANT})], ids=len
)
def test_case_55_another_tenant_s_item_that_is_not_ours_does_not_take_ours_along(
    world: World, item: Item, other_item: Item, vouched: frozenset[str]
) -> None:
    """Graph vouches for both tenants of a post; of one we believe nothing."""
    post(world, item, (other_item[0], "wrong", *other_item[2:]), tokens_for=vouched)

    assert values(world.rows("outbox_message"), "tenant_id") == [TENANT]
    assert dead_letters(world) == []
    assert why(world) == ["client_state"]


def test_case_55_a_token_of_a_tenant_the_post_does_not_name_spoils_it(
    world: World, item: Item
) -> None:
    post(world, item, tokens_for=frozenset({TENANT, OTHER_TENANT}))

    assert nothing_happened(world)
    assert dead_letters(world) == ["tenant"]


def test_case_55_a_post_that_graph_vouches_for_in_part_only_is_kept_as_a_dead_letter(
    world: World, item: Item, other_item: Item
) -> None:
    post(world, item, other_item, tokens_for=frozenset({TENANT}))

    assert nothing_happened(world)
    assert dead_letters(world) == ["tenant"]
    assert why(world) == ["tenant"]


def test_case_55_an_unreadable_item_of_one_tenant_does_not_take_the_other_s_news(
    world: World, item: Item, other_item: Item
) -> None:
    world.reader.faults.fail("open", BadAnswer("content"))

    post(world, item, other_item)

    assert values(world.rows("outbox_message"), "tenant_id") == [OTHER_TENANT]
    assert dead_letters(world) == ["content"]
    assert why(world) == ["content"]


# Case 56: cannot be believed or read ------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "error"),
    [
        ("verify_tokens", Untrusted("signature")),
        ("verify_tokens", Untrusted("audience")),
        ("open", Untrusted("hmac")),
        ("open", Untrusted("certificate")),
        ("open", BadAnswer("content")),
    ],
    ids=str,
)
def test_case_56_what_cannot_be_believed_is_a_dead_letter_and_audited_and_never_tried_again(
    world: World, item: Item, method: str, error: OutsideError
) -> None:
    world.reader.faults.fail(method, error)

    post(world, item)
    world.clock.advance(timedelta(days=1))
    world.apply_notifications()

    assert nothing_happened(world)
    assert dead_letters(world) == [error.code]
    assert why(world) == [error.code]


def test_case_56_a_body_that_can_no_longer_be_read_is_a_dead_letter(
    world: World, item: Item
) -> None:
    with world.store.write() as tx:
        tx.inbox.add(b"\xff\xfe not json", world.clock.now())
    world.apply_notifications()

    assert dead_letters(world) == ["not_json"]


def test_an_empty_post_leaves_the_inbox(world: World, item: Item) -> None:
    post(world)

    assert world.rows("graph_notification") == []


# Not now ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["verify_tokens", "open"])
def test_a_post_that_cannot_be_read_now_waits_and_is_applied_later(
    world: World, item: Item, method: str
) -> None:
    world.reader.faults.fail(method, TryLater("keys_unreachable"))

    post(world, item)
    assert nothing_happened(world)
    assert why(world) == []

    world.apply_notifications()
    assert nothing_happened(world), "it waits a moment"
    world.clock.advance(timedelta(seconds=5))
    world.apply_notifications()

    assert len(world.rows("outbox_message")) == 1
    assert world.rows("graph_notification") == []


def test_an_item_that_was_applied_before_its_post_had_to_wait_is_not_applied_twice(
    world: World, item: Item
) -> None:
    later = (*item[:3], roster(2, connected("guest-2")))
    world.receive_notification(world.reader.post([item, later]))
    opened = world.reader.open
    world.reader.faults.fail("open", TryLater("keys_unreachable"))
    calls: list[str] = []

    def second_fails(unverified: object) -> CallEvent | None:
        calls.append("open")
        if len(calls) == 1:
            return NEWS
        return opened(unverified)  # type: ignore[arg-type]

    world.reader.open = second_fails  # type: ignore[method-assign]
    world.apply_notifications()
    assert len(world.rows("participant")) == 1

    world.clock.advance(timedelta(minutes=1))
    world.apply_notifications()

    assert len(world.rows("participant")) == 2
    assert len(world.rows("applied_notification")) == 2
    assert len(world.rows("outbox_message")) == 1, "two devices of one patient are one line"


def test_case_64_keys_that_stay_away_for_half_an_hour_lose_nothing(
    world: World, item: Item
) -> None:
    world.reader.faults.fail("verify_tokens", TryLater("keys_unreachable"), times=None)
    post(world, item)
    for _ in range(30):
        world.clock.advance(timedelta(minutes=1))
        world.apply_notifications()

    world.reader.faults.clear()
    world.clock.advance(timedelta(minutes=1))
    world.apply_notifications()

    assert len(world.rows("outbox_message")) == 1
    assert dead_letters(world) == []


def test_a_post_that_never_can_be_read_ends_as_a_dead_letter(world: World, item: Item) -> None:
    world.reader.faults.fail("verify_tokens", TryLater("keys_unreachable"), times=None)
    post(world, item)
    for _ in range(120):
        world.clock.advance(timedelta(minutes=1))
        world.apply_notifications()

    assert nothing_happened(world)
    assert dead_letters(world) == ["tried_too_often"]


def test_a_post_that_breaks_the_worker_ends_as_a_dead_letter_too(world: World, item: Item) -> None:
    """An error nobody foresaw leaves its post to its lease; it must not come back for ever."""

    def breaks(_unverified: object) -> CallEvent | None:
        raise ZeroDivisionError

    world.reader.open = breaks  # type: ignore[method-assign]
    world.receive_notification(world.reader.post([item]))
    broke = 0
    for _ in range(70):
        with contextlib.suppress(ZeroDivisionError):
            world.apply_notifications()
            broke -= 1
        broke += 1
        world.clock.advance(timedelta(minutes=2))

    assert broke == 60
    assert dead_letters(world) == ["tried_too_often"]


def test_case_70_a_worker_that_dies_in_the_middle_leaves_the_post_to_the_next(
    world: World, item: Item
) -> None:
    world.receive_notification(world.reader.post([item]))
    with world.store.write() as tx:
        assert len(tx.inbox.claim(world.clock.now(), 10)) == 1

    world.apply_notifications()
    assert nothing_happened(world), "somebody else holds it"
    world.clock.advance(timedelta(minutes=1, seconds=1))
    world.apply_notifications()

    assert len(world.rows("outbox_message")) == 1


def test_a_visit_that_was_purged_meanwhile_takes_its_news_along(world: World, item: Item) -> None:
    world.receive_notification(world.reader.post([item]))
    opened = world.reader.open

    def purge_then_open(unverified: object) -> CallEvent | None:
        with world.store.write() as tx:
            visit = world.visit()
            tx.visits.save(visit.call_ended([], at(0)))
            tx.visits.purge(at(1))
        return opened(unverified)  # type: ignore[arg-type]

    world.reader.open = purge_then_open  # type: ignore[method-assign]
    world.apply_notifications()

    assert nothing_happened(world)
    assert world.rows("graph_notification") == []
