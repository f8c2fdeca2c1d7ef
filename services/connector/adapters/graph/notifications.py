"""What Graph posts to us: proven, decrypted, parsed (flow 3; microsoft.md 3.3 to 3.6).

https://learn.microsoft.com/graph/change-notifications-with-resource-data
"""

import base64
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from connector.adapters.graph.call_events import call_event_of
from connector.ports.answers import strict_json
from connector.ports.errors import BadAnswer, Untrusted
from connector.ports.microsoft import CallEvent, UnverifiedItem
from connector.ports.system import Clock
from connector.ports.tokens import SignedTokens, audience_is, untimely
from connector.ports.vault import NotificationKeys

MOST_BYTES = 4_000_000
MOST_ITEMS = 1_000
GRAPH_CHANGE_TRACKING = "0bf30f3b-4a52-48df-9a82-234910c4a086"
_ISSUER = re.compile(r"https://sts\.windows\.net/([0-9a-f-]{36})/", re.IGNORECASE)
LEEWAY = timedelta(minutes=5)
_KEY_BYTES = 32
_BLOCK_BYTES = 16


class GraphNotificationReader:
    """Implements `ports.microsoft.NotificationReader`.

    Args:
        keys: open what Graph encrypted for us.
        signed_tokens: proves signatures by Entra's published keys.
        clock: what the times of validation tokens are compared with.
        client_id: our app id, the audience of validation tokens.
        login_url: whose common keys sign them.
        publisher: app id of Graph's change tracking; another one in sovereign clouds.
    """

    def __init__(
        self,
        keys: NotificationKeys,
        signed_tokens: SignedTokens,
        clock: Clock,
        *,
        client_id: str,
        login_url: str,
        publisher: str = GRAPH_CHANGE_TRACKING,
    ) -> None:
        self._keys = keys
        self._signed_tokens = signed_tokens
        self._clock = clock
        self._client_id = client_id
        self._jwks_uri = f"{login_url.rstrip('/')}/common/discovery/v2.0/keys"
        self._publisher = publisher

    def split(self, body: bytes) -> tuple[Sequence[UnverifiedItem], Sequence[str]]:
        if len(body) > MOST_BYTES:
            raise BadAnswer("too_large")
        post = strict_json(body)
        items, tokens = post.get("value"), post.get("validationTokens", [])
        if not isinstance(items, list) or len(items) > MOST_ITEMS:
            raise BadAnswer("value")
        if not isinstance(tokens, list) or len(tokens) > MOST_ITEMS:
            raise BadAnswer("validationTokens")
        if not all(isinstance(token, str) for token in tokens):
            raise BadAnswer("validationTokens")
        return [_item(each) for each in items], tokens

    def verify_tokens(
        self,
        tokens: Sequence[str],
        tenant_ids: frozenset[str],
        *,
        also_named: frozenset[str] = frozenset(),
    ) -> None:
        vouched = {self._tenant_of(token) for token in tokens}
        asked = {tenant_id.lower() for tenant_id in tenant_ids}
        if not vouched <= asked | {tenant_id.lower() for tenant_id in also_named}:
            raise Untrusted("tenant_not_in_post")
        if not asked <= vouched:
            raise Untrusted("tenant_not_vouched_for")

    def open(self, item: UnverifiedItem) -> CallEvent | None:
        content = item.raw.get("encryptedContent")
        if not isinstance(content, dict):
            raise BadAnswer("encryptedContent")
        key = self._keys.decrypt_key(
            str(content.get("encryptionCertificateId")), _decoded(content, "dataKey")
        )
        text = _decrypted(key, _decoded(content, "data"), _decoded(content, "dataSignature"))
        return call_event_of(text, item.raw.get("resourceData"))

    def _tenant_of(self, unverified_token: str) -> str:
        """The tenant a validation token vouches for, in lower case.

        Raises:
            Untrusted: `code` names the claim that is wrong; TryLater.
        """
        claims = self._signed_tokens.claims(self._jwks_uri, unverified_token)
        issuer = _ISSUER.fullmatch(str(claims.get("iss")))
        if issuer is None:
            raise Untrusted("iss")
        if not audience_is(claims, self._client_id):
            raise Untrusted("aud")
        if claims.get("appid") != self._publisher:
            raise Untrusted("appid")
        wrong_time = untimely(claims, self._clock.now(), LEEWAY)
        if wrong_time is not None:
            raise Untrusted(wrong_time)
        return issuer[1].lower()


def _item(item: object) -> UnverifiedItem:
    """Raises: BadAnswer, `subscriptionId` is missing; the others may be, and then match nothing."""
    if not isinstance(item, dict):
        raise BadAnswer("item")
    subscription_id = item.get("subscriptionId")
    if not isinstance(subscription_id, str):
        raise BadAnswer("subscriptionId")
    client_state, tenant_id = item.get("clientState"), item.get("tenantId")
    return UnverifiedItem(
        subscription_id=subscription_id,
        client_state=client_state if isinstance(client_state, str) else "",
        tenant_id=tenant_id if isinstance(tenant_id, str) else "",
        raw=item,
    )


def _decoded(content: Mapping[str, Any], field: str) -> bytes:
    value = content.get(field)
    if not isinstance(value, str):
        raise BadAnswer(field)
    try:
        return base64.b64decode(value, validate=True)
    except ValueError as malformed:
        raise BadAnswer(field) from malformed


def _decrypted(key: bytes, data: bytes, signature: bytes) -> bytes:
    """Signature over the cipher text first, in constant time; only then is anything decrypted.

    Raises:
        Untrusted: `hmac`; BadAnswer: `data` was signed but does not decrypt.
    """
    if len(key) != _KEY_BYTES or not hmac.compare_digest(
        hmac.digest(key, data, "sha256"), signature
    ):
        raise Untrusted("hmac")
    try:
        decryptor = Cipher(AES256(key), CBC(key[:_BLOCK_BYTES])).decryptor()
        padded = decryptor.update(data) + decryptor.finalize()
        unpadder = PKCS7(_BLOCK_BYTES * 8).unpadder()
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError as malformed:
        raise BadAnswer("data") from malformed
