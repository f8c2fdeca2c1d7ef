"""`SmartExamination` against a true wire: `ports.examination.EhrExamination`."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.fakes.system import FixedClock, SequentialIds
from tests.fakes.wire import DROPPED, Reply
from tests.fakes.wired_ehr import (
    CLIENT_ID,
    OPENID_CONFIGURATION,
    SMART_CONFIGURATION,
    TOKEN,
    WiredEhr,
)
from tests.payloads import payload

from connector.adapters.smart.examination import SmartExamination
from connector.adapters.system.http import GuardedHttp
from connector.adapters.vault.files import FileKeys
from connector.domain.scopes import WRITE_BACK_SCOPE
from connector.ports.errors import (
    AddressRefused,
    BadAnswer,
    Denied,
    Gone,
    OutsideError,
    TryLater,
)

METADATA = "/interconnect/api/FHIR/R4/metadata"
JWKS = "/.well-known/jwks.json"
STATEMENT = {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"}


@pytest.fixture
def examination(
    http: GuardedHttp, clock: FixedClock, ids: SequentialIds, connector_keys: FileKeys
) -> SmartExamination:
    return SmartExamination(http, connector_keys.assertions, clock, ids)


def _dated(date: str | None) -> Reply:
    """A capability statement with this `Date`, or none."""
    line = f"Date: {date}\r\n" if date is not None else ""
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{line}Content-Length: 2\r\n\r\n{{}}"
    )
    return Reply(raw=(head.encode(),))


# Metadata -----------------------------------------------------------------------------------------


def test_the_capability_statement_is_read_without_a_sign_in(
    examination: SmartExamination, ehr: WiredEhr
) -> None:
    statement = Reply(200, STATEMENT, {"Content-Type": "application/fhir+json"})
    ehr.wire.answer("GET", METADATA, statement)
    found = examination.metadata(ehr.fhir_base_url)
    assert (found.resource_type, found.fhir_version, found.code) == (
        "CapabilityStatement",
        "4.0.1",
        "",
    )
    [heard] = ehr.wire.heard
    assert (heard.path, "authorization" in heard.headers) == (METADATA, False)


@pytest.mark.parametrize(
    ("date", "read"),
    [
        ("Mon, 02 Mar 2026 15:00:01 GMT", datetime(2026, 3, 2, 15, 0, 1, tzinfo=UTC)),
        ("Mon, 02 Mar 2026 16:00:01 +0100", datetime(2026, 3, 2, 15, 0, 1, tzinfo=UTC)),
        (None, None),
        ("", None),
        ("yesterday", None),
        ("Fri, 31 Dec 9999 23:59:59 -2359", None),
        ("Mon, 99 Mar 2026 15:00:01 GMT", None),
    ],
)
def test_the_servers_clock_is_read_if_it_says_it(
    examination: SmartExamination, ehr: WiredEhr, date: str | None, read: datetime | None
) -> None:
    ehr.wire.answer("GET", METADATA, _dated(date))
    assert examination.metadata(ehr.fhir_base_url).date == read


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(404, {}), "http_404"),
        (Reply(401, {}), "http_401"),
        (Reply(503, {}), "http_503"),
        (Reply(302, None, {"Location": "https://169.254.169.254/"}), "http_302"),
        (Reply(200, "<html>Sign in</html>"), "content_type"),
        (Reply(200, STATEMENT, {"Content-Type": "application/fhir+xml"}), "content_type"),
        (Reply(200, b"[]"), "not_an_object"),
        (Reply(200, b'{"fhirVersion": "4.0.1", "fhirVersion": "3"}'), "duplicate_key"),
        (Reply(200, b" " * 8_000_001), "too_large"),
    ],
)
def test_a_statement_that_cannot_be_read_is_an_answer_all_the_same(
    examination: SmartExamination, ehr: WiredEhr, reply: Reply, code: str
) -> None:
    ehr.wire.answer("GET", METADATA, reply)
    found = examination.metadata(ehr.fhir_base_url)
    assert (found.code, found.resource_type, found.fhir_version) == (code, "", "")
    assert len(ehr.wire.heard) == 1


@pytest.mark.parametrize("value", [None, 4, ["4.0.1"], "4.0.1 <script>", "x" * 61])
def test_a_version_that_is_no_word_is_none(
    examination: SmartExamination, ehr: WiredEhr, value: object
) -> None:
    ehr.wire.answer("GET", METADATA, Reply(200, STATEMENT | {"fhirVersion": value}))
    assert examination.metadata(ehr.fhir_base_url).fhir_version == ""


def test_nobody_who_answers_is_an_error(examination: SmartExamination, ehr: WiredEhr) -> None:
    ehr.wire.answer("GET", METADATA, DROPPED)
    with pytest.raises(TryLater):
        examination.metadata(ehr.fhir_base_url)
    with pytest.raises(AddressRefused):
        examination.metadata("https://10.0.0.1/api/FHIR/R4")


# SMART configuration ------------------------------------------------------------------------------


def _publish(ehr: WiredEhr, **changes: Any) -> None:
    document = payload("smart_configuration", root=ehr.root) | changes
    ehr.wire.answer("GET", SMART_CONFIGURATION, Reply(200, document))


def test_a_smart_configuration_is_judged_by_the_discovery_of_launches(
    examination: SmartExamination, ehr: WiredEhr
) -> None:
    _publish(
        ehr, scopes_supported=["openid", 7, "launch"], grant_types_supported=["authorization_code"]
    )
    found = examination.smart_configuration(ehr.fhir_base_url)
    assert found.endpoints == ehr.endpoints
    assert found.scopes == {"openid", "launch"}
    assert found.grant_types == {"authorization_code"}


def test_scopes_that_are_not_listed_are_not_an_empty_list(
    examination: SmartExamination, ehr: WiredEhr
) -> None:
    document = payload("smart_configuration", root=ehr.root)
    document.pop("scopes_supported", None)
    ehr.wire.answer("GET", SMART_CONFIGURATION, Reply(200, document))
    assert examination.smart_configuration(ehr.fhir_base_url).scopes is None


def test_issuer_and_keys_may_come_from_openid_configuration_here_too(
    examination: SmartExamination, ehr: WiredEhr
) -> None:
    document = payload("smart_configuration", root=ehr.root)
    ehr.wire.answer(
        "GET", SMART_CONFIGURATION, Reply(200, {k: v for k, v in document.items() if k != "issuer"})
    )
    assert examination.smart_configuration(ehr.fhir_base_url).endpoints == ehr.endpoints
    assert [heard.path for heard in ehr.wire.heard] == [SMART_CONFIGURATION, OPENID_CONFIGURATION]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"token_endpoint": "https://elsewhere.example/token"}, Denied),
        ({"code_challenge_methods_supported": ["plain"]}, Denied),
        ({"grant_types_supported": "authorization_code"}, BadAnswer),
    ],
)
def test_what_discovery_refuses_the_examination_refuses(
    examination: SmartExamination, ehr: WiredEhr, change: dict[str, Any], error: type[OutsideError]
) -> None:
    _publish(ehr, **change)
    with pytest.raises(error):
        examination.smart_configuration(ehr.fhir_base_url)


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (Reply(200, {"token_endpoint": "https://x.example/token"}), True),
        (Reply(200, {}), False),
        (Reply(404, {}), False),
        (Reply(503, {}), False),
        (Reply(302, None, {"Location": "/x"}), False),
        (Reply(200, "<html>"), False),
    ],
)
def test_whether_a_smart_server_answers_is_yes_or_no(
    examination: SmartExamination,
    ehr: WiredEhr,
    reply: Reply,
    answer: bool,  # noqa: FBT001 - a column of the table
) -> None:
    ehr.wire.answer("GET", SMART_CONFIGURATION, reply)
    assert examination.is_smart(ehr.fhir_base_url) is answer


# Our client (E2) ----------------------------------------------------------------------------------


def _granted(examination: SmartExamination, ehr: WiredEhr) -> frozenset[str]:
    return examination.granted_scopes(ehr.endpoints, client_id=CLIENT_ID, scope=WRITE_BACK_SCOPE)


@pytest.mark.parametrize(
    ("said", "granted"),
    [
        (
            {"scope": "system/Appointment.u system/Patient.rs"},
            {"system/Appointment.u", "system/Patient.rs"},
        ),
        ({}, {WRITE_BACK_SCOPE}),
        ({"scope": ""}, set()),
    ],
)
def test_a_token_is_asked_for_as_a_write_back_would_and_dropped(
    examination: SmartExamination, ehr: WiredEhr, said: dict[str, str], granted: set[str]
) -> None:
    token = {"access_token": "CANARY-token", "token_type": "bearer", "expires_in": 60}
    ehr.wire.answer("POST", TOKEN, Reply(200, token | said))
    assert _granted(examination, ehr) == granted
    form = ehr.wire.requests(TOKEN)[0].form
    assert (form["grant_type"], form["scope"]) == ("client_credentials", WRITE_BACK_SCOPE)
    assert "CANARY" not in str(vars(examination))


def test_every_examination_asks_anew(examination: SmartExamination, ehr: WiredEhr) -> None:
    token = {"access_token": "a", "token_type": "bearer", "expires_in": 3600}
    ehr.wire.answer("POST", TOKEN, Reply(200, token), Reply(401, {"error": "invalid_client"}))
    _granted(examination, ehr)
    with pytest.raises(Denied, match="invalid_client"):
        _granted(examination, ehr)


@pytest.mark.parametrize(
    ("reply", "error", "code"),
    [
        (Reply(400, {"error": "invalid_scope"}), Denied, "invalid_scope"),
        (Reply(401, {"error": "invalid_client"}), Denied, "invalid_client"),
        (Reply(400, "<html>"), Denied, "http_400"),
        (Reply(503, {}), TryLater, "http_503"),
        (Reply(302, None, {"Location": "https://elsewhere.example/token"}), BadAnswer, "http_302"),
        (Reply(200, {"token_type": "mac", "access_token": "a"}), BadAnswer, "token_type"),
        (Reply(200, {"token_type": "bearer"}), BadAnswer, "access_token"),
        (
            Reply(200, {"token_type": "bearer", "access_token": "a", "scope": ["x"]}),
            BadAnswer,
            "scope",
        ),
    ],
)
def test_e2_a_token_that_is_not_given_says_why(
    examination: SmartExamination, ehr: WiredEhr, reply: Reply, error: type[OutsideError], code: str
) -> None:
    ehr.wire.answer("POST", TOKEN, reply)
    with pytest.raises(error) as failed:
        _granted(examination, ehr)
    assert failed.value.code == code
    assert len(ehr.wire.heard) == 1


# Our keys -----------------------------------------------------------------------------------------


def test_our_keys_are_all_there(
    examination: SmartExamination, ehr: WiredEhr, connector_keys: FileKeys
) -> None:
    ehr.wire.answer("GET", JWKS, Reply(200, connector_keys.assertions.public_keys()))
    assert examination.missing_keys(f"{ehr.wire.url}/") == frozenset()


@pytest.mark.parametrize(
    "served",
    [
        lambda _keys: {"keys": []},
        lambda _keys: {},
        lambda _keys: {"keys": "none"},
        lambda _keys: {"keys": ["x", None]},
        lambda _keys: {"keys": [{"kid": "another"}]},
    ],
)
def test_e2_a_key_set_without_ours_names_what_is_missing(
    examination: SmartExamination,
    ehr: WiredEhr,
    connector_keys: FileKeys,
    served: Callable[[Any], Any],
) -> None:
    ours = connector_keys.assertions.public_keys()
    ehr.wire.answer("GET", JWKS, Reply(200, served(ours)))
    assert examination.missing_keys(ehr.wire.url) == {key["kid"] for key in ours["keys"]}


@pytest.mark.parametrize(
    ("reply", "error"),
    [(Reply(404, {}), Gone), (Reply(200, "<html>"), BadAnswer), (Reply(502, {}), TryLater)],
)
def test_a_key_set_that_cannot_be_read_says_why(
    examination: SmartExamination, ehr: WiredEhr, reply: Reply, error: type[OutsideError]
) -> None:
    ehr.wire.answer("GET", JWKS, reply)
    with pytest.raises(error):
        examination.missing_keys(ehr.wire.url)
