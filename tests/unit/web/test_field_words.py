"""Every value of a configuration, every role, every point of a plan has words a person understands."""

from dataclasses import replace

import pytest
from tests.unit.web.pages_world import environment, live, revision

from connector.domain.errors import Reason
from connector.domain.integration_record import Difference
from connector.domain.organization import ROLES_THAT_MAY_CONFIGURE
from connector.domain.promotion import Item, Readiness
from connector.domain.visit_settings import Department, Lobby, VisitSettings
from connector.web.field_labels import LABELS, comparison, everything, worded
from connector.web.readiness_words import words_of
from connector.web.record_words import advice_for
from connector.web.role_names import ROLE_NAMES, names_of

ONE = revision(environment())


def test_every_field_an_approval_covers_has_a_label() -> None:
    assert set(ONE.values()) == set(LABELS)
    assert len(set(LABELS.values())) == len(LABELS)


@pytest.mark.parametrize("department", Department)
@pytest.mark.parametrize("lobby", Lobby)
def test_no_wire_value_of_a_setting_is_shown(department: Department, lobby: Lobby) -> None:
    settings = VisitSettings(department=department, lobby=lobby)
    shown = {line.value for line in everything(replace(ONE, settings=settings))}
    assert not shown & {"", "on", "off", "True", "False", "epic", *map(str, Department), *Lobby}


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("join_opens_minutes", "30", "30 minutes"),
        ("frame_ancestors", "", "None"),
        ("issuer", "https://x.example", "https://x.example"),
        ("vendor", "somebody-new", "somebody-new"),
    ],
)
def test_a_value_is_worded_or_shown_as_it_is(field: str, value: str, shown: str) -> None:
    assert worded(field, value) == shown


def test_words_are_not_shown_as_code() -> None:
    code = {line.value for line in everything(ONE) if line.code}
    assert {ONE.fhir_base_url, ONE.clients.provider} <= code
    assert "None" in {line.value for line in everything(ONE)} - code


def test_only_what_differs_is_compared_and_marked() -> None:
    before = live(environment())
    after = replace(before, settings=VisitSettings(browser_join=False))
    (line,) = comparison(after, before)
    assert (line.label, line.before, line.after) == ("Patients join in the browser", "On", "Off")
    assert [shown.label for shown in everything(after, before) if shown.changed] == [line.label]
    assert comparison(after, None) == []


def test_roles_are_named_in_order_and_ordinary_membership_is_none() -> None:
    ids = ["F2EF992C-3AFB-46B9-B7CF-A126EE74C451", "b79fbf4d-3ef9-4689-8143-76b194e85509", "new-id"]
    assert names_of(ids) == ["Global Reader", "new-id"]
    assert names_of([]) == []
    assert ROLE_NAMES.items() >= ROLES_THAT_MAY_CONFIGURE.items()


@pytest.mark.parametrize("readiness", Readiness)
def test_every_missing_point_says_what_is_missing_what_to_do_and_who_does_it(
    readiness: Readiness,
) -> None:
    facts = {"reason": Reason.APPROVER_UNKNOWN, "missing": "backend", "of_test": "patient"}
    said = words_of(Item(readiness, ready=False, facts=facts))
    assert said.title
    assert said.cause.endswith(".")
    assert said.remedy.endswith(".")
    assert said.who


@pytest.mark.parametrize("readiness", Readiness)
def test_a_point_that_is_ready_asks_nobody_for_anything(readiness: Readiness) -> None:
    said = words_of(Item(readiness, ready=True))
    assert (said.cause, said.remedy, said.who) == ("", "", "")


@pytest.mark.parametrize(
    ("token", "page"),
    [("departmentId", "e13"), ("sessionId", "e9"), ("recordId", "e4"), ("surprise", "e4")],
)
def test_every_token_that_differs_comes_with_advice(token: str, page: str) -> None:
    assert advice_for(Difference(token, "a", "b")).page == page
