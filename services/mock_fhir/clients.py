"""Registered OAuth clients and their metadata (RFC 7591 2, SMART `launch_uris`)."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from mock_fhir.errors import InvalidClientMetadata, InvalidRedirectUri
from mock_fhir.scopes import is_known

GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials")
AUTH_METHODS = ("private_key_jwt", "client_secret_basic", "client_secret_post", "none")
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
USER_SCOPES = (
    "launch launch/patient openid fhirUser profile offline_access online_access "
    "patient/*.cruds user/*.cruds"
)
BACKEND_SCOPES = "system/*.rs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A registration. `secret` is kept readable: this is a simulator."""

    client_id: str
    name: str
    redirect_uris: tuple[str, ...]
    launch_uris: tuple[str, ...]
    grant_types: tuple[str, ...]
    auth_method: str
    scopes: tuple[str, ...]
    secret: str | None
    jwks_uri: str | None
    jwks: Mapping[str, Any] | None

    @property
    def origins(self) -> frozenset[str]:
        """Browser origins that may read answers of the token endpoint and of FHIR."""
        parts = [urlsplit(uri) for uri in self.redirect_uris]
        return frozenset(f"{part.scheme}://{part.netloc}" for part in parts)


class Clients:
    """Registrations of one environment. Thread-safe."""

    def __init__(self, configured: Iterable[Client]) -> None:
        self._clients = {client.client_id: client for client in configured}
        self._lock = threading.Lock()

    def find(self, client_id: str | None) -> Client | None:
        return self._clients.get(client_id or "")

    def add(self, client: Client) -> None:
        with self._lock:
            self._clients = {**self._clients, client.client_id: client}

    def all(self) -> list[Client]:
        return list(self._clients.values())

    def has_origin(self, origin: str) -> bool:
        return any(origin in client.origins for client in self._clients.values())


def client_from_metadata(metadata: Mapping[str, Any], client_id: str, secret: str | None) -> Client:
    """A client from RFC 7591 metadata.

    Raises:
        InvalidRedirectUri: a redirect URI is not https (or loopback http), or has a fragment.
        InvalidClientMetadata: anything else that cannot be registered; the description names the field.
    """
    grant_types = _texts(metadata, "grant_types", ("authorization_code",))
    auth_method = metadata.get("token_endpoint_auth_method", "client_secret_basic")
    client = Client(
        client_id=client_id,
        name=str(metadata.get("client_name") or client_id),
        redirect_uris=_texts(metadata, "redirect_uris", ()),
        launch_uris=_launch_uris(metadata),
        grant_types=grant_types,
        auth_method=auth_method,
        scopes=_scopes(metadata, grant_types),
        secret=secret if auth_method.startswith("client_secret") else None,
        jwks_uri=metadata.get("jwks_uri"),
        jwks=metadata.get("jwks"),
    )
    _check(client)
    return client


def _check(client: Client) -> None:
    """Decision table of what a registration must keep."""
    has_keys = bool(client.jwks_uri) != bool(client.jwks)
    rules = {
        f"grant_types may hold {', '.join(GRANT_TYPES)}": set(client.grant_types)
        <= set(GRANT_TYPES)
        and client.grant_types,
        f"token_endpoint_auth_method is one of {', '.join(AUTH_METHODS)}": client.auth_method
        in AUTH_METHODS,
        "private_key_jwt needs either jwks_uri or jwks": client.auth_method != "private_key_jwt"
        or has_keys,
        "jwks_uri must be https": client.jwks_uri is None
        or str(client.jwks_uri).startswith("https://"),
        "jwks must be an object with keys": client.jwks is None or _is_jwks(client.jwks),
        "client_credentials needs private_key_jwt": "client_credentials" not in client.grant_types
        or client.auth_method == "private_key_jwt",
        "authorization_code needs redirect_uris": "authorization_code" not in client.grant_types
        or client.redirect_uris,
        "launch_uris must be https or loopback": all(_is_web(uri) for uri in client.launch_uris),
    }
    broken = next((rule for rule, kept in rules.items() if not kept), None)
    if broken:
        raise InvalidClientMetadata(broken)
    if not all(_is_web(uri) and "#" not in uri for uri in client.redirect_uris):
        raise InvalidRedirectUri(
            "redirect_uris must be https, or http on loopback, without fragment"
        )


def _is_web(uri: str) -> bool:
    parts = urlsplit(uri)
    secure = parts.scheme == "https" or (
        parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS
    )
    return secure and bool(parts.hostname)


def _is_jwks(document: object) -> bool:
    keys = document.get("keys") if isinstance(document, Mapping) else None
    return isinstance(keys, list) and all(
        isinstance(key, Mapping) and "d" not in key for key in keys
    )


def _texts(metadata: Mapping[str, Any], name: str, default: tuple[str, ...]) -> tuple[str, ...]:
    values = metadata.get(name, default)
    if not isinstance(values, list | tuple) or not all(isinstance(value, str) for value in values):
        raise InvalidClientMetadata(f"{name} must be a list of texts")
    return tuple(values)


def _launch_uris(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    """`launch_uris` is this EHR's word; OpenID Connect's `initiate_login_uri` says the same for one address."""
    single = metadata.get("initiate_login_uri")
    return _texts(metadata, "launch_uris", (single,) if isinstance(single, str) else ())


def _scopes(metadata: Mapping[str, Any], grant_types: tuple[str, ...]) -> tuple[str, ...]:
    default = " ".join(
        part
        for grant_type, part in (
            ("authorization_code", USER_SCOPES),
            ("client_credentials", BACKEND_SCOPES),
        )
        if grant_type in grant_types
    )
    asked = str(metadata.get("scope") or default).split()
    unknown = [scope for scope in asked if not is_known(scope)]
    if unknown:
        raise InvalidClientMetadata(f"scope holds what is no SMART scope: {' '.join(unknown)}")
    return tuple(asked)
