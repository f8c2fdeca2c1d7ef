"""`ports.vault.Sealer` and `VisitSealer`: the vault's and the fakes, by the same tests."""

import base64
import os

import pytest
from tests.fakes.vault import FakeSealer, FakeVisitSealer

from connector.adapters.vault.sealing import MasterSealer, VisitKeySealer
from connector.ports.errors import Untrusted
from connector.ports.vault import Sealer, VisitSealer


@pytest.fixture(params=["vault", "fake"])
def sealer(request: pytest.FixtureRequest) -> Sealer:
    return MasterSealer(os.urandom(32)) if request.param == "vault" else FakeSealer()


@pytest.fixture(params=["vault", "fake"])
def visit_sealer(request: pytest.FixtureRequest) -> VisitSealer:
    vault = VisitKeySealer(MasterSealer(os.urandom(32)))
    return vault if request.param == "vault" else FakeVisitSealer()


@pytest.mark.parametrize("value", [b"", b"x", b"\x00\xff" * 5000])
def test_what_is_sealed_opens_again(sealer: Sealer, value: bytes) -> None:
    sealed = sealer.seal("cookie", value)
    assert sealer.open("cookie", sealed) == value
    assert sealed.replace("-", "").replace("_", "").isalnum()


def test_sealing_twice_shows_nothing_of_equality(sealer: Sealer) -> None:
    assert sealer.seal("cookie", b"same") != sealer.seal("cookie", b"same")


def test_another_purpose_does_not_open(sealer: Sealer) -> None:
    assert sealer.open("session", sealer.seal("cookie", b"value")) is None


@pytest.mark.parametrize(
    "sealed", ["", "A", "AA", "AAAA", "A" * 27, "A" * 200, "=", "é", "a b", "\ud800"]
)
def test_what_was_never_sealed_does_not_open(sealer: Sealer, sealed: str) -> None:
    assert sealer.open("cookie", sealed) is None


def test_no_changed_bit_opens(sealer: Sealer) -> None:
    raw = bytearray(_raw(sealer.seal("cookie", b"value")))
    for position in range(len(raw)):
        raw[position] ^= 1
        changed = base64.urlsafe_b64encode(bytes(raw)).decode().rstrip("=")
        assert sealer.open("cookie", changed) is None
        raw[position] ^= 1


def _raw(sealed: str) -> bytes:
    return base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))


@pytest.mark.parametrize(
    "change",
    [lambda s: s + "=", lambda s: s + "A", lambda s: s[:-1], lambda s: f" {s}", lambda s: f"{s}\n"],
)
def test_only_one_spelling_of_the_vaults_text_opens(change: object) -> None:
    vault = MasterSealer(os.urandom(32))
    sealed = vault.seal("cookie", b"value")
    assert vault.open("cookie", change(sealed)) is None  # type: ignore[operator]  # lambdas above


def test_another_master_key_does_not_open() -> None:
    sealed = MasterSealer(os.urandom(32)).seal("cookie", b"value")
    assert MasterSealer(os.urandom(32)).open("cookie", sealed) is None


def test_the_same_master_key_opens_in_another_process() -> None:
    master = os.urandom(32)
    sealed, hashed = (
        MasterSealer(master).seal("cookie", b"v"),
        MasterSealer(master).keyed_hash("visit", "a"),
    )
    assert MasterSealer(master).open("cookie", sealed) == b"v"
    assert MasterSealer(master).keyed_hash("visit", "a") == hashed


@pytest.mark.parametrize("length", [0, 16, 31, 33, 64])
def test_a_master_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        MasterSealer(b"k" * length)


def test_a_keyed_hash_is_43_characters_and_bound_to_its_purpose(sealer: Sealer) -> None:
    hashed = sealer.keyed_hash("environment 1", "csn 1")
    assert len(hashed) == 43
    assert hashed == sealer.keyed_hash("environment 1", "csn 1")
    others = {
        sealer.keyed_hash("environment 2", "csn 1"),
        sealer.keyed_hash("environment 1", "csn 2"),
        sealer.keyed_hash("environment 1", ""),
        sealer.keyed_hash("", "csn 1"),
    }
    assert len(others | {hashed}) == 5


def test_a_visit_key_seals_and_opens(visit_sealer: VisitSealer) -> None:
    key = visit_sealer.new_key()
    assert visit_sealer.open(key, visit_sealer.seal(key, b"200001234")) == b"200001234"
    assert visit_sealer.seal(key, b"same") != visit_sealer.seal(key, b"same")


def test_the_key_of_another_visit_does_not_open(visit_sealer: VisitSealer) -> None:
    sealed = visit_sealer.seal(visit_sealer.new_key(), b"value")
    with pytest.raises(Untrusted):
        visit_sealer.open(visit_sealer.new_key(), sealed)


@pytest.mark.parametrize("sealed", [b"", b"short", b"x" * 100])
def test_what_was_never_sealed_for_a_visit_does_not_open(
    visit_sealer: VisitSealer, sealed: bytes
) -> None:
    with pytest.raises(Untrusted):
        visit_sealer.open(visit_sealer.new_key(), sealed)


@pytest.mark.parametrize("wrapped_key", [b"", b"short", b"k" * 32, b"k" * 60])
def test_a_destroyed_key_opens_nothing(visit_sealer: VisitSealer, wrapped_key: bytes) -> None:
    sealed = visit_sealer.seal(visit_sealer.new_key(), b"value")
    with pytest.raises(Untrusted):
        visit_sealer.open(wrapped_key, sealed)


def test_a_visit_key_of_another_deployment_opens_nothing() -> None:
    ours, theirs = (VisitKeySealer(MasterSealer(os.urandom(32))) for _ in range(2))
    key = theirs.new_key()
    with pytest.raises(Untrusted, match="visit_key"):
        ours.open(key, theirs.seal(key, b"value"))


def test_a_sealed_cookie_is_no_visit_key() -> None:
    master = MasterSealer(os.urandom(32))
    cookie = _raw(master.seal("cookie", b"k" * 32))
    with pytest.raises(Untrusted, match="visit_key"):
        VisitKeySealer(master).open(cookie, b"x" * 40)
