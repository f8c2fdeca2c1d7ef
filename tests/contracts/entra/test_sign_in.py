"""`MsalSignIn`: msal's protocol on the wire, and every check msal leaves to us (microsoft.md 4.5)."""

import base64
import gc
import hashlib
import hmac
import json
from dataclasses import replace
from typing import Any

import jwt
import msal
import pytest
from tests.fakes.issuer import Issuer
from tests.fakes.microsoft import FakeSignIn
from tests.fakes.system import FixedClock
from tests.fakes.wire import DROPPED, Reply
from tests.fakes.wired_microsoft import (
    CLIENT_ID,
    OTHER_TENANT,
    PERSON,
    REDIRECT_URI,
    TEAMS_ADMINISTRATOR,
    TENANT,
    WiredEntra,
    callback_of,
    discovery_path,
    keys_path,
    query_of,
    token_path,
)

from connector.adapters.entra.applications import Applications
from connector.adapters.entra.sign_in import MsalSignIn
from connector.domain.organization import MicrosoftIdentity
from connector.ports.errors import Denied, OutsideError, TryLater, Untrusted

AMY = MicrosoftIdentity(
    tenant_id=TENANT,
    object_id=PERSON,
    sign_in_name="amy@contoso.example",
    directory_roles=frozenset({TEAMS_ADMINISTRATOR}),
    is_guest=False,
)


def _signed_in(
    sign_in: MsalSignIn, entra: WiredEntra, tenant: str = TENANT, **changes: Any
) -> MicrosoftIdentity:
    _, flow = sign_in.begin(tenant=tenant)
    entra.sign(flow, tenant, **changes)
    return sign_in.complete(flow, callback_of(flow))


def _refusal(sign_in: MsalSignIn, entra: WiredEntra, tenant: str = TENANT, **changes: Any) -> str:
    with pytest.raises(Untrusted) as refused:
        _signed_in(sign_in, entra, tenant, **changes)
    return refused.value.code


# --- beginning ------------------------------------------------------------------------------------


def test_the_authorize_url_asks_for_a_code_and_nothing_to_keep(
    sign_in: MsalSignIn, entra: WiredEntra
) -> None:
    url, flow = sign_in.begin(tenant=TENANT)
    query = query_of(url)
    assert url.startswith(f"{entra.wire.url}/{TENANT}/oauth2/v2.0/authorize?")
    assert query["response_type"] == "code"
    assert query["redirect_uri"] == REDIRECT_URI
    assert query["code_challenge_method"] == "S256"
    assert set(query["scope"].split()) == {"openid", "profile"}
    assert query["nonce"] == hashlib.sha256(flow["nonce"].encode()).hexdigest()
    assert "prompt" not in query


def test_a_hint_and_the_account_picker_are_passed_on(
    sign_in: MsalSignIn, entra: WiredEntra
) -> None:
    url, _ = sign_in.begin(
        tenant="organizations", login_hint="amy@contoso.example", choose_account=True
    )
    assert query_of(url)["login_hint"] == "amy@contoso.example"
    assert query_of(url)["prompt"] == "select_account"


def test_a_flow_survives_being_sealed_as_json(sign_in: MsalSignIn, entra: WiredEntra) -> None:
    _, flow = sign_in.begin(tenant=TENANT)
    entra.sign(flow)
    assert sign_in.complete(json.loads(json.dumps(flow)), callback_of(flow)) == AMY
    assert len(json.dumps(flow)) < 2000


def test_a_flow_keeps_only_what_its_callback_needs(sign_in: MsalSignIn, entra: WiredEntra) -> None:
    """It travels in a cookie: the authorize URL, as long as all the rest, is not read again."""
    url, flow = sign_in.begin(tenant=TENANT)
    assert url not in json.dumps(flow)
    assert "auth_uri" not in flow
    entra.sign(flow)
    assert sign_in.complete(flow, callback_of(flow)) == AMY


@pytest.mark.parametrize(
    "tenant",
    ["", "common", "contoso.example", "../other", f"{TENANT}/..", f"{TENANT}\n", "consumers"],
)
def test_what_is_no_tenant_id_is_denied_unasked(
    sign_in: MsalSignIn, entra: WiredEntra, tenant: str
) -> None:
    with pytest.raises(Denied, match="tenant"):
        sign_in.begin(tenant=tenant)
    assert entra.wire.heard == []


def test_discovery_is_read_once_for_a_tenant(sign_in: MsalSignIn, entra: WiredEntra) -> None:
    for _ in range(3):
        assert _signed_in(sign_in, entra) == AMY
    # Once by msal for its endpoints, once by us for the keys.
    assert len(entra.wire.requests(discovery_path(TENANT))) == 2
    assert len(entra.wire.requests(keys_path(TENANT))) == 1


@pytest.mark.parametrize(
    "reply",
    [
        DROPPED,
        Reply(503, {}),
        Reply(404, {}),
        Reply(200, "<html>"),
        Reply(200, {}),
        Reply(200, []),
        Reply(302, None, {"Location": "https://elsewhere.example/"}),
        Reply(200, {"authorization_endpoint": "http://a/b/c", "token_endpoint": "http://a/b/c"}),
    ],
)
def test_entra_out_of_order_at_the_beginning_is_try_later(
    sign_in: MsalSignIn, entra: WiredEntra, reply: Reply
) -> None:
    entra.wire.answer("GET", discovery_path(TENANT), reply)
    with pytest.raises(TryLater) as failed:
        sign_in.begin(tenant=TENANT)
    assert failed.value.host == "localhost"


def test_a_tenant_that_failed_once_works_when_entra_is_back(
    sign_in: MsalSignIn, entra: WiredEntra
) -> None:
    entra.wire.answer("GET", discovery_path(TENANT), DROPPED)
    with pytest.raises(TryLater):
        sign_in.begin(tenant=TENANT)
    entra.publish(TENANT)
    assert _signed_in(sign_in, entra) == AMY


# --- completing -----------------------------------------------------------------------------------


def test_a_person_signs_in(sign_in: MsalSignIn, entra: WiredEntra) -> None:
    assert _signed_in(sign_in, entra) == AMY


def test_the_code_is_redeemed_with_pkce_and_our_certificate(
    sign_in: MsalSignIn, entra: WiredEntra
) -> None:
    _signed_in(sign_in, entra)
    (heard,) = entra.wire.requests(token_path(TENANT))
    form = heard.form
    assertion = jwt.get_unverified_header(form["client_assertion"])
    assert (form["code"], form["redirect_uri"]) == ("the-code", REDIRECT_URI)
    assert len(form["code_verifier"]) >= 43
    assert (assertion["alg"], "x5t#S256" in assertion) == ("PS256", True)
    assert "client_secret" not in form


def test_any_organization_may_sign_in_where_any_was_asked(
    sign_in: MsalSignIn, entra: WiredEntra
) -> None:
    issuer = f"{entra.wire.url}/{OTHER_TENANT}/v2.0"
    found = _signed_in(sign_in, entra, "organizations", tid=OTHER_TENANT, iss=issuer)
    assert found == replace(AMY, tenant_id=OTHER_TENANT)


def test_ids_are_compared_and_kept_in_lower_case(sign_in: MsalSignIn, entra: WiredEntra) -> None:
    assert _signed_in(sign_in, entra, oid=PERSON.upper()) == AMY


@pytest.mark.parametrize(
    ("change", "is_guest"),
    [
        ({"acct": 0}, False),
        ({"acct": None}, False),
        ({"acct": 1}, True),
        ({"acct": "1"}, True),
        ({"idp": "live.com"}, True),
        ({"idp": f"https://sts.windows.net/{OTHER_TENANT}/"}, True),
        ({"idp": f"https://sts.windows.net/{TENANT}/"}, False),
    ],
    ids=str,
)
def test_a_guest_is_known(
    sign_in: MsalSignIn,
    entra: WiredEntra,
    change: dict[str, Any],
    is_guest: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert _signed_in(sign_in, entra, **change).is_guest is is_guest


@pytest.mark.parametrize("wids", [None, "62e90394-69f5-4237-9190-012177145e10", {}, [7, None]])
def test_roles_that_are_no_list_of_words_are_no_roles(
    sign_in: MsalSignIn, entra: WiredEntra, wids: object
) -> None:
    assert _signed_in(sign_in, entra, wids=wids).directory_roles == frozenset()


@pytest.mark.parametrize(
    ("change", "country", "region_scope"),
    [
        ({"tenant_ctry": "US", "tenant_region_scope": "NA"}, "US", "NA"),
        ({"tenant_ctry": "de", "tenant_region_scope": "eu"}, "DE", "EU"),
        ({"tenant_ctry": None, "tenant_region_scope": "WW"}, "", "WW"),
        ({"tenant_ctry": "USA"}, "", ""),
        ({"tenant_ctry": "U\u017f"}, "", ""),
        ({"tenant_ctry": ["US"], "tenant_region_scope": {"NA": 1}}, "", ""),
        ({"tenant_ctry": "", "tenant_region_scope": "N A"}, "", ""),
        ({"tenant_ctry": 49, "tenant_region_scope": "<b>NA</b>"}, "", ""),
    ],
    ids=str,
)
def test_where_entra_keeps_the_tenant_is_a_code_or_nothing(
    sign_in: MsalSignIn,
    entra: WiredEntra,
    change: dict[str, Any],
    country: str,
    region_scope: str,
) -> None:
    """Microsoft.md 4.4: optional claims, so whatever they are must not break a sign-in."""
    found = _signed_in(sign_in, entra, **change)
    assert (found.country, found.region_scope) == (country, region_scope)


@pytest.mark.parametrize("name", [None, 7, ["a"]])
def test_a_sign_in_name_may_be_missing(
    sign_in: MsalSignIn, entra: WiredEntra, name: object
) -> None:
    assert _signed_in(sign_in, entra, preferred_username=name).sign_in_name == ""


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"iss": None}, "iss"),
        ({"iss": "https://evil"}, "iss"),
        ({"iss": f"https://login.microsoftonline.com/{TENANT}/v2.0"}, "iss"),
        ({"aud": None}, "aud"),
        ({"aud": "someone-else"}, "aud"),
        ({"aud": [CLIENT_ID, "other"]}, "aud"),
        ({"ver": None}, "ver"),
        ({"ver": "1.0"}, "ver"),
        ({"ver": 2.0}, "ver"),
        ({"tid": None}, "tid"),
        ({"tid": "not-a-guid"}, "tid"),
        ({"tid": f"{TENANT}/.."}, "tid"),
        ({"tid": OTHER_TENANT}, "tid"),
        ({"oid": None}, "oid"),
        ({"oid": ""}, "oid"),
        ({"oid": "amy@contoso.example"}, "oid"),
        ({"oid": [PERSON]}, "oid"),
        ({"exp": None}, "exp"),
        ({"exp": 1}, "exp"),
        ({"exp": "never"}, "exp"),
        ({"nbf": 4_000_000_000}, "nbf"),
        ({"iat": 4_000_000_000}, "iat"),
    ],
    ids=str,
)
def test_a_wrong_claim_is_refused_by_name(
    sign_in: MsalSignIn, entra: WiredEntra, change: dict[str, Any], code: str
) -> None:
    assert _refusal(sign_in, entra, **change) == code


@pytest.mark.parametrize(("claim", "seconds"), [("exp", -119), ("nbf", 120), ("iat", 120)])
def test_two_minutes_of_skew_are_tolerated(
    sign_in: MsalSignIn, entra: WiredEntra, clock: FixedClock, claim: str, seconds: int
) -> None:
    at = int(clock.now().timestamp()) + seconds
    assert _signed_in(sign_in, entra, **{claim: at}) == AMY


@pytest.mark.parametrize(("claim", "seconds"), [("exp", -120), ("nbf", 121), ("iat", 121)])
def test_more_skew_is_refused(
    sign_in: MsalSignIn, entra: WiredEntra, clock: FixedClock, claim: str, seconds: int
) -> None:
    at = int(clock.now().timestamp()) + seconds
    assert _refusal(sign_in, entra, **{claim: at}) == claim


@pytest.mark.parametrize("nonce", [None, "another", 7])
def test_a_token_of_another_flow_is_refused(
    sign_in: MsalSignIn, entra: WiredEntra, nonce: object
) -> None:
    assert _refusal(sign_in, entra, nonce=nonce) == "nonce"


def test_the_nonce_itself_is_not_what_was_sent(sign_in: MsalSignIn, entra: WiredEntra) -> None:
    _, flow = sign_in.begin(tenant=TENANT)
    entra.sign(flow, nonce=flow["nonce"])
    with pytest.raises(Untrusted, match="nonce"):
        sign_in.complete(flow, callback_of(flow))


# --- forgeries msal lets through ------------------------------------------------------------------


def _complete_with(sign_in: MsalSignIn, entra: WiredEntra, forge: Any) -> str:
    _, flow = sign_in.begin(tenant=TENANT)
    entra.give(forge(entra.claims(flow["nonce"])))
    with pytest.raises(Untrusted) as refused:
        sign_in.complete(flow, callback_of(flow))
    return refused.value.code


def _part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_a_token_of_an_attackers_key_is_refused(sign_in: MsalSignIn, entra: WiredEntra) -> None:
    assert _complete_with(sign_in, entra, Issuer("attacker").sign) == "signature"
    unknown = Issuer("attacker", "key-9")
    assert _complete_with(sign_in, entra, unknown.sign) == "key_unknown"


def test_an_unsigned_token_is_refused(sign_in: MsalSignIn, entra: WiredEntra) -> None:
    code = _complete_with(
        sign_in, entra, lambda claims: f"{_part({'alg': 'none'})}.{_part(claims)}."
    )
    assert code in {"algorithm", "token_malformed"}


def test_hs256_by_the_public_key_is_refused(sign_in: MsalSignIn, entra: WiredEntra) -> None:
    def forge(claims: dict[str, Any]) -> str:
        signed = f"{_part({'alg': 'HS256', 'kid': 'key-1'})}.{_part(claims)}"
        mac = hmac.digest(entra.issuer.public_pem(), signed.encode(), "sha256")
        return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"

    assert _complete_with(sign_in, entra, forge) == "algorithm"


def test_keys_on_another_host_are_not_fetched(sign_in: MsalSignIn, entra: WiredEntra) -> None:
    _, flow = sign_in.begin(tenant=TENANT)
    entra.sign(flow)
    evil = {"jwks_uri": f"{entra.wire.url}.evil.example/keys"}
    entra.wire.answer("GET", discovery_path(TENANT), Reply(200, evil))
    with pytest.raises(Untrusted, match="jwks_elsewhere"):
        sign_in.complete(flow, callback_of(flow))
    assert entra.wire.requests(keys_path(TENANT)) == []


# --- what goes wrong on the way -------------------------------------------------------------------


@pytest.mark.parametrize("state", ["", "another", "é", "\ud800"])
def test_a_state_of_another_flow_is_denied_without_a_token_call(
    sign_in: MsalSignIn, entra: WiredEntra, state: str
) -> None:
    _, flow = sign_in.begin(tenant=TENANT)
    with pytest.raises(Denied, match="state_mismatch"):
        sign_in.complete(flow, {"code": "the-code", "state": state})
    with pytest.raises(Denied, match="state_mismatch"):
        sign_in.complete({}, {"code": "the-code", "state": state})
    assert entra.wire.requests(token_path(TENANT)) == []


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (
            {"error": "access_denied", "error_description": "AADSTS65004: User declined"},
            "AADSTS65004",
        ),
        ({"error": "access_denied"}, "access_denied"),
        ({"error": "<script>"}, "entra_error"),
        ({"error": ""}, "entra_error"),
        ({}, "code_missing"),
        ({"code": ""}, "code_missing"),
    ],
    ids=str,
)
def test_a_redirect_without_a_code_is_denied_by_name(
    sign_in: MsalSignIn, entra: WiredEntra, query: dict[str, str], code: str
) -> None:
    _, flow = sign_in.begin(tenant=TENANT)
    with pytest.raises(Denied) as denied:
        sign_in.complete(flow, {"state": flow["state"], **query})
    assert denied.value.code == code
    assert entra.wire.requests(token_path(TENANT)) == []


@pytest.mark.parametrize(
    ("reply", "error", "code"),
    [
        (
            Reply(
                400, {"error": "invalid_grant", "error_description": "AADSTS54005: redeemed CANARY"}
            ),
            Denied,
            "AADSTS54005",
        ),
        (
            Reply(401, {"error": "invalid_client", "error_description": "AADSTS700027: x"}),
            Denied,
            "AADSTS700027",
        ),
        (Reply(400, {"error": "invalid_grant"}), Denied, "invalid_grant"),
        (Reply(400, {"error": "temporarily_unavailable"}), TryLater, "temporarily_unavailable"),
        (Reply(500, {}), TryLater, "entra_failed"),
        (Reply(503, {}), TryLater, "entra_failed"),
        (Reply(200, "<html>"), TryLater, "entra_answer"),
        (Reply(200, b"{"), TryLater, "entra_answer"),
        (Reply(200, {"access_token": "a", "token_type": "Bearer"}), Untrusted, "id_token_missing"),
        (Reply(200, {"id_token": "garbage"}), TryLater, "entra_answer"),
        (DROPPED, TryLater, "connection_lost"),
    ],
)
def test_a_redemption_that_fails_says_what_kind_it_is(
    sign_in: MsalSignIn, entra: WiredEntra, reply: Reply, error: type[OutsideError], code: str
) -> None:
    _, flow = sign_in.begin(tenant=TENANT)
    entra.answer_token(reply)
    with pytest.raises(error) as failed:
        sign_in.complete(flow, callback_of(flow))
    assert failed.value.code == code
    assert "CANARY" not in f"{failed.value} {vars(failed.value)}"


@pytest.mark.parametrize("reply", [DROPPED, Reply(500, {}), Reply(200, "<html>")])
def test_keys_that_cannot_be_read_are_try_later(
    sign_in: MsalSignIn, entra: WiredEntra, reply: Reply
) -> None:
    _, flow = sign_in.begin(tenant=TENANT)
    entra.sign(flow)
    entra.wire.answer("GET", keys_path(TENANT), reply)
    with pytest.raises(TryLater):
        sign_in.complete(flow, callback_of(flow))


@pytest.mark.parametrize("reply", [DROPPED, Reply(503, {}), Reply(404, {}), Reply(200, "<html>")])
def test_a_discovery_that_cannot_be_read_is_try_later(
    sign_in: MsalSignIn, entra: WiredEntra, reply: Reply
) -> None:
    _, flow = sign_in.begin(tenant=TENANT)
    entra.sign(flow)
    entra.wire.answer("GET", discovery_path(TENANT), reply)
    with pytest.raises(TryLater) as failed:
        sign_in.complete(flow, callback_of(flow))
    assert failed.value.code.startswith("discovery_")


def test_more_tenants_than_are_remembered_only_cost_discovery(
    sign_in: MsalSignIn,
    entra: WiredEntra,
    applications: Applications,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("connector.adapters.entra.applications.MOST_TENANTS", 1)
    first = applications.of(TENANT)
    applications.of(OTHER_TENANT)
    assert applications.of(TENANT) is not first
    assert _signed_in(sign_in, entra) == AMY


def test_nothing_of_a_persons_tokens_is_kept(
    sign_in: MsalSignIn, entra: WiredEntra, applications: Applications
) -> None:
    assert _signed_in(sign_in, entra) == AMY
    application = applications.of(TENANT)
    for kind in msal.TokenCache.CredentialType.__dict__.values():
        if isinstance(kind, str) and not kind.startswith("connector"):
            assert list(application.token_cache.search(kind)) == []
    assert application.get_accounts() == []
    gc.collect()
    caches = [each for each in gc.get_objects() if isinstance(each, msal.TokenCache)]
    assert "never-kept" not in "".join(repr(vars(cache)) for cache in caches)


def test_one_application_serves_a_tenant(
    sign_in: MsalSignIn, entra: WiredEntra, applications: Applications
) -> None:
    assert applications.of(TENANT) is applications.of(TENANT)
    assert applications.of(TENANT) is not applications.of(OTHER_TENANT)


# --- the fake, held to the same -------------------------------------------------------------------


def test_the_fake_signs_the_person_in_and_refuses_what_the_adapter_refuses() -> None:
    fake = FakeSignIn()
    url, flow = fake.begin(tenant=TENANT)
    query = fake.sign_in(url, AMY)
    with pytest.raises(Denied, match="state_mismatch"):
        fake.complete(flow, query | {"state": "another"})
    with pytest.raises(Denied, match="access_denied"):
        fake.complete(flow, {"state": flow["state"], "error": "access_denied"})
    assert fake.complete(flow, query) == AMY
    with pytest.raises(Denied):
        fake.complete(flow, query)
    with pytest.raises(Untrusted, match="tenant"):
        fake.complete(flow, fake.sign_in(url, replace(AMY, tenant_id=OTHER_TENANT)))
