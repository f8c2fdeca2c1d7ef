"""What `connector smoke` says of an address that does not answer as it should: cause and remedy."""

from collections.abc import Mapping
from http import HTTPStatus

from connector.domain.findings import Check, Finding, Verdict
from connector.ports.answers import word

Words = tuple[str, str]  # cause, remedy

_STARTING = "see that the revision runs, and in its log why it does not; it may be starting still"
_REACH = (
    "run it where the address can be reached (a candidate: inside the stamp's network), and see that "
    f"something listens there; {_STARTING}"
)
_NAME = (
    "see the spelling, and that this network resolves the name (a private zone, a missing record)"
)
_CERTIFICATE = "see which certificate the ingress or gateway serves"
_OWN_ADDRESS = (
    "give the address of the connector's web process itself, not of the feed or another service, with "
    "no sign-in in front"
)
_LABEL = (
    "see that an active revision has this label (`az containerapp revision list`), and that the host "
    "name is right; a stopped app answers so too"
)
_STOLEN = (
    "find out what answers there, since the connector publishes public members only; if the key is "
    "ours: `connector keys rotate --which assertions --now`"
)
_NO_REPLICA = "no replica of the connector answers behind it"

_ON_THE_WAY: Mapping[str, Words] = {
    "name_unknown": ("unreachable: no server has this host name", _NAME),
    "name_timeout": ("unreachable: the host name could not be looked up in time", _NAME),
    "connect_timeout": ("unreachable: nobody accepts a connection in time", _REACH),
    "no_connection": ("unreachable: nobody accepts a connection", _REACH),
    "connection_lost": ("the connection was broken off", _STARTING),
    "timeout": ("no whole answer in time", _STARTING),
    "tls_failed": (
        "no TLS connection could be made",
        f"see that it speaks TLS 1.2 or newer; {_CERTIFICATE}",
    ),
    "certificate_expired": (
        "the certificate has expired",
        "put a new one into the ingress or gateway",
    ),
    "certificate_not_yet_valid": (
        "the certificate is not valid yet",
        f"{_CERTIFICATE}; see both clocks",
    ),
    "certificate_self_signed": (
        "the certificate is self-signed",
        f"{_CERTIFICATE}; name its authority in --ca-file if it is yours",
    ),
    "certificate_authority_unknown": (
        "the certificate is of an authority this machine does not know",
        "serve the intermediate certificates too; name the authority in --ca-file if it is yours",
    ),
    "certificate_of_other_host": ("the certificate names another host", _CERTIFICATE),
    "certificate_invalid": ("the certificate is not valid", _CERTIFICATE),
}

_BY_STATUS: Mapping[int, Words] = {
    HTTPStatus.UNAUTHORIZED: ("something asks for a sign-in", _OWN_ADDRESS),
    HTTPStatus.FORBIDDEN: ("something refuses this network or asks for a sign-in", _OWN_ADDRESS),
    HTTPStatus.NOT_FOUND: ("nothing of this name is there", _LABEL),
    HTTPStatus.TOO_MANY_REQUESTS: ("too many requests", "wait, then run it again"),
    HTTPStatus.INTERNAL_SERVER_ERROR: ("the connector failed", "look for the error in its log"),
    HTTPStatus.BAD_GATEWAY: (_NO_REPLICA, _STARTING),
    HTTPStatus.SERVICE_UNAVAILABLE: (_NO_REPLICA, _STARTING),
    HTTPStatus.GATEWAY_TIMEOUT: (_NO_REPLICA, _STARTING),
}

WORKER_SILENT: Words = (
    "ready, but no worker was heard in the last 30 s: events and write-backs wait",
    "start `connector worker`, or find in its log why it stopped",
)
KEYS: Mapping[str, Words] = {
    "keys_malformed": ("what is published is no key set", _OWN_ADDRESS),
    "keys_not_public": (
        "a published key has members that are not public",
        _STOLEN,
    ),
    "keys_missing": (
        "the key set lacks an RS384 or an ES384 key that EHRs can use",
        "see `connector keys list`, and that no proxy holds an old answer",
    ),
}


def of_error(code: str) -> Words:
    """What went wrong on the way, or was no answer of the connector's."""
    otherwise = (f"what answers is not the connector ({code})", _OWN_ADDRESS)
    return _ON_THE_WAY.get(code, otherwise)


def of_status(status: int) -> Words:
    redirected = HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST
    cause, remedy = (
        ("it redirects elsewhere, which is not followed", _OWN_ADDRESS)
        if redirected
        else _BY_STATUS.get(status, ("what answers is not the connector", _OWN_ADDRESS))
    )
    return f"{status}, {cause}", remedy


def of_database(problem: object) -> Words:
    """Why `/readyz` says 503, in the words of `connector doctor`."""
    from connector.web.finding_words import words_of

    code = word(problem, "unreadable")
    said = words_of(Finding(Check.DATABASE, Verdict.FAILED, code))
    page = said.runbook.replace("#", ".md#")
    return (
        f"503, not ready because of the database ({code}): {said.cause}",
        f"{said.remedy} See docs/runbooks/{page}",
    )
