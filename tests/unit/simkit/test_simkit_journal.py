from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from simkit.journal import BODY_LIMIT_CHARACTERS, Exchange, Journal, body_text, to_har, to_json

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
TOKEN = Exchange(
    direction="in",
    started=NOON,
    duration_seconds=0.25,
    method="POST",
    url="https://localhost:1/north/token?a=1&b=",
    request_headers=(("Content-Type", "application/x-www-form-urlencoded"),),
    request_body="grant_type=x",
    status=302,
    response_headers=(("Location", "https://localhost:2/"), ("content-type", "text/html")),
    response_body="moved",
)


@pytest.fixture
def journal() -> Journal:
    journal = Journal(limit=3)
    journal.add(TOKEN)
    journal.add(replace(TOKEN, method="GET", status=200, started=NOON + timedelta(minutes=1)))
    journal.add(replace(TOKEN, direction="out", url="https://elsewhere/keys", status=0))
    return journal


@pytest.mark.parametrize(
    ("filters", "statuses"),
    [
        ({}, [302, 200, 0]),
        ({"path": "*/token"}, [302, 200]),
        ({"method": "get"}, [200]),
        ({"status": 0}, [0]),
        ({"since": NOON + timedelta(seconds=1)}, [200]),
        ({"scope": "/south"}, [0]),
        ({"path": "/token"}, []),
    ],
)
def test_entries_pass_every_filter(
    journal: Journal, filters: dict[str, Any], statuses: list[int]
) -> None:
    assert [entry.status for entry in journal.entries(**filters)] == statuses


def test_only_the_last_entries_are_kept(journal: Journal) -> None:
    journal.add(replace(TOKEN, status=404))
    assert [entry.status for entry in journal.entries()] == [200, 0, 404]


def test_clearing_a_scope_keeps_the_rest(journal: Journal) -> None:
    journal.clear("/north")
    assert [entry.status for entry in journal.entries()] == [0]


def test_long_bodies_are_cut_and_bytes_that_are_no_text_survive() -> None:
    assert len(body_text("x" * (BODY_LIMIT_CHARACTERS + 1))) == BODY_LIMIT_CHARACTERS
    assert body_text(b"\xff") == "\ufffd"


def test_json_has_both_sides_of_an_exchange() -> None:
    shown = to_json(TOKEN)
    assert (shown["path"], shown["request"]["body"], shown["response"]["body"]) == (
        "/north/token",
        "grant_type=x",
        "moved",
    )


def test_har_has_the_fields_version_1_2_requires() -> None:
    log = to_har([TOKEN, replace(TOKEN, status=0, request_body="")], "test")["log"]
    first, lost = log["entries"]
    assert log["version"] == "1.2"
    assert set(first) >= {"startedDateTime", "time", "request", "response", "cache", "timings"}
    assert set(first["request"]) >= {
        "method", "url", "httpVersion", "cookies", "headers", "queryString", "headersSize", "bodySize",
    }  # fmt: skip
    assert set(first["response"]) >= {
        "status", "statusText", "httpVersion", "cookies", "headers", "content", "redirectURL", "headersSize",
        "bodySize",
    }  # fmt: skip
    assert first["request"]["queryString"] == [
        {"name": "a", "value": "1"},
        {"name": "b", "value": ""},
    ]
    assert (first["startedDateTime"], first["time"]) == ("2026-11-25T12:00:00.000Z", 250.0)
    assert first["response"]["redirectURL"] == "https://localhost:2/"
    assert "postData" not in lost["request"]
    assert lost["response"]["statusText"] == ""
