"""The keys directory: made once, kept whole, read once, rotated by adding."""

import base64
import hashlib
import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1
from tests.contracts.vault.conftest import MADE_AT
from tests.fakes.system import FixedClock

from connector.adapters.vault.directory import LOOK_AGAIN, Directory
from connector.adapters.vault.files import FileKeys, KeyStock
from connector.adapters.vault.generation import (
    add_assertion_keys,
    add_entra_key,
    add_notification_key,
    make_keys,
)
from connector.adapters.vault.key_maker import KeyRotation
from connector.ports.errors import Untrusted
from connector.ports.vault import KeyKind

CLAIMS = {"iss": "client", "sub": "client", "exp": 4_000_000_000}


def _contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir())}


@pytest.fixture
def own_directory(keys_directory: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    directory = tmp_path / "keys"
    directory.mkdir()
    for name, content in _contents(keys_directory).items():
        (directory / name).write_bytes(content)
    return directory


def test_only_the_owner_may_read_the_keys(keys_directory: Path) -> None:
    assert stat.S_IMODE(keys_directory.stat().st_mode) == 0o700
    modes = {stat.S_IMODE(path.stat().st_mode) for path in keys_directory.iterdir()}
    assert modes == {0o600}


def test_making_keys_again_changes_nothing(keys_directory: Path) -> None:
    before = _contents(keys_directory)
    make_keys(Directory(keys_directory), MADE_AT + timedelta(days=1))
    assert _contents(keys_directory) == before


@pytest.mark.parametrize(
    "lost",
    [
        "master.key",
        "entra-certificate.pem",
        "graph-0001-certificate.pem",
        "client-assertion-0001-rs384-key.pem",
        "client-assertion-0001-es384-key.pem",
    ],
)
def test_a_run_that_was_interrupted_is_finished_by_the_next(own_directory: Path, lost: str) -> None:
    kept = _contents(own_directory)
    (own_directory / lost).unlink()
    make_keys(Directory(own_directory), MADE_AT)
    made = _contents(own_directory)
    assert made.keys() == kept.keys()
    assert {name: made[name] for name in made if name != lost} == {
        name: kept[name] for name in kept if name != lost
    }
    FileKeys(own_directory, FixedClock(MADE_AT))


def test_two_processes_making_keys_at_once_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda _: make_keys(Directory(tmp_path / "keys"), MADE_AT), range(2)))
    before = _contents(tmp_path / "keys")
    FileKeys(tmp_path / "keys", FixedClock(MADE_AT))
    assert [name for name in before if name.startswith(".")] == []


def test_the_entra_certificate_belongs_to_its_key(keys: FileKeys, keys_directory: Path) -> None:
    pem = (keys_directory / "entra-certificate.pem").read_text()
    assert pem.startswith("-----BEGIN CERTIFICATE-----")
    assert keys.entra_credential["public_certificate"] == pem
    certificate = x509.load_pem_x509_certificate(pem.encode())
    signed = jwt.encode({"a": 1}, keys.entra_credential["private_key"], "PS256")
    assert jwt.decode(signed, certificate.public_key(), ["PS256"]) == {"a": 1}  # type: ignore[arg-type]  # RSA
    assert certificate.not_valid_before_utc <= MADE_AT < certificate.not_valid_after_utc


@pytest.mark.parametrize(
    "lost",
    [
        "master.key",
        "entra-key.pem",
        "entra-certificate.pem",
        "graph-0001-key.pem",
        "graph-0001-certificate.pem",
    ],
)
def test_a_missing_file_refuses_to_start(own_directory: Path, lost: str) -> None:
    (own_directory / lost).unlink()
    with pytest.raises(FileNotFoundError):
        FileKeys(own_directory, FixedClock(MADE_AT))


def test_an_empty_directory_refuses_to_start(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        FileKeys(tmp_path, FixedClock(MADE_AT))


@pytest.mark.parametrize(
    "name", ["master.key", "client-assertion-0001-rs384-key.pem", "graph-0001-key.pem"]
)
@pytest.mark.parametrize("content", [b"", b"not a key"])
def test_a_damaged_file_refuses_to_start(own_directory: Path, name: str, content: bytes) -> None:
    (own_directory / name).write_bytes(content)
    with pytest.raises(ValueError, match=r".+"):
        FileKeys(own_directory, FixedClock(MADE_AT))


# --- assertions -----------------------------------------------------------------------------------


def _published(keys: FileKeys, kid: str) -> Any:
    jwk = next(each for each in keys.assertions.public_keys()["keys"] if each["kid"] == kid)
    return jwt.PyJWK(jwk)


@pytest.mark.parametrize("algorithm", ["RS384", "ES384"])
def test_a_signed_assertion_verifies_by_the_published_key(keys: FileKeys, algorithm: str) -> None:
    token = keys.assertions.sign(CLAIMS, algorithm)
    header = jwt.get_unverified_header(token)
    assert (header["alg"], header["typ"], set(header)) == (algorithm, "JWT", {"alg", "typ", "kid"})
    assert jwt.decode(token, _published(keys, header["kid"]), algorithms=[algorithm]) == CLAIMS


@pytest.mark.parametrize("algorithm", ["RS256", "HS256", "none", ""])
def test_no_other_algorithm_signs(keys: FileKeys, algorithm: str) -> None:
    with pytest.raises(KeyError):
        keys.assertions.sign(CLAIMS, algorithm)


def test_the_published_set_is_public_and_names_its_use(keys: FileKeys) -> None:
    published = keys.assertions.public_keys()["keys"]
    assert {(each["kty"], each["alg"], each["use"]) for each in published} == {
        ("RSA", "RS384", "sig"),
        ("EC", "ES384", "sig"),
    }
    private_members = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
    assert not any(private_members & each.keys() for each in published)
    assert json.loads(json.dumps(published)) == published


def test_a_kid_is_the_rfc_7638_thumbprint(keys: FileKeys) -> None:
    members = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y")}
    for jwk in keys.assertions.public_keys()["keys"]:
        canonical = json.dumps(
            {name: jwk[name] for name in members[jwk["kty"]]}, separators=(",", ":")
        )
        digest = base64.urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest())
        assert jwk["kid"] == digest.rstrip(b"=").decode()


def test_the_published_set_cannot_be_changed_by_who_reads_it(keys: FileKeys) -> None:
    keys.assertions.public_keys()["keys"][0]["kid"] = "changed"
    keys.assertions.public_keys()["keys"].clear()
    assert "changed" not in json.dumps(keys.assertions.public_keys())
    assert len(keys.assertions.public_keys()["keys"]) == 2


# --- notifications --------------------------------------------------------------------------------


def _wrapped(certificate: str, key: bytes) -> bytes:
    public = x509.load_der_x509_certificate(base64.b64decode(certificate)).public_key()
    assert isinstance(public, RSAPublicKey)
    assert public.key_size == 2048
    graphs_choice = SHA1()  # noqa: S303 - microsoft.md 3.4
    return public.encrypt(key, OAEP(MGF1(graphs_choice), graphs_choice, None))


def test_a_key_wrapped_for_our_certificate_opens(keys: FileKeys) -> None:
    certificate_id, certificate = keys.notifications.certificate()
    assert 0 < len(certificate_id) <= 128
    assert (
        keys.notifications.decrypt_key(certificate_id, _wrapped(certificate, b"k" * 32))
        == b"k" * 32
    )


@pytest.mark.parametrize("certificate_id", ["", "unknown", "None", "../entra"])
def test_a_certificate_we_never_had_is_untrusted(keys: FileKeys, certificate_id: str) -> None:
    wrapped = _wrapped(keys.notifications.certificate()[1], b"k" * 32)
    with pytest.raises(Untrusted, match="certificate_unknown"):
        keys.notifications.decrypt_key(certificate_id, wrapped)


@pytest.mark.parametrize("wrapped", [b"", b"short", os.urandom(256), b"\xff" * 256, b"\x00" * 256])
def test_a_key_wrapped_for_somebody_else_is_untrusted(keys: FileKeys, wrapped: bytes) -> None:
    with pytest.raises(Untrusted, match="certificate_mismatch"):
        keys.notifications.decrypt_key(keys.notifications.certificate()[0], wrapped)


def test_after_a_rotation_the_newest_is_handed_out_and_the_old_still_opens(
    own_directory: Path,
) -> None:
    old_id, old_certificate = FileKeys(
        own_directory, FixedClock(MADE_AT)
    ).notifications.certificate()
    add_notification_key(Directory(own_directory), MADE_AT)
    rotated = FileKeys(own_directory, FixedClock(MADE_AT)).notifications
    assert rotated.certificate()[0] != old_id
    assert rotated.decrypt_key(old_id, _wrapped(old_certificate, b"k" * 32)) == b"k" * 32


TOMORROW = MADE_AT + timedelta(days=1)


def test_a_pair_that_was_looked_at_half_made_is_published_whole(own_directory: Path) -> None:
    """A look between the two files; another process signs with the second key later."""
    clock = FixedClock(MADE_AT)
    running = FileKeys(own_directory, clock).assertions
    add_assertion_keys(Directory(own_directory), TOMORROW)
    second = own_directory / "client-assertion-0002-es384-key.pem"
    second.rename(own_directory / "not yet")
    clock.advance(LOOK_AGAIN)
    assert len(running.public_keys()["keys"]) == 3
    (own_directory / "not yet").rename(second)
    clock.advance(LOOK_AGAIN)
    assert len(running.public_keys()["keys"]) == 4


def test_a_rotation_that_was_cut_off_is_finished_by_making_keys(own_directory: Path) -> None:
    """Or a day after its time nothing could sign by the other algorithm."""
    clock = FixedClock(MADE_AT)
    running = FileKeys(own_directory, clock).assertions
    add_assertion_keys(Directory(own_directory), TOMORROW)
    (own_directory / "client-assertion-0002-es384-key.pem").unlink()
    make_keys(Directory(own_directory), MADE_AT)
    clock.set(TOMORROW + timedelta(days=2))
    signed = [running.sign(CLAIMS, algorithm) for algorithm in ("RS384", "ES384")]
    published = {each["kid"] for each in running.public_keys()["keys"]}
    assert {jwt.get_unverified_header(token)["kid"] for token in signed} == published


def test_an_entra_rotation_that_was_cut_off_is_finished_by_making_keys(own_directory: Path) -> None:
    """Or no process would start again: a key without its certificate signs in nobody."""
    add_entra_key(Directory(own_directory), MADE_AT, TOMORROW)
    (own_directory / "entra-0002-certificate.pem").unlink()
    make_keys(Directory(own_directory), MADE_AT)
    assert FileKeys(own_directory, FixedClock(TOMORROW + timedelta(days=2))).entra_credential


@pytest.mark.parametrize("kind", KeyKind)
def test_new_files_are_for_the_owner_only(kind: KeyKind, own_directory: Path) -> None:
    for path in own_directory.iterdir():
        path.chmod(0o600)
    clock = FixedClock(MADE_AT)
    KeyRotation(KeyStock(Directory(own_directory)), clock).add(kind, MADE_AT, TOMORROW)
    assert {path.stat().st_mode & 0o777 for path in own_directory.iterdir()} == {0o600}


def test_rotations_number_the_keys_in_order(own_directory: Path) -> None:
    for _ in range(2):
        add_assertion_keys(Directory(own_directory))
    assert [
        path.name for path in sorted(own_directory.glob("client-assertion-*-es384-key.pem"))
    ] == [f"client-assertion-{number:04}-es384-key.pem" for number in (1, 2, 3)]
