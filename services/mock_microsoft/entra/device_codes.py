"""Device codes between the request of an application and its token.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code and RFC 8628
"""

import secrets
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_urlsafe

from mock_microsoft.config import AppRegistration
from mock_microsoft.directory import Person
from mock_microsoft.entra.authority import Authority
from mock_microsoft.entra.errors import Aadsts, EntraError

LIFETIME = timedelta(minutes=15)
USER_CODE_LENGTH = 9
# RFC 8628 6.1: no vowels, so no words; no characters that look alike.
USER_CODE_ALPHABET = "BCDFGHJKLMNPQRSTVWXZ23456789"
SLOW_DOWN_SECONDS = 5
# A request delayed on its way makes the next one look early.
TOLERANCE = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRequest:
    """What an application asked for."""

    app: AppRegistration
    authority: Authority
    scope: str
    user_code: str
    device_code: str
    expires: datetime


@dataclass(slots=True)
class _Progress:
    request: DeviceRequest
    interval_seconds: int
    person: Person | None = None
    is_declined: bool = False
    polled: datetime | None = None


class DeviceCodes:
    """Thread-safe; times are the simulator's."""

    def __init__(self, interval_seconds: int) -> None:
        self._interval_seconds = interval_seconds
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        with self._lock:
            self._by_device_code: dict[str, _Progress] = {}
            self._by_user_code: dict[str, _Progress] = {}
            self._redeemed: set[str] = set()

    def begin(
        self, app: AppRegistration, authority: Authority, scope: str, now: datetime
    ) -> DeviceRequest:
        letters = (secrets.choice(USER_CODE_ALPHABET) for _ in range(USER_CODE_LENGTH))
        request = DeviceRequest(
            app=app,
            authority=authority,
            scope=scope,
            user_code="".join(letters),
            device_code=token_urlsafe(48),
            expires=now + LIFETIME,
        )
        progress = _Progress(request, self._interval_seconds)
        with self._lock:
            self._by_device_code[request.device_code] = progress
            self._by_user_code[request.user_code] = progress
        return request

    def asked(self, user_code: str, now: datetime) -> DeviceRequest:
        """What the person with this code is about to allow. Raises EntraError 70018 or 70020."""
        with self._lock:
            return self._undecided(user_code, now).request

    def approve(self, user_code: str, person: Person, now: datetime) -> None:
        """Raises EntraError 70018 or 70020."""
        with self._lock:
            self._undecided(user_code, now).person = person

    def decline(self, user_code: str, now: datetime) -> None:
        """Raises EntraError 70018 or 70020."""
        with self._lock:
            self._undecided(user_code, now).is_declined = True

    def redeem(
        self, device_code: str, app: AppRegistration, now: datetime
    ) -> tuple[DeviceRequest, Person]:
        """What was asked, and who allowed it; once.

        Raises:
            EntraError: pending, slow_down (the interval grows, RFC 8628 3.5), declined, expired, unknown or redeemed.
        """
        with self._lock:
            progress = self._polled(device_code, app)
            if progress.request.expires <= now:
                raise EntraError(Aadsts.DEVICE_CODE_EXPIRED)
            if progress.is_declined:
                raise EntraError(Aadsts.DEVICE_SIGN_IN_DECLINED)
            if progress.person is None:
                raise _not_yet(progress, now)
            del self._by_device_code[device_code]
            self._redeemed.add(device_code)
            return progress.request, progress.person

    def _undecided(self, user_code: str, now: datetime) -> _Progress:
        progress = self._by_user_code.get(user_code)
        if progress is None or progress.person or progress.is_declined:
            raise EntraError(Aadsts.DEVICE_CODE_UNKNOWN)
        if progress.request.expires <= now:
            raise EntraError(Aadsts.DEVICE_CODE_EXPIRED)
        return progress

    def _polled(self, device_code: str, app: AppRegistration) -> _Progress:
        if device_code in self._redeemed:
            raise EntraError(Aadsts.CODE_REDEEMED)
        progress = self._by_device_code.get(device_code)
        if progress is None or progress.request.app != app:
            raise EntraError(Aadsts.DEVICE_CODE_UNKNOWN)
        return progress


def _not_yet(progress: _Progress, now: datetime) -> EntraError:
    interval = timedelta(seconds=progress.interval_seconds)
    is_early = progress.polled is not None and now - progress.polled < interval - TOLERANCE
    progress.polled = now
    if not is_early:
        return EntraError(Aadsts.SIGN_IN_PENDING)
    progress.interval_seconds += SLOW_DOWN_SECONDS
    return EntraError(Aadsts.POLLED_TOO_OFTEN)


def typed_code(text: str) -> str:
    """A user code as a person types it: case, blanks and dashes do not matter (RFC 8628 6.1)."""
    return "".join(text.upper().split()).replace("-", "")
