"""Cookies a sibling site tosses in are not believed (case 76)."""

import pytest
from werkzeug.test import EnvironBuilder

from connector.web.strict_cookies import StrictRequest


def cookies(header: str) -> dict[str, str]:
    """As they arrive in a `Cookie` header; WSGI hands bytes on as latin-1."""
    raw = header.encode("utf-8", "surrogateescape").decode("latin-1")
    environ = EnvironBuilder(environ_overrides={"HTTP_COOKIE": raw}).get_environ()
    return StrictRequest(environ).cookies.to_dict()


def test_an_ordinary_header_is_read() -> None:
    assert cookies("__Host-portal=a.b-c_d; other=1;empty=") == {
        "__Host-portal": "a.b-c_d",
        "other": "1",
        "empty": "",
    }


def test_a_value_may_hold_the_sign_that_ends_names() -> None:
    assert cookies("a=b=c==") == {"a": "b=c=="}


def test_no_header_is_no_cookie() -> None:
    assert cookies("") == {}


@pytest.mark.parametrize(
    "header",
    [
        "__Host-portal=tossed; __Host-portal=ours",
        "__Host-portal=ours; __Host-portal=tossed",
        "__Host-portal=ours; __Host-portal=ours",
        "__host-portal=tossed; __Host-portal=ours",
        "__Host-portal=ours;\t__HOST-PORTAL=tossed",
    ],
)
def test_case_76_neither_of_two_cookies_of_a_name_is_believed(header: str) -> None:
    assert cookies(f"{header}; kept=1") == {"kept": "1"}


@pytest.mark.parametrize("tossed", ["\u2000", "\xa0", "\x85", "\x1c", "\x0b", "\x0c"])
def test_case_76_a_name_in_a_disguise_is_not_the_name(tossed: str) -> None:
    found = cookies(f"{tossed}__Host-portal=tossed; other=1")
    assert "__Host-portal" not in found


@pytest.mark.parametrize("tossed", ["\u2000", "\xa0", "\x85"])
def test_case_76_a_name_in_a_disguise_does_not_push_ours_out(tossed: str) -> None:
    assert cookies(f"{tossed}__Host-portal=tossed; __Host-portal=ours")["__Host-portal"] == "ours"


@pytest.mark.parametrize(
    "header",
    [
        'a="; __Host-portal=ours; b="',
        'a="\\"; __Host-portal=ours',
        "=; __Host-portal=ours",
        "; ;__Host-portal=ours",
        "nameless; __Host-portal=ours",
        '"__Host-portal=tossed"; __Host-portal=ours',
    ],
)
def test_case_76_no_quote_of_a_sibling_swallows_or_splits_a_cookie_of_ours(header: str) -> None:
    assert cookies(header)["__Host-portal"] == "ours"


def test_bytes_that_are_no_text_break_nothing() -> None:
    assert cookies("bad\udc85=1; __Host-portal=ours")["__Host-portal"] == "ours"
