"""Discovery: which EHRs we work with, and how the others are diagnosed.

https://hl7.org/fhir/smart-app-launch/STU2.2/conformance.html
"""

from typing import Any

import pytest
from tests.fakes.wire import DROPPED, Reply
from tests.fakes.wired_ehr import OPENID_CONFIGURATION, SMART_CONFIGURATION, WiredEhr
from tests.payloads import payload

from connector.adapters.smart.discovery import endpoints_of, origin_of
from connector.adapters.smart.server import SmartHttp
from connector.ports.errors import (
    AddressRefused,
    BadAnswer,
    Denied,
    Gone,
    OutsideError,
    TryLater,
)


def _with(ehr: WiredEhr, **changes: Any) -> dict[str, Any]:
    """The good document with fields changed; None takes the field out."""
    document = payload("smart_configuration", root=ehr.root) | changes
    return {name: value for name, value in document.items() if value is not None}


def _publish(ehr: WiredEhr, **changes: Any) -> None:
    ehr.wire.answer("GET", SMART_CONFIGURATION, Reply(200, _with(ehr, **changes)))


def test_a_good_document_gives_the_endpoints(smart: SmartHttp, ehr: WiredEhr) -> None:
    assert smart.discover(ehr.fhir_base_url) == ehr.endpoints
    assert [heard.path for heard in ehr.wire.heard] == [SMART_CONFIGURATION]
    assert ehr.wire.heard[0].headers["accept"] == "application/json"


def test_a_slash_at_the_end_of_the_base_url_makes_no_difference(
    smart: SmartHttp, ehr: WiredEhr
) -> None:
    assert smart.discover(f"{ehr.fhir_base_url}/") == ehr.endpoints


@pytest.mark.parametrize(
    "missing", [{"issuer": None}, {"jwks_uri": None}, {"issuer": None, "jwks_uri": None}]
)
def test_issuer_and_keys_may_come_from_openid_configuration(
    smart: SmartHttp, ehr: WiredEhr, missing: dict[str, None]
) -> None:
    _publish(ehr, **missing)
    assert smart.discover(ehr.fhir_base_url) == ehr.endpoints
    assert [heard.path for heard in ehr.wire.heard] == [SMART_CONFIGURATION, OPENID_CONFIGURATION]


def test_a_redirect_that_may_not_name_its_issuer_is_known(smart: SmartHttp, ehr: WiredEhr) -> None:
    for value in (None, False, "true", 1):
        _publish(ehr, authorization_response_iss_parameter_supported=value)
        assert not smart.discover(ehr.fhir_base_url).callback_names_issuer


def test_authorize_by_get_only_is_known(smart: SmartHttp, ehr: WiredEhr) -> None:
    _publish(ehr, capabilities=["launch-ehr"])
    assert not smart.discover(ehr.fhir_base_url).authorize_by_post


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (None, "RS384"),
        (["RS384"], "RS384"),
        (["ES384"], "ES384"),
        (["RS384", "ES384"], "ES384"),
        (["RS256", "ES384"], "ES384"),
    ],
)
def test_the_assertion_algorithm_is_one_the_ehr_offers(
    smart: SmartHttp, ehr: WiredEhr, offered: list[str] | None, chosen: str
) -> None:
    _publish(ehr, token_endpoint_auth_signing_alg_values_supported=offered)
    assert smart.discover(ehr.fhir_base_url).assertion_algorithm == chosen


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"code_challenge_methods_supported": []}, "pkce_missing"),
        ({"code_challenge_methods_supported": ["plain"]}, "pkce_missing"),
        ({"code_challenge_methods_supported": ["s256"]}, "pkce_missing"),
        ({"code_challenge_methods_supported": ["S256", "plain"]}, "pkce_plain_offered"),
        ({"grant_types_supported": ["client_credentials"]}, "authorization_code_missing"),
        ({"grant_types_supported": []}, "authorization_code_missing"),
        ({"capabilities": ["launch-standalone"]}, "launch_ehr_missing"),
        (
            {"token_endpoint_auth_methods_supported": ["client_secret_basic"]},
            "private_key_jwt_missing",
        ),
        (
            {"token_endpoint_auth_signing_alg_values_supported": ["RS256"]},
            "assertion_algorithm_missing",
        ),
        ({"token_endpoint_auth_signing_alg_values_supported": []}, "assertion_algorithm_missing"),
    ],
    ids=str,
)
def test_an_ehr_that_cannot_be_used_safely_is_denied(
    smart: SmartHttp, ehr: WiredEhr, change: dict[str, Any], code: str
) -> None:
    """Case 21: an EHR without S256, or with `plain` to fall back to, is never approved."""
    _publish(ehr, **change)
    with pytest.raises(Denied) as denied:
        smart.discover(ehr.fhir_base_url)
    assert (denied.value.code, denied.value.host) == (code, "localhost")


_BAD_URLS = [
    7,
    "",
    "oauth2/token",
    "/oauth2/token",
    "//localhost/token",
    "http://localhost/token",
    "https://",
    "https://user@localhost/token",
    "https://localhost/token#fragment",
    "https://localhost:0/token",
    "https://localhost:99999/token",
    "https://[::1/token",
    "https://localhost/to ken",
    "https://localhost/token\n",
    ["https://localhost/token"],
]


@pytest.mark.parametrize(
    "field", ["issuer", "jwks_uri", "authorization_endpoint", "token_endpoint"]
)
@pytest.mark.parametrize("value", _BAD_URLS, ids=repr)
def test_an_endpoint_that_is_not_an_absolute_https_url_is_a_bad_answer(
    smart: SmartHttp, ehr: WiredEhr, field: str, value: object
) -> None:
    _publish(ehr, **{field: value})
    with pytest.raises(BadAnswer, match=f"^{field}$"):
        smart.discover(ehr.fhir_base_url)


@pytest.mark.parametrize(
    "change",
    [
        {"authorization_endpoint": None},
        {"token_endpoint": None},
        {"grant_types_supported": None},
        {"grant_types_supported": "authorization_code"},
        {"code_challenge_methods_supported": None},
        {"code_challenge_methods_supported": {"S256": True}},
        {"capabilities": None},
        {"capabilities": [7]},
        {"token_endpoint_auth_methods_supported": "private_key_jwt"},
        {"token_endpoint_auth_signing_alg_values_supported": "RS384"},
    ],
    ids=str,
)
def test_a_missing_or_mistyped_field_is_named(
    smart: SmartHttp, ehr: WiredEhr, change: dict[str, Any]
) -> None:
    _publish(ehr, **change)
    with pytest.raises(BadAnswer) as bad:
        smart.discover(ehr.fhir_base_url)
    assert [bad.value.code] == list(change)


def test_no_openid_configuration_leaves_the_issuer_missing(smart: SmartHttp, ehr: WiredEhr) -> None:
    _publish(ehr, issuer=None)
    ehr.wire.answer("GET", OPENID_CONFIGURATION, Reply(200, {"jwks_uri": f"{ehr.root}/keys"}))
    with pytest.raises(BadAnswer, match=r"^issuer$"):
        smart.discover(ehr.fhir_base_url)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(404, {}), Gone),
        (Reply(401, {}), Denied),
        (Reply(503, {}, {"Retry-After": "7"}), TryLater),
        (Reply(302, None, {"Location": "https://169.254.169.254/"}), BadAnswer),
        (Reply(200, "<html>Sign in</html>"), BadAnswer),
        (Reply(200, b"[]"), BadAnswer),
        (Reply(200, b'{"issuer": 1, "issuer": 2}'), BadAnswer),
        (Reply(200, b"x" * 1_000_001), BadAnswer),
        (DROPPED, TryLater),
    ],
)
def test_a_document_that_cannot_be_read_says_why(
    smart: SmartHttp, ehr: WiredEhr, reply: Reply, error: type[OutsideError]
) -> None:
    ehr.wire.answer("GET", SMART_CONFIGURATION, reply)
    with pytest.raises(error) as failed:
        smart.discover(ehr.fhir_base_url)
    assert type(failed.value) is error
    assert len(ehr.wire.heard) == 1


def test_a_base_url_the_guard_refuses_is_not_asked(smart: SmartHttp) -> None:
    with pytest.raises(AddressRefused):
        smart.discover("https://10.0.0.1/api/FHIR/R4")


def test_an_origin_a_vendor_documents_is_allowed(ehr: WiredEhr) -> None:
    elsewhere = "https://authorization.example/token"
    found = endpoints_of(
        ehr.fhir_base_url,
        _with(ehr, token_endpoint=elsewhere),
        dict,
        origins=frozenset({"https://authorization.example"}),
    )
    assert found.token_endpoint == elsewhere


@pytest.mark.parametrize(
    "url",
    ["https://EHR.example/a", "https://ehr.example:443/b?c", "HTTPS://ehr.example"],
)
def test_spellings_of_one_origin_are_equal(url: str) -> None:
    assert origin_of(url) == "https://ehr.example"


@pytest.mark.parametrize(
    "url",
    [
        "https://ehr.example:8443/",
        "http://ehr.example/",
        "https://ehr.example.evil/",
        "https://x.ehr.example/",
    ],
)
def test_other_origins_are_not(url: str) -> None:
    assert origin_of(url) != "https://ehr.example"
