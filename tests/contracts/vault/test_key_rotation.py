"""Rotation under a running process: published first, used later, accepted still (case 18).

Every test runs on a directory and on a Key Vault.
"""

import base64
import json
from collections.abc import Callable
from datetime import timedelta

import jwt
import pytest
from cryptography import x509
from tests.builders.key_places import KeyLair, keys_of, rotate, rotation_of
from tests.contracts.vault.conftest import MADE_AT

from connector.adapters.vault.files import Keys
from connector.adapters.vault.generation import CERTIFICATE_LIFE, make_secrets
from connector.ports.errors import OutsideError, Untrusted
from connector.ports.vault import CERTIFIED, KeyCertificate, KeyKind, KeyState

TOMORROW = MADE_AT + timedelta(days=1)


@pytest.fixture
def running(lair: KeyLair) -> Keys:
    """The keys of a process that was started before the rotation."""
    return keys_of(lair)


def pass_a_look(lair: KeyLair) -> None:
    lair.clock.advance(lair.stock.look_again)


def kid_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def published(keys: Keys) -> set[str]:
    return {each["kid"] for each in keys.assertions.public_keys()["keys"]}


def signing(keys: Keys, algorithm: str = "ES384") -> str:
    return kid_of(keys.assertions.sign({"iss": "c"}, algorithm))


def test_a_new_key_is_published_to_ehrs_before_it_signs(lair: KeyLair, running: Keys) -> None:
    old = signing(running)
    rotate(lair, KeyKind.ASSERTIONS, TOMORROW)
    pass_a_look(lair)
    assert len(published(running)) == 4
    assert signing(running) == old


def test_when_its_time_comes_it_signs_without_a_restart(lair: KeyLair, running: Keys) -> None:
    old = {signing(running, algorithm) for algorithm in ("RS384", "ES384")}
    rotate(lair, KeyKind.ASSERTIONS, TOMORROW)
    lair.clock.set(TOMORROW)
    new = {signing(running, algorithm) for algorithm in ("RS384", "ES384")}
    assert new.isdisjoint(old)
    assert new | old == published(running)


def test_the_former_key_is_withdrawn_a_day_after_it_was_replaced(
    lair: KeyLair, running: Keys
) -> None:
    old = signing(running)
    rotate(lair, KeyKind.ASSERTIONS, TOMORROW)
    lair.clock.set(TOMORROW + timedelta(hours=23, minutes=59))
    assert old in published(running)
    lair.clock.set(TOMORROW + timedelta(hours=24))
    assert old not in published(running)
    assert signing(running) in published(running)


def test_a_key_that_was_taken_away_is_withdrawn_at_once(lair: KeyLair, running: Keys) -> None:
    stolen = signing(running)
    rotate(lair, KeyKind.ASSERTIONS)
    lair.take_away_assertions(1)
    pass_a_look(lair)
    assert stolen not in published(running)
    assert signing(running) in published(running)


def test_a_later_rotation_overtakes_one_that_waits(lair: KeyLair, running: Keys) -> None:
    rotate(lair, KeyKind.ASSERTIONS, TOMORROW)
    rotate(lair, KeyKind.ASSERTIONS)
    pass_a_look(lair)
    urgent = signing(running)
    lair.clock.set(TOMORROW)
    assert signing(running) == urgent


def test_the_place_is_not_looked_at_again_within_seconds(lair: KeyLair, running: Keys) -> None:
    rotate(lair, KeyKind.ASSERTIONS)
    lair.clock.advance(lair.stock.look_again - timedelta(milliseconds=1))
    assert len(published(running)) == 2


def _half_a_certificate(lair: KeyLair) -> None:
    lair.put("graph-0002-key.pem", lair.contents()["entra-key.pem"])


def _damaged_key(lair: KeyLair) -> None:
    lair.put("graph-0002-key.pem", b"not a key")


def _unreadable_time(lair: KeyLair) -> None:
    rotate(lair, KeyKind.NOTIFICATIONS, TOMORROW)
    lair.take_away("graph-0002-key.pem")
    lair.put("graph-0003-active-from.txt", b"soon")
    lair.put("graph-0003-key.pem", lair.contents()["graph-0001-key.pem"])
    lair.put("graph-0003-certificate.pem", lair.contents()["graph-0001-certificate.pem"])


def _away(lair: KeyLair) -> None:
    lair.go_away()


@pytest.mark.parametrize("break_it", [_half_a_certificate, _damaged_key, _unreadable_time, _away])
def test_what_is_known_goes_on_while_the_place_is_broken(
    break_it: Callable[[KeyLair], None], lair: KeyLair, running: Keys
) -> None:
    before = running.notifications.certificate()
    break_it(lair)
    pass_a_look(lair)
    assert running.notifications.certificate() == before
    assert running.sealer.open("cookie", running.sealer.seal("cookie", b"v")) == b"v"
    assert len(published(running)) == 2


def test_a_place_that_is_back_is_looked_at_again(lair: KeyLair, running: Keys) -> None:
    before = running.notifications.certificate()
    rotate(lair, KeyKind.NOTIFICATIONS)
    lair.go_away()
    pass_a_look(lair)
    assert running.notifications.certificate() == before
    lair.come_back()
    pass_a_look(lair)
    assert running.notifications.certificate() != before


def test_a_half_written_generation_is_found_when_it_is_whole(lair: KeyLair, running: Keys) -> None:
    before = running.notifications.certificate()
    _half_a_certificate(lair)
    pass_a_look(lair)
    assert running.notifications.certificate() == before
    make_secrets(lair.stock.place, MADE_AT)
    pass_a_look(lair)
    assert running.notifications.certificate() != before


def test_new_subscriptions_use_the_new_certificate_from_its_time_on(
    lair: KeyLair, running: Keys
) -> None:
    old, _ = running.notifications.certificate()
    rotate(lair, KeyKind.NOTIFICATIONS, TOMORROW)
    pass_a_look(lair)
    assert running.notifications.certificate()[0] == old
    lair.clock.set(TOMORROW)
    new, certificate = running.notifications.certificate()
    assert new != old
    assert x509.load_der_x509_certificate(base64.b64decode(certificate))


# --- sealing --------------------------------------------------------------------------------------


def test_after_a_rotation_the_new_key_seals_and_the_old_one_opens(
    lair: KeyLair, running: Keys
) -> None:
    before = running.sealer.seal("cookie", b"old")
    rotate(lair, KeyKind.SEALING, TOMORROW)
    lair.clock.set(TOMORROW)
    after = running.sealer.seal("cookie", b"new")
    assert running.sealer.open("cookie", before) == b"old"
    assert running.sealer.open("cookie", after) == b"new"
    lair.take_away("master-0002.key")
    assert keys_of(lair).sealer.open("cookie", after) is None


def test_every_process_opens_with_a_key_before_any_seals_with_it(
    lair: KeyLair, running: Keys
) -> None:
    rotate(lair, KeyKind.SEALING, TOMORROW)
    pass_a_look(lair)
    assert running.sealer.open("cookie", running.sealer.seal("cookie", b"v")) == b"v"
    lair.clock.set(TOMORROW)
    others = keys_of(lair)
    lair.go_away()
    assert running.sealer.open("cookie", others.sealer.seal("cookie", b"v")) == b"v"


def test_what_is_found_by_its_hash_is_found_after_a_rotation(lair: KeyLair, running: Keys) -> None:
    before = running.sealer.keyed_hash("visit", "csn 1")
    rotate(lair, KeyKind.SEALING)
    pass_a_look(lair)
    assert running.sealer.keyed_hash("visit", "csn 1") == before


def test_a_visit_of_before_the_rotation_is_written_back_after_it(
    lair: KeyLair, running: Keys
) -> None:
    key = running.visit_sealer.new_key()
    sealed = running.visit_sealer.seal(key, b"conference")
    rotate(lair, KeyKind.SEALING)
    pass_a_look(lair)
    assert running.visit_sealer.open(key, sealed) == b"conference"


def test_a_master_key_that_was_taken_away_opens_nothing_and_is_not_made_again(
    lair: KeyLair, running: Keys
) -> None:
    cookie, key = running.sealer.seal("cookie", b"old"), running.visit_sealer.new_key()
    rotate(lair, KeyKind.SEALING)
    lair.take_away("master.key")
    make_secrets(lair.stock.place, MADE_AT)
    pass_a_look(lair)
    assert "master.key" not in lair.contents()
    assert running.sealer.open("cookie", cookie) is None
    with pytest.raises(Untrusted, match="visit_key"):
        running.visit_sealer.open(key, b"x" * 40)


# --- what operators see ---------------------------------------------------------------------------


def states(lair: KeyLair, kind: KeyKind) -> list[KeyState]:
    return [g.state for g in rotation_of(lair).generations(lair.clock.now()) if g.kind is kind]


@pytest.mark.parametrize("kind", KeyKind)
def test_a_generation_comes_is_used_and_is_former(kind: KeyKind, lair: KeyLair) -> None:
    made = rotation_of(lair).add(kind, MADE_AT, TOMORROW)
    assert (made.number, made.state, made.active_from) == (2, KeyState.COMING, TOMORROW)
    assert states(lair, kind) == [KeyState.IN_USE, KeyState.COMING]
    lair.clock.set(TOMORROW)
    assert states(lair, kind) == [KeyState.FORMER, KeyState.IN_USE]


@pytest.mark.parametrize("kind", KeyKind)
def test_the_other_kinds_are_left_alone(kind: KeyKind, lair: KeyLair) -> None:
    rotate(lair, kind, TOMORROW)
    everything = rotation_of(lair).generations(lair.clock.now())
    assert [(g.kind, g.number) for g in everything if g.number > 1] == [(kind, 2)]


def test_the_list_names_keys_and_tells_nothing_of_them(lair: KeyLair, running: Keys) -> None:
    listed = {g.kind: g.ids for g in rotation_of(lair).generations(lair.clock.now())}
    assert set(listed[KeyKind.ASSERTIONS]) == published(running)
    assert listed[KeyKind.NOTIFICATIONS] == (running.notifications.certificate()[0],)
    secret = lair.contents()["master.key"]
    assert secret.hex() not in json.dumps(listed)
    assert len(listed[KeyKind.SEALING][0]) == 16


def test_entra_is_met_with_the_new_certificate_from_its_time_on(
    lair: KeyLair, running: Keys
) -> None:
    old = dict(running.entra_credential)
    rotate(lair, KeyKind.ENTRA, TOMORROW)
    pass_a_look(lair)
    assert running.entra_credential == old
    lair.clock.set(TOMORROW)
    assert running.entra_credential["public_certificate"] != old["public_certificate"]
    assert running.entra_credential["private_key"] != old["private_key"]


@pytest.mark.parametrize(
    ("kind", "key"), [(KeyKind.SEALING, "master-0002.key"), (KeyKind.ENTRA, "entra-0002-key.pem")]
)
def test_a_number_is_never_used_twice(kind: KeyKind, key: str, lair: KeyLair) -> None:
    rotate(lair, kind, TOMORROW)
    lair.take_away(key)
    assert rotation_of(lair).add(kind, MADE_AT, TOMORROW).number == 3


# --- what others are shown ------------------------------------------------------------------------

KEYS_OF = {KeyKind.ENTRA: "entra", KeyKind.NOTIFICATIONS: "graph"}


def shown(lair: KeyLair, kind: KeyKind) -> KeyCertificate:
    return rotation_of(lair).certificate(kind, lair.clock.now())


@pytest.mark.parametrize("kind", CERTIFIED)
def test_the_certificate_in_use_is_shown_with_its_name_and_its_end(
    kind: KeyKind, lair: KeyLair
) -> None:
    found = shown(lair, kind)
    (listed,) = [g for g in rotation_of(lair).generations(lair.clock.now()) if g.kind is kind]
    assert (found.kind, found.number, found.state) == (kind, 1, KeyState.IN_USE)
    assert (found.thumbprint,) == listed.ids
    certificate = x509.load_pem_x509_certificate(found.pem.encode())
    assert found.not_after == certificate.not_valid_after_utc == MADE_AT + CERTIFICATE_LIFE


def test_entra_is_shown_what_it_will_be_met_with(lair: KeyLair, running: Keys) -> None:
    rotate(lair, KeyKind.ENTRA, TOMORROW)
    coming = shown(lair, KeyKind.ENTRA)
    assert (coming.number, coming.state) == (2, KeyState.COMING)
    assert coming.pem != running.entra_credential["public_certificate"]
    lair.clock.set(TOMORROW)
    assert shown(lair, KeyKind.ENTRA).state is KeyState.IN_USE
    assert coming.pem == running.entra_credential["public_certificate"]


def test_graph_is_shown_what_subscriptions_use(lair: KeyLair, running: Keys) -> None:
    rotate(lair, KeyKind.NOTIFICATIONS)
    pass_a_look(lair)
    assert shown(lair, KeyKind.NOTIFICATIONS).thumbprint == running.notifications.certificate()[0]


def test_an_urgent_rotation_is_shown_rather_than_the_one_it_overtook(lair: KeyLair) -> None:
    rotate(lair, KeyKind.ENTRA, TOMORROW)
    rotate(lair, KeyKind.ENTRA)
    assert (shown(lair, KeyKind.ENTRA).number, shown(lair, KeyKind.ENTRA).state) == (
        3,
        KeyState.IN_USE,
    )


@pytest.mark.parametrize("kind", CERTIFIED)
def test_the_certificate_of_a_key_that_was_taken_away_is_not_shown(
    kind: KeyKind, lair: KeyLair
) -> None:
    """A stolen key's certificate must not get to Entra again."""
    rotate(lair, kind, TOMORROW)
    lair.take_away(f"{KEYS_OF[kind]}-0002-key.pem")
    assert shown(lair, kind).number == 1


@pytest.mark.parametrize("kind", CERTIFIED)
def test_no_private_key_is_read_to_show_a_certificate(kind: KeyKind, lair: KeyLair) -> None:
    lair.put(f"{KEYS_OF[kind]}-0002-key.pem", b"whatever this is")
    lair.put(f"{KEYS_OF[kind]}-0002-certificate.pem", lair.contents()["graph-0001-certificate.pem"])
    assert shown(lair, kind).number == 2


@pytest.mark.parametrize("kind", CERTIFIED)
def test_a_private_key_among_certificates_is_not_shown(kind: KeyKind, lair: KeyLair) -> None:
    """Some tools write both into one file."""
    key, certificate = (
        lair.contents()[f"graph-0001-{each}.pem"] for each in ("key", "certificate")
    )
    lair.put(f"{KEYS_OF[kind]}-0002-key.pem", key)
    lair.put(f"{KEYS_OF[kind]}-0002-certificate.pem", key + certificate)
    found = shown(lair, kind)
    assert (found.number, found.pem.encode()) == (2, certificate)
    assert "PRIVATE" not in found.pem


@pytest.mark.parametrize("kind", CERTIFIED)
@pytest.mark.parametrize("content", [b"", b"not a certificate"])
def test_what_is_no_certificate_is_not_shown(kind: KeyKind, content: bytes, lair: KeyLair) -> None:
    lair.put(f"{KEYS_OF[kind]}-0002-key.pem", lair.contents()["graph-0001-key.pem"])
    lair.put(f"{KEYS_OF[kind]}-0002-certificate.pem", content)
    with pytest.raises(ValueError, match=r".+"):
        shown(lair, kind)


@pytest.mark.parametrize("kind", CERTIFIED)
def test_a_certificate_that_was_never_made_is_missed(kind: KeyKind, lair: KeyLair) -> None:
    lair.put(f"{KEYS_OF[kind]}-0002-key.pem", lair.contents()["graph-0001-key.pem"])
    with pytest.raises(FileNotFoundError, match="0002-certificate"):
        shown(lair, kind)


@pytest.mark.parametrize("kind", CERTIFIED)
def test_a_place_that_is_away_shows_nothing(kind: KeyKind, lair: KeyLair) -> None:
    lair.go_away()
    with pytest.raises((OSError, OutsideError)):
        shown(lair, kind)


# --- making ---------------------------------------------------------------------------------------


def test_making_keys_again_changes_nothing(lair: KeyLair) -> None:
    before = lair.contents()
    make_secrets(lair.stock.place, MADE_AT + timedelta(days=1))
    assert lair.contents() == before


def test_a_place_has_nothing_under_a_name_nobody_gave(lair: KeyLair) -> None:
    with pytest.raises(FileNotFoundError):
        lair.stock.place.read("master-0007.key")


def test_what_was_added_first_stays(lair: KeyLair) -> None:
    place = lair.stock.place
    place.add("master-0002.key", b"1" * 32)
    place.add("master-0002.key", b"2" * 32)
    assert place.read("master-0002.key") == b"1" * 32
    assert "master-0002.key" in place.names()


@pytest.mark.parametrize("lost", ["master.key", "entra-key.pem", "graph-0001-certificate.pem"])
def test_a_missing_key_refuses_to_start(lair: KeyLair, lost: str) -> None:
    lair.take_away(lost)
    with pytest.raises(FileNotFoundError):
        keys_of(lair)


@pytest.mark.parametrize("name", ["master-0009.key", "graph-0009-key.pem"])
@pytest.mark.parametrize("content", [b"", b"not a key"])
def test_a_damaged_key_refuses_to_start(lair: KeyLair, name: str, content: bytes) -> None:
    lair.put(name, content)
    with pytest.raises(ValueError, match=r".+"):
        keys_of(lair)


def test_nothing_starts_without_assertion_keys(lair: KeyLair) -> None:
    lair.take_away_assertions(1)
    with pytest.raises(FileNotFoundError):
        keys_of(lair)
