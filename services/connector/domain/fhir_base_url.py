"""The one spelling of a FHIR base URL that is stored, compared and launched with.

Normalised at entry: scheme and host in lower case, no default port, no trailing slash. Anything
that could make two spellings of one address (user information, percent escapes, query, fragment,
dot segments, control and non-ASCII characters) is refused rather than repaired (reliability.md cases 5 and 37).
"""

import re
from urllib.parse import urlsplit

from connector.domain.errors import Reason, Refused

_HOST = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*")
_HTTPS_PORT = 443
_LONGEST = 500


def normalised(entered: str) -> str:
    """The stored spelling of what an admin typed.

    Raises:
        Refused: `URL_REFUSED`; fact `why` is one word the page explains.
    """
    text = entered.strip()
    if len(text) > _LONGEST:
        raise _refused("too_long")
    # urlsplit drops tabs and line breaks, and lower() turns a Kelvin sign into a k.
    if not (text.isascii() and text.isprintable()):
        raise _refused("malformed")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as err:
        raise _refused("malformed") from err
    host = (parts.hostname or "").lower()
    path = parts.path.rstrip("/")
    for why, bad in (
        ("not_https", parts.scheme.lower() != "https"),
        ("user_information", "@" in parts.netloc),
        ("query", bool(parts.query or parts.fragment) or text.endswith(("?", "#"))),
        ("host", not _HOST.fullmatch(host)),
        ("path", not _PATH.fullmatch(path) or "/.." in path or "/." in path),
    ):
        if bad:
            raise _refused(why)
    return f"https://{host}{'' if port in (None, _HTTPS_PORT) else f':{port}'}{path}"


def as_launched(unverified_issuer: str) -> str:
    """An `iss` parameter as it is looked up: one trailing slash may differ, nothing else."""
    return unverified_issuer.removesuffix("/")


def _refused(why: str) -> Refused:
    return Refused(Reason.URL_REFUSED, facts={"why": why})
