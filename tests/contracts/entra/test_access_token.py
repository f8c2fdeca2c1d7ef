"""`EntraAccessTokens`: which tokens of Entra open the API, and whose they are (docs/api.md)."""

import base64
import json
from typing import Any

import pytest
from tests.fakes.access_tokens import FakeAccessTokens
from tests.fakes.issuer import Issuer
from tests.fakes.system import FixedClock
from tests.fakes.wire import DROPPED, Reply
from tests.fakes.wired_microsoft import (
    CLIENT_ID,
    OTHER_TENANT,
    PERSON,
    TEAMS_ADMINISTRATOR,
    TENANT,
    WiredEntra,
    discovery_path,
    keys_path,
)

from connector.adapters.entra.access_token import EntraAccessTokens
from connector.adapters.entra.discovery import Discovery
from connector.adapters.system.http import GuardedHttp
from connector.adapters.system.signed_tokens import PublishedKeys
from connector.domain.api_caller import SCOPE, AppRole, Caller, Needs
from connector.ports.access_tokens import AccessTokens
from connector.ports.errors import TryLater, Untrusted

PIPELINE = "cccccccc-0000-4000-8000-000000000003"


@pytest.fixture
def tokens(
    http: GuardedHttp, entra: WiredEntra, published_keys: PublishedKeys, clock: FixedClock
) -> EntraAccessTokens:
    return EntraAccessTokens(
        published_keys,
        Discovery(http, entra.wire.url, clock),
        login_url=entra.wire.url,
        client_id=CLIENT_ID,
        clock=clock,
    )


def of_person(entra: WiredEntra, **changes: Any) -> dict[str, Any]:
    """Claims of a good token of Amy's; a change to None leaves the claim out."""
    changes = {"scp": f"{SCOPE} profile", "azp": PIPELINE, "nonce": None} | changes
    return entra.claims("no flow", **changes)


def of_program(entra: WiredEntra, **changes: Any) -> dict[str, Any]:
    without = dict.fromkeys(("nonce", "preferred_username", "name", "wids", "acct"))
    mine = {"idtyp": "app", "azp": PIPELINE, "azpacr": "2", "roles": [AppRole.ADMIN.value]}
    return entra.claims("no flow", **without | mine | changes)


def code_of(tokens: AccessTokens, token: str) -> str:
    with pytest.raises(Untrusted) as refused:
        tokens.caller(token)
    return refused.value.code


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


# --- whose token it is ----------------------------------------------------------------------------


@pytest.mark.parametrize("audience", [CLIENT_ID, f"api://{CLIENT_ID}"])
def test_a_persons_token_says_who_they_are_and_what_they_let_the_client_do(
    tokens: EntraAccessTokens, entra: WiredEntra, audience: str
) -> None:
    caller = tokens.caller(entra.issuer.sign(of_person(entra, aud=audience, tenant_ctry="us")))
    assert caller.granted == {SCOPE, "profile"}
    assert not caller.is_application
    assert (caller.identity.tenant_id, caller.identity.object_id) == (TENANT, PERSON)
    assert caller.identity.directory_roles == {TEAMS_ADMINISTRATOR}
    assert caller.identity.country == "US"
    caller.require(Needs.CHANGE)


def test_a_programs_token_says_its_roles_and_which_client_it_is(
    tokens: EntraAccessTokens, entra: WiredEntra
) -> None:
    caller = tokens.caller(entra.issuer.sign(of_program(entra)))
    assert caller.is_application
    assert caller.granted == {AppRole.ADMIN}
    assert caller.identity.sign_in_name == f"application {PIPELINE}"
    caller.require(Needs.CHANGE)


@pytest.mark.parametrize("roles", [None, [], "Connector.Admin", [1, None], {"a": 1}])
def test_a_program_without_a_role_is_believed_and_may_nothing(
    tokens: EntraAccessTokens, entra: WiredEntra, roles: Any
) -> None:
    assert tokens.caller(entra.issuer.sign(of_program(entra, roles=roles))).granted == set()


def test_directory_roles_in_a_programs_token_give_it_nothing(
    tokens: EntraAccessTokens, entra: WiredEntra
) -> None:
    claims = of_program(entra, roles=None, wids=[TEAMS_ADMINISTRATOR])
    assert tokens.caller(entra.issuer.sign(claims)).identity.directory_roles == set()


def test_app_roles_of_a_person_are_no_directory_roles(
    tokens: EntraAccessTokens, entra: WiredEntra
) -> None:
    claims = of_person(entra, wids=[], roles=[AppRole.ADMIN.value])
    caller = tokens.caller(entra.issuer.sign(claims))
    assert caller.granted == {SCOPE, "profile"}
    assert caller.identity.directory_roles == set()


def test_a_client_that_is_no_word_is_not_written_anywhere(
    tokens: EntraAccessTokens, entra: WiredEntra
) -> None:
    claims = of_program(entra, azp="x\r\ny")
    assert tokens.caller(entra.issuer.sign(claims)).identity.sign_in_name == "application unknown"


def test_a_guests_token_says_so(tokens: EntraAccessTokens, entra: WiredEntra) -> None:
    assert tokens.caller(entra.issuer.sign(of_person(entra, acct=1))).identity.is_guest


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"aud": None}, "aud"),
        ({"aud": "00000003-0000-0000-c000-000000000000"}, "aud"),
        ({"aud": f"api://{CLIENT_ID}/"}, "aud"),
        ({"aud": [CLIENT_ID]}, "aud"),
        ({"iss": None}, "iss"),
        ({"iss": "https://sts.windows.net/11111111-1111-4111-8111-111111111111/"}, "iss"),
        ({"iss": f"https://login.example/{TENANT}/v2.0"}, "iss"),
        ({"tid": OTHER_TENANT}, "iss"),
        ({"tid": None}, "tid"),
        ({"tid": "common"}, "tid"),
        ({"ver": "1.0"}, "ver"),
        ({"ver": None}, "ver"),
        ({"oid": None}, "oid"),
        ({"oid": "../x"}, "oid"),
        ({"exp": 1}, "exp"),
        ({"exp": None}, "exp"),
        ({"nbf": 99999999999}, "nbf"),
        ({"iat": 99999999999}, "iat"),
        ({"scp": None}, "kind"),
        ({"scp": ["Configuration.ReadWrite"]}, "kind"),
        ({"idtyp": "app"}, "kind"),
    ],
)
def test_a_token_with_a_wrong_claim_opens_nothing(
    tokens: EntraAccessTokens, entra: WiredEntra, changes: dict[str, Any], code: str
) -> None:
    assert code_of(tokens, entra.issuer.sign(of_person(entra, **changes))) == code


def test_an_id_token_of_our_own_sign_in_is_no_access_token(
    tokens: EntraAccessTokens, entra: WiredEntra
) -> None:
    """It has the same issuer, audience, version, and even the roles."""
    claims = entra.claims("a flow", roles=[AppRole.ADMIN.value])
    assert code_of(tokens, entra.issuer.sign(claims)) == "kind"


def test_a_programs_token_without_idtyp_is_not_taken_for_one(
    tokens: EntraAccessTokens, entra: WiredEntra
) -> None:
    """The manifest must ask for the claim; without it an ID token with roles looks the same."""
    assert code_of(tokens, entra.issuer.sign(of_program(entra, idtyp=None))) == "kind"


def test_a_token_of_nobodys_key_is_refused(tokens: EntraAccessTokens, entra: WiredEntra) -> None:
    forger = Issuer("forger")
    assert code_of(tokens, forger.sign(of_person(entra))) == "signature"


def test_an_unsigned_token_is_refused(tokens: EntraAccessTokens, entra: WiredEntra) -> None:
    token = f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(of_person(entra))}."
    assert code_of(tokens, token) == "algorithm"


@pytest.mark.parametrize("token", ["x", "a.b.c", "a.b.c.d.e", "é", "\ud800.x.y", "." * 20_000])
def test_what_is_no_token_is_refused(tokens: EntraAccessTokens, token: str) -> None:
    assert code_of(tokens, token) == "token_malformed"


# --- what is asked of Entra -----------------------------------------------------------------------


def test_an_invented_tenant_causes_no_request_of_its_own(
    tokens: EntraAccessTokens, entra: WiredEntra
) -> None:
    invented = "99999999-9999-4999-8999-999999999999"
    claims = of_person(entra, tid=invented, iss=f"{entra.wire.url}/{invented}/v2.0")
    for _ in range(3):
        tokens.caller(entra.issuer.sign(claims))
    asked = [heard.path for heard in entra.wire.heard]
    assert asked == [discovery_path("organizations"), keys_path("organizations")]


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        (DROPPED, TryLater),
        (Reply(500, {}), TryLater),
        (Reply(200, {"jwks_uri": "https://elsewhere.example/keys"}), Untrusted),
    ],
)
def test_without_entras_discovery_nobody_is_believed(
    tokens: EntraAccessTokens, entra: WiredEntra, broken: Any, error: type[Exception]
) -> None:
    entra.wire.answer("GET", discovery_path("organizations"), broken)
    with pytest.raises(error):
        tokens.caller(entra.issuer.sign(of_person(entra)))


# --- the fake -------------------------------------------------------------------------------------


def test_the_fake_knows_whom_it_issued_tokens_to_and_nobody_else(
    tokens: EntraAccessTokens, entra: WiredEntra
) -> None:
    real = tokens.caller(entra.issuer.sign(of_person(entra)))
    fake = FakeAccessTokens()
    issued: Caller = fake.caller(fake.of_person(real.identity, SCOPE, "profile"))
    assert issued == real
    assert code_of(fake, "forged") == "signature"
