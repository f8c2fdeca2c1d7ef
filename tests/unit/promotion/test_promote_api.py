"""The API client on a real socket: what is sent again, and what an answer becomes."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from scripts.promotion import api as client
from scripts.promotion.api import Api
from scripts.promotion.arguments import Access
from scripts.promotion.outcomes import Exit, Failed, OutsideUnreachable, RefusedByConnector
from tests.unit.promotion.command_arguments import DIGEST

Answer = tuple[int, dict[str, str], bytes]
GOOD: Answer = (200, {}, b'{"items": [], "id": "x"}')
LOST: Answer = (0, {}, b"")  # the connection ends without an answer


class Connector(ThreadingHTTPServer):
    """Gives the scripted answers in order, the last one for ever; `heard` is what was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[Answer] = [GOOD]
        self.heard: list[tuple[str, str, dict[str, str], Any]] = []

    def next_answer(self) -> Answer:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class _Handler(BaseHTTPRequestHandler):
    server: Connector

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        self.server.heard.append((self.command, self.path, dict(self.headers), body))
        status, headers, content = self.server.next_answer()
        if not status:
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET  # noqa: N815 - the name http.server looks for

    def log_message(self, *_arguments: Any) -> None:
        """Tests print nothing."""


@pytest.fixture
def connector() -> Iterator[Connector]:
    with Connector() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds it would have waited."""
    waited: list[float] = []
    monkeypatch.setattr(client.time, "sleep", waited.append)
    return waited


def api_of(url: str, token: Callable[[], str] = lambda: "token-1") -> Api:
    return Api(Access(url, "contoso", "command", "api://c", "https://l", None, "", None), token)


@pytest.fixture
def api(connector: Connector, pauses: list[float]) -> Api:
    return api_of(f"http://127.0.0.1:{connector.server_port}")


def problem(status: int, **fields: Any) -> Answer:
    return status, {"Content-Type": "application/problem+json"}, json.dumps(fields).encode()


# What is asked ----------------------------------------------------------------------------------


def test_every_request_carries_a_token_of_now(connector: Connector, pauses: list[float]) -> None:
    tokens = iter(["token-1", "token-2"])
    api = api_of(f"http://127.0.0.1:{connector.server_port}", lambda: next(tokens))
    api.environment("env-1")
    api.revisions("env-1")

    sent = [headers["Authorization"] for _, _, headers, _ in connector.heard]
    assert sent == ["Bearer token-1", "Bearer token-2"]
    assert [path for _, path, _, _ in connector.heard] == [
        "/api/v1/environments/env-1",
        "/api/v1/environments/env-1/revisions",
    ]


def test_an_apply_names_its_plan(connector: Connector, api: Api) -> None:
    api.apply({"approver": "a"}, DIGEST)

    _, path, _, body = connector.heard[0]
    assert path == "/api/v1/promotions"
    assert body == {"approver": "a", "plan_digest": DIGEST}


def test_a_rollback_names_what_it_leaves(connector: Connector, api: Api) -> None:
    api.roll_back("env-1", "rev-2")

    _, path, _, body = connector.heard[0]
    assert path == "/api/v1/environments/env-1/rollbacks"
    assert body == {"active_revision_id": "rev-2"}


def test_no_run_waits_for_the_key_of_a_dead_one(connector: Connector, api: Api) -> None:
    api.apply({}, DIGEST)
    api.roll_back("env-1", "rev-2")
    assert not any("Idempotency-Key" in headers for _, _, headers, _ in connector.heard)


def test_an_organization_is_looked_for_by_its_exact_name(connector: Connector, api: Api) -> None:
    assert api.environments("Smith & Søn", "test") == []
    assert connector.heard[0][1].endswith("?organization=Smith+%26+S%C3%B8n&kind=test")


# What is sent again -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "failure",
    [
        LOST,
        (503, {}, b"busy"),
        (500, {}, b""),
        (502, {}, b"<html>"),
        (429, {"Retry-After": "1"}, b""),
    ],
)
def test_case_42_what_failed_on_the_way_is_sent_again_unchanged(
    connector: Connector, api: Api, failure: Answer
) -> None:
    connector.answers = [failure, failure, GOOD]

    assert api.apply({}, DIGEST)["id"] == "x"
    assert len(connector.heard) == 3
    assert [body for _, _, _, body in connector.heard] == [{"plan_digest": DIGEST}] * 3


def test_a_connector_that_asks_for_time_gets_it_up_to_a_limit(
    connector: Connector, api: Api, pauses: list[float]
) -> None:
    connector.answers = [(503, {"Retry-After": "7"}, b""), (503, {"Retry-After": "900"}, b""), GOOD]
    api.plan({})

    assert pauses == [7.0, 20.0]


def test_a_retry_after_that_is_a_date_is_passed_over(
    connector: Connector, api: Api, pauses: list[float]
) -> None:
    connector.answers = [(503, {"Retry-After": "Mon, 02 Mar 2026 12:00:00 GMT"}, b""), GOOD]
    api.plan({})

    assert pauses == [1.0]


@pytest.mark.parametrize("failure", [LOST, (503, {}, b"")])
def test_a_connector_that_stays_away_ends_with_status_5(
    connector: Connector, api: Api, failure: Answer
) -> None:
    connector.answers = [failure]
    with pytest.raises(OutsideUnreachable) as ended:
        api.plan({})
    assert ended.value.exit is Exit.UNREACHABLE
    assert len(connector.heard) == 5


def test_nobody_at_the_address_ends_with_status_5(pauses: list[float]) -> None:
    with pytest.raises(OutsideUnreachable, match="could not be reached"):
        api_of("http://127.0.0.1:1").plan({})


# What is not ------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 421, 422])
def test_a_refusal_is_final_and_keeps_the_connector_s_words(
    connector: Connector, api: Api, status: int
) -> None:
    connector.answers = [problem(status, title="No", detail="Because.", reason="role_missing")]
    with pytest.raises(RefusedByConnector, match=r"No: Because\.") as ended:
        api.plan({})
    assert (ended.value.reason, len(connector.heard)) == ("role_missing", 1)


def test_a_redirect_is_not_followed_with_the_token(connector: Connector, api: Api) -> None:
    connector.answers = [(302, {"Location": "https://elsewhere.example/"}, b"moved")]
    with pytest.raises(Failed, match="not a connector's API: 302"):
        api.plan({})
    assert len(connector.heard) == 1


def test_a_page_of_something_else_is_called_by_its_address(connector: Connector, api: Api) -> None:
    connector.answers = [(200, {}, b"<html>Welcome</html>")]
    with pytest.raises(Failed, match="is not a connector's API: 200"):
        api.environment("env-1")
