"""What Graph's change tracking posts: items encrypted for a certificate, and tokens that vouch.

Written from the published description alone; it shares no code with the reader.
https://learn.microsoft.com/graph/change-notifications-with-resource-data
"""

import base64
import hashlib
import hmac
import json
import os
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA1

GRAPH_CHANGE_TRACKING = "0bf30f3b-4a52-48df-9a82-234910c4a086"


def encrypted_item(
    certificate: tuple[str, str],
    text: bytes,
    tenant_id: str,
    *,
    cipher_text: bytes | None = None,
) -> dict[str, Any]:
    """One item of a post; `certificate` is (id, base64 DER).

    `cipher_text` goes out, well signed, instead of what `text` encrypts to.
    """
    certificate_id, der = certificate
    key = os.urandom(32)
    fill = 16 - len(text) % 16
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    data = encryptor.update(text + bytes([fill]) * fill) + encryptor.finalize()
    data = data if cipher_text is None else cipher_text
    public = x509.load_der_x509_certificate(base64.b64decode(der)).public_key()
    assert isinstance(public, RSAPublicKey)
    sha1 = SHA1()  # noqa: S303 - Graph's choice
    wrapped = public.encrypt(key, padding.OAEP(padding.MGF1(sha1), sha1, None))
    return {
        "subscriptionId": "subscription-1",
        "clientState": "secret",
        "changeType": "updated",
        "tenantId": tenant_id,
        "resource": "communications/onlineMeetings(joinWebUrl='x')/meetingCallEvents",
        "resourceData": {"@odata.type": "#microsoft.graph.callevent", "id": "notification-1"},
        "encryptedContent": {
            "data": base64.b64encode(data).decode(),
            "dataSignature": base64.b64encode(hmac.digest(key, data, hashlib.sha256)).decode(),
            "dataKey": base64.b64encode(wrapped).decode(),
            "encryptionCertificateId": certificate_id,
            "encryptionCertificateThumbprint": "00",
        },
    }


def post(items: list[Any], tokens: list[Any] | None = None) -> bytes:
    body = {"value": items} if tokens is None else {"value": items, "validationTokens": tokens}
    return json.dumps(body).encode()
