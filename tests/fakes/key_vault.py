"""A Key Vault: secrets and keys over its REST API, with the bearer challenge, pages and refusals.

https://learn.microsoft.com/rest/api/keyvault
https://learn.microsoft.com/azure/key-vault/general/authentication-requests-and-responses
"""

import base64
import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA384
from tests.fakes.managed_identity import IdentityDouble
from tests.fakes.system import FixedClock
from tests.fakes.wire import DROPPED, Heard, Reply, WireServer

HOST = "kv.vault.localhost"
API_VERSIONS = frozenset({"7.6", "2025-07-01", "2026-04-01"})
EVERY_OPERATION = frozenset(
    {"secrets/get", "secrets/list", "secrets/set"}
    | {"keys/get", "keys/list", "keys/create", "keys/sign"}
)
_NAME = re.compile(r"[0-9a-zA-Z-]{1,127}")
_PAGE = 3
_P384_BYTES = 48
_DIGEST_BYTES = 48

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@functools.cache
def _private(kind: str, number: int) -> PrivateKey:
    """One key for one number in a whole test run: making them is slow."""
    if kind == "RSA":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.generate_private_key(ec.SECP384R1())


@dataclass
class Version:
    """Of a secret (`value`) or a key (`private`)."""

    id: str
    created: int
    enabled: bool = True
    value: str = ""
    content_type: str | None = None
    kty: str = ""
    private: PrivateKey | None = None
    not_before: int | None = None
    expires: int | None = None
    operations: list[str] = field(default_factory=list)

    @property
    def attributes(self) -> dict[str, Any]:
        times = {"nbf": self.not_before, "exp": self.expires}
        return {
            "enabled": self.enabled,
            "created": self.created,
            "updated": self.created,
            "recoveryLevel": "Recoverable",
            **{name: value for name, value in times.items() if value is not None},
        }


class KeyVaultDouble(WireServer):
    """`may` are the caller's data-plane permissions; `faults` are answered first, one request each."""

    def __init__(
        self, certificate: trustme.LeafCert, identity: IdentityDouble, clock: FixedClock
    ) -> None:
        super().__init__(certificate, HOST)
        self.identity = identity
        self.clock = clock
        self.resource = f"https://vault.localhost:{self.port}"
        self.secrets: dict[str, list[Version]] = {}
        self.keys: dict[str, list[Version]] = {}
        self.deleted: set[str] = set()
        self.may = set(EVERY_OPERATION)
        self.faults: list[Reply] = []
        self.away = False
        self.unknown_is_empty = True  # a list of versions of what is not there
        self.before_set: Callable[[str], None] = lambda _name: None
        self.operations: list[str] = []
        self._versions = 0

    # --- what tests put there ---------------------------------------------------------------------

    def put_secret(self, name: str, value: str, **changes: Any) -> Version:
        version = Version(self._new_id(), self._now(), value=value, **changes)
        self.secrets.setdefault(name, []).append(version)
        return version

    def put_key(self, name: str, kty: str, **changes: Any) -> Version:
        versions = self.keys.setdefault(name, [])
        private = _private(kty.removesuffix("-HSM"), len(versions))
        version = Version(
            self._new_id(),
            self._now(),
            kty=kty,
            private=private,
            **{"operations": ["sign", "verify"], **changes},
        )
        versions.append(version)
        return version

    def disable(self, name: str) -> None:
        """As the portal does: the newest version."""
        self.secrets[name][-1].enabled = False

    def count(self, operation: str) -> int:
        return self.operations.count(operation)

    # --- the wire ---------------------------------------------------------------------------------

    def reply_to(self, heard: Heard) -> Reply:
        with self._lock:
            self.heard.append(heard)
            if self.away:
                return DROPPED
            if self.faults:
                return self.faults.pop(0)
            return self._refusal(heard) or self._route(heard)

    def _refusal(self, heard: Heard) -> Reply | None:
        token = heard.headers.get("authorization", "").removeprefix("Bearer ")
        if not self.identity.good_for(token, self.resource):
            challenge = (
                'Bearer authorization="https://login.microsoftonline.com/72f988bf", '
                f'resource="{self.resource}"'
            )
            said = _error(401, "Unauthorized", "AKV10000: Request is missing a Bearer token.")
            return Reply(401, said.body, {"WWW-Authenticate": challenge})
        if heard.query.get("api-version") not in API_VERSIONS:
            return _error(400, "BadParameter", "api-version")
        if (
            heard.body
            and heard.headers.get("content-type", "").partition(";")[0] != "application/json"
        ):
            return _error(415, "UnsupportedMediaType", "content-type")
        return None

    def _route(self, heard: Heard) -> Reply:
        kind, *rest = heard.path.strip("/").split("/")
        if kind not in {"secrets", "keys"} or (rest and not _NAME.fullmatch(rest[0])):
            return _error(400, "BadParameter", "The request URI contains an invalid name")
        operation, answer = self._operation(heard, kind, rest)
        if f"{kind}/{operation}" not in self.may:
            return _error(403, "Forbidden", "Caller is not authorized", "ForbiddenByRbac")
        self.operations.append(f"{kind}/{operation}")
        return answer()

    def _operation(
        self, heard: Heard, kind: str, rest: list[str]
    ) -> tuple[str, Callable[[], Reply]]:
        held = self.secrets if kind == "secrets" else self.keys
        match heard.method, kind, rest:
            case "GET", _, []:
                return "list", lambda: self._page(heard, self._newest(kind, held))
            case "GET", _, [name, "versions"]:
                return "list", lambda: self._version_page(heard, kind, name)
            case "GET", _, [name, *version]:
                return "get", lambda: self._get(kind, name, "".join(version))
        return self._change(heard, kind, rest)

    def _change(self, heard: Heard, kind: str, rest: list[str]) -> tuple[str, Callable[[], Reply]]:
        match heard.method, kind, rest:
            case "PUT", "secrets", [name]:
                return "set", lambda: self._set(name, heard.json)
            case "POST", "keys", [name, "create"]:
                return "create", lambda: self._create(name, heard.json)
            case "POST", "keys", [name, version, "sign"]:
                return "sign", lambda: self._sign(name, version, heard.json)
        return "get", lambda: _error(404, "NotFound", "no such operation")

    def _newest(self, kind: str, held: dict[str, list[Version]]) -> list[dict[str, Any]]:
        return [self._item(kind, name, "", versions[-1]) for name, versions in sorted(held.items())]

    def _version_page(self, heard: Heard, kind: str, name: str) -> Reply:
        versions = (self.secrets if kind == "secrets" else self.keys).get(name, [])
        if not versions and not self.unknown_is_empty:
            return _error(404, "SecretNotFound", "not found")
        # In no order that anybody promised.
        ordered = sorted(versions, key=lambda each: each.id[::-1])
        return self._page(heard, [self._item(kind, name, f"/{v.id}", v) for v in ordered])

    def _item(self, kind: str, name: str, suffix: str, version: Version) -> dict[str, Any]:
        id_member = "id" if kind == "secrets" else "kid"
        found = {
            id_member: f"{self.url}/{kind}/{name}{suffix}",
            "attributes": version.attributes,
            "contentType": version.content_type,
        }
        return {member: value for member, value in found.items() if value is not None}

    def _page(self, heard: Heard, items: list[dict[str, Any]]) -> Reply:
        start = int(heard.query.get("$skiptoken", 0))
        following = start + _PAGE
        api_version = heard.query["api-version"]
        more = f"{self.url}{heard.path}?api-version={api_version}&$skiptoken={following}"
        link = more if following < len(items) else None
        return Reply(200, {"value": items[start:following], "nextLink": link})

    def _get(self, kind: str, name: str, version_id: str) -> Reply:
        versions = (self.secrets if kind == "secrets" else self.keys).get(name, [])
        found = [v for v in versions if v.id == version_id] if version_id else versions[-1:]
        if not found:
            return _error(
                404, "SecretNotFound" if kind == "secrets" else "KeyNotFound", "not found"
            )
        if not found[0].enabled:
            return _error(403, "Forbidden", "Operation get is not allowed", "SecretDisabled")
        if kind == "secrets":
            return Reply(
                200,
                {"value": found[0].value, **self._item(kind, name, f"/{found[0].id}", found[0])},
            )
        return Reply(200, self._key_bundle(name, found[0]))

    def _set(self, name: str, body: dict[str, Any]) -> Reply:
        self.before_set(name)
        if name in self.deleted:
            return _error(
                409, "Conflict", "deleted but recoverable", "ObjectIsDeletedButRecoverable"
            )
        if not isinstance(body.get("value"), str):
            return _error(400, "BadParameter", "value")
        version = self.put_secret(name, body["value"], content_type=body.get("contentType"))
        return Reply(
            200, {"value": version.value, **self._item("secrets", name, f"/{version.id}", version)}
        )

    def _create(self, name: str, body: dict[str, Any]) -> Reply:
        kty = body.get("kty", "")
        wrong_rsa = kty in {"RSA", "RSA-HSM"} and body.get("key_size") != 2048
        wrong_ec = kty in {"EC", "EC-HSM"} and body.get("crv") != "P-384"
        if kty not in {"RSA", "RSA-HSM", "EC", "EC-HSM"} or wrong_rsa or wrong_ec:
            return _error(400, "BadParameter", "kty, key_size or crv")
        attributes = body.get("attributes", {})
        version = self.put_key(
            name, kty, not_before=attributes.get("nbf"), operations=body.get("key_ops", [])
        )
        return Reply(200, self._key_bundle(name, version))

    def _key_bundle(self, name: str, version: Version) -> dict[str, Any]:
        key = {
            "kid": f"{self.url}/keys/{name}/{version.id}",
            "kty": version.kty,
            "key_ops": version.operations,
            **_public_members(version.private),
        }
        return {"key": key, "attributes": version.attributes}

    def _sign(self, name: str, version_id: str, body: dict[str, Any]) -> Reply:
        version = next((v for v in self.keys.get(name, []) if v.id == version_id), None)
        if version is None:
            return _error(404, "KeyNotFound", "not found")
        if not version.enabled:
            return _error(403, "Forbidden", "sign is not allowed on a disabled key", "KeyDisabled")
        if version.not_before and version.not_before > self._now():
            return _error(403, "Forbidden", "sign is not allowed yet", "KeyNotYetValid")
        expected = "RS384" if version.kty.startswith("RSA") else "ES384"
        digest = _decoded(body.get("value", ""))
        if (body.get("alg"), len(digest)) != (
            expected,
            _DIGEST_BYTES,
        ) or "sign" not in version.operations:
            return _error(400, "BadParameter", "alg or value")
        kid = f"{self.url}/keys/{name}/{version.id}"
        return Reply(200, {"kid": kid, "value": _encoded(_signature(version.private, digest))})

    def _new_id(self) -> str:
        self._versions += 1
        return f"{self._versions:032x}"

    def _now(self) -> int:
        return int(self.clock.now().timestamp())


def _error(status: int, code: str, message: str, inner: str = "") -> Reply:
    error: dict[str, Any] = {"code": code, "message": message}
    return Reply(status, {"error": error | ({"innererror": {"code": inner}} if inner else {})})


def _public_members(private: PrivateKey | None) -> dict[str, str]:
    if isinstance(private, rsa.RSAPrivateKey):
        numbers = private.public_key().public_numbers()
        return {"n": _encoded(numbers.n.to_bytes(256, "big")), "e": _encoded(b"\x01\x00\x01")}
    assert private is not None
    point = private.public_key().public_numbers()
    x, y = (value.to_bytes(_P384_BYTES, "big") for value in (point.x, point.y))
    return {"crv": "P-384", "x": _encoded(x), "y": _encoded(y)}


def _signature(private: PrivateKey | None, digest: bytes) -> bytes:
    hashed = Prehashed(SHA384())
    if isinstance(private, rsa.RSAPrivateKey):
        return private.sign(digest, padding.PKCS1v15(), hashed)
    assert private is not None
    r, s = decode_dss_signature(private.sign(digest, ec.ECDSA(hashed)))
    return r.to_bytes(_P384_BYTES, "big") + s.to_bytes(_P384_BYTES, "big")


def _encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.fixture
def key_vault(
    authority: trustme.CA, identity_double: IdentityDouble, clock: FixedClock
) -> Iterator[KeyVaultDouble]:
    """With the two keys that Pulumi makes, and no secret."""
    with KeyVaultDouble(authority.issue_cert(HOST), identity_double, clock) as server:
        server.put_key("client-assertion-rs384", "RSA-HSM")
        server.put_key("client-assertion-es384", "EC-HSM")
        yield server
