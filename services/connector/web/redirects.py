"""Where the connector may send a browser (reliability.md case 23)."""

from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Response
from werkzeug.datastructures import Headers

from connector.domain.errors import Reason, Refused


def inside(path: str, otherwise: str) -> str:
    """A path of this site, or `otherwise`: never another host, scheme or a backslash trick."""
    parts = urlsplit(path)
    safe = (
        path.startswith("/")
        and not path.startswith(("//", "/\\"))
        and not parts.scheme
        and not parts.netloc
        and path.isprintable()
        and "\\" not in path
    )
    return path if safe else otherwise


def to_teams(url: str, teams_hosts: frozenset[str]) -> Response:
    """303 to a join URL Graph gave us, if it is Teams'."""
    parts = urlsplit(url)
    if parts.scheme != "https" or parts.netloc not in teams_hosts:
        raise Refused(Reason.MEETING_REFUSED, facts={"code": "join_url", "host": parts.netloc})
    return _sent_to(url, 303)


def to_authorize(endpoint: str, parameters: dict[str, str]) -> Response:
    """302 to an approved authorization endpoint, which may carry a query of its own."""
    joint = "&" if urlsplit(endpoint).query else "?"
    return _sent_to(f"{endpoint}{joint}{urlencode(parameters)}", 302)


def _sent_to(url: str, status: int) -> Response:
    """Without a page that repeats the address: it carries secrets."""
    return _Elsewhere(status=status, headers={"Location": url})


class _Elsewhere(Response):
    def get_wsgi_headers(self, environ: Any) -> Headers:  # noqa: ARG002
        """As they are: whole, and ASCII already."""
        return self.headers
