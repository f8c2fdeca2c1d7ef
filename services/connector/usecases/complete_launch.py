"""Step 2 of a launch: the EHR sent the browser back with a code.

Exchange it, verify who launches what, and hand on a `VerifiedLaunch`: the only thing later steps
believe. Nothing is written here except through `open_visit` and `link_account`.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from connector.domain.errors import Reason, Refused
from connector.domain.integration_record import IntegrationRecord
from connector.domain.launch import (
    USERS_OF,
    AppointmentFacts,
    EhrUser,
    FhirUserType,
    Intent,
    LaunchKind,
    LaunchTransaction,
)
from connector.domain.organization import EnvironmentKind
from connector.ports.ehr import Appointments
from connector.ports.errors import Gone, OutsideError
from connector.ports.smart import TokenAnswer
from connector.ports.storage import Door, Store, Transaction
from connector.ports.system import Clock
from connector.usecases.redeem_code import RedeemCode, check_callback, ehr_refusal


@dataclass(frozen=True, slots=True)
class VerifiedLaunch:
    """Who launches which appointment, proven by the EHR; sealed if a sign-in must come between.

    `conference` is the EHR's id of a group visit, empty for a single one: whoever launches the same
    conference meets in one visit (F32).
    """

    kind: LaunchKind
    environment_id: str
    tenant_id: str
    user: EhrUser
    appointment: AppointmentFacts
    intent: Intent
    state_hash: str
    verified_at: datetime
    conference: str = ""

    @property
    def visit_name(self) -> str:
        """What the visit's key is made of; no FHIR id holds a colon."""
        return f"group:{self.conference}" if self.conference else self.appointment.appointment_id


@dataclass(frozen=True, slots=True)
class CompletedLaunch:
    """`account` is the Entra object id linked to the provider, None for patients and first-timers."""

    launch: VerifiedLaunch
    door: Door
    account: str | None


@dataclass(frozen=True, slots=True)
class CompleteLaunch:
    store: Store
    redeem_code: RedeemCode
    appointments: Appointments
    clock: Clock
    callback_url: str

    def __call__(
        self, transaction: LaunchTransaction | None, query: Mapping[str, str]
    ) -> CompletedLaunch:
        """Raises: Refused: see `domain.errors.Reason`; facts name what to look at."""
        if transaction is None:
            raise self._without_transaction(query.get("state", ""))
        state_hash = hash_of_state(transaction.state)
        door = self._door(transaction, state_hash)
        code = check_callback(transaction, query, door.revision, self.clock)
        client_id = door.revision.clients.of(transaction.kind)
        answer, user = self.redeem_code(
            door.revision, client_id, self.callback_url, code, transaction
        )
        with self.store.glance() as tx:
            door, record = _recorded(tx, transaction.kind, door, answer)
            account = _account(tx, transaction.kind, door, user)
        _check_user(transaction.kind, user)
        appointment = self._appointment(door, answer, record)
        launch = VerifiedLaunch(
            kind=transaction.kind,
            environment_id=door.environment.id,
            tenant_id=door.environment.tenant_id,
            user=user,
            appointment=appointment,
            intent=_intent(answer),
            state_hash=state_hash,
            verified_at=self.clock.now(),
            conference=_conference(door, record, answer, appointment),
        )
        return CompletedLaunch(launch, door, account)

    def _without_transaction(self, unverified_state: str) -> Refused:
        """The back button after a launch, another browser, or no state at all (cases 2 and 3)."""
        if not unverified_state:
            return Refused(Reason.STATE_MISSING)
        with self.store.glance() as tx:
            used_for = tx.redemptions.find(hash_of_state(unverified_state))
        if used_for is None:
            return Refused(Reason.STATE_FOREIGN)
        return Refused(Reason.LAUNCH_ALREADY_USED, facts={"visit": used_for})

    def _door(self, transaction: LaunchTransaction, state_hash: str) -> Door:
        """The same approved configuration the launch began with, and a state not yet used."""
        with self.store.glance() as tx:
            found = tx.configurations.door_of_launch(transaction.environment_id, state_hash)
        if found is None:
            raise _configuration_changed()
        door, used_for = found
        if used_for is not None:
            raise Refused(Reason.LAUNCH_ALREADY_USED, facts={"visit": used_for})
        if door.revision.id != transaction.revision_id:
            raise _configuration_changed()
        return door

    def _appointment(
        self, door: Door, answer: TokenAnswer, record: IntegrationRecord | None
    ) -> AppointmentFacts:
        base = door.revision.fhir_base_url
        grouped = record is not None and record.group
        try:
            found = self._read(base, answer, grouped=grouped)
        except Gone as err:
            raise Refused(Reason.APPOINTMENT_UNKNOWN, facts={"code": err.code}) from err
        except OutsideError as err:
            raise ehr_refusal(err) from err
        if found.cancelled:
            raise Refused(Reason.APPOINTMENT_CANCELLED, facts={"status": found.status})
        return found

    def _read(self, base: str, answer: TokenAnswer, *, grouped: bool) -> AppointmentFacts:
        if appointment_id := appointment_id_of(answer.context):
            return self.appointments.read(base, answer.access_token, appointment_id)
        if conference_id := conference_id_of(answer.context, grouped=grouped):
            return self.appointments.find(base, answer.access_token, conference_id)
        raise Refused(Reason.APPOINTMENT_MISSING)


def _recorded(
    tx: Transaction, kind: LaunchKind, door: Door, answer: TokenAnswer
) -> tuple[Door, IntegrationRecord | None]:
    """The environment whose record the EHR holds (E4, E11); plain SMART sends none.

    Besides the owner of the address that may be a tenant it is shared with (F30).
    """
    of_address = door.environment.kind
    if answer.context.get("environment", of_address.value) != of_address.value:
        raise _of_other_environment(of_address)
    record_id = answer.context.get("recordId")
    if record_id is None:
        return door, None
    found = tx.configurations.door_of_record(door.revision.fhir_base_url, record_id)
    if found is None or found[1].kind is not kind:
        raise Refused(
            Reason.RECORD_UNKNOWN,
            facts={"kind": kind.value, "environment": of_address.value},
        )
    known, record = found
    # A guest's test record on production's address, whatever its token says (case 43).
    if known.environment.kind is not of_address:
        raise _of_other_environment(of_address)
    return known, record


def _account(tx: Transaction, kind: LaunchKind, door: Door, user: EhrUser) -> str | None:
    if kind is LaunchKind.PATIENT:
        return None
    return tx.links.find(door.environment.id, user.user_id)


def _configuration_changed() -> Refused:
    return Refused(Reason.LAUNCH_EXPIRED, facts={"why": "configuration_changed"})


def _of_other_environment(of_address: EnvironmentKind) -> Refused:
    facts = {"record": "other", "environment": of_address.value}
    return Refused(Reason.ENVIRONMENT_MISMATCH, facts=facts)


def hash_of_state(state: str) -> str:
    """What is stored of a state: enough to know it again, nothing to use it with."""
    return hashlib.sha256(state.encode()).hexdigest()


def appointment_id_of(context: Mapping[str, str]) -> str | None:
    """SMART's `fhirContext` first, then Epic's `appointment` key (ehr.md, decision 6)."""
    try:
        references = [
            str(entry.get("reference", ""))
            for entry in json.loads(context.get("fhirContext", "[]"))
            if isinstance(entry, dict)
        ]
    except (ValueError, TypeError) as err:
        raise Refused(Reason.EHR_ANSWER_INVALID, facts={"field": "fhirContext"}) from err
    for reference in references:
        if reference.startswith("Appointment/"):
            return reference.removeprefix("Appointment/")
    return context.get("appointment") or None


def conference_id_of(context: Mapping[str, str], *, grouped: bool = False) -> str | None:
    """The EHR's contact number, as the integration record's context tokens bring it.

    A group record's session is the conference, which is no appointment.
    """
    session = None if grouped else context.get("sessionId")
    return session or context.get("csn") or None


def _conference(
    door: Door,
    record: IntegrationRecord | None,
    answer: TokenAnswer,
    appointment: AppointmentFacts,
) -> str:
    """The group visit a launch belongs to, or "" (F32).

    Raises:
        Refused: `GROUP_VISITS_OFF`: the setting is off, or a record for single visits was changed to
            bring the conference: everybody of the group would sit in a meeting of their own (E9).
    """
    session = answer.context.get("sessionId", "")
    if record is None:
        return ""
    if record.group and not door.revision.settings.group_visits:
        raise Refused(Reason.GROUP_VISITS_OFF, facts={"setting": "group_visits"})
    if not record.group and session not in {"", appointment.conference_id}:
        raise Refused(Reason.GROUP_VISITS_OFF, facts={"record": "single"})
    if record.group and session in {"", appointment.conference_id}:
        raise Refused(Reason.RECORD_UNKNOWN, facts={"token": "sessionId"})
    return session if record.group else ""


def _check_user(kind: LaunchKind, user: EhrUser) -> None:
    allowed: frozenset[FhirUserType] = USERS_OF[kind]
    if user.fhir_type not in allowed:
        raise Refused(
            Reason.WRONG_KIND_OF_USER, facts={"kind": kind.value, "user": user.fhir_type.value}
        )


def _intent(answer: TokenAnswer) -> Intent:
    named = answer.context.get("intent")
    return Intent.STATUS if named == Intent.STATUS.value else Intent.BEGIN
