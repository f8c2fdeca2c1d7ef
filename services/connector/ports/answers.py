"""Reading a whole HTTP answer strictly, the same way for EHRs and for Microsoft.

Pure functions: what is refused here has been used against JSON clients before (reliability.md case 11).
"""

import json
import math
import re
from codecs import BOM_UTF8
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from http import HTTPStatus
from typing import Any, NoReturn
from urllib.parse import urlsplit

from connector.ports.errors import BadAnswer, Denied, Gone, OutsideError, TryLater
from connector.ports.http import Answer

LONGEST_RETRY_AFTER_SECONDS = 3600.0
_JSON_TYPE = re.compile(r"application/([a-z0-9.-]+\+)?json", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z0-9_.:-]{1,60}")
_TRANSIENT_4XX = frozenset({408, 423, 425, 429})
_NOTHING_DONE = frozenset({429, 503})


@lru_cache(maxsize=256)
def host_of(url: str) -> str:
    """Host name of a URL, for error facts; empty if it has none."""
    return urlsplit(url).hostname or ""


def json_object(answer: Answer, *, host: str = "") -> dict[str, Any]:
    """The JSON object of an answer whose content type says JSON.

    Raises:
        BadAnswer: `content_type` or one of the codes of `strict_json`.
    """
    media_type = answer.headers.get("content-type", "").partition(";")[0].strip()
    if not _JSON_TYPE.fullmatch(media_type):
        raise BadAnswer("content_type", host=host)
    return strict_json(answer.body, host=host)


def strict_json(body: bytes, *, host: str = "") -> dict[str, Any]:
    """A JSON object in UTF-8 without duplicate keys, NaN, lone surrogates or abysmal nesting.

    Raises:
        BadAnswer: `duplicate_key`, `nesting`, `not_an_object` or `not_json`.
    """
    try:
        parsed = _STRICT.decode(body.removeprefix(BOM_UTF8).decode())
        if rb"\ud" in body.lower():
            # A lone surrogate parses, and then breaks whoever encodes the text next.
            json.dumps(parsed, ensure_ascii=False).encode()
    except _DuplicateKey as twice:
        raise BadAnswer("duplicate_key", host=host) from twice
    except RecursionError as deep:
        raise BadAnswer("nesting", host=host) from deep
    except ValueError as broken:
        raise BadAnswer("not_json", host=host) from broken
    if not isinstance(parsed, dict):
        raise BadAnswer("not_an_object", host=host)
    return parsed


class _DuplicateKey(ValueError):
    """Two readers of one document may pick different values, so neither is picked."""


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _DuplicateKey
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


_STRICT = json.JSONDecoder(object_pairs_hook=_distinct, parse_constant=_no_constant)


def word(value: object, otherwise: str) -> str:
    """`value` if it is fit for logs and metrics, else `otherwise`."""
    return value if isinstance(value, str) and _WORD.fullmatch(value) else otherwise


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """`Retry-After` as seconds from `now`: whole or fractional seconds or an HTTP date.

    Capped to an hour; None if absent or unreadable. Graph sends fractions (microsoft.md 1.7).
    https://www.rfc-editor.org/rfc/rfc9110.html#section-10.2.3
    """
    text = headers.get("retry-after", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        seconds = _seconds_until(text, now)
    if not math.isfinite(seconds):
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_SECONDS)


def _seconds_until(http_date: str, now: datetime) -> float:
    try:
        until = parsedate_to_datetime(http_date)
    except (ValueError, OverflowError):
        return math.nan
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return (until - now).total_seconds()


def failure_of(answer: Answer, now: datetime, *, host: str = "", code: str = "") -> OutsideError:
    """What an answer that is not the expected one comes to; `code` overrides `http_<status>`."""
    code = code or f"http_{answer.status}"
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status in _TRANSIENT_4XX:
        return TryLater(
            code,
            host=host,
            retry_after_seconds=retry_after_seconds(answer.headers, now),
            maybe_done=answer.status not in _NOTHING_DONE,
        )
    if answer.status in {404, 410}:
        return Gone(code, host=host)
    if answer.status >= HTTPStatus.BAD_REQUEST:
        return Denied(code, host=host)
    # A success that was not expected, or a redirect, which is never followed.
    return BadAnswer(code, host=host)


def date_of(answer: Answer) -> datetime | None:
    """The server's clock when it answered, aware UTC; None if it does not say."""
    try:
        date = parsedate_to_datetime(answer.headers.get("date", ""))
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
