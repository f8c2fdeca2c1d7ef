"""The four things the command does, as steps of which each may be the last one before a kill."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from scripts.promotion.api import Api, Document
from scripts.promotion.arguments import Action, Asked
from scripts.promotion.outcomes import (
    ApproverTakesLonger,
    Failed,
    OutsideUnreachable,
    PlanIsStale,
    RefusedByConnector,
)
from scripts.promotion.pages import plan_page, status_page

_POLL_SECONDS: Final = 1.0
_ENDED: Final = {"changes_requested", "superseded", "retired"}


@dataclass(frozen=True, slots=True)
class Result:
    """`page` is for people, `document` for pipelines; `done` False ends with status 1."""

    page: str
    document: dict[str, Any]
    done: bool = True


@dataclass(frozen=True, slots=True)
class Run:
    """`step` tells a person, before each step, what comes next."""

    api: Api
    asked: Asked
    step: Callable[[str], None]

    def __call__(self) -> Result:
        """Raises: Failed."""
        return {
            Action.PLAN: self._plan,
            Action.APPLY: self._apply,
            Action.ROLLBACK: self._roll_back,
            Action.STATUS: self._status,
        }[self.asked.action]()

    def _plan(self) -> Result:
        plan = self._planned(self._request())
        ready = bool(plan["ready"])
        return Result(
            plan_page(plan), {"result": "ready" if ready else "blocked", "plan": plan}, ready
        )

    def _apply(self) -> Result:
        request = self._request()
        plan = self._planned(request)
        if plan["applied"]:
            self.step("it was applied before")
            return self._wait(plan, plan["applied"])
        if not plan["ready"]:
            return Result(plan_page(plan), {"result": "blocked", "plan": plan}, done=False)
        self.step("applying the plan")
        try:
            revision = self.api.apply(request, plan["digest"])
        except RefusedByConnector as err:
            if err.reason == "plan_stale":
                changed = err.facts.get("changed", "something")
                raise PlanIsStale(
                    f"Changed since the plan was made: {changed}. Run the command again.",
                    err.detail,
                ) from err
            raise
        self.step(f"applied: revision {revision['number']} of production")
        return self._wait(plan, revision)

    def _wait(self, plan: Document, revision: Document) -> Result:
        """Until it is live, if that was asked; an approver who says no ends it."""
        deadline = time.monotonic() + self.asked.wait_seconds
        if self.asked.wait_seconds:
            self.step(f"waiting for {revision['approver']}")
        while self.asked.wait_seconds and revision["state"] == "awaiting_approval":
            if time.monotonic() > deadline:
                raise ApproverTakesLonger(
                    f"{revision['approver']} has not approved yet. Nothing is lost: run the "
                    "command again to go on waiting.",
                    {"plan": plan, "revision": revision},
                )
            time.sleep(_POLL_SECONDS)
            revision = self._now(revision)
        if revision["state"] in _ENDED:
            said = revision.get("change_request") or "no reason was given"
            raise Failed(
                f"Revision {revision['number']} was not approved ({revision['state']}): {said}",
                {"plan": plan, "revision": revision},
            )
        live = revision["state"] == "active"
        words = "Production is live" if live else f"{revision['approver']} approves next"
        page = f"{plan_page(plan)}\n\n{words}: revision {revision['number']}."
        result = "live" if live else "awaiting_approval"
        return Result(page, {"result": result, "plan": plan, "revision": revision})

    def _now(self, revision: Document) -> Document:
        """As it stands; a connector that restarts meanwhile ends no wait."""
        try:
            found = self.api.revisions(revision["environment_id"])
        except OutsideUnreachable as err:
            self.step(f"still waiting: {err}")
            return revision
        return next(each for each in found if each["id"] == revision["id"])

    def _roll_back(self) -> Result:
        test = self._test()
        kind = self.asked.wanted.roll_back
        environment = test if kind == "test" else self._production(test)
        if environment is None or environment["active"] is None:
            raise Failed(f"There is nothing to roll back: {kind} takes no launches.")
        left = environment["active"]
        asked_from = self.asked.wanted.from_revision
        if asked_from not in (0, left["number"]):
            return self._rolled_back_before(environment, asked_from)
        self.step(f"rolling {kind} back from revision {left['number']}")
        restored = self.api.roll_back(environment["id"], left["id"])
        page = f"{kind.capitalize()} is back at revision {restored['number']}, at once."
        return Result(page, {"result": "rolled_back", "from": left, "revision": restored})

    def _rolled_back_before(self, environment: Document, number: int) -> Result:
        """An earlier run did it, if the revision named is retired and an older one is in use."""
        active = environment["active"]
        named = [r for r in self.api.revisions(environment["id"]) if r["number"] == number]
        if not named or named[0]["state"] != "retired" or active["number"] > number:
            raise PlanIsStale(f"Revision {active['number']} is in use, not {number}.")
        page = f"It is back at revision {active['number']} already."
        return Result(page, {"result": "rolled_back", "from": named[0], "revision": active})

    def _status(self) -> Result:
        test = self._test()
        production = self._production(test)
        document = {"result": "status", "test": test, "production": production}
        return Result(status_page(test, production), document)

    def _planned(self, request: Document) -> Document:
        self.step("planning: the production EHR is probed")
        return self.api.plan(request)

    def _request(self) -> Document:
        wanted = self.asked.wanted
        return {
            "test_environment_id": wanted.environment_id or self._test()["id"],
            "fhir_base_url": wanted.fhir_base_url,
            "approver": wanted.approver,
            "clients": wanted.clients,
        }

    def _test(self) -> Document:
        wanted = self.asked.wanted
        self.step("looking for the test environment")
        if wanted.environment_id:
            found = [self.api.environment(wanted.environment_id)]
        else:
            found = self.api.environments(wanted.organization, "test")
        if not found or found[0]["kind"] != "test":
            which = wanted.environment_id or wanted.organization
            raise Failed(f"There is no test environment of that name or id: {which}")
        return found[0]

    def _production(self, test: Document) -> Document | None:
        found = self.api.environments(test["organization"], "production")
        return found[0] if found else None
