"""EHR environments, their revisions and their integration records."""

from collections.abc import Sequence
from dataclasses import asdict
from http import HTTPStatus
from itertools import dropwhile

from flask import g

from connector.domain.api_caller import Needs
from connector.domain.configuration import Revision, RevisionState
from connector.domain.errors import Reason, Refused
from connector.domain.integration_record import in_use
from connector.domain.organization import Environment, EnvironmentKind
from connector.ports.storage import Transaction
from connector.usecases.diagnose import ExaminedBy
from connector.web.api.documents import (
    EnvironmentDocument,
    EnvironmentPage,
    ExaminationDocument,
    FindingDocument,
    RecordDocument,
    RecordList,
    RevisionDocument,
    RevisionList,
    VerificationDocument,
    revision_documents,
)
from connector.web.api.entries import (
    ClientIds,
    EnvironmentsAsked,
    NewConfiguration,
    Pasted,
    RevisionSeen,
)
from connector.web.api.operations import operation
from connector.web.context import reference, web
from connector.web.finding_words import finding_as_json
from connector.web.problem_json import RequestInvalid, WrongValue

_LOOK = (Reason.CONFIGURATION_UNKNOWN,)
_CHANGE = (Reason.CONFIGURATION_UNKNOWN, Reason.CHANGED_SINCE_SHOWN, Reason.STATE_CONFLICT)
_Found = tuple[Environment, Sequence[Revision]]
_ENTRY = (
    Reason.URL_REFUSED,
    Reason.URL_TAKEN,
    Reason.URL_LOOKS_LIKE_ANOTHER,
    Reason.APPROVER_UNKNOWN,
    Reason.SETTING_INVALID,
    Reason.CLIENTS_MIXED_UP,
    Reason.EHR_UNREACHABLE,
    Reason.EHR_ANSWER_INVALID,
    Reason.PROMOTION_NEEDED,
    Reason.STATE_CONFLICT,
)
_VERIFY = (Reason.CONFIGURATION_UNKNOWN, Reason.CHANGED_SINCE_SHOWN, Reason.STATE_CONFLICT)


@operation("GET", "/environments", answer=EnvironmentPage)
def list_environments(query: EnvironmentsAsked) -> EnvironmentPage:
    """The tenant's EHR environments, by organization, test and production."""
    with web().store.read() as tx:
        found = [
            (environment, tx.configurations.revisions(environment.id))
            for environment in tx.configurations.environments(g.who.tenant_id)
        ]
    wanted = [each for each in _after(found, query.after) if _is_wanted(*each, query)]
    page = wanted[: query.limit]
    return EnvironmentPage(
        items=[_document(*each) for each in page],
        next=page[-1][0].id if len(wanted) > query.limit else None,
    )


def _after(found: list[_Found], last_id: str | None) -> list[_Found]:
    """Raises: RequestInvalid: no environment of this tenant has the id."""
    if last_id is None:
        return found
    rest = list(dropwhile(lambda each: each[0].id != last_id, found))
    if not rest:
        raise RequestInvalid([WrongValue(field="after", problem="not a cursor of this list")])
    return rest[1:]


def _is_wanted(
    environment: Environment, revisions: Sequence[Revision], query: EnvironmentsAsked
) -> bool:
    states = {r.state for r in revisions[:1]}
    states |= {r.state for r in revisions if r.state is RevisionState.ACTIVE}
    return (
        query.organization in (None, environment.organization_name)
        and query.kind in (None, environment.kind)
        and (query.state is None or query.state in states)
    )


def _document(environment: Environment, revisions: Sequence[Revision]) -> EnvironmentDocument:
    return EnvironmentDocument.of(environment, revisions, web().deployment.public_url)


def _environment(tx: Transaction, environment_id: str) -> Environment:
    """Of the caller's tenant; another tenant's does not exist for them (case 74)."""
    found = tx.configurations.environment(environment_id)
    if found is None or found.tenant_id != g.who.tenant_id:
        raise Refused(Reason.CONFIGURATION_UNKNOWN)
    return found


@operation("GET", "/environments/<environment_id>", answer=EnvironmentDocument, refusals=_LOOK)
def get_environment(environment_id: str) -> EnvironmentDocument:
    """One EHR environment: what launches use, and what waits for whom."""
    with web().store.read() as tx:
        environment = _environment(tx, environment_id)
        return _document(environment, tx.configurations.revisions(environment_id))


@operation(
    "POST",
    "/environments",
    answer=RevisionDocument,
    needs=Needs.CHANGE,
    status=HTTPStatus.CREATED,
    refusals=_ENTRY,
)
def enter_configuration(body: NewConfiguration) -> RevisionDocument:
    """Enter an EHR environment, or a new revision of one; it waits for its approver then."""
    _refuse_other_kinds_clients(body.kind, body.clients)
    _refuse_other_time_zone(body)
    return RevisionDocument.of(web().enter_configuration(g.who, body.entered(), reference()))


def _refuse_other_kinds_clients(kind: EnvironmentKind, clients: ClientIds) -> None:
    """No client id of test in production, nor the reverse (E11, case 43).

    Raises:
        RequestInvalid: names the fields.
    """
    offered = {
        k: set(asdict(web().deployment.clients_offered(k)).values()) for k in EnvironmentKind
    }
    others = set().union(*(ids for k, ids in offered.items() if k is not kind)) - offered[kind]
    wrong = [name for name, value in clients if value in others]
    if wrong:
        problem = "the client id of the other environment"
        raise RequestInvalid([WrongValue(field=f"clients.{n}", problem=problem) for n in wrong])


def _refuse_other_time_zone(body: NewConfiguration) -> None:
    """A revision does not move its environment to another zone; nothing that is sent is ignored.

    Raises:
        RequestInvalid: names the zone it has.
    """
    with web().store.read() as tx:
        known = tx.configurations.find_environment(
            g.who.tenant_id, body.organization.strip(), body.kind
        )
    if known and known.time_zone != body.time_zone:
        problem = f"the environment's is {known.time_zone}, which no revision changes"
        raise RequestInvalid([WrongValue(field="time_zone", problem=problem)])


@operation("GET", "/environments/<environment_id>/revisions", answer=RevisionList, refusals=_LOOK)
def list_revisions(environment_id: str) -> RevisionList:
    """Every revision of the environment, newest first, each with what it changed."""
    with web().store.read() as tx:
        _environment(tx, environment_id)
        revisions = tx.configurations.revisions(environment_id)
    return RevisionList(items=revision_documents(revisions))


@operation("GET", "/environments/<environment_id>/records", answer=RecordList, refusals=_LOOK)
def list_records(environment_id: str) -> RecordList:
    """The integration records the EHR analyst pastes into the EHR."""
    with web().store.read() as tx:
        environment = _environment(tx, environment_id)
        door = tx.configurations.door_of_environment(environment_id)
        issued = tx.records.of(environment_id)
    if door is None:
        return RecordList(items=[])
    public_url, kind = web().deployment.public_url, environment.kind.value
    return RecordList(
        items=[
            RecordDocument.of(r, r.text(public_url, kind, door.revision.settings))
            for r in in_use(issued, door.revision.settings)
        ]
    )


@operation(
    "POST",
    "/records/<record_id>/verifications",
    answer=VerificationDocument,
    refusals=_VERIFY,
)
def verify_record(record_id: str, body: Pasted) -> VerificationDocument:
    """Compare a record with what stands in the EHR, token by token."""
    return VerificationDocument.of(web().verify_record(g.who, record_id, body.pasted, reference()))


@operation(
    "POST",
    "/environments/<environment_id>/examinations",
    answer=ExaminationDocument,
    refusals=(*_LOOK, Reason.EXAMINATION_BUSY),
)
def examine_environment(environment_id: str) -> ExaminationDocument:
    """Examine this deployment, the EHR and Microsoft; takes up to a minute."""
    case = web().diagnose.case(environment_id, g.who.tenant_id)
    findings = web().diagnose(case.subject, ExaminedBy(g.who.object_id, reference()))
    return ExaminationDocument(
        environment_id=environment_id,
        examined_at=web().clock.now(),
        findings=[FindingDocument.model_validate(finding_as_json(f)) for f in findings],
    )


@operation(
    "POST",
    "/environments/<environment_id>/rollbacks",
    answer=RevisionDocument,
    needs=Needs.CHANGE,
    refusals=(
        *_CHANGE,
        Reason.NOTHING_TO_ROLL_BACK,
        Reason.URL_TAKEN,
        Reason.URL_LOOKS_LIKE_ANOTHER,
    ),
)
def roll_back(environment_id: str, body: RevisionSeen) -> RevisionDocument:
    """Have launches use the approved revision before the one in use, at once."""
    return RevisionDocument.of(
        web().roll_back(g.who, environment_id, body.active_revision_id, reference())
    )


@operation(
    "POST",
    "/environments/<environment_id>/retirement",
    answer=RevisionDocument,
    needs=Needs.CHANGE,
    refusals=_CHANGE,
)
def retire_environment(environment_id: str, body: RevisionSeen) -> RevisionDocument:
    """End launches of the environment; its FHIR base URL is free then."""
    return RevisionDocument.of(
        web().retire_environment(g.who, environment_id, body.active_revision_id, reference())
    )
