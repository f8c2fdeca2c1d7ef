"""An operator's shell: the real `connector` commands over a database and keys in one folder."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.builders.store import sqlite_url

from connector.adapters.sql.store import SqlStore
from connector.cli import main

ENTRA_APP = "aaaaaaaa-0000-4000-8000-000000000001"


@dataclass
class Shell:
    """`folder` holds `connector.db`, `keys` (not made yet) and `anchor.jsonl` (not begun yet)."""

    folder: Path

    @classmethod
    def opened(cls, folder: Path, monkeypatch: pytest.MonkeyPatch, **settings: str) -> "Shell":
        """With a migrated database and the environment of a deployment; `settings` change it."""
        environment = {
            "PUBLIC_URL": "https://connector.example",
            "DATABASE_URL": sqlite_url(folder),
            "DATA_GEOGRAPHY": "americas",
            "KEYS_DIRECTORY": str(folder / "keys"),
            "MICROSOFT_CLIENT_ID": ENTRA_APP,
            "AUDIT_ANCHOR_FILE": str(folder / "anchor.jsonl"),
        } | settings
        for name, value in environment.items():
            monkeypatch.setenv(f"CONNECTOR_{name}", value)
        return cls(folder)

    @cached_property
    def store(self) -> SqlStore:
        return SqlStore(f"sqlite:///{self.folder / 'connector.db'}")

    @property
    def anchor(self) -> Path:
        return self.folder / "anchor.jsonl"

    def run(self, *words: str) -> Result:
        """What a process would print and exit with; an error nobody foresaw is raised."""
        result = CliRunner().invoke(main, list(words))
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def answer(self, *words: str) -> Any:
        """The command's JSON."""
        return json.loads(self.run(*words, "--json").stdout)
