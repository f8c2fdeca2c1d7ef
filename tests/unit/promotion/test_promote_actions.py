"""What the command does with the answers of the API, and how each run ends (case 42)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from scripts.promotion import actions
from scripts.promotion.actions import Result, Run
from scripts.promotion.arguments import Asked, parse
from scripts.promotion.outcomes import (
    ApproverTakesLonger,
    Exit,
    Failed,
    OutsideUnreachable,
    PlanIsStale,
    RefusedByConnector,
)
from tests.unit.promotion.command_arguments import (
    ACCESS,
    BLOCKED,
    DIGEST,
    READY,
    WANTED,
    environment,
    plan,
    revision,
)


@dataclass
class FakeApi:
    """The API's answers; `asked` is what was sent, `history` production's revisions over time."""

    planned: dict[str, Any] = field(default_factory=plan)
    applied: dict[str, Any] | Failed = field(default_factory=revision)
    history: list[list[dict[str, Any]] | Failed] = field(default_factory=list)
    production: dict[str, Any] | None = None
    asked: list[tuple[str, Any]] = field(default_factory=list)

    def environment(self, environment_id: str) -> dict[str, Any]:
        return environment(environment_id.removeprefix("env-"))

    def environments(self, organization: str, kind: str) -> list[dict[str, Any]]:
        if organization != "Contoso Clinics":
            return []
        found = environment("test") if kind == "test" else self.production
        return [found] if found else []

    def revisions(self, environment_id: str) -> list[dict[str, Any]]:
        self.asked.append(("revisions", environment_id))
        answer = self.history.pop(0) if len(self.history) > 1 else self.history[0]
        if isinstance(answer, Failed):
            raise answer
        return answer

    def plan(self, request: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(("plan", request))
        return self.planned

    def apply(self, request: dict[str, Any], digest: str) -> dict[str, Any]:
        self.asked.append(("apply", digest))
        if isinstance(self.applied, Failed):
            raise self.applied
        return self.applied

    def roll_back(self, environment_id: str, active_revision_id: str) -> dict[str, Any]:
        self.asked.append(("roll_back", (environment_id, active_revision_id)))
        return revision(1, "active")

    def said(self, what: str) -> list[Any]:
        return [value for name, value in self.asked if name == what]


@pytest.fixture(autouse=True)
def polls_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "_POLL_SECONDS", 0)


def run(api: FakeApi, *arguments: str) -> Result:
    asked = parse([*ACCESS, *WANTED, *arguments])
    return with_steps(api, asked)[0]


def with_steps(api: FakeApi, asked: Asked) -> tuple[Result, list[str]]:
    steps: list[str] = []
    return Run(api, asked, steps.append)(), steps  # type: ignore[arg-type] # the API's methods


def problem(**fields: Any) -> Mapping[str, Any]:
    return {"title": "No", "detail": "Because.", "status": 409} | fields


# Plan -------------------------------------------------------------------------------------------


def test_a_ready_plan_is_done() -> None:
    api = FakeApi()
    result = run(api, "--plan")

    assert (result.done, result.document["result"]) == (True, "ready")
    assert api.said("plan") == [
        {
            "test_environment_id": "env-test",
            "fhir_base_url": "https://ehr.example/api/FHIR/R4",
            "approver": "analyst@contoso.example",
            "clients": {"provider": "p", "patient": "m", "backend": "b"},
        }
    ]
    assert api.said("apply") == []


def test_a_blocked_plan_says_what_to_do_and_ends_with_status_1() -> None:
    result = run(FakeApi(planned=plan(items=[READY, BLOCKED])), "--plan")

    assert (result.done, result.document["result"]) == (False, "blocked")
    assert "1 of 2 are verified" in result.page


def test_an_unknown_organization_is_said_by_name() -> None:
    asked = parse([*ACCESS, *WANTED[2:], "--organization", "Nobody Clinics", "--plan"])
    with pytest.raises(Failed, match="Nobody Clinics"):
        with_steps(FakeApi(), asked)


def test_a_production_environment_is_no_test_environment() -> None:
    asked = parse([*ACCESS, *WANTED[2:], "--environment", "env-production", "--status"])
    with pytest.raises(Failed, match="env-production"):
        with_steps(FakeApi(), asked)


# Apply ------------------------------------------------------------------------------------------


def test_an_applied_plan_waits_for_its_approver() -> None:
    api = FakeApi()
    result = run(api, "--apply")

    assert api.said("apply") == [DIGEST]
    assert result.document["result"] == "awaiting_approval"
    assert "analyst@contoso.example approves next" in result.page


def test_a_blocked_plan_is_not_applied() -> None:
    api = FakeApi(planned=plan(items=[BLOCKED]))
    result = run(api, "--apply")

    assert (result.done, api.said("apply")) == (False, [])


@pytest.mark.parametrize("state", ["awaiting_approval", "active"])
def test_case_42_a_killed_run_that_had_its_effect_is_not_applied_again(state: str) -> None:
    api = FakeApi(planned=plan(applied=revision(state=state)))
    result = run(api, "--apply")

    assert api.said("apply") == []
    assert result.document["revision"]["state"] == state


def test_case_42_a_stale_plan_ends_with_status_3_and_names_what_changed() -> None:
    stale = RefusedByConnector(problem(reason="plan_stale", facts={"changed": "production"}))
    with pytest.raises(PlanIsStale, match="production") as ended:
        run(FakeApi(applied=stale), "--apply")
    assert ended.value.exit is Exit.STALE


def test_another_refusal_ends_with_status_1_in_the_connector_s_words() -> None:
    refused = RefusedByConnector(problem(reason="promotion_blocked", facts=None))
    with pytest.raises(RefusedByConnector, match=r"No: Because\.") as ended:
        run(FakeApi(applied=refused), "--apply")
    assert (ended.value.exit, ended.value.facts) == (Exit.REFUSED, {})


def test_a_problem_without_words_is_a_refusal_all_the_same() -> None:
    assert str(RefusedByConnector({})) == "The connector refused."


# Waiting ----------------------------------------------------------------------------------------


def test_waiting_ends_when_production_is_live() -> None:
    waits, live = [revision()], [revision(state="active"), revision(9)]
    result = run(FakeApi(history=[waits, waits, live]), "--apply", "--wait", "30")

    assert (result.document["result"], result.done) == ("live", True)


def test_a_connector_that_restarts_meanwhile_ends_no_wait() -> None:
    gone = OutsideUnreachable("the connector answered 503")
    result = run(FakeApi(history=[gone, [revision(state="active")]]), "--apply", "--wait", "30")

    assert result.document["result"] == "live"


@pytest.mark.parametrize("state", ["changes_requested", "superseded", "retired"])
def test_an_approver_who_says_no_ends_the_wait_with_the_reason(state: str) -> None:
    returned = revision(state=state, change_request="Wrong client.")
    with pytest.raises(Failed, match=r"Wrong client\.") as ended:
        run(FakeApi(history=[[returned]]), "--apply", "--wait", "30")
    assert ended.value.exit is Exit.REFUSED


def test_an_approver_who_takes_longer_ends_with_status_4() -> None:
    with pytest.raises(ApproverTakesLonger, match="run the command again") as ended:
        run(FakeApi(history=[[revision()]]), "--apply", "--wait", "0.01")
    assert ended.value.exit is Exit.STILL_WAITING


# Rollback and status ----------------------------------------------------------------------------


def test_production_is_rolled_back_from_what_is_in_use() -> None:
    api = FakeApi(production=environment("production", active=revision(2, "active")))
    result = run(api, "--rollback")

    assert api.said("roll_back") == [("env-production", "rev-2")]
    assert result.document["from"]["number"] == 2


@pytest.mark.parametrize("production", [None, environment("production")])
def test_what_takes_no_launches_is_not_rolled_back(production: dict[str, Any] | None) -> None:
    with pytest.raises(Failed, match="nothing to roll back"):
        run(FakeApi(production=production), "--rollback")


def test_case_42_a_killed_rollback_run_again_does_not_go_further_back() -> None:
    api = FakeApi(
        production=environment("production", active=revision(1, "active")),
        history=[[revision(2, "retired"), revision(1, "active")]],
    )
    result = run(api, "--rollback", "--from-revision", "2")

    assert api.said("roll_back") == []
    assert result.document["result"] == "rolled_back"


@pytest.mark.parametrize(
    "history",
    [
        [revision(3, "active"), revision(2, "superseded")],
        [revision(3, "active"), revision(2, "retired")],
        [revision(3, "active")],
    ],
)
def test_a_rollback_from_something_that_is_not_in_use_is_stale(
    history: list[dict[str, Any]],
) -> None:
    api = FakeApi(
        production=environment("production", active=revision(3, "active")), history=[history]
    )
    with pytest.raises(PlanIsStale, match="Revision 3 is in use, not 2"):
        run(api, "--rollback", "--from-revision", "2")


def test_the_status_says_who_acts_next() -> None:
    waiting = environment(
        "production", newest=revision(), approval_url="https://visits.example/a/1"
    )
    result = run(FakeApi(production=waiting), "--status")

    assert "https://visits.example/a/1" in result.page
    assert "Production: takes no launches" in result.page


def test_every_step_is_told_before_it_is_taken() -> None:
    asked = parse([*ACCESS, *WANTED, "--apply", "--wait", "5"])
    live = FakeApi(history=[[revision(state="active")]])

    _result, steps = with_steps(live, asked)
    assert [step.split()[0] for step in steps] == [
        "looking",
        "planning:",
        "applying",
        "applied:",
        "waiting",
    ]
