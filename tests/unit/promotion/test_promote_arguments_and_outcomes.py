"""The command as a person or a pipeline sees it: pages of 80 columns, one JSON document, exit status."""

import json
from pathlib import Path
from typing import Any

import pytest
import requests
from scripts import promote
from scripts.promotion import tokens
from scripts.promotion.actions import Result
from scripts.promotion.arguments import parse
from scripts.promotion.outcomes import Failed, OutsideUnreachable, RefusedByConnector, UsageWrong
from scripts.promotion.pages import COLUMNS, plan_page, status_page
from scripts.promotion.readiness import words_for
from scripts.promotion.tokens import Tokens
from tests.unit.promotion.command_arguments import (
    ACCESS,
    BLOCKED,
    READY,
    WANTED,
    environment,
    plan,
    revision,
)

from connector.domain.promotion import Readiness


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the command with a result or a failure in place of the connector's answers."""

    def run(outcome: Result | Failed, *arguments: str) -> int:
        def play(_run: object) -> Result:
            if isinstance(outcome, Failed):
                raise outcome
            return outcome

        monkeypatch.setattr(promote.Tokens, "get", lambda _self: "token")
        monkeypatch.setattr(promote.Run, "__call__", play)
        return promote.main([*ACCESS, *WANTED, "--plan", *arguments])

    return run


# How it ends ------------------------------------------------------------------------------------


def test_the_result_goes_to_stdout_and_progress_to_stderr(
    ends: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ends(Result("the page", {"result": "ready"})) == 0
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("the page\n", "… signing in with Microsoft\n")


def test_a_pipeline_gets_one_json_document(ends: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert ends(Result("the page", {"result": "ready"}), "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"result": "ready"}


def test_what_is_not_done_ends_with_status_1(ends: Any) -> None:
    assert ends(Result("blocked", {}, done=False)) == 1


def test_a_refusal_is_told_with_its_reference(
    ends: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = RefusedByConnector({"title": "No", "reason": "role_missing", "reference": "AB12"})
    assert ends(refused, "--json") == 1
    captured = capsys.readouterr()
    assert "Reference AB12" in captured.err
    assert json.loads(captured.out)["problem"]["reason"] == "role_missing"


def test_an_outage_ends_with_status_5(ends: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert ends(OutsideUnreachable("gone"), "--json") == 5
    assert json.loads(capsys.readouterr().out) == {"result": "unreachable", "message": "gone"}


# Pages ------------------------------------------------------------------------------------------


def test_every_point_of_readiness_has_a_title_and_a_remedy() -> None:
    for readiness in Readiness:
        words = words_for({"readiness": readiness.value, "facts": {}})
        assert words.title != readiness.value
        assert words.remedy


def test_a_point_of_a_newer_connector_shows_its_facts() -> None:
    words = words_for({"readiness": "moon_phase", "facts": {"phase": "full"}})
    assert (words.title, words.remedy) == ("moon_phase", "phase full")


def test_a_plan_is_readable_in_80_columns() -> None:
    items = [
        {"readiness": r.value, "ready": False, "blocks": True, "facts": {"reason": "x" * 30}}
        for r in Readiness
    ]
    long = {
        "field": "token_endpoint",
        "before": "https://a.example/t",
        "after": "https://b.example/t",
    }
    page = plan_page(plan(items=items, changes=[long]))

    assert max(len(line) for line in page.splitlines()) <= COLUMNS
    assert "    - https://a.example/t\n    + https://b.example/t" in page
    assert page.endswith("Blocked: 9 points to remedy.")


@pytest.mark.parametrize(
    ("changes", "conclusion"),
    [
        ({}, "Ready to apply."),
        ({"items": [READY, BLOCKED]}, "Blocked: 1 point to remedy."),
        ({"applied": revision(3)}, "revision 3 waits for analyst@contoso.example."),
        ({"applied": revision(3, "active")}, "live with this already: revision 3."),
    ],
)
def test_a_plan_ends_with_what_it_comes_to(changes: dict[str, Any], conclusion: str) -> None:
    assert plan_page(plan(**changes)).endswith(conclusion)


def test_a_warning_is_shown_but_is_no_blocker() -> None:
    pending = {"readiness": "nothing_pending", "ready": False, "blocks": False}
    page = plan_page(plan(items=[pending | {"facts": {"number": "4"}}]))

    assert "  !  Nothing else waits in production" in page
    assert "Revision 4 waits" in page
    assert page.endswith("Ready to apply.")


def test_a_value_that_is_taken_away_is_shown_as_nothing() -> None:
    gone = {"field": "frame_ancestors", "before": "https://a.example", "after": ""}
    assert "    + (nothing)" in plan_page(plan(changes=[gone]))


def test_the_status_shows_what_is_live_and_what_waits() -> None:
    live, waiting = revision(1, "active"), revision(2)
    page = status_page(environment("test", active=live, newest=waiting), None)

    assert page.splitlines() == [
        "Test: live with revision 1",
        "  https://ehr.example/api/FHIR/R4",
        "  newest: revision 2, awaiting approval",
        "Production: takes no launches",
    ]


# Signing in -------------------------------------------------------------------------------------


class FakeApplication:
    """Of msal, what the command uses; a person needs one device code."""

    def __init__(self, answer: dict[str, str] | Exception, flow: dict[str, str] | None = None):
        self.answer, self.flow = answer, flow or {"user_code": "X", "message": "Enter code X."}
        self.asked: list[tuple[str, list[str]]] = []
        self.accounts: list[str] = []

    def acquire_token_for_client(self, scopes: list[str]) -> dict[str, str]:
        self.asked.append(("client", scopes))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def get_accounts(self) -> list[str]:
        return self.accounts

    def acquire_token_silent(self, scopes: list[str], account: str) -> dict[str, str] | None:
        self.asked.append((f"silent {account}", scopes))
        return {"access_token": "renewed"} if account == "known" else None

    def initiate_device_flow(self, scopes: list[str]) -> dict[str, str]:
        self.asked.append(("device", scopes))
        return self.flow

    def acquire_token_by_device_flow(self, _flow: dict[str, str]) -> dict[str, str]:
        assert isinstance(self.answer, dict)
        return self.answer


def signing_in(
    monkeypatch: pytest.MonkeyPatch, application: FakeApplication, *arguments: str
) -> tuple[Tokens, list[str], list[dict[str, Any]]]:
    shown: list[str] = []
    made: list[dict[str, Any]] = []

    def make(client_id: str, **options: Any) -> FakeApplication:
        made.append({"client_id": client_id} | options)
        return application

    monkeypatch.setattr(tokens.msal, "PublicClientApplication", make)
    monkeypatch.setattr(tokens.msal, "ConfidentialClientApplication", make)
    access = parse([*ACCESS, *WANTED, "--plan", *arguments]).access
    return Tokens(access, shown.append), shown, made


def test_a_person_signs_in_once_with_a_device_code(monkeypatch: pytest.MonkeyPatch) -> None:
    application = FakeApplication({"access_token": "t"})
    signing, shown, made = signing_in(monkeypatch, application)
    assert signing.get() == "t"
    application.accounts = ["stale", "known"]

    assert signing.get() == "renewed"
    assert shown == ["Enter code X."]
    assert application.asked[0] == ("device", ["api://connector/Configuration.ReadWrite"])
    assert "instance_discovery" not in made[0], "Microsoft's own authority is looked up as usual"


def test_a_pipeline_signs_in_with_its_certificate(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pem = tmp_path / "pipeline.pem"
    pem.write_text("PEM")
    application = FakeApplication({"access_token": "t"})
    options = ("--certificate", str(pem), "--authority", "https://localhost:8443/")
    signing, shown, made = signing_in(monkeypatch, application, *options)

    assert signing.get() == "t"
    assert application.asked == [("client", ["api://connector/.default"])]
    assert made[0]["client_credential"] == {"private_key": "PEM", "public_certificate": "PEM"}
    assert made[0]["authority"] == "https://localhost:8443/contoso.example"
    assert made[0]["instance_discovery"] is False
    assert shown == []


def test_a_pipeline_s_secret_comes_from_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMOTE_SECRET", "hidden")
    application = FakeApplication({"access_token": "t"})
    signing, _, made = signing_in(monkeypatch, application, "--client-secret-env", "PROMOTE_SECRET")

    assert signing.get() == "t"
    assert made[0]["client_credential"] == "hidden"


@pytest.mark.parametrize(
    "arguments",
    [("--client-secret-env", "PROMOTE_NOWHERE"), ("--certificate", "/nowhere/pipeline.pem")],
)
def test_a_credential_that_is_not_there_is_a_wrong_usage(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    signing, _, _ = signing_in(monkeypatch, FakeApplication({}), *arguments)
    with pytest.raises(UsageWrong, match=arguments[0]) as ended:
        signing.get()
    assert ended.value.exit == 2


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"error": "invalid_client", "error_description": "AADSTS7000215: wrong"}, "AADSTS7000215"),
        ({"error": "expired_token"}, "expired_token"),
        ({}, "no reason given"),
    ],
)
def test_a_refused_sign_in_is_told_in_microsoft_s_words(
    monkeypatch: pytest.MonkeyPatch, answer: dict[str, str], said: str
) -> None:
    signing, _, _ = signing_in(monkeypatch, FakeApplication(answer))
    with pytest.raises(Failed, match=said):
        signing.get()


def test_a_device_flow_that_does_not_begin_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    application = FakeApplication({}, flow={"error": "unauthorized_client"})
    signing, shown, _ = signing_in(monkeypatch, application)
    with pytest.raises(Failed, match="unauthorized_client"):
        signing.get()
    assert shown == []


@pytest.mark.parametrize("err", [requests.ConnectionError("refused"), ValueError("no authority")])
def test_microsoft_out_of_reach_ends_with_status_5(
    monkeypatch: pytest.MonkeyPatch, err: Exception
) -> None:
    monkeypatch.setenv("PROMOTE_SECRET", "hidden")
    options = ("--client-secret-env", "PROMOTE_SECRET")
    signing, _, _ = signing_in(monkeypatch, FakeApplication(err), *options)
    with pytest.raises(OutsideUnreachable) as ended:
        signing.get()
    assert ended.value.exit == 5
