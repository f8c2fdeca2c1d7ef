"""What only a Key Vault does: versions, races, roles, throttling, keys that sign and never leave."""

import base64
import gzip
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import jwt
import pytest
from tests.builders.key_places import VaultLair, keys_of, rotate, rotation_of
from tests.contracts.vault.conftest import MADE_AT
from tests.fakes.managed_identity import IdentityDouble
from tests.fakes.wire import DROPPED, Reply, drip

from connector.adapters.azure.secrets import key_name, secret_name
from connector.adapters.azure.signing_keys import UNANNOUNCED
from connector.adapters.vault.assertions import RemoteKey
from connector.adapters.vault.generation import make_secrets
from connector.ports.errors import (
    BadAnswer,
    Denied,
    Gone,
    NotConnected,
    OutsideError,
    TryLater,
)
from connector.ports.key_places import KeyVersion
from connector.ports.vault import KeyKind, KeyState

TOMORROW = MADE_AT + timedelta(days=1)
RS384, ES384 = "client-assertion-rs384", "client-assertion-es384"


def kid_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


# --- names ----------------------------------------------------------------------------------------

NAMES = ["master.key", "master-0002.key", "entra-certificate.pem", "graph-0001-active-from.txt"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_a_secret_name_and_back(name: str) -> None:
    assert secret_name(name).replace("-", "").isalnum()
    assert key_name(secret_name(name)) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "x",
        "../master.key",
        "Master.key",
        "a--b.pem",
        "graph_1.pem",
        "a.b.key",
        "a" * 130 + ".key",
    ],
)
def test_a_name_that_could_not_be_turned_back_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a name of a key"):
        secret_name(name)


@pytest.mark.parametrize(
    "secret", ["tls", "MASTER--KEY", "a--b--key", "-x--key", "x--exe", "x---key"]
)
def test_secrets_of_others_are_none_of_ours(secret: str, filled_vault: VaultLair) -> None:
    filled_vault.double.put_secret(secret, "somebody else's")
    names = filled_vault.stock.place.used_names()
    assert all(secret_name(name) != secret for name in names)
    keys_of(filled_vault)


# --- only added, never overwritten ----------------------------------------------------------------


def test_init_adds_secrets_and_makes_no_assertion_key(vault_lair: VaultLair) -> None:
    make_secrets(vault_lair.stock.place, MADE_AT)
    assert set(vault_lair.double.secrets) == {
        "master--key",
        "entra-key--pem",
        "entra-certificate--pem",
        "graph-0001-key--pem",
        "graph-0001-certificate--pem",
    }
    assert vault_lair.double.count("keys/create") == 0
    keys_of(vault_lair)


def test_of_two_that_raced_the_older_is_the_truth_for_everybody(vault_lair: VaultLair) -> None:
    """Both looked, both saw nothing, both set."""
    double = vault_lair.double
    theirs = base64.b64encode(b"1" * 32).decode()
    double.before_set = lambda name: double.secrets or (double.put_secret(name, theirs) and None)
    vault_lair.stock.place.add("master.key", b"2" * 32)
    assert len(double.secrets["master--key"]) == 2
    assert vault_lair.stock.place.read("master.key") == b"1" * 32


def test_the_older_one_stays_the_truth_while_it_is_enabled(vault_lair: VaultLair) -> None:
    vault_lair.put("master.key", b"1" * 32)
    vault_lair.clock.advance(1)
    vault_lair.put("master.key", b"2" * 32)
    first, second = vault_lair.double.secrets["master--key"]
    assert vault_lair.stock.place.read("master.key") == b"1" * 32
    first.enabled = False
    assert vault_lair.stock.place.read("master.key") == b"2" * 32
    second.enabled = False
    with pytest.raises(FileNotFoundError):
        vault_lair.stock.place.read("master.key")


def test_processes_that_make_keys_at_once_agree(vault_lair: VaultLair) -> None:
    places = [vault_lair.stock.place for _ in range(3)]
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda place: make_secrets(place, MADE_AT), places))
    first, second = keys_of(vault_lair), keys_of(vault_lair)
    assert second.sealer.open("cookie", first.sealer.seal("cookie", b"v")) == b"v"
    assert second.entra_credential == first.entra_credential
    assert second.notifications.certificate() == first.notifications.certificate()


def test_a_disabled_secret_is_not_made_anew(filled_vault: VaultLair) -> None:
    filled_vault.take_away("entra-key.pem")
    make_secrets(filled_vault.stock.place, MADE_AT)
    assert len(filled_vault.double.secrets["entra-key--pem"]) == 1


def test_a_deleted_secret_that_waits_to_be_purged_is_refused(vault_lair: VaultLair) -> None:
    vault_lair.double.deleted.add("master--key")
    with pytest.raises(Denied, match="vault_deleted"):
        make_secrets(vault_lair.stock.place, MADE_AT)


def test_a_secret_that_is_no_master_key_refuses_to_start(filled_vault: VaultLair) -> None:
    filled_vault.double.put_secret("master-0002--key", "not base64!")
    with pytest.raises(ValueError, match=r".+"):
        keys_of(filled_vault)


# --- Key Vault counts its readers -----------------------------------------------------------------


def test_a_process_lists_once_for_each_kind_and_reads_no_value_again(
    filled_vault: VaultLair,
) -> None:
    keys = keys_of(filled_vault)
    for _ in range(3):
        filled_vault.double.operations.clear()
        filled_vault.clock.advance(filled_vault.stock.look_again)
        keys.sealer.seal("cookie", b"v")
        keys.notifications.certificate()
        assert keys.entra_credential
        keys.assertions.public_keys()
        # Five secrets are two pages of the double.
        assert filled_vault.double.operations == ["secrets/list"] * 6 + ["keys/list"] * 2


def test_between_looks_only_signatures_are_asked_for(filled_vault: VaultLair) -> None:
    keys = keys_of(filled_vault)
    keys.assertions.sign({"a": 1}, "RS384")
    filled_vault.double.operations.clear()
    filled_vault.clock.advance(filled_vault.stock.look_again - timedelta(seconds=1))
    keys.sealer.seal("cookie", b"v")
    keys.assertions.public_keys()
    keys.assertions.sign({"a": 1}, "RS384")
    keys.assertions.sign({"a": 1}, "RS384")
    assert filled_vault.double.operations == ["keys/sign"] * 2


def test_a_new_generation_is_read_once_and_the_old_ones_not_at_all(
    filled_vault: VaultLair,
) -> None:
    keys = keys_of(filled_vault)
    rotate(filled_vault, KeyKind.SEALING)
    filled_vault.double.operations.clear()
    filled_vault.clock.advance(filled_vault.stock.look_again)
    keys.sealer.seal("cookie", b"v")
    assert filled_vault.double.count("secrets/get") == 2  # the key, and its time


def test_a_process_nobody_asked_for_long_looks_before_it_answers(filled_vault: VaultLair) -> None:
    """Idle web workers must open what busy ones seal with a newer key, from the first request on."""
    idle = keys_of(filled_vault)
    rotate(filled_vault, KeyKind.SEALING)
    sealed = keys_of(filled_vault).sealer.seal("cookie", b"v")
    filled_vault.clock.advance(timedelta(hours=1))
    with ThreadPoolExecutor(8) as threads:
        opened = list(threads.map(lambda _: idle.sealer.open("cookie", sealed), range(8)))
    assert opened == [b"v"] * 8


def test_a_vault_that_is_away_is_not_asked_by_every_request(filled_vault: VaultLair) -> None:
    keys = keys_of(filled_vault)
    filled_vault.go_away()
    filled_vault.clock.advance(filled_vault.stock.look_again)
    filled_vault.double.heard.clear()
    for _ in range(5):
        keys.sealer.seal("cookie", b"v")
    assert len(filled_vault.double.heard) == 1


# --- what the vault answers -----------------------------------------------------------------------


def _error(status: int, inner: str = "", **headers: str) -> Reply:
    body: dict[str, Any] = {"error": {"code": "X", "message": "m", "innererror": {"code": inner}}}
    return Reply(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


ANSWERS = [
    (_error(400), Denied, "vault_http_400"),
    (_error(401), Denied, "vault_unauthorized"),
    (_error(403, "ForbiddenByRbac"), Denied, "vault_forbidden"),
    (_error(403, "ForbiddenByFirewall"), Denied, "vault_network"),
    (_error(403, "ForbiddenByConnection"), Denied, "vault_network"),
    (Reply(403, "<html>"), Denied, "vault_forbidden"),
    (_error(404), Gone, "vault_not_found"),
    (_error(409), Denied, "vault_deleted"),
    (_error(429, Retry_After="17"), TryLater, "vault_throttled"),
    (_error(500), TryLater, "vault_http_500"),
    (_error(503, Retry_After="600"), TryLater, "vault_http_503"),
    (Reply(200, b"not json"), BadAnswer, "vault_answer"),
    (Reply(200, b'{"value": 7}'), BadAnswer, "vault_answer"),
    (Reply(302, None, {"Location": "https://elsewhere.example/"}), BadAnswer, "vault_http_302"),
    (DROPPED, TryLater, "connection_lost"),
]


@pytest.mark.parametrize(("reply", "kind", "code"), ANSWERS, ids=lambda each: str(each)[:40])
def test_every_answer_is_an_error_that_says_whether_to_try_again(
    reply: Reply, kind: type[OutsideError], code: str, filled_vault: VaultLair
) -> None:
    place = filled_vault.stock.place
    place.names()
    filled_vault.double.heard.clear()
    filled_vault.double.faults.append(reply)
    with pytest.raises(kind) as failed:
        place.names()
    assert (type(failed.value), failed.value.code) == (kind, code)
    assert failed.value.host == "kv.vault.localhost"
    assert len(filled_vault.double.heard) == 1, "nothing is repeated behind our back"


def test_whoever_is_throttled_is_told_how_long_to_wait_and_does_not_sleep(
    filled_vault: VaultLair,
) -> None:
    place = filled_vault.stock.place
    filled_vault.double.faults.append(_error(429, Retry_After="17"))
    with pytest.raises(TryLater) as failed:
        place.names()
    assert failed.value.retry_after_seconds == 17


@pytest.mark.parametrize(
    ("missing", "call"),
    [
        ("secrets/list", lambda stock: stock.place.names()),
        ("secrets/get", lambda stock: stock.place.read("master.key")),
        ("secrets/set", lambda stock: stock.place.add("master-0002.key", b"k" * 32)),
        ("keys/list", lambda stock: stock.signing["RS384"].versions()),
        ("keys/create", lambda stock: stock.signing["ES384"].add(TOMORROW)),
    ],
    ids=["list", "get", "set", "list keys", "create key"],
)
def test_a_role_that_is_missing_is_denied(missing: str, call: Any, filled_vault: VaultLair) -> None:
    filled_vault.double.may.remove(missing)
    with pytest.raises(Denied, match="vault_forbidden"):
        call(filled_vault.stock)


def test_an_answer_that_was_compressed_unasked_is_read_once(filled_vault: VaultLair) -> None:
    place = filled_vault.stock.place
    place.names()
    body = gzip.compress(b'{"value": [], "nextLink": null}')
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    filled_vault.double.faults.append(Reply(200, body, headers))
    assert place.names() == set()


def test_a_name_that_does_not_resolve_says_so(filled_vault: VaultLair) -> None:
    vault = filled_vault.open_vault("https://kv.elsewhere.localhost", resolve=lambda *_: [])
    with pytest.raises(NotConnected, match="name_unknown"):
        vault.secrets.names()


def test_a_certificate_of_another_host_ends_it_before_anything_is_sent(
    filled_vault: VaultLair,
) -> None:
    vault = filled_vault.open_vault(f"https://kv.other.localhost:{filled_vault.double.port}")
    with pytest.raises(TryLater, match="certificate"):
        vault.secrets.names()
    assert filled_vault.double.heard == []


# --- keys that sign -------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["RS384", "ES384"])
def test_an_assertion_signed_in_the_vault_verifies_by_the_published_key(
    algorithm: str, filled_vault: VaultLair
) -> None:
    keys = keys_of(filled_vault)
    claims = {"iss": "client", "aud": "https://ehr.example/token", "exp": 4_000_000_000}
    token = keys.assertions.sign(claims, algorithm)
    header = jwt.get_unverified_header(token)
    assert header == {"alg": algorithm, "typ": "JWT", "kid": header["kid"]}
    jwk = next(k for k in keys.assertions.public_keys()["keys"] if k["kid"] == header["kid"])
    assert jwk.keys() & {"d", "p", "q", "key_ops"} == set()
    assert jwt.decode(token, jwt.PyJWK(jwk), [algorithm], options={"verify_aud": False}) == claims


@pytest.mark.parametrize("algorithm", ["RS256", "HS256", "none", ""])
def test_no_other_algorithm_signs(algorithm: str, filled_vault: VaultLair) -> None:
    with pytest.raises(KeyError):
        keys_of(filled_vault).assertions.sign({}, algorithm)


@pytest.mark.parametrize(
    ("reply", "code"),
    [(reply, code) for reply, _, code in ANSWERS],
    ids=lambda each: str(each)[:40],
)
def test_a_signature_that_is_not_to_be_had_is_a_matter_of_later(
    reply: Reply, code: str, filled_vault: VaultLair
) -> None:
    """Whoever launches sees "try again", and a write-back is kept: neither can grant a role."""
    keys = keys_of(filled_vault)
    filled_vault.double.faults.append(reply)
    with pytest.raises(TryLater) as failed:
        keys.assertions.sign({}, "RS384")
    assert failed.value.code == code
    assert not isinstance(failed.value, NotConnected), "or the launch would wait twice"


def test_a_version_that_is_disabled_neither_signs_nor_is_published(
    filled_vault: VaultLair,
) -> None:
    filled_vault.double.put_key(RS384, "RSA-HSM", not_before=int(MADE_AT.timestamp()))
    filled_vault.double.keys[RS384][0].enabled = False
    keys = keys_of(filled_vault)
    kids = {key["kid"] for key in keys.assertions.public_keys()["keys"]}
    assert len(kids) == 2
    assert kid_of(keys.assertions.sign({}, "RS384")) in kids


def test_a_version_that_has_expired_is_as_good_as_disabled(filled_vault: VaultLair) -> None:
    filled_vault.double.put_key(RS384, "RSA-HSM", expires=int(MADE_AT.timestamp()))
    assert len(keys_of(filled_vault).assertions.public_keys()["keys"]) == 2


def test_a_version_somebody_made_by_hand_is_published_a_day_before_it_signs(
    filled_vault: VaultLair,
) -> None:
    """The vault's own rotation policy and the portal's New Version say nothing of when."""
    keys = keys_of(filled_vault)
    old = kid_of(keys.assertions.sign({}, "ES384"))
    filled_vault.double.put_key(ES384, "EC-HSM")
    filled_vault.clock.advance(filled_vault.stock.look_again)
    assert len(keys.assertions.public_keys()["keys"]) == 3
    assert kid_of(keys.assertions.sign({}, "ES384")) == old
    filled_vault.clock.set(MADE_AT + UNANNOUNCED)
    assert kid_of(keys.assertions.sign({}, "ES384")) != old


def test_a_rotation_that_was_cut_off_leaves_the_other_key_as_it_was(
    filled_vault: VaultLair,
) -> None:
    """Each key of the vault rotates by itself: nothing waits for the other half."""
    keys = keys_of(filled_vault)
    filled_vault.double.put_key(RS384, "RSA-HSM", not_before=int(TOMORROW.timestamp()))
    filled_vault.clock.set(TOMORROW + timedelta(days=3))
    published = {key["kid"] for key in keys.assertions.public_keys()["keys"]}
    signed = {kid_of(keys.assertions.sign({}, name)) for name in ("RS384", "ES384")}
    assert signed == published


def test_a_rotated_key_is_of_the_same_kind_as_before(filled_vault: VaultLair) -> None:
    rotate(filled_vault, KeyKind.ASSERTIONS, TOMORROW)
    for name, kty in ((RS384, "RSA-HSM"), (ES384, "EC-HSM")):
        first, second = filled_vault.double.keys[name]
        assert (second.kty, second.operations) == (kty, first.operations)
        assert second.not_before == int(TOMORROW.timestamp())


def test_a_software_key_stays_one(vault_lair: VaultLair) -> None:
    for name, kty in ((RS384, "RSA"), (ES384, "EC")):
        vault_lair.double.keys[name] = []
        vault_lair.double.put_key(name, kty)
    rotation = rotation_of(vault_lair)
    assert rotation.add(KeyKind.ASSERTIONS, MADE_AT, TOMORROW).state is KeyState.COMING
    assert [v.kty for v in vault_lair.double.keys[RS384]] == ["RSA", "RSA"]


@pytest.mark.parametrize("unknown_is_empty", [True, False])
def test_keys_that_pulumi_has_not_made_yet_are_missing(
    filled_vault: VaultLair, *, unknown_is_empty: bool
) -> None:
    filled_vault.double.keys.clear()
    filled_vault.double.unknown_is_empty = unknown_is_empty
    with pytest.raises(FileNotFoundError, match=RS384):
        keys_of(filled_vault)
    with pytest.raises(FileNotFoundError, match=RS384):
        filled_vault.stock.signing["RS384"].add(TOMORROW)


def test_a_key_on_another_curve_refuses_to_start(filled_vault: VaultLair) -> None:
    filled_vault.double.keys[ES384] = filled_vault.double.keys[RS384]
    with pytest.raises(BadAnswer, match="vault_answer"):
        keys_of(filled_vault)


# --- tokens ---------------------------------------------------------------------------------------


def test_the_token_is_of_the_vaults_own_resource(
    filled_vault: VaultLair, identity_double: IdentityDouble
) -> None:
    keys_of(filled_vault)
    assert [lent.resource for lent in identity_double.lent] == [filled_vault.double.resource]


@pytest.mark.parametrize("resource", ["https://attacker.example", "https://localhost", "nonsense"])
def test_a_vault_that_asks_for_a_token_of_somebody_else_gets_none(
    resource: str, filled_vault: VaultLair, identity_double: IdentityDouble
) -> None:
    """The SDK's check of the challenge stays on: tokens of other services are worth stealing."""
    filled_vault.double.resource = resource
    with pytest.raises(BadAnswer, match="vault_answer"):
        filled_vault.stock.place.names()
    assert identity_double.lent == []
    assert all("authorization" not in heard.headers for heard in filled_vault.double.heard)


def test_a_revoked_token_is_replaced_at_the_next_call(
    filled_vault: VaultLair, identity_double: IdentityDouble
) -> None:
    place = filled_vault.stock.place
    place.names()
    identity_double.revoke()
    with pytest.raises(Denied, match="vault_unauthorized"):
        place.names()
    assert place.names()
    assert [lent.value for lent in identity_double.lent] == ["token-1", "token-2"]


def test_a_challenge_with_claims_is_met_with_a_new_token(
    filled_vault: VaultLair, identity_double: IdentityDouble
) -> None:
    place = filled_vault.stock.place
    place.names()
    identity_double.revoke()
    claims = base64.b64encode(b'{"access_token":{"nbf":{"essential":true}}}').decode()
    revoked = f'Bearer authorization="https://login.example/", error="insufficient_claims", claims="{claims}"'
    filled_vault.double.faults.append(Reply(401, None, {"WWW-Authenticate": revoked}))
    assert place.names()


def test_threads_that_need_the_first_token_fetch_one(
    filled_vault: VaultLair, identity_double: IdentityDouble
) -> None:
    stock = filled_vault.stock
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: stock.place.names(), range(8)))
    assert len(identity_double.lent) == 1


def test_nothing_secret_is_logged_even_at_debug(
    filled_vault: VaultLair, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    keys = keys_of(filled_vault)
    keys.assertions.sign({"sub": "client"}, "RS384")
    filled_vault.double.faults.append(Reply(500, {"error": {"code": "x", "message": "oops"}}))
    with pytest.raises(TryLater):
        filled_vault.stock.place.names()
    told = caplog.text
    assert "token-1" not in told
    assert not [v for vs in filled_vault.double.secrets.values() for v in vs if v.value in told]
    assert "azure" not in {record.name.split(".")[0] for record in caplog.records}


# --- time -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reply", [drip(b'{"value": []}', 0.2), drip(b"", 0.0)], ids=["drip", "cut"]
)
def test_a_vault_that_drips_ends_within_the_budget(
    reply: Reply, filled_vault: VaultLair, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = filled_vault.stock.place
    place.names()
    monkeypatch.setattr("connector.adapters.azure.secrets.LOOK_SECONDS", 0.5)
    filled_vault.double.faults.append(reply)
    began = time.monotonic()
    with pytest.raises(OutsideError):
        place.names()
    assert time.monotonic() - began < 1.5


def test_token_challenge_and_answer_share_one_budget(
    filled_vault: VaultLair, identity_double: IdentityDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them in time would be too late together."""
    monkeypatch.setattr("connector.adapters.azure.secrets.LOOK_SECONDS", 0.5)
    body = b'{"access_token": "x", "expires_on": "9999999999"}'
    identity_double.faults.append(drip(body, pause_seconds=0.01))
    filled_vault.double.faults += [challenge_of(filled_vault), drip(b'{"value": []}', 0.2)]
    began = time.monotonic()
    with pytest.raises(TryLater, match="timeout"):
        filled_vault.stock.place.names()
    assert time.monotonic() - began < 1.5


def challenge_of(lair: VaultLair) -> Reply:
    resource = lair.double.resource
    header = f'Bearer authorization="https://login.example/t", resource="{resource}"'
    return Reply(401, None, {"WWW-Authenticate": header})


def test_an_expired_token_is_never_sent(
    filled_vault: VaultLair, identity_double: IdentityDouble
) -> None:
    """The SDK's own idea of what is fresh is not asked."""
    place = filled_vault.stock.place
    place.names()
    filled_vault.clock.advance(identity_double.lifetime_seconds)
    filled_vault.double.heard.clear()
    place.names()
    sent = {heard.headers.get("authorization") for heard in filled_vault.double.heard}
    assert sent == {"Bearer token-2"}


class NobodyThere:
    """Implements `ports.key_places.SigningKey` as far as it is asked."""

    def sign(self, version: KeyVersion, digest: bytes) -> bytes:
        raise NotConnected("no_connection", host="kv.example")


def test_a_vault_nobody_connects_to_is_not_tried_twice_by_the_launch() -> None:
    """What did not connect may be sent again, and a code's exchange is: not with this wait in it."""
    jwk = {"kid": "k"}
    key = RemoteKey("ES384", NobodyThere(), KeyVersion(1, "v", None), jwk)  # type: ignore[arg-type]
    with pytest.raises(TryLater, match="no_connection") as failed:
        key.sign({})
    assert type(failed.value) is TryLater
