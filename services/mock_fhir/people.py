"""Who may sign in: EHR users and MyChart accounts. All invented; the password is the same for everyone."""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from mock_fhir.config import EnvironmentKind

PASSWORD = "sandbox"  # noqa: S105 - documented on the log-in pages


class Right(StrEnum):
    """What an EHR user's security class allows."""

    SCHEDULE = "see the schedule and begin visits"
    APPS = "sign in to apps"
    INTEGRATIONS = "edit integration records"
    MYCHART = "use MyChart"


@dataclass(frozen=True, slots=True)
class PatientAccess:
    """A patient an account may act for. `acts_as` is the relative reference that becomes `fhirUser`."""

    patient_id: str
    relationship: str
    acts_as: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One log-in. `user_id` is unique in the environment and never changes; `fhir_user` is a relative reference."""

    username: str
    name: str
    user_id: str
    fhir_user: str
    rights: frozenset[Right]
    patients: tuple[PatientAccess, ...] = ()
    role: str = ""

    def may(self, right: Right) -> bool:
        return right in self.rights

    def acts_as(self, patient_id: str | None) -> str:
        """`fhirUser` when acting for this patient: the RelatedPerson of a proxy, else the person's own resource."""
        found = (one.acts_as for one in self.patients if one.patient_id == patient_id)
        return next(found, self.fhir_user)

    @property
    def is_patient(self) -> bool:
        return Right.MYCHART in self.rights


class People:
    """Accounts of one environment, by user name (any case) and by every id. The first of an id keeps it."""

    def __init__(self, accounts: Iterable[Account]) -> None:
        self._accounts: dict[str, Account] = {}
        self._by_user_id: dict[str, Account] = {}
        self._employees: dict[str, Account] = {}  # by fhirUser
        self._patients: dict[str, Account] = {}  # by patient, the own account before a proxy's
        for account in accounts:
            self.add(account)

    def sign_in(self, username: str, password: str) -> Account | None:
        """The account, or None for an unknown user or a wrong password alike."""
        account = self.by_username(username)
        known = hmac.compare_digest(password.encode(), PASSWORD.encode())
        return account if known else None

    def by_username(self, username: str) -> Account | None:
        return self._accounts.get(username.strip().upper())

    def add(self, account: Account) -> None:
        self._accounts[account.username] = account
        self._by_user_id.setdefault(account.user_id, account)
        if not account.is_patient:
            self._employees.setdefault(account.fhir_user, account)
            return
        for access in account.patients:
            if access.relationship == "self":
                self._patients[access.patient_id] = account
            else:
                self._patients.setdefault(access.patient_id, account)

    def all(self) -> list[Account]:
        return list(self._accounts.values())

    def employees(self) -> list[Account]:
        return [account for account in self.all() if not account.is_patient]

    def patients(self) -> list[Account]:
        return [account for account in self.all() if account.is_patient]

    def by_user_id(self, user_id: str) -> Account | None:
        return self._by_user_id.get(user_id)

    def by_practitioner(self, practitioner_id: str) -> Account | None:
        return self._employees.get(f"Practitioner/{practitioner_id}")

    def by_patient(self, patient_id: str) -> Account | None:
        """The account of a patient; of a proxy when the patient has none."""
        return self._patients.get(patient_id)


CLINICIAN = frozenset({Right.SCHEDULE, Right.APPS})
ANALYST = frozenset({Right.APPS, Right.INTEGRATIONS})
EMPLOYEES = (
    ("ACAREFUL", "Adam Careful", 1, "example", CLINICIAN, "clinician"),
    ("EBROEK", "Eric van den Broek", 2, "f001", CLINICIAN, "clinician"),
    ("SHEPS", "Simone Heps", 3, "f007", CLINICIAN, "clinician"),
    ("ABRONSIG", "Arend Bronsig", 4, "f201", CLINICIAN, "clinician"),
    (
        "CESPINOSA",
        "Carla Espinosa",
        5,
        "f204",
        ANALYST,
        "EHR analyst: integration records, approvals",
    ),
    ("RBERK", "Rob van den Berk", 6, "f006", frozenset[Right](), "user without rights"),
)
CHILD_OF_LEIA = "related-leia"
MYCHART_ACCOUNTS = (
    ("PCHALMERS", "Peter Chalmers", 1, "example"),
    ("PHEUVEL", "Pieter van de Heuvel", 2, "f001"),
    ("RBOR", "Roelof Bor", 3, "f201"),
    ("LSOLO", "Leia Solo", 4, "infant-mom"),
    ("SIMONN", "Simon Notsowell", 5, "pat3"),
    ("SANDYN", "Sandy Notsowell", 6, "pat4"),
    ("JDOE", "John Doe", 7, "xds"),
)
PROXIES = {"LSOLO": (("infant-twin-1", CHILD_OF_LEIA),)}


def seeded_accounts(kind: EnvironmentKind) -> list[Account]:
    """Everyone of an environment right after start."""
    employees = [
        Account(
            username=username,
            name=name,
            user_id=f"EMP-{kind.employee_base + number}",
            fhir_user=f"Practitioner/{kind.id_prefix}{practitioner}",
            rights=rights,
            role=role,
        )
        for username, name, number, practitioner, rights, role in EMPLOYEES
    ]
    return employees + [
        mychart_account(kind, username, name, number, patient)
        for username, name, number, patient in MYCHART_ACCOUNTS
    ]


def mychart_account(
    kind: EnvironmentKind, username: str, name: str, number: int, patient: str
) -> Account:
    """A patient's own account, with the children it is proxy for; `patient` is an id without prefix."""
    own = kind.id_prefix + patient
    children = PROXIES.get(username, ())
    proxies = tuple(
        PatientAccess(kind.id_prefix + child, "child", f"RelatedPerson/{kind.id_prefix}{related}")
        for child, related in children
    )
    return Account(
        username=username,
        name=name,
        user_id=f"WPR-{kind.employee_base + number}",
        fhir_user=f"Patient/{own}",
        rights=frozenset({Right.MYCHART, Right.APPS}),
        patients=(PatientAccess(own, "self", f"Patient/{own}"), *proxies),
        role="patient and parent" if children else "patient",
    )
