"""Who waits and who decides: microsoft.md 1.3, for every scope and every standing."""

import pytest

from mock_microsoft.teams.lobby import (
    LobbyAdmitters,
    LobbyScope,
    Presenters,
    Standing,
    is_presenter,
    may_admit,
    waits_in_lobby,
)

GOES_STRAIGHT_IN = {
    LobbyScope.ORGANIZER: "organizer",
    LobbyScope.ORGANIZATION_EXCLUDING_GUESTS: "organizer member",
    LobbyScope.ORGANIZATION: "organizer member guestAccount",
    LobbyScope.ORGANIZATION_AND_FEDERATED: "organizer member guestAccount federated",
    LobbyScope.EVERYONE: "organizer member guestAccount federated anonymous",
    LobbyScope.INVITED: "organizer",
}


@pytest.mark.parametrize("standing", Standing)
@pytest.mark.parametrize("scope", LobbyScope)
def test_the_scope_decides_who_waits(scope: LobbyScope, standing: Standing) -> None:
    expected = standing.value not in GOES_STRAIGHT_IN[scope].split()
    assert waits_in_lobby(scope, standing, is_invited=False) is expected


def test_an_invitation_counts_only_where_the_invited_may_pass() -> None:
    assert not waits_in_lobby(LobbyScope.INVITED, Standing.FEDERATED, is_invited=True)
    assert waits_in_lobby(LobbyScope.ORGANIZER, Standing.FEDERATED, is_invited=True)


@pytest.mark.parametrize("allowed", Presenters)
def test_the_organizer_always_presents_and_a_patient_never_does(allowed: Presenters) -> None:
    assert is_presenter(allowed, Standing.ORGANIZER, has_presenter_role=False)
    assert not is_presenter(allowed, Standing.ANONYMOUS, has_presenter_role=False)


@pytest.mark.parametrize(
    ("allowed", "standing", "role", "expected"),
    [
        (Presenters.EVERYONE, Standing.FEDERATED, "attendee", "presents"),
        (Presenters.ORGANIZATION, Standing.MEMBER, "attendee", "presents"),
        (Presenters.ORGANIZATION, Standing.FEDERATED, "attendee", "attends"),
        (Presenters.ROLE_IS_PRESENTER, Standing.MEMBER, "attendee", "attends"),
        (Presenters.ROLE_IS_PRESENTER, Standing.MEMBER, "presenter", "presents"),
        (Presenters.ORGANIZER, Standing.MEMBER, "presenter", "attends"),
    ],
)
def test_allowed_presenters_decides_for_the_others(
    allowed: Presenters, standing: Standing, role: str, expected: str
) -> None:
    presents = is_presenter(allowed, standing, has_presenter_role=role == "presenter")
    assert presents is (expected == "presents")


def test_presenters_may_be_kept_from_admitting() -> None:
    assert may_admit(LobbyAdmitters.WITH_PRESENTERS, Standing.MEMBER, presents=True)
    assert not may_admit(LobbyAdmitters.ORGANIZERS_ONLY, Standing.MEMBER, presents=True)
    assert may_admit(LobbyAdmitters.ORGANIZERS_ONLY, Standing.ORGANIZER, presents=True)
