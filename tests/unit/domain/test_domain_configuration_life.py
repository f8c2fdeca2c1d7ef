"""Whatever people do in whatever order, nothing becomes active unproven (cases 30, 31, 33-36).

One revision lives on while admins edit it (which supersedes it by the next) and five people try
every step. Beside it runs a plain record of what really happened, which the invariants consult.
"""

from dataclasses import replace
from datetime import datetime

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from tests.builders.calls import at
from tests.builders.configurations import (
    OTHER_TENANT,
    an_admin,
    approver,
    draft,
    the_approver,
)

from connector.domain.configuration import Approver, Revision, RevisionState
from connector.domain.errors import Refused
from connector.domain.organization import MicrosoftIdentity

SECOND_APPROVER = approver(object_id="aaaaaaaa-0000-4000-8000-000000000009")
PEOPLE = [
    the_approver(),
    the_approver(object_id=SECOND_APPROVER.object_id),
    the_approver(is_guest=True),
    the_approver(tenant_id=OTHER_TENANT),
    an_admin(),
]
_people = st.sampled_from(PEOPLE)
_approvers = st.sampled_from([approver(), SECOND_APPROVER])
_urls = st.sampled_from(["https://ehr.contoso.example/R4", "https://ehr.fabrikam.example/R4"])


class RevisionLife(RuleBasedStateMachine):
    digests = Bundle("digests")

    def __init__(self) -> None:
        super().__init__()
        self.revision = draft()
        self.seconds = 0
        self.signed_in_with_microsoft: set[MicrosoftIdentity] = set()
        self.signed_in_to_ehr: set[MicrosoftIdentity] = set()
        self.said_yes_to: dict[str, MicrosoftIdentity] = {}

    def now(self) -> datetime:
        self.seconds += 1
        return at(self.seconds)

    def became(self, revision: Revision) -> None:
        self.revision = revision

    def forget_stamps(self) -> None:
        self.signed_in_with_microsoft.clear()
        self.signed_in_to_ehr.clear()
        self.said_yes_to.clear()

    @rule()
    def submit(self) -> None:
        try:
            self.became(self.revision.submitted())
        except Refused:
            return
        self.forget_stamps()

    @rule(url=_urls, named=_approvers)
    def edit(self, url: str, named: Approver) -> None:
        assert self.revision.superseded().state is RevisionState.SUPERSEDED
        following = draft(number=self.revision.number + 1, fhir_base_url=url, approver=named)
        self.became(following)
        self.forget_stamps()

    @rule(who=_people)
    def sign_in_with_microsoft(self, who: MicrosoftIdentity) -> None:
        try:
            self.became(self.revision.signed_in_with_microsoft(who, self.now()))
        except Refused:
            return
        self.signed_in_with_microsoft.add(who)

    @rule(who=_people)
    def sign_in_to_ehr(self, who: MicrosoftIdentity) -> None:
        try:
            self.became(self.revision.signed_in_to_ehr(who, self.now()))
        except Refused:
            return
        self.signed_in_to_ehr.add(who)

    @rule(target=digests)
    def look(self) -> str:
        return self.revision.digest()

    @rule(who=_people, shown=digests)
    def approve_what_was_seen_earlier(self, who: MicrosoftIdentity, shown: str) -> None:
        try:
            self.became(self.revision.approved(who, shown, self.now()))
        except Refused:
            return
        self.said_yes_to[shown] = who

    @rule(who=_people)
    def approve_what_is_there_now(self, who: MicrosoftIdentity) -> None:
        self.approve_what_was_seen_earlier(who=who, shown=self.revision.digest())

    @rule(who=_people)
    def ask_for_changes(self, who: MicrosoftIdentity) -> None:
        try:
            self.became(self.revision.changes_requested(who, "please change"))
        except Refused:
            return

    @invariant()
    def nothing_is_active_without_both_stamps_of_the_named_approver_on_what_was_shown(self) -> None:
        if self.revision.state is not RevisionState.ACTIVE:
            assert self.revision.approved_at is None
            return
        named = {
            who
            for who in PEOPLE
            if who.object_id == self.revision.approver.object_id
            and who.tenant_id == self.revision.tenant_id
            and not who.is_guest
        }
        assert self.signed_in_with_microsoft & named
        assert self.signed_in_to_ehr & named
        assert self.said_yes_to[self.revision.digest()] in named

    @invariant()
    def stamps_come_in_order(self) -> None:
        stamps = [
            self.revision.microsoft_signed_in_at,
            self.revision.ehr_signed_in_at,
            self.revision.approved_at,
        ]
        made = [stamp for stamp in stamps if stamp is not None]
        assert made == sorted(made)
        assert stamps[: len(made)] == made

    @invariant()
    def only_the_named_approver_left_a_trace(self) -> None:
        touched = self.signed_in_with_microsoft | self.signed_in_to_ehr
        assert {who.object_id for who in touched} <= {self.revision.approver.object_id}
        assert not any(who.is_guest or who.tenant_id == OTHER_TENANT for who in touched)


RevisionLifeTest = RevisionLife.TestCase
RevisionLifeTest.settings = settings(max_examples=60, stateful_step_count=30)


def test_an_active_revision_can_be_reached_at_all() -> None:
    """Or the state machine above would prove nothing."""
    life = RevisionLife()
    life.submit()
    life.sign_in_with_microsoft(who=the_approver())
    life.sign_in_to_ehr(who=the_approver())
    life.approve_what_is_there_now(who=the_approver())

    assert life.revision == replace(life.revision, state=RevisionState.ACTIVE)
    life.nothing_is_active_without_both_stamps_of_the_named_approver_on_what_was_shown()
