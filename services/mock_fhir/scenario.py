"""What testers put in and read out: `seed` and `state` of `/sim`, and the people with their privacy canaries."""

import itertools
from collections.abc import Sequence
from typing import Any

from mock_fhir.clinic import Booking
from mock_fhir.environment import Environment
from mock_fhir.fhir.resources import Resource, actors, conference_of, csn_of, display_name
from mock_fhir.integration_records import RecordKind, parse_record
from mock_fhir.people import PASSWORD, Account, Right, mychart_account
from simkit.clock import instant_text

SEED_KEYS = ("clinicians", "patients", "visits", "records", "rotate_signing_key")
LARGEST_SEED = 200_000
SHORTEST_CANARY = 5
EXTRA_NUMBERS = 100


class EnvironmentWorld:
    """The `/sim` control plane's view of one environment."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def reset(self) -> None:
        self._environment.reset()

    def seed(self, document: dict[str, Any]) -> dict[str, Any]:
        """Add people, visits and records.

        Args:
            document: `{"clinicians": n, "patients": n, "visits": n}` adds that many, visits open now and spread
                over the people added (or all, when none were); `{"records": {"provider": {"client_id", "text"}}}`
                pastes integration records; `{"rotate_signing_key": true}`.
        """
        unknown = sorted(set(document) - set(SEED_KEYS))
        if unknown:
            raise ValueError(f"unknown keys: {', '.join(unknown)}; known: {', '.join(SEED_KEYS)}")
        environment = self._environment
        if document.get("rotate_signing_key") is True:
            environment.key.rotate()
        for kind, record in document.get("records", {}).items():
            _paste(environment, RecordKind(kind), record)
        clinicians = [
            _clinician(environment, number) for number in _numbers(document, "clinicians")
        ] or clinicians_of(environment)
        patients = [_patient(environment, number) for number in _numbers(document, "patients")]
        patients = patients or environment.people.patients()
        booked = book_spread(
            environment, number_of(document, "visits", LARGEST_SEED), clinicians, patients
        )
        visits = (environment.clinic.appointment(booking.csn) for booking in booked)
        return {"visits": [visit_report(environment, visit) for visit in visits if visit]}

    def state(self) -> dict[str, Any]:
        environment = self._environment
        environment.clinic.make_days()
        return {
            "environment": environment.kind.name,
            "now": instant_text(environment.clock.now()),
            "fhir_base_url": environment.addresses.fhir,
            "visits": [
                visit_report(environment, visit)
                for visit in environment.store.of_type("Appointment")
                if csn_of(visit)
            ],
            "connections": [
                {
                    "csn": event.csn,
                    "party": event.party.value,
                    "who": event.who,
                    "status": event.status.value,
                    "words": event.status.words,
                    "recorded": instant_text(event.recorded),
                    "vendor_context": event.vendor_context,
                }
                for event in environment.connections.all()
            ],
            "records": {kind.value: one.text for kind, one in environment.records.items()},
            "clients": [
                {"client_id": one.client_id, "name": one.name} for one in environment.clients.all()
            ],
            "resources": environment.store.counts(),
            "grants": environment.grants.counts(),
        }


class HospitalWorld:
    """Both environments; documents have one key per environment."""

    def __init__(self, environments: list[Environment]) -> None:
        self._worlds = {one.kind.name: EnvironmentWorld(one) for one in environments}

    def reset(self) -> None:
        for world in self._worlds.values():
            world.reset()

    def seed(self, document: dict[str, Any]) -> dict[str, Any]:
        unknown = sorted(set(document) - set(self._worlds))
        if unknown:
            raise ValueError(f"say which environment: {', '.join(self._worlds)}")
        return {name: self._worlds[name].seed(part) for name, part in document.items()}

    def state(self) -> dict[str, Any]:
        return {name: world.state() for name, world in self._worlds.items()}


def visit_report(environment: Environment, visit: Resource) -> dict[str, Any]:
    """Ids and log-ins a test needs to drive the visit from both sides."""
    patient, practitioner = actors(visit, "Patient")[0], actors(visit, "Practitioner")[0]
    csn = csn_of(visit) or ""
    clinician = environment.people.by_practitioner(practitioner)
    account = environment.people.by_patient(patient)
    encounter = environment.clinic.encounter(csn) or {}
    return {
        "appointment": visit["id"],
        "encounter": encounter.get("id"),
        "csn": csn,
        "conference": conference_of(visit),
        "status": visit["status"],
        "encounter_status": encounter.get("status"),
        "start": visit["start"],
        "now": environment.clinic.closed_because(visit) is None,
        "patient": patient,
        "practitioner": practitioner,
        "clinician_login": clinician.username if clinician else None,
        "mychart_login": account.username if account else None,
    }


def people_report(environment: Environment) -> dict[str, Any]:
    """Everyone, and every text that must never leave the EHR."""
    patients = [_patient_report(one) for one in environment.store.of_type("Patient")]
    return {
        "environment": environment.kind.name,
        "password": PASSWORD,
        "ehr_users": [_login(one) for one in environment.people.employees()],
        "mychart_accounts": [_login(one) for one in environment.people.patients()],
        "patients": patients,
        "practitioners": [
            {"id": one["id"], "name": display_name(one)}
            for one in environment.store.of_type("Practitioner")
        ],
        "canaries": sorted({text for one in patients for text in _canaries(one)}),
    }


def _login(account: Account) -> dict[str, Any]:
    return {
        "username": account.username,
        "password": PASSWORD,
        "name": account.name,
        "user_id": account.user_id,
        "fhir_user": account.fhir_user,
        "role": account.role,
        "patients": [one.patient_id for one in account.patients],
    }


def _patient_report(patient: Resource) -> dict[str, Any]:
    names = patient.get("name", [])
    return {
        "id": patient["id"],
        "name": display_name(patient),
        "family_names": [one["family"] for one in names if "family" in one],
        "given_names": [given for one in names for given in one.get("given", [])],
        "birth_date": patient.get("birthDate"),
        "mrns": [one["value"] for one in patient.get("identifier", []) if "value" in one],
    }


def _canaries(person: dict[str, Any]) -> list[str]:
    """Texts long enough not to be met by chance."""
    texts = [person["name"], *person["family_names"], person["birth_date"] or "", *person["mrns"]]
    return [text for text in texts if len(text) >= SHORTEST_CANARY]


def number_of(document: dict[str, Any], key: str, largest: int) -> int:
    """0 when absent. Raises ValueError."""
    wanted = document.get(key, 0)
    if not isinstance(wanted, int) or isinstance(wanted, bool) or not 0 <= wanted <= largest:
        raise ValueError(f"{key} must be a whole number from 0 to {largest}")
    return wanted


def _numbers(document: dict[str, Any], key: str) -> range:
    return range(number_of(document, key, LARGEST_SEED))


def _paste(environment: Environment, kind: RecordKind, record: dict[str, Any]) -> None:
    client = environment.clients.find(record.get("client_id"))
    environment.records[kind] = parse_record(str(record.get("text", "")), kind, client)


def _clinician(environment: Environment, number: int) -> Account:
    identity = f"load-clinician-{number}"
    kind = environment.kind
    environment.store.put(
        {
            "resourceType": "Practitioner",
            "id": kind.id_prefix + identity,
            "name": [{"given": ["Clinician"], "family": f"Loadtest{number:05}"}],
        }
    )
    account = Account(
        username=f"CLINICIAN{number}",
        name=f"Clinician Loadtest{number:05}",
        user_id=f"EMP-{kind.employee_base + EXTRA_NUMBERS + number}",
        fhir_user=f"Practitioner/{kind.id_prefix}{identity}",
        rights=frozenset({Right.SCHEDULE, Right.APPS}),
        role="clinician",
    )
    environment.people.add(account)
    return account


def _patient(environment: Environment, number: int) -> Account:
    identity = f"load-patient-{number}"
    environment.store.put(
        {
            "resourceType": "Patient",
            "id": environment.kind.id_prefix + identity,
            "name": [{"given": ["Patient"], "family": f"Canary{number:05}"}],
            "birthDate": "1980-01-01",
            "identifier": [
                {"system": "urn:oid:1.2.36.146.595.217.0.1", "value": f"LOAD{number:07}"}
            ],
        }
    )
    name = f"Patient Canary{number:05}"
    account = mychart_account(
        environment.kind, f"PATIENT{number}", name, EXTRA_NUMBERS + number, identity
    )
    environment.people.add(account)
    return account


def clinicians_of(environment: Environment) -> list[Account]:
    return [one for one in environment.people.employees() if one.may(Right.SCHEDULE)]


def book_spread(
    environment: Environment,
    count: int,
    clinicians: Sequence[Account],
    patients: Sequence[Account],
) -> list[Booking]:
    """That many visits open now, each clinician and each patient in turn."""
    practitioner_ids = [one.fhir_user.split("/")[1] for one in clinicians]
    patient_ids = [one.patients[0].patient_id for one in patients]
    pairs = zip(itertools.cycle(practitioner_ids), itertools.cycle(patient_ids), strict=False)
    return environment.clinic.book_extras(list(itertools.islice(pairs, count)))
