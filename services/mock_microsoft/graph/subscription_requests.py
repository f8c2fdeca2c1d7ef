"""Requests to create or renew a subscription: each rule, and what is said when it is broken.

https://learn.microsoft.com/graph/api/subscription-post-subscriptions
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote

from mock_microsoft.graph.errors import BadRequest, ValidationFailed
from mock_microsoft.graph.fields import is_instant
from mock_microsoft.instants import graph_instant
from mock_microsoft.notifications.crypto import EncryptionCertificate, read_encryption_certificate
from mock_microsoft.notifications.subscription import call_events_resource

MAX_LIFETIME = timedelta(minutes=4230)
MAX_CLIENT_STATE_CHARACTERS = 128
MAX_CERTIFICATE_ID_CHARACTERS = 128
_RESOURCE = re.compile(r"/?communications/onlineMeetings\(joinWebUrl='([^']+)'\)/meetingCallEvents")

CREATE_NAMES = frozenset({
    "changeType", "notificationUrl", "lifecycleNotificationUrl", "resource", "includeResourceData",
    "encryptionCertificate", "encryptionCertificateId", "expirationDateTime", "clientState",
    "latestSupportedTlsVersion", "notificationUrlAppId", "notificationQueryOptions",
})  # fmt: skip
# lifecycleNotificationUrl cannot be added later.
UPDATE_NAMES = frozenset(
    {"expirationDateTime", "encryptionCertificate", "encryptionCertificateId", "notificationUrl"}
)

Document = Mapping[str, Any]


def is_https(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("https://")


def _short_text(value: Any, limit: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= limit


_CREATE_RULES: tuple[tuple[Callable[[Document], bool], str], ...] = (
    (lambda d: d.get("changeType") == "updated", "changeType must be 'updated' for this resource."),
    (lambda d: is_https(d.get("notificationUrl")), "notificationUrl must be an https URL."),
    (lambda d: d.get("lifecycleNotificationUrl") is None or is_https(d["lifecycleNotificationUrl"]), "lifecycleNotificationUrl must be an https URL."),
    (lambda d: d.get("includeResourceData") is True, "includeResourceData must be true: nothing can be fetched by a notification's id."),
    (lambda d: isinstance(d.get("encryptionCertificate"), str), "encryptionCertificate is required with includeResourceData."),
    (lambda d: _short_text(d.get("encryptionCertificateId"), MAX_CERTIFICATE_ID_CHARACTERS), "encryptionCertificateId is required, with at most 128 characters."),
    (lambda d: d.get("clientState") is None or _short_text(d["clientState"], MAX_CLIENT_STATE_CHARACTERS), "clientState may have at most 128 characters."),
    (lambda d: is_instant(d.get("expirationDateTime")), "expirationDateTime is required."),
)  # fmt: skip


def check_create(document: Any) -> Document:
    checked = _known_names(document, CREATE_NAMES)
    for holds, message in _CREATE_RULES:
        if not holds(checked):
            raise ValidationFailed(message)
    return checked


def check_update(document: Any) -> Document:
    """A new certificate comes with its id."""
    checked = _known_names(document, UPDATE_NAMES)
    if ("encryptionCertificate" in checked) != ("encryptionCertificateId" in checked):
        raise ValidationFailed("encryptionCertificate and encryptionCertificateId go together.")
    if "expirationDateTime" in checked and not is_instant(checked["expirationDateTime"]):
        raise ValidationFailed("expirationDateTime is not an instant.")
    if "notificationUrl" in checked and not is_https(checked["notificationUrl"]):
        raise ValidationFailed("notificationUrl must be an https URL.")
    return checked


def _known_names(document: Any, names: frozenset[str]) -> Document:
    if not isinstance(document, dict):
        raise BadRequest("The request body must be one JSON object.")
    given = {name: value for name, value in document.items() if not name.startswith("@odata")}
    for name in given:
        if name not in names:
            raise BadRequest(f"The property '{name}' does not exist or cannot be set here.")
    return given


def subscribed_join_web_url(resource: Any) -> str:
    """The join URL inside the resource, which must be percent-encoded exactly once."""
    found = _RESOURCE.fullmatch(resource) if isinstance(resource, str) else None
    if found is None:
        raise ValidationFailed(
            "resource must be communications/onlineMeetings(joinWebUrl='…')/meetingCallEvents."
        )
    join_web_url = unquote(found.group(1))
    if call_events_resource(join_web_url) != resource.removeprefix("/"):
        raise ValidationFailed("The joinWebUrl in resource must be percent-encoded.")
    return join_web_url


def checked_expiration(text: str, now: datetime) -> datetime:
    expires = graph_instant(text)
    if expires <= now:
        raise ValidationFailed("expirationDateTime must be in the future.")
    if expires > now + MAX_LIFETIME:
        raise ValidationFailed("expirationDateTime may be at most 4230 minutes ahead.")
    return expires


def checked_certificate(document: Document) -> EncryptionCertificate:
    try:
        return read_encryption_certificate(
            document["encryptionCertificateId"], document["encryptionCertificate"]
        )
    except (TypeError, ValueError) as error:
        raise ValidationFailed(
            "encryptionCertificate must be a base64 X.509 certificate with an RSA key of 2048 to 4096 bits."
        ) from error
