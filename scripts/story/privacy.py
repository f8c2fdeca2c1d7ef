"""The promise of design.md section 6, checked: nothing of anybody in the database or the logs."""

import json
import re
import sqlite3
from pathlib import Path

from scripts.sandbox import Sandbox
from scripts.story.narrator import promise

_A_HANDFUL = 20
_CONNECTOR_LOGS = {"web", "worker", "feed", "setup"}


def canaries(sandbox: Sandbox, *more: str) -> set[str]:
    """Names, birth dates and MRNs of everybody in the simulators, and names typed in the story."""
    with sandbox.session() as session:
        people = session.get(f"{sandbox.urls.mock_fhir}/sim/people", timeout=10).json()
    return {word for environment in people.values() for word in environment["canaries"]} | set(more)


def check(sandbox: Sandbox, words: set[str]) -> tuple[int, int]:
    """Bytes read of database and logs.

    Raises:
        PromiseBroken: naming the file, never the word.
    """
    promise(len(words) > _A_HANDFUL, "the simulators name their people")
    database = _all_of(Path(sandbox.database_file))
    logs = {p.name: p.read_bytes() for p in sandbox.log_files() if p.stem in _CONNECTOR_LOGS}
    promise(all(logs.values()), "every process of the connector wrote a log")
    for name, content in {"the database": database, **logs}.items():
        found = [word for word in words if _stands_in(word, content)]
        promise(not found, f"{name} holds {len(found)} name(s), birth date(s) or MRN(s)")
    return len(database), sum(map(len, logs.values()))


def _stands_in(word: str, content: bytes) -> bool:
    """As a word of its own, plain or as JSON writes it: a short MRN also stands inside random ids."""
    after = rb"(?![0-9A-Za-z_-])" if word.isdecimal() else b""
    before = rb"(?<![0-9A-Za-z_-])" if word.isdecimal() else b""
    spellings = {word.encode(), json.dumps(word).strip('"').encode()}
    return any(re.search(before + re.escape(s) + after, content) for s in spellings)


def _all_of(database: Path) -> bytes:
    """The file with its write-ahead log, as bytes, and every row as text."""
    files = [p for p in database.parent.glob(database.name + "*") if not p.name.endswith(".lock")]
    content = b"".join(p.read_bytes() for p in files)
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        return content + "\n".join(connection.iterdump()).encode()
