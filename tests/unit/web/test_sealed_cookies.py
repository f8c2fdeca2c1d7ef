"""Cookies that carry what a launch must remember: `connector.web.sealed_cookies`."""

import pytest
from flask import Flask
from pydantic import TypeAdapter
from werkzeug.http import parse_cookie
from werkzeug.wrappers import Response

from connector.adapters.vault.sealing import MasterSealer
from connector.web.sealed_cookies import SealedCookie

KIND = SealedCookie("kind", TypeAdapter(str), 300)
SEALER = MasterSealer(b"k" * 32)


def _set(which: str, value: str = "kept") -> str:
    response = Response()
    KIND.set(response, SEALER, which, value)
    (header,) = response.headers.getlist("Set-Cookie")
    return header


def test_what_was_set_is_read_back() -> None:
    header = _set("abc", "w\u00f6rter; = ,")
    with Flask("it").test_request_context(headers={"Cookie": header.partition(";")[0]}):
        assert KIND.read(SEALER, "abc") == "w\u00f6rter; = ,"
        assert KIND.read(SEALER, "other") is None


def test_only_a_browser_that_keeps_the_prefixs_promise_takes_it() -> None:
    """RFC 6265bis, `__Host-`: Secure, Path=/, no Domain; C14: it works in a frame of the EHR."""
    name_and_value, *flags = _set("abc").split("; ")
    assert name_and_value.startswith("__Host-kind-abc=")
    assert flags == ["Max-Age=300", "Secure", "HttpOnly", "Path=/", "SameSite=None", "Partitioned"]


@pytest.mark.parametrize(
    "which", ["a; Domain=.evil", "a=b", 'a"b', "a,b c", "\u00fc\u2713", "a\r\nX: 1"]
)
def test_what_a_browser_names_becomes_no_other_cookie_and_no_attribute(which: str) -> None:
    name_and_value, *flags = _set(which).split("; ")
    assert list(parse_cookie(name_and_value)) == [KIND.name(which)]
    assert not set('=;," \r\n') & set(KIND.name(which))
    assert len(flags) == 6


def test_a_cleared_cookie_has_the_same_name_and_no_time_to_live() -> None:
    response = Response()
    KIND.clear(response, "abc")
    (header,) = response.headers.getlist("Set-Cookie")
    assert header.startswith("__Host-kind-abc=; Max-Age=0; ")
