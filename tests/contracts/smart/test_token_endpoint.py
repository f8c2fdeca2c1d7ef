"""Redeeming a code, and backend tokens, as Epic answers them (ehr.md 4.2)."""

import json
from typing import Any

import pytest
from tests.fakes.system import FixedClock
from tests.fakes.wire import DROPPED, Reply
from tests.fakes.wired_ehr import (
    CLIENT_ID,
    REDIRECT_URI,
    TOKEN,
    WiredEhr,
    redeem,
)

from connector.adapters.smart.server import SmartHttp
from connector.ports.errors import BadAnswer, Denied, OutsideError, TryLater

SCOPE = "system/Appointment.u"


def _answer(ehr: WiredEhr, **changes: Any) -> None:
    ehr.wire.answer("POST", TOKEN, Reply(200, ehr.token_response(**changes)))


def _backend(smart: SmartHttp, ehr: WiredEhr, client_id: str = CLIENT_ID) -> str:
    return smart.backend_token(ehr.endpoints, client_id=client_id, scope=SCOPE)


# --- codes ----------------------------------------------------------------------------------------


def test_a_code_is_redeemed_for_tokens_scopes_and_context(smart: SmartHttp, ehr: WiredEhr) -> None:
    answer = redeem(smart, ehr)
    assert answer.access_token == "eyJhbGciOiJSUzI1NiJ9.opaque.token"
    assert answer.scopes == {"launch", "openid", "fhirUser", "user/Appointment.rs"}
    assert answer.unverified_id_token.count(".") == 2
    assert answer.context["appointment"] == "eA1"
    assert answer.context["sessionId"] == "200001234"
    assert json.loads(answer.context["fhirContext"]) == [{"reference": "Appointment/eA1"}]
    assert json.loads(answer.context["context_flags"]) == {"embedded": True}
    assert "nothing" not in answer.context


def test_the_request_is_the_grant_and_our_assertion_and_nothing_else(
    smart: SmartHttp, ehr: WiredEhr
) -> None:
    redeem(smart, ehr)
    heard = ehr.wire.heard[0]
    assert heard.headers["content-type"] == "application/x-www-form-urlencoded"
    assert "authorization" not in heard.headers
    assert heard.query == {}
    sent = heard.form
    sent.pop("client_assertion")
    assert sent == {
        "grant_type": "authorization_code",
        "code": "the-code",
        "redirect_uri": REDIRECT_URI,
        "code_verifier": "v" * 43,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }


def test_no_token_is_left_in_the_context(smart: SmartHttp, ehr: WiredEhr) -> None:
    context = json.dumps(redeem(smart, ehr).context)
    assert "never-kept" not in context
    assert "opaque" not in context


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"access_token": None}, "access_token"),
        ({"access_token": ""}, "access_token"),
        ({"access_token": 7}, "access_token"),
        ({"access_token": "two words"}, "access_token"),
        ({"access_token": "a\r\nX-Injected: 1"}, "access_token"),
        ({"access_token": "tökén"}, "access_token"),
        ({"access_token": "x" * 20_000}, "access_token"),
        ({"token_type": None}, "token_type"),
        ({"token_type": "mac"}, "token_type"),
        ({"token_type": "DPoP"}, "token_type"),
        ({"token_type": ["bearer"]}, "token_type"),
        ({"scope": None}, "scope"),
        ({"scope": ["openid"]}, "scope"),
        ({"id_token": None}, "id_token"),
        ({"id_token": ""}, "id_token"),
        ({"id_token": {"sub": "x"}}, "id_token"),
    ],
    ids=str,
)
def test_a_response_with_a_missing_or_mistyped_key_is_refused(
    smart: SmartHttp, ehr: WiredEhr, change: dict[str, Any], code: str
) -> None:
    _answer(ehr, **change)
    with pytest.raises(BadAnswer) as bad:
        redeem(smart, ehr)
    assert (bad.value.code, bad.value.host) == (code, "localhost")


@pytest.mark.parametrize(
    ("reply", "error", "code"),
    [
        (Reply(400, {"error": "invalid_grant"}), Denied, "invalid_grant"),
        (
            Reply(400, {"error": "invalid_client", "error_description": "x"}),
            Denied,
            "invalid_client",
        ),
        (Reply(401, {"error": "invalid_client"}), Denied, "invalid_client"),
        (Reply(400, {"error": "unauthorized_client"}), Denied, "unauthorized_client"),
        (Reply(400, {"error": "<script>alert(1)</script>"}), Denied, "http_400"),
        (Reply(400, {"error": {"nested": 1}}), Denied, "http_400"),
        (Reply(400, {}), Denied, "http_400"),
        (Reply(400, "<h1>Something went wrong</h1>"), Denied, "http_400"),
        (Reply(400, b'{"error": "a", "error": "b"}'), Denied, "http_400"),
        (Reply(403, None), Denied, "http_403"),
        (Reply(404, None), Denied, "http_404"),
        (Reply(429, {"error": "slow_down"}), TryLater, "slow_down"),
        (Reply(302, None, {"Location": "https://elsewhere.example/"}), BadAnswer, "http_302"),
        (Reply(201, {}), BadAnswer, "http_201"),
        (DROPPED, TryLater, "connection_lost"),
    ],
)
def test_a_refusal_is_named_and_asked_once(
    smart: SmartHttp, ehr: WiredEhr, reply: Reply, error: type[OutsideError], code: str
) -> None:
    ehr.wire.answer("POST", TOKEN, reply)
    with pytest.raises(error) as failed:
        redeem(smart, ehr)
    assert failed.value.code == code
    assert len(ehr.wire.requests(TOKEN)) == 1


# --- backend tokens -------------------------------------------------------------------------------


def _lend(ehr: WiredEhr, **changes: Any) -> None:
    body = {"access_token": "backend", "token_type": "bearer", "expires_in": 300, "scope": SCOPE}
    body = {name: value for name, value in (body | changes).items() if value is not None}
    ehr.wire.answer("POST", TOKEN, Reply(200, body))


def test_a_backend_token_is_asked_for_with_its_scope_and_held(
    smart: SmartHttp, ehr: WiredEhr
) -> None:
    _lend(ehr)
    assert [_backend(smart, ehr) for _ in range(3)] == ["backend"] * 3
    (heard,) = ehr.wire.requests(TOKEN)
    assert heard.form["grant_type"] == "client_credentials"
    assert heard.form["scope"] == SCOPE


def test_each_client_has_a_backend_token_of_its_own(smart: SmartHttp, ehr: WiredEhr) -> None:
    _lend(ehr)
    _backend(smart, ehr, "one")
    _backend(smart, ehr, "two")
    assert len(ehr.wire.requests(TOKEN)) == 2


def test_a_forgotten_backend_token_is_asked_for_again(smart: SmartHttp, ehr: WiredEhr) -> None:
    _lend(ehr)
    _backend(smart, ehr)
    smart.forget_backend_token(ehr.endpoints, client_id=CLIENT_ID)
    _backend(smart, ehr)
    assert len(ehr.wire.requests(TOKEN)) == 2


@pytest.mark.parametrize(
    ("expires_in", "held_seconds"),
    [
        (300, 240),
        ("300", 240),
        (300.9, 240),
        (None, 48),
        (10**30, 3540),
        (0, 0),
        (-5, 0),
        ("soon", 0),
        (True, 0),
        ([300], 0),
        (10**400, 0),
        ("1e999", 0),
        ("nan", 0),
    ],
    ids=repr,
)
def test_a_backend_token_is_held_for_no_longer_than_is_safe(
    smart: SmartHttp, ehr: WiredEhr, clock: FixedClock, expires_in: object, held_seconds: int
) -> None:
    _lend(ehr, expires_in=expires_in)
    _backend(smart, ehr)
    clock.advance(max(held_seconds - 1, 0))
    _backend(smart, ehr)
    assert len(ehr.wire.requests(TOKEN)) == (1 if held_seconds else 2)
    clock.advance(2)
    _backend(smart, ehr)
    assert len(ehr.wire.requests(TOKEN)) == (2 if held_seconds else 3)


@pytest.mark.parametrize(
    "change", [{"access_token": None}, {"token_type": "mac"}, {"access_token": "a b"}], ids=str
)
def test_a_bad_backend_answer_is_refused(
    smart: SmartHttp, ehr: WiredEhr, change: dict[str, Any]
) -> None:
    _lend(ehr, **change)
    with pytest.raises(BadAnswer):
        _backend(smart, ehr)


def test_a_backend_answer_needs_no_id_token(smart: SmartHttp, ehr: WiredEhr) -> None:
    _lend(ehr, scope=None)
    assert _backend(smart, ehr) == "backend"
