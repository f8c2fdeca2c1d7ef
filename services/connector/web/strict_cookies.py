"""Cookies as the browser vouches for them, so that a sibling site cannot toss one of its own in.

A browser lets only us set a name that begins with `__Host-`, and holds one of each. Two of a name
were therefore not made by a browser that keeps this promise: neither is believed (case 76).
https://www.rfc-editor.org/rfc/rfc6265#section-5.4
https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#name-the-__host-prefix
"""

from collections import Counter

from flask import Request
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.utils import cached_property

_OPTIONAL_WHITESPACE = " \t"


class StrictRequest(Request):
    """The application's requests."""

    @cached_property
    def cookies(self) -> ImmutableMultiDict[str, str]:
        return ImmutableMultiDict(believed_cookies(self.environ.get("HTTP_COOKIE", "")))


def believed_cookies(header: str) -> dict[str, str]:
    """Value by name of a `Cookie` header that WSGI or ASGI handed on as latin-1.

    No quoting rules and no spelling but the exact one; bytes that are no text break nothing.
    """
    text = header.encode("latin-1").decode(errors="replace")
    pairs = [_pair(part) for part in text.split(";") if "=" in part]
    times = Counter(name.lower() for name, _ in pairs)
    return {name: value for name, value in pairs if times[name.lower()] == 1}


def _pair(part: str) -> tuple[str, str]:
    name, _, value = part.partition("=")
    return name.strip(_OPTIONAL_WHITESPACE), value.strip(_OPTIONAL_WHITESPACE)
