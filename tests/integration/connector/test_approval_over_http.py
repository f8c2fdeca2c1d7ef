"""The approver's pages as browsers ask for them: cases 30-36 and 47, with their status and audit line."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from tests.builders.approval_pages import APPROVAL, ehr_answer, olivia_proved, post, revision_awaits
from tests.builders.approvals import ID, OLIVIA, stored
from tests.builders.configurations import (
    NOON,
    OTHER_TENANT,
    PRODUCTION_BASE,
    TENANT,
    TEST_BASE,
    an_admin,
    approver,
    awaiting,
    endpoints,
    the_approver,
)
from tests.builders.web import Site
from tests.builders.world import World
from werkzeug.test import TestResponse

from connector.domain.audit import Event
from connector.domain.configuration import RevisionState
from connector.ports.errors import Gone, TryLater


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(World(tmp_path))
    revision_awaits(site, TEST_BASE)
    site.world.smart.add_ehr(PRODUCTION_BASE)
    return site


def refused(site: Site, answer: TestResponse, status: int, reason: str) -> dict[str, Any]:
    """The right status, and the audit line with the page's reference; returns the line."""
    assert answer.status_code == status
    line = site.world.rows("audit_event")[-1]
    assert (line["event"], line["outcome"]) == (Event.APPROVAL_REFUSED, "refused")
    assert line["reference"] in answer.get_data(as_text=True)
    assert site.world.audited(Event.APPROVAL_REFUSED)[-1]["reason"] == reason
    return line


def say_yes(site: Site, browser: FlaskClient, digest: str | None = None) -> TestResponse:
    shown = digest if digest is not None else stored(site.world).digest()
    return post(site, browser, f"{APPROVAL}/approve", "/", digest=shown)


def no_door(site: Site) -> bool:
    with site.world.store.read() as tx:
        return tx.configurations.door(TEST_BASE) is None


def next_revision(site: Site, **changes: Any) -> None:
    """An admin enters the next revision."""
    superseded = stored(site.world).superseded()
    with site.world.store.write() as tx:
        tx.configurations.save_revision(superseded, "awaiting_approval")
        tx.configurations.add_revision(awaiting(**{"id": "rev-test-2", "number": 2} | changes))


# Cases 30 and 31 --------------------------------------------------------------------------------


def test_case_30_a_yes_of_somebody_else_is_403_and_audited_by_name(site: Site) -> None:
    olivia_proved(site)
    who = an_admin()
    stranger = site.signed_in(site.browser(), who)

    line = refused(site, say_yes(site, stranger), 403, "not_the_approver")

    assert (line["tenant_id"], line["actor"]) == (who.tenant_id, who.object_id)
    assert no_door(site)


def test_a_guest_of_the_tenant_gets_no_session_not_even_as_the_approver(site: Site) -> None:
    browser = site.browser()
    query = site.sign_in.sign_in(
        site.get(browser, "/signin/microsoft").location, the_approver(is_guest=True)
    )

    answer = site.get(browser, "/signin/microsoft/callback", query_string=query)

    assert answer.status_code == 403
    line = site.world.rows("audit_event")[-1]
    assert (line["event"], line["tenant_id"]) == (Event.SIGN_IN_REFUSED, None)
    assert "account_is_guest" in line["facts"]
    assert site.get(browser, APPROVAL).location.startswith("/signin/microsoft")


def test_case_30_74_for_another_tenant_the_approval_does_not_exist(site: Site) -> None:
    stranger = site.signed_in(site.browser(), the_approver(tenant_id=OTHER_TENANT))
    for path in (APPROVAL, f"{APPROVAL}/ehr"):
        refused(site, site.get(stranger, path), 404, "configuration_unknown")
    refused(site, say_yes(site, stranger), 404, "configuration_unknown")


def test_case_31_a_yes_posted_past_the_ehr_sign_in_is_409(site: Site) -> None:
    olivia = site.signed_in(site.browser(), OLIVIA)
    site.get(olivia, APPROVAL)

    refused(site, say_yes(site, olivia), 409, "step_missing")

    assert no_door(site)


# Cases 32, 33 and 35 ----------------------------------------------------------------------------


def test_case_32_an_ehr_sign_in_at_another_issuer_is_refused(site: Site) -> None:
    olivia = site.signed_in(site.browser(), OLIVIA)
    query = ehr_answer(site, olivia) | {"iss": endpoints(PRODUCTION_BASE).issuer}

    answer = site.get(olivia, "/approvals/ehr/callback", query_string=query)

    refused(site, answer, 400, "issuer_mixed_up")
    assert stored(site.world).ehr_signed_in_at is None


def test_case_33_an_edit_between_page_and_click_must_be_reviewed_again(site: Site) -> None:
    olivia = olivia_proved(site)
    next_revision(site)

    refused(site, say_yes(site, olivia), 409, "changed_since_shown")

    assert no_door(site)


def test_case_33_what_was_not_shown_is_not_approved(site: Site) -> None:
    olivia = olivia_proved(site)
    for digest in ("", "0" * 64):
        refused(site, say_yes(site, olivia, digest), 409, "changed_since_shown")


def test_case_34_after_an_edit_launches_keep_to_what_was_approved(site: Site) -> None:
    olivia = olivia_proved(site)
    assert say_yes(site, olivia).status_code == 303
    with site.world.store.write() as tx:
        tx.configurations.add_revision(awaiting(id="rev-test-2", number=2))

    begun = site.begin(site.browser(), "provider", TEST_BASE)

    assert begun.status_code == 302
    assert stored(site.world).state is RevisionState.ACTIVE
    refused(
        site,
        post(site, olivia, "/approvals/rev-test-2/approve", "/", digest="x"),
        409,
        "step_missing",
    )


def test_case_35_a_replaced_approver_is_refused_at_once(site: Site) -> None:
    olivia = olivia_proved(site)
    successor = approver(object_id="aaaaaaaa-0000-4000-8000-000000000009")
    next_revision(site, approver=successor)

    for path in ("/approvals/rev-test-2", "/approvals/rev-test-2/ehr"):
        refused(site, site.get(olivia, path), 403, "not_the_approver")
    answer = post(site, olivia, "/approvals/rev-test-2/approve", "/", digest="x")
    refused(site, answer, 403, "not_the_approver")


# Case 36 ----------------------------------------------------------------------------------------


def test_case_36_a_second_click_is_answered_as_the_first(site: Site) -> None:
    olivia = olivia_proved(site)
    digest = stored(site.world).digest()

    answers = [say_yes(site, olivia, digest) for _ in range(2)]

    assert [(a.status_code, a.location) for a in answers] == [(303, "/configurations/env-test")] * 2
    assert len(site.world.audited(Event.CONFIGURATION_APPROVED)) == 1


# Case 47 ----------------------------------------------------------------------------------------


def test_case_47_an_account_disabled_before_the_yes_is_403(site: Site) -> None:
    olivia = olivia_proved(site)
    site.world.directory.disable(TENANT, approver().sign_in_name)

    refused(site, say_yes(site, olivia), 403, "approver_disabled")

    assert no_door(site)


def test_case_47_an_account_disabled_before_the_ehr_sign_in_is_403(site: Site) -> None:
    olivia = site.signed_in(site.browser(), OLIVIA)
    site.world.directory.disable(TENANT, approver().sign_in_name)

    refused(site, site.get(olivia, f"{APPROVAL}/ehr"), 403, "approver_disabled")


def test_case_47_without_an_answer_of_microsoft_nothing_is_approved(site: Site) -> None:
    olivia = olivia_proved(site)
    site.world.directory.faults.fail("member", TryLater("timeout"))

    refused(site, say_yes(site, olivia), 503, "microsoft_unreachable")

    assert no_door(site)


def after(site: Site, minutes: int) -> FlaskClient:
    """Olivia's browser so long after her sign-in, in use all the while."""
    olivia = site.signed_in(site.browser(), OLIVIA)
    site.world.clock.advance(timedelta(minutes=minutes))
    return olivia


def test_case_47_the_pages_believe_a_sign_in_for_ten_minutes(site: Site) -> None:
    site.world.directory.faults.fail("member", Gone("account_disabled"), times=None)
    assert site.get(after(site, 10), APPROVAL).status_code == 200


def test_case_47_after_ten_minutes_the_pages_ask_microsoft_again(site: Site) -> None:
    olivia = after(site, 11)
    site.world.directory.disable(TENANT, approver().sign_in_name)

    refused(site, site.get(olivia, APPROVAL), 403, "approver_disabled")

    assert stored(site.world).microsoft_signed_in_at is None


def test_case_47_an_account_that_still_is_enabled_notices_nothing(site: Site) -> None:
    olivia = after(site, 11)
    assert site.get(olivia, APPROVAL).status_code == 200
    assert stored(site.world).microsoft_signed_in_at == NOON + timedelta(minutes=11)


def test_case_47_an_answer_of_microsoft_counts_for_ten_minutes_too(site: Site) -> None:
    olivia = after(site, 11)
    site.get(olivia, APPROVAL)
    site.world.directory.disable(TENANT, approver().sign_in_name)
    site.world.clock.advance(timedelta(minutes=9))
    assert site.get(olivia, APPROVAL).status_code == 200
    site.world.clock.advance(timedelta(minutes=2))
    refused(site, site.get(olivia, APPROVAL), 403, "approver_disabled")


def test_case_47_asking_for_changes_needs_a_live_account_as_well(site: Site) -> None:
    olivia = after(site, 11)
    site.world.directory.disable(TENANT, approver().sign_in_name)

    refused(
        site, post(site, olivia, f"{APPROVAL}/return", "/", text="No."), 403, "approver_disabled"
    )

    assert stored(site.world, ID).state is RevisionState.AWAITING_APPROVAL


@pytest.mark.parametrize("text", ["", "  \r\n", "x" * 2001])
def test_a_request_for_changes_that_says_nothing_or_too_much_is_none(site: Site, text: str) -> None:
    """Nothing of it is cut off in silence, and the administrator is not left without a reason."""
    olivia = olivia_proved(site)
    assert post(site, olivia, f"{APPROVAL}/return", APPROVAL, text=text).status_code == 400
    assert stored(site.world).state is RevisionState.AWAITING_APPROVAL


def test_a_request_for_changes_as_long_as_the_field_is_kept_whole(site: Site) -> None:
    """Browsers count a line's end as one character and send two."""
    olivia = olivia_proved(site)
    text = "line\r\n" * 399 + "line."
    post(site, olivia, f"{APPROVAL}/return", APPROVAL, text=text)
    assert stored(site.world).change_request == text.replace("\r\n", "\n")
