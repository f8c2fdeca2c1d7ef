"""What an EHR says of itself, and whether we may work with it (flow 4, step "URL probed").

https://hl7.org/fhir/smart-app-launch/STU2.2/conformance.html
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from connector.domain.configuration import SmartEndpoints
from connector.ports.answers import host_of
from connector.ports.errors import BadAnswer, Denied

SMART_CONFIGURATION = "/.well-known/smart-configuration"
OPENID_CONFIGURATION = "/.well-known/openid-configuration"
# Preferred first: every SMART client must know both, servers need only one. To sign with the first costs half.
ASSERTION_ALGORITHMS = ("ES384", "RS384")
_UNSAID_ALGORITHM = "RS384"  # what every EHR that says nothing has been seen to take

# Vendors that document an authorization server on another host than their FHIR servers.
# https://docs.oracle.com/en/industries/health/millennium-platform-apis/fhir-authorization-framework/
_ORACLE = frozenset({"https://authorization.cerner.com"})
DOCUMENTED_ORIGINS: Mapping[str, frozenset[str]] = {
    "https://fhir-ehr.cerner.com": _ORACLE,
    "https://fhir-ehr-code.cerner.com": _ORACLE,
}

Document = Mapping[str, Any]

# What must be in a list of the document, and the code of the refusal when it is not.
_REQUIRED_WORDS = (
    ("grant_types_supported", "authorization_code", "authorization_code_missing"),
    ("code_challenge_methods_supported", "S256", "pkce_missing"),
    ("capabilities", "launch-ehr", "launch_ehr_missing"),
)


def endpoints_of(
    fhir_base_url: str,
    smart: Document,
    openid: Callable[[], Document],
    *,
    origins: frozenset[str],
) -> SmartEndpoints:
    """Check a smart-configuration and take from it what a launch needs.

    Args:
        fhir_base_url: whose document it is.
        smart: the smart-configuration.
        openid: reads the openid-configuration; called only if `smart` lacks `issuer` or `jwks_uri`.
        origins: where endpoints may be besides the base URL's own origin.

    Raises:
        BadAnswer: a field is missing or malformed; `code` names it;
        Denied: the EHR cannot do, or does, something we may not accept; `code` names it.
    """
    host = host_of(fhir_base_url)
    _check_words(smart, host)
    identity = smart if "issuer" in smart and "jwks_uri" in smart else {**openid(), **smart}
    urls = {
        field: _url(identity, field, host)
        for field in ("issuer", "jwks_uri", "authorization_endpoint", "token_endpoint")
    }
    allowed = origins | {origin_of(fhir_base_url)}
    if any(origin_of(url) not in allowed for url in urls.values()):
        raise Denied("endpoint_elsewhere", host=host)
    names_issuer = identity.get("authorization_response_iss_parameter_supported")
    return SmartEndpoints(
        **urls,
        callback_names_issuer=names_issuer is True,
        authorize_by_post="authorize-post" in smart["capabilities"],
        assertion_algorithm=_assertion_algorithm(smart, host),
    )


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL, the default port left out."""
    parts = urlsplit(url)
    port = "" if parts.port in (None, 443) else f":{parts.port}"
    return f"{parts.scheme.lower()}://{(parts.hostname or '').lower()}{port}"


def _check_words(smart: Document, host: str) -> None:
    for field, required, code in _REQUIRED_WORDS:
        if required not in _words(smart, field, host):
            raise Denied(code, host=host)
    if "plain" in smart["code_challenge_methods_supported"]:
        raise Denied("pkce_plain_offered", host=host)
    methods = "token_endpoint_auth_methods_supported"
    if methods in smart and "private_key_jwt" not in _words(smart, methods, host):
        raise Denied("private_key_jwt_missing", host=host)


def _assertion_algorithm(smart: Document, host: str) -> str:
    field = "token_endpoint_auth_signing_alg_values_supported"
    if field not in smart:
        return _UNSAID_ALGORITHM
    offered = _words(smart, field, host)
    for algorithm in ASSERTION_ALGORITHMS:
        if algorithm in offered:
            return algorithm
    raise Denied("assertion_algorithm_missing", host=host)


def _words(document: Document, field: str, host: str) -> list[str]:
    value = document.get(field)
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise BadAnswer(field, host=host)
    return value


def _url(document: Document, field: str, host: str) -> str:
    """An absolute https URL without user, query of its own being allowed, fragment not."""
    value = document.get(field)
    if not isinstance(value, str) or any(character <= " " for character in value):
        raise BadAnswer(field, host=host)
    try:
        parts = urlsplit(value)
        malformed = parts.port == 0 or not parts.hostname
    except ValueError as unreadable:
        raise BadAnswer(field, host=host) from unreadable
    if malformed or parts.scheme != "https" or parts.fragment or "@" in parts.netloc:
        raise BadAnswer(field, host=host)
    return value
