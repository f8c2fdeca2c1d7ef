"""Rotation under a running process: published first, used later, accepted still (case 18)."""

import base64
import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import jwt
import pytest
from cryptography import x509
from tests.contracts.vault.conftest import MADE_AT
from tests.fakes.system import FixedClock

from connector.adapters.vault.files import FileKeys
from connector.adapters.vault.generation import (
    add_assertion_keys,
    add_master_key,
    add_notification_key,
    make_keys,
)
from connector.adapters.vault.key_maker import KeyDirectory
from connector.ports.errors import Untrusted
from connector.ports.vault import KeyKind, KeyState

TOMORROW = MADE_AT + timedelta(days=1)
A_LOOK = timedelta(seconds=5)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(MADE_AT)


@pytest.fixture
def directory(keys_directory: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(keys_directory, tmp_path / "keys"))


@pytest.fixture
def running(directory: Path, clock: FixedClock) -> FileKeys:
    """The keys of a process that was started before the rotation."""
    return FileKeys(directory, clock)


def kid_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def published(keys: FileKeys) -> set[str]:
    return {each["kid"] for each in keys.assertions.public_keys()["keys"]}


def signing(keys: FileKeys, algorithm: str = "ES384") -> str:
    return kid_of(keys.assertions.sign({"iss": "c"}, algorithm))


def test_a_new_key_is_published_to_ehrs_before_it_signs(
    directory: Path, running: FileKeys, clock: FixedClock
) -> None:
    old = signing(running)
    add_assertion_keys(directory, TOMORROW)
    clock.advance(A_LOOK)
    assert len(published(running)) == 4
    assert signing(running) == old


def test_when_its_time_comes_it_signs_without_a_restart(
    directory: Path, running: FileKeys, clock: FixedClock
) -> None:
    old = {signing(running, algorithm) for algorithm in ("RS384", "ES384")}
    add_assertion_keys(directory, TOMORROW)
    clock.set(TOMORROW)
    new = {signing(running, algorithm) for algorithm in ("RS384", "ES384")}
    assert new.isdisjoint(old)
    assert new | old == published(running)


def test_a_pair_that_was_looked_at_half_made_is_published_whole(
    directory: Path, running: FileKeys, clock: FixedClock
) -> None:
    """A look between the two files; another process signs with the second key later."""
    add_assertion_keys(directory, TOMORROW)
    second = directory / "client-assertion-0002-es384-key.pem"
    second.rename(directory / "not yet")
    clock.advance(A_LOOK)
    assert len(published(running)) == 3
    (directory / "not yet").rename(second)
    clock.advance(A_LOOK)
    assert len(published(running)) == 4


def test_a_rotation_that_was_cut_off_is_finished_by_making_keys(
    directory: Path, running: FileKeys, clock: FixedClock
) -> None:
    """Or a day after its time nothing could sign by the other algorithm."""
    add_assertion_keys(directory, TOMORROW)
    (directory / "client-assertion-0002-es384-key.pem").unlink()
    make_keys(directory, MADE_AT)
    clock.set(TOMORROW + timedelta(days=2))
    assert {signing(running, algorithm) for algorithm in ("RS384", "ES384")} == published(running)


def test_the_former_key_is_withdrawn_a_day_after_it_was_replaced(
    directory: Path, running: FileKeys, clock: FixedClock
) -> None:
    old = signing(running)
    add_assertion_keys(directory, TOMORROW)
    clock.set(TOMORROW + timedelta(hours=23, minutes=59))
    assert old in published(running)
    clock.set(TOMORROW + timedelta(hours=24))
    assert old not in published(running)
    assert signing(running) in published(running)


def test_a_key_that_was_taken_away_is_withdrawn_at_once(
    directory: Path, running: FileKeys, clock: FixedClock
) -> None:
    stolen = signing(running)
    add_assertion_keys(directory, MADE_AT)
    for path in directory.glob("client-assertion-0001-*"):
        path.unlink()
    clock.advance(A_LOOK)
    assert stolen not in published(running)
    assert signing(running) in published(running)


def test_a_later_rotation_overtakes_one_that_waits(
    directory: Path, running: FileKeys, clock: FixedClock
) -> None:
    add_assertion_keys(directory, TOMORROW)
    add_assertion_keys(directory, MADE_AT)
    clock.advance(A_LOOK)
    urgent = signing(running)
    clock.set(TOMORROW + A_LOOK)
    assert signing(running) == urgent


def test_the_directory_is_not_read_again_within_seconds(
    directory: Path, running: FileKeys, clock: FixedClock
) -> None:
    add_assertion_keys(directory, MADE_AT)
    clock.advance(A_LOOK - timedelta(milliseconds=1))
    assert len(published(running)) == 2


def _half_a_certificate(directory: Path) -> None:
    (directory / "graph-0002-key.pem").write_bytes((directory / "entra-key.pem").read_bytes())


def _damaged_key(directory: Path) -> None:
    (directory / "graph-0002-key.pem").write_text("not a key")


def _no_directory(directory: Path) -> None:
    directory.rename(directory.with_name("away"))


@pytest.mark.parametrize("break_it", [_half_a_certificate, _damaged_key, _no_directory])
def test_what_is_known_goes_on_while_the_directory_is_broken(
    break_it: Callable[[Path], None], directory: Path, running: FileKeys, clock: FixedClock
) -> None:
    before = running.notifications.certificate()
    break_it(directory)
    clock.advance(A_LOOK)
    assert running.notifications.certificate() == before


def test_a_half_written_generation_is_found_when_it_is_whole(
    directory: Path, running: FileKeys, clock: FixedClock
) -> None:
    before = running.notifications.certificate()
    _half_a_certificate(directory)
    clock.advance(A_LOOK)
    assert running.notifications.certificate() == before
    make_keys(directory, MADE_AT)
    clock.advance(A_LOOK)
    assert running.notifications.certificate() != before


def test_new_subscriptions_use_the_new_certificate_from_its_time_on(
    directory: Path, running: FileKeys, clock: FixedClock
) -> None:
    old, _ = running.notifications.certificate()
    add_notification_key(directory, MADE_AT, TOMORROW)
    clock.advance(A_LOOK)
    assert running.notifications.certificate()[0] == old
    clock.set(TOMORROW)
    new, certificate = running.notifications.certificate()
    assert new != old
    assert x509.load_der_x509_certificate(base64.b64decode(certificate))


# --- sealing --------------------------------------------------------------------------------------


def test_after_a_rotation_the_new_key_seals_and_the_old_one_opens(
    directory: Path, running: FileKeys, clock: FixedClock
) -> None:
    before = running.sealer.seal("cookie", b"old")
    add_master_key(directory, TOMORROW)
    clock.set(TOMORROW)
    after = running.sealer.seal("cookie", b"new")
    assert running.sealer.open("cookie", before) == b"old"
    assert running.sealer.open("cookie", after) == b"new"
    (directory / "master-0002.key").unlink()
    assert FileKeys(directory, clock).sealer.open("cookie", after) is None


def test_every_process_opens_with_a_key_before_any_seals_with_it(
    directory: Path, running: FileKeys, clock: FixedClock
) -> None:
    add_master_key(directory, TOMORROW)
    others = FileKeys(directory, FixedClock(TOMORROW))
    clock.advance(A_LOOK)
    assert running.sealer.open("cookie", others.sealer.seal("cookie", b"v")) == b"v"


def test_what_is_found_by_its_hash_is_found_after_a_rotation(
    directory: Path, running: FileKeys, clock: FixedClock
) -> None:
    before = running.sealer.keyed_hash("visit", "csn 1")
    add_master_key(directory, MADE_AT)
    clock.advance(A_LOOK)
    assert running.sealer.keyed_hash("visit", "csn 1") == before


def test_a_visit_of_before_the_rotation_is_written_back_after_it(
    directory: Path, running: FileKeys, clock: FixedClock
) -> None:
    key = running.visit_sealer.new_key()
    sealed = running.visit_sealer.seal(key, b"conference")
    add_master_key(directory, MADE_AT)
    clock.advance(A_LOOK)
    assert running.visit_sealer.open(key, sealed) == b"conference"


def test_a_master_key_that_was_taken_away_opens_nothing_and_is_not_made_again(
    directory: Path, running: FileKeys, clock: FixedClock
) -> None:
    cookie, key = running.sealer.seal("cookie", b"old"), running.visit_sealer.new_key()
    add_master_key(directory, MADE_AT)
    (directory / "master.key").unlink()
    make_keys(directory, MADE_AT)
    clock.advance(A_LOOK)
    assert not (directory / "master.key").exists()
    assert running.sealer.open("cookie", cookie) is None
    with pytest.raises(Untrusted, match="visit_key"):
        running.visit_sealer.open(key, b"x" * 40)


# --- what operators see ---------------------------------------------------------------------------


@pytest.fixture
def maker(directory: Path, clock: FixedClock) -> KeyDirectory:
    return KeyDirectory(directory, clock)


def states(maker: KeyDirectory, clock: FixedClock, kind: KeyKind) -> list[KeyState]:
    return [g.state for g in maker.generations(clock.now()) if g.kind is kind]


@pytest.mark.parametrize("kind", KeyKind)
def test_a_generation_comes_is_used_and_is_former(
    kind: KeyKind, maker: KeyDirectory, clock: FixedClock
) -> None:
    made = maker.add(kind, MADE_AT, TOMORROW)
    assert (made.number, made.state, made.active_from) == (2, KeyState.COMING, TOMORROW)
    assert states(maker, clock, kind) == [KeyState.IN_USE, KeyState.COMING]
    clock.set(TOMORROW)
    assert states(maker, clock, kind) == [KeyState.FORMER, KeyState.IN_USE]


def test_the_other_kinds_are_left_alone(maker: KeyDirectory, clock: FixedClock) -> None:
    maker.add(KeyKind.SEALING, MADE_AT, TOMORROW)
    assert [(g.kind, g.number) for g in maker.generations(clock.now()) if g.number > 1] == [
        (KeyKind.SEALING, 2)
    ]


def test_the_list_names_keys_and_tells_nothing_of_them(
    directory: Path, running: FileKeys, maker: KeyDirectory, clock: FixedClock
) -> None:
    listed = {g.kind: g.ids for g in maker.generations(clock.now())}
    assert set(listed[KeyKind.ASSERTIONS]) == published(running)
    assert listed[KeyKind.NOTIFICATIONS] == (running.notifications.certificate()[0],)
    secret = (directory / "master.key").read_bytes()
    assert secret.hex() not in json.dumps(listed)
    assert len(listed[KeyKind.SEALING][0]) == 16


def test_entra_is_met_with_the_new_certificate_from_its_time_on(
    running: FileKeys, maker: KeyDirectory, clock: FixedClock
) -> None:
    old = dict(running.entra_credential)
    maker.add(KeyKind.ENTRA, MADE_AT, TOMORROW)
    clock.advance(A_LOOK)
    assert running.entra_credential == old
    clock.set(TOMORROW)
    assert running.entra_credential["public_certificate"] != old["public_certificate"]
    assert running.entra_credential["private_key"] != old["private_key"]


def test_a_number_is_never_used_twice(directory: Path, maker: KeyDirectory) -> None:
    maker.add(KeyKind.SEALING, MADE_AT, TOMORROW)
    (directory / "master-0002.key").unlink()
    assert maker.add(KeyKind.SEALING, MADE_AT, TOMORROW).number == 3


@pytest.mark.parametrize("kind", KeyKind)
def test_new_files_are_for_the_owner_only(
    kind: KeyKind, directory: Path, maker: KeyDirectory
) -> None:
    maker.add(kind, MADE_AT, TOMORROW)
    assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o600}
