"""Addresses put together: a query added, a local path told from a foreign one."""

from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit


def with_query(url: str, parameters: Mapping[str, str]) -> str:
    """A query that is already there is kept."""
    separator = "&" if urlsplit(url).query else "?"
    return f"{url}{separator}{urlencode(parameters)}"


def local_path(target: str, otherwise: str = "/") -> str:
    """`target` when it stays on this host, so that no page can be made to redirect elsewhere."""
    parts = urlsplit(target)
    is_local = target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if is_local and not parts.netloc else otherwise
