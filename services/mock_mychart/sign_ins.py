"""Who is signed in: kept in the server's memory, the browser only holds an unguessable key."""

import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from mock_mychart.records import Account

MOST_SIGN_INS: Final = 20_000  # a load test must not fill the memory; the oldest goes first
KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class SignIn:
    """One browser in one environment."""

    environment: str
    account: Account


class SignIns:
    """All sign-ins of the portal; the simulated world of MyChart is nothing else. Thread-safe."""

    def __init__(self, ehr_urls: Mapping[str, str]) -> None:
        self._ehr_urls = dict(ehr_urls)
        self._open: OrderedDict[str, SignIn] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, environment: str, account: Account) -> str:
        """The key of a new sign-in."""
        key = secrets.token_urlsafe(KEY_BYTES)
        with self._lock:
            self._open[key] = SignIn(environment, account)
            if len(self._open) > MOST_SIGN_INS:
                self._open.popitem(last=False)
        return key

    def account(self, environment: str, key: str) -> Account | None:
        with self._lock:
            found = self._open.get(key)
        return found.account if found and found.environment == environment else None

    def end(self, key: str) -> None:
        with self._lock:
            self._open.pop(key, None)

    def reset(self) -> None:
        """Everybody is signed out."""
        with self._lock:
            self._open.clear()

    def seed(self, _document: dict[str, Any]) -> dict[str, Any]:
        raise ValueError("MyChart keeps no records of its own: seed the EHR")

    def state(self) -> dict[str, Any]:
        with self._lock:
            signed_in = [
                {"environment": one.environment, "account": one.account.name}
                for one in self._open.values()
            ]
        return {"ehr": self._ehr_urls, "signed_in": signed_in}
