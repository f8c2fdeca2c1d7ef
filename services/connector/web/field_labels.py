"""What the pages call every value of a configuration, and how they show it."""

from collections.abc import Sequence
from dataclasses import dataclass

from connector.domain.configuration import EhrVendor, Revision
from connector.domain.visit_settings import Department, Lobby

LABELS: dict[str, str] = {
    "fhir_base_url": "FHIR base URL",
    "vendor": "EHR vendor",
    "approver": "Approver",
    "client_provider": "Client ID for clinicians",
    "client_patient": "Client ID for patients",
    "client_backend": "Client ID for write-back",
    "issuer": "Issuer",
    "authorization_endpoint": "Sign-in address",
    "token_endpoint": "Token address",
    "jwks_uri": "Key address",
    "callback_names_issuer": "EHR names itself in its answers",
    "authorize_by_post": "Long sign-ins are posted",
    "assertion_algorithm": "Signature algorithm",
    "department": "Department in the clinicians' record",
    "group_visits": "Group visits",
    "browser_join": "Patients join in the browser",
    "lobby": "Lobby",
    "join_opens_minutes": "Patients may join before the start",
    "join_closes_minutes": "Patients may join after the end",
    "frame_ancestors": "Other sites that may frame visits",
}

VENDOR_NAMES: dict[str, str] = {EhrVendor.EPIC.value: "Epic"}
DEPARTMENT_NAMES: dict[str, str] = {
    Department.LOGIN.value: "The department the clinician is logged in to",
    Department.PERFORMING.value: "The department that performs the visit",
    Department.NONE.value: "None",
}
LOBBY_NAMES: dict[str, str] = {
    Lobby.PATIENTS.value: "Patients wait, staff walk in",
    Lobby.EVERYBODY.value: "Everybody waits until admitted",
}
_YES_OR_NO = {"True": "Yes", "False": "No"}
_ON_OR_OFF = {"on": "On", "off": "Off"}
_VALUES: dict[str, dict[str, str]] = {
    "vendor": VENDOR_NAMES,
    "callback_names_issuer": _YES_OR_NO,
    "authorize_by_post": _YES_OR_NO,
    "department": DEPARTMENT_NAMES,
    "group_visits": _ON_OR_OFF,
    "browser_join": _ON_OR_OFF,
    "lobby": LOBBY_NAMES,
    "frame_ancestors": {"": "None"},
}
_CODE = frozenset(
    {
        "fhir_base_url",
        "client_provider",
        "client_patient",
        "client_backend",
        "issuer",
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
        "assertion_algorithm",
        "frame_ancestors",
    }
)
_MINUTES = frozenset({"join_opens_minutes", "join_closes_minutes"})


@dataclass(frozen=True, slots=True)
class Compared:
    """One line of a comparison; `before` is empty where there was no value, `code` as of `Shown`."""

    field: str
    label: str
    before: str
    after: str
    code: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """One line of everything a revision configures.

    `changed` is against what it is compared with; `code` marks addresses and ids, no words.
    """

    label: str
    value: str
    changed: bool
    code: bool


def comparison(newer: Revision, earlier: Revision | None) -> Sequence[Compared]:
    """What differs between two revisions, in the words of the pages; nothing without an earlier one."""
    if earlier is None:
        return []
    return [
        Compared(
            c.field,
            LABELS[c.field],
            worded(c.field, c.before),
            worded(c.field, c.after),
            c.field in _CODE,
        )
        for c in newer.changes_from(earlier)
    ]


def everything(revision: Revision, earlier: Revision | None = None) -> Sequence[Shown]:
    """Every value that an approval covers."""
    different = {line.field for line in comparison(revision, earlier)}
    return [
        Shown(LABELS[f], worded(f, v), f in different, f in _CODE and worded(f, v) == v)
        for f, v in revision.values().items()
    ]


def worded(field: str, value: str) -> str:
    """A stored value as a person reads it."""
    if field in _MINUTES:
        return f"{value} minutes"
    return _VALUES.get(field, {}).get(value, value)
