"""Opening an app from the EHR: one-time launch tokens that carry the person and the visit."""

import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from mock_fhir.errors import InvalidLaunchToken
from mock_fhir.people import Account

LAUNCH_LIFE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What the EHR knew when the app was opened; `context` goes into the token response."""

    client_id: str
    account: Account
    fhir_user: str
    context: Mapping[str, Any] = field(default_factory=dict)


class Launches:
    """Launch tokens not used yet. Thread-safe."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._open: dict[str, tuple[Launch, datetime]] = {}
        self._lock = threading.Lock()

    def open(self, launch: Launch) -> str:
        token = secrets.token_urlsafe(32)
        self._open[token] = (launch, self._now() + LAUNCH_LIFE)
        return token

    def redeem(self, token: str, client_id: str) -> Launch:
        """Use the token up. Raises InvalidLaunchToken when unknown, used, expired or made for another client."""
        with self._lock:
            launch, expires = self._open.pop(token, (None, None))
            if launch is None or expires is None or self._now() >= expires:
                raise InvalidLaunchToken(
                    "invalid_launch_token: unknown, used or expired launch value"
                )
            if launch.client_id != client_id:
                raise InvalidLaunchToken("invalid_launch_token: made for another client")
            return launch


def launch_url(app_url: str, fhir_base: str, token: str) -> str:
    """https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html#launch-app-ehr-launch"""
    joint = "&" if "?" in app_url else "?"
    return f"{app_url}{joint}{urlencode({'iss': fhir_base, 'launch': token})}"
