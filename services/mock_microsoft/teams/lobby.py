"""Who waits in the lobby, who may let people in.

https://learn.microsoft.com/graph/api/resources/lobbybypasssettings and .../resources/onlinemeetingbase
"""

from enum import StrEnum


class Standing(StrEnum):
    """Relation of a person to the meeting's organizer."""

    ORGANIZER = "organizer"
    MEMBER = "member"
    GUEST_ACCOUNT = "guestAccount"
    FEDERATED = "federated"
    ANONYMOUS = "anonymous"


class LobbyScope(StrEnum):
    """`lobbyBypassSettings.scope`: who does not wait."""

    ORGANIZER = "organizer"
    ORGANIZATION = "organization"
    ORGANIZATION_AND_FEDERATED = "organizationAndFederated"
    EVERYONE = "everyone"
    INVITED = "invited"
    ORGANIZATION_EXCLUDING_GUESTS = "organizationExcludingGuests"


class Presenters(StrEnum):
    """`allowedPresenters`."""

    EVERYONE = "everyone"
    ORGANIZATION = "organization"
    ROLE_IS_PRESENTER = "roleIsPresenter"
    ORGANIZER = "organizer"


class LobbyAdmitters(StrEnum):
    """`allowedLobbyAdmitters`."""

    WITH_PRESENTERS = "organizerAndCoOrganizersAndPresenters"
    ORGANIZERS_ONLY = "organizerAndCoOrganizers"


_EXCLUDING_GUESTS = frozenset({Standing.ORGANIZER, Standing.MEMBER})
_SAME_TENANT = _EXCLUDING_GUESTS | {Standing.GUEST_ACCOUNT}

_BYPASS: dict[LobbyScope, frozenset[Standing]] = {
    LobbyScope.ORGANIZER: frozenset({Standing.ORGANIZER}),
    LobbyScope.ORGANIZATION_EXCLUDING_GUESTS: _EXCLUDING_GUESTS,
    LobbyScope.ORGANIZATION: _SAME_TENANT,
    LobbyScope.ORGANIZATION_AND_FEDERATED: _SAME_TENANT | {Standing.FEDERATED},
    LobbyScope.EVERYONE: frozenset(Standing),
    LobbyScope.INVITED: frozenset({Standing.ORGANIZER}),
}


def waits_in_lobby(scope: LobbyScope, standing: Standing, *, is_invited: bool) -> bool:
    if scope is LobbyScope.INVITED and is_invited:
        return False
    return standing not in _BYPASS[scope]


def is_presenter(allowed: Presenters, standing: Standing, *, has_presenter_role: bool) -> bool:
    """A person without account is never one: nothing would tell who admitted the next patient."""
    if standing is Standing.ORGANIZER:
        return True
    if allowed is Presenters.ROLE_IS_PRESENTER:
        return has_presenter_role
    if allowed is Presenters.ORGANIZATION:
        return standing in _SAME_TENANT
    return allowed is Presenters.EVERYONE and standing is not Standing.ANONYMOUS


def may_admit(admitters: LobbyAdmitters, standing: Standing, *, presents: bool) -> bool:
    if admitters is LobbyAdmitters.ORGANIZERS_ONLY:
        return standing is Standing.ORGANIZER
    return presents
