"""Whether scopes cover the one that is needed, in both spellings SMART has had.

https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html
"""

import re
from collections.abc import Iterable

_SCOPE = re.compile(
    r"(?P<level>patient|user|system)/(?P<resource>[A-Z][A-Za-z]*|\*)"
    r"\.(?P<rights>[cruds]+|read|write|\*)"
)
# Version 1 had two words and a star.
_RIGHTS = {"read": "rs", "write": "cud", "*": "cruds"}


def covers(held: Iterable[str], needed: str) -> bool:
    """True if one of `held` is `needed`, or is a resource scope that allows at least as much.

    A scope narrowed by a query (`…?category=x`) covers nothing but itself.
    """
    scopes = list(held)
    return needed in scopes or any(_allows(scope, needed) for scope in scopes)


def not_covered(held: Iterable[str], needed: Iterable[str]) -> list[str]:
    """Those of `needed` that `held` does not cover, each once, in order."""
    scopes = list(held)
    return [scope for scope in dict.fromkeys(needed) if not covers(scopes, scope)]


def _allows(held: str, needed: str) -> bool:
    wide, narrow = _SCOPE.fullmatch(held), _SCOPE.fullmatch(needed)
    if wide is None or narrow is None or wide["level"] != narrow["level"]:
        return False
    if wide["resource"] not in ("*", narrow["resource"]):
        return False
    return _rights(narrow["rights"]) <= _rights(wide["rights"])


def _rights(word: str) -> frozenset[str]:
    return frozenset(_RIGHTS.get(word, word))
