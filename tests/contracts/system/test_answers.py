"""Reading answers strictly: bodies that have broken JSON clients, and what a status comes to."""

from datetime import timedelta
from email.utils import format_datetime

import pytest
from tests.fakes.system import FixedClock

from connector.ports.answers import failure_of, json_object, retry_after_seconds, strict_json, word
from connector.ports.errors import BadAnswer, Denied, Gone, OutsideError, TryLater
from connector.ports.http import Answer


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not_json"),
        (b"{", "not_json"),
        (b'{"a": 1} trailing', "not_json"),
        (b"<html></html>", "not_json"),
        (b'{"a": NaN}', "not_json"),
        (b'{"a": -Infinity}', "not_json"),
        (b'{"a": "\xff"}', "not_json"),
        (b'{"a": "\\ud800"}', "not_json"),
        (b'{"a": "\\uDFFF\\ud800"}', "not_json"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not_json"),
        ('{"a": 1}'.encode("utf-16"), "not_json"),
        (b"[]", "not_an_object"),
        (b"null", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b'{"a": 1, "a": 2}', "duplicate_key"),
        (b'{"b": {"a": 1, "a": 1}}', "duplicate_key"),
        (b'{"scope": "a", "s\\u0063ope": "b"}', "duplicate_key"),
        (b'{"a":' * 100_000, "nesting"),
        (b"[" * 100_000, "nesting"),
    ],
    ids=range(19),
)
def test_a_body_two_parsers_could_read_differently_is_refused(body: bytes, code: str) -> None:
    with pytest.raises(BadAnswer) as refused:
        strict_json(body, host="ehr.example")
    assert (refused.value.code, refused.value.host) == (code, "ehr.example")


@pytest.mark.parametrize(
    "body",
    [b'{"a": "\\ud83d\\ude00"}', '{"a": "😀"}'.encode(), b'\xef\xbb\xbf{"a": "\\ud83d\\ude00"}'],
)
def test_honest_bodies_are_read(body: bytes) -> None:
    assert strict_json(body) == {"a": "😀"}


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/html",
        "text/plain",
        "application/jsonp",
        "text/json",
        "application/json-seq",
        "json",
    ],
)
def test_a_content_type_that_is_not_json_is_refused(content_type: str) -> None:
    with pytest.raises(BadAnswer, match="content_type"):
        json_object(Answer(200, {"content-type": content_type}, b"{}"))


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/fhir+json;fhirVersion=4.0",
    ],
)
def test_json_content_types_are_read(content_type: str) -> None:
    assert json_object(Answer(200, {"content-type": content_type}, b"{}")) == {}


@pytest.mark.parametrize(
    ("status", "kind", "maybe_done"),
    [
        (408, TryLater, True),
        (423, TryLater, True),
        (429, TryLater, False),
        (500, TryLater, True),
        (502, TryLater, True),
        (503, TryLater, False),
        (504, TryLater, True),
        (404, Gone, None),
        (410, Gone, None),
        (400, Denied, None),
        (401, Denied, None),
        (403, Denied, None),
        (422, Denied, None),
        (200, BadAnswer, None),
        (302, BadAnswer, None),
    ],
)
def test_a_status_says_whether_trying_again_can_help(
    clock: FixedClock,
    status: int,
    kind: type[OutsideError],
    maybe_done: bool | None,  # noqa: FBT001 - a column of the table
) -> None:
    error = failure_of(Answer(status, {}, b""), clock.now(), host="ehr.example")
    assert type(error) is kind
    assert (error.code, error.host) == (f"http_{status}", "ehr.example")
    assert getattr(error, "maybe_done", None) is maybe_done


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        ("2.128", 2.128),
        ("0", 0.0),
        ("-5", 0.0),
        ("86400", 3600.0),
        ("inf", None),
        ("nan", None),
        ("soon", None),
        ("", None),
        ("9" * 5000, None),
        ("Mon, 01 Jan 2024 00:00:00 +99999999999999", None),
    ],
)
def test_retry_after_in_seconds(clock: FixedClock, header: str, seconds: float | None) -> None:
    assert retry_after_seconds({"retry-after": header}, clock.now()) == seconds


def test_retry_after_as_a_date(clock: FixedClock) -> None:
    header = format_datetime(clock.now() + timedelta(seconds=90), usegmt=True)
    assert retry_after_seconds({"retry-after": header}, clock.now()) == 90.0
    assert retry_after_seconds({}, clock.now()) is None


@pytest.mark.parametrize("value", [None, 7, "", "two words", "<b>", "a" * 61, "a\n", "Müller"])
def test_words_that_are_unfit_for_logs_are_replaced(value: object) -> None:
    assert word(value, "otherwise") == "otherwise"
