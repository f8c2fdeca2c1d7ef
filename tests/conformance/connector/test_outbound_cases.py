"""Reliability cases 7 to 13 and 37 to 40, and C08, where they end at the adapters.

The launch's own half of these cases (state, cookies, audit) is tested with the use cases.
"""

import gzip
import logging
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import trustme
from tests.fakes.wire import Reply, WireServer, drip
from tests.fakes.wired_ehr import (
    SMART_CONFIGURATION,
    TOKEN,
    WiredEhr,
    redeem,
    verify,
)
from tests.payloads import payload

from connector.adapters.smart.server import SmartHttp
from connector.adapters.system.http import GuardedHttp
from connector.ports.errors import AddressRefused, BadAnswer, Denied, OutsideError, TryLater


@pytest.mark.parametrize(
    "field", ["token_endpoint", "authorization_endpoint", "jwks_uri", "issuer"]
)
@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://victim.example/token",
        "https://169.254.169.254/token",
        "https://localhost/token",
        "https://localhost.evil.example/token",
    ],
)
def test_case_8_a_document_that_points_an_endpoint_elsewhere_is_denied_unasked(
    smart: SmartHttp, ehr: WiredEhr, field: str, elsewhere: str
) -> None:
    document = payload("smart_configuration", root=ehr.root) | {field: elsewhere}
    ehr.wire.answer("GET", SMART_CONFIGURATION, Reply(200, document))
    with pytest.raises(Denied, match="endpoint_elsewhere"):
        smart.discover(ehr.fhir_base_url)
    assert [heard.path for heard in ehr.wire.heard] == [SMART_CONFIGURATION]


@pytest.mark.parametrize(
    ("status", "maybe_done"), [(500, True), (502, True), (503, False), (504, True)]
)
def test_case_9_a_failing_token_endpoint_is_asked_once_since_the_code_may_be_consumed(
    smart: SmartHttp,
    ehr: WiredEhr,
    status: int,
    maybe_done: bool,  # noqa: FBT001 - a column of the table
) -> None:
    ehr.wire.answer("POST", TOKEN, Reply(status, {}, {"Retry-After": "2.5"}))
    with pytest.raises(TryLater) as failed:
        redeem(smart, ehr)
    assert (failed.value.maybe_done, failed.value.retry_after_seconds) == (maybe_done, 2.5)
    assert len(ehr.wire.requests(TOKEN)) == 1


def test_case_10_an_ehr_that_drips_costs_its_own_launch_the_deadline_and_others_nothing(
    smart: SmartHttp, ehr: WiredEhr, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.adapters.smart.token_endpoint._DEADLINE_SECONDS", 2.0)
    slow, fast = drip(b" " * 1000), Reply(200, ehr.token_response())
    ehr.wire.answer("POST", TOKEN, lambda heard: slow if heard.form["code"] == "slow" else fast)
    outcomes: list[str] = []

    def launch(code: str) -> float:
        began = time.monotonic()
        try:
            redeem(smart, ehr, code=code)
        except TryLater as failed:
            outcomes.append(failed.code)
        else:
            outcomes.append("redeemed")
        return time.monotonic() - began

    with ThreadPoolExecutor(8) as threads:
        seconds = list(threads.map(launch, ["slow"] * 4 + ["fast"] * 4))
    assert outcomes == ["redeemed"] * 4 + ["timeout"] * 4
    assert max(seconds) < 4.0


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, "<html>We are down for maintenance</html>"),
        Reply(200, b'{"access_token": "x", "token_'),
        Reply(200, b'{"a": "' + b"x" * 10_000_000 + b'"}'),
        Reply(200, b'{"a":' * 100_000),
        Reply(200, gzip.compress(b" " * 10_000_000), {"Content-Encoding": "gzip"}),
        Reply(200, b'{"access_token": "x", "access_token": "y", "token_type": "bearer"}'),
        Reply(200, b"[]"),
        Reply(200, b""),
        Reply(200, b'{"token_type": "bearer"}', {"Content-Type": "text/plain"}),
        Reply(200, b'{"token_type": "bearer"}', {"Content-Type": "application/xml"}),
    ],
    ids=[
        "html",
        "truncated",
        "10 MB",
        "deep",
        "gzip bomb",
        "duplicate keys",
        "array",
        "empty",
        "text/plain",
        "application/xml",
    ],
)
def test_case_11_an_answer_that_is_no_token_response_is_refused(
    smart: SmartHttp, ehr: WiredEhr, reply: Reply
) -> None:
    ehr.wire.answer("POST", TOKEN, reply)
    with pytest.raises(BadAnswer):
        redeem(smart, ehr)


def test_case_11_deep_nesting_in_a_context_value_is_refused(
    smart: SmartHttp, ehr: WiredEhr
) -> None:
    deep = b'{"__x":' + b"[" * 900 + b"]" * 900 + b","
    body = deep + b'"token_type":"bearer","access_token":"a","scope":"","id_token":"a.b.c"}'
    ehr.wire.answer("POST", TOKEN, Reply(200, body))
    outcome: object
    try:
        outcome = redeem(smart, ehr).context["__x"]
    except BadAnswer as refused:
        outcome = refused.code
    assert outcome in {"nesting", "[" * 900 + "]" * 900}


@pytest.mark.parametrize("expires_in", [None, 10**30, -1, 0, "soon", [], 1e308], ids=repr)
def test_case_12_a_code_is_good_for_a_launch_whatever_expires_in_says(
    smart: SmartHttp, ehr: WiredEhr, expires_in: object
) -> None:
    ehr.wire.answer("POST", TOKEN, Reply(200, ehr.token_response(expires_in=expires_in)))
    answer = redeem(smart, ehr)
    assert verify(smart, ehr, answer.unverified_id_token).fhir_id == "eP1"


def test_case_13_a_key_the_ehr_does_not_know_is_one_request_and_a_name(
    smart: SmartHttp, ehr: WiredEhr
) -> None:
    ehr.wire.answer("POST", TOKEN, Reply(401, {"error": "invalid_client"}))
    with pytest.raises(Denied, match="invalid_client"):
        redeem(smart, ehr)
    assert len(ehr.wire.requests(TOKEN)) == 1
    for _ in range(20):
        with pytest.raises(Denied, match="invalid_client"):
            smart.backend_token(ehr.endpoints, client_id="backend", scope="system/Appointment.u")
    assert len(ehr.wire.requests(TOKEN)) == 2


@pytest.mark.parametrize(
    ("banner", "text"),
    [(True, "true"), (False, "false"), ("true", "true"), ("false", "false"), (None, None)],
)
def test_c08_need_patient_banner_is_read_as_text(
    smart: SmartHttp, ehr: WiredEhr, banner: object, text: str | None
) -> None:
    ehr.wire.answer("POST", TOKEN, Reply(200, ehr.token_response(need_patient_banner=banner)))
    assert redeem(smart, ehr).context.get("need_patient_banner") == text


@pytest.mark.parametrize("token_type", ["bearer", "Bearer", "BEARER"])
def test_c08_token_type_in_any_case(smart: SmartHttp, ehr: WiredEhr, token_type: str) -> None:
    ehr.wire.answer("POST", TOKEN, Reply(200, ehr.token_response(token_type=token_type)))
    assert redeem(smart, ehr).access_token


@pytest.mark.parametrize(
    "base_url",
    [
        "http://fhir.example/R4",
        "https://127.0.0.1/R4",
        "https://[::ffff:10.0.0.1]/R4",
        "https://169.254.169.254/R4",
        "https://2130706433/R4",
        "https://0177.0.0.1/R4",
        "https://localhost./R4",
        "https://fhir.example:22/R4",
        "https://fhir.example@10.0.0.1/R4",
        "https://internal.example/R4",
    ],
)
def test_case_37_a_base_url_that_leads_inside_is_refused_without_a_connection(
    base_url: str, smart_without_dns: SmartHttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: connected.append(address))
    with pytest.raises(AddressRefused):
        smart_without_dns.discover(base_url)
    assert connected == []


@pytest.fixture
def smart_without_dns(smart: SmartHttp, ca_file: str) -> SmartHttp:
    """Every name resolves to a private address."""
    smart._http = GuardedHttp(ca_file, frozenset({"localhost"}), resolve=lambda *_: ["10.1.2.3"])
    return smart


def test_case_39_a_redirect_is_not_followed(smart: SmartHttp, ehr: WiredEhr) -> None:
    for location in ("https://169.254.169.254/latest", f"{ehr.wire.url}/other"):
        ehr.wire.answer("GET", SMART_CONFIGURATION, Reply(302, None, {"Location": location}))
        with pytest.raises(BadAnswer, match="http_302"):
            smart.discover(ehr.fhir_base_url)
    assert {heard.path for heard in ehr.wire.heard} == {SMART_CONFIGURATION}


def test_case_40_a_certificate_of_another_host_is_diagnosed_and_nothing_is_sent(
    smart: SmartHttp, authority: trustme.CA
) -> None:
    with WireServer(authority.issue_cert("other.example")) as server:
        with pytest.raises(TryLater, match="certificate_of_other_host"):
            smart.discover(f"{server.url}/api/FHIR/R4")
        assert server.heard == []


def test_case_40_a_huge_document_is_bounded(smart: SmartHttp, ehr: WiredEhr) -> None:
    ehr.wire.answer("GET", SMART_CONFIGURATION, Reply(200, b" " * 3_000_000))
    with pytest.raises(BadAnswer, match="too_large"):
        smart.discover(ehr.fhir_base_url)


def _everything_goes_wrong(smart: SmartHttp, ehr: WiredEhr) -> list[OutsideError]:
    errors: list[OutsideError] = []
    replies: list[Any] = [
        Reply(400, {"error": "invalid_grant", "error_description": "CANARY-description"}),
        Reply(500, {"message": "CANARY-body"}),
        Reply(200, {"access_token": "CANARY-token", "token_type": "mac"}),
        Reply(200, "CANARY-html"),
        Reply(raw=(b"CANARY-garbage\r\n\r\n",)),
    ]
    for reply in replies:
        ehr.wire.answer("POST", TOKEN, reply)
        try:
            redeem(smart, ehr, code="CANARY-code", code_verifier="CANARY-verifier")
        except OutsideError as failed:
            errors.append(failed)
    return errors


def test_c16_no_code_token_or_body_is_in_an_error_or_a_log(
    smart: SmartHttp, ehr: WiredEhr, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        errors = _everything_goes_wrong(smart, ehr)
        with pytest.raises(OutsideError):
            verify(smart, ehr, "CANARY.CANARY.CANARY")
    assert len(errors) == 5
    said = " ".join(f"{error} {error.code} {error.host} {vars(error)}" for error in errors)
    assert "CANARY" not in said
    assert "CANARY" not in caplog.text
