"""Integration records: an EHR analyst pastes what the connector's portal handed out."""

from typing import Any

from flask import Blueprint, redirect, render_template, request

from mock_fhir.environment import current_environment
from mock_fhir.integration_records import MNEMONICS, RecordError, RecordKind, parse_record
from mock_fhir.people import Account, Right
from mock_fhir.screens.session import signed_in

blueprint = Blueprint("fdi", __name__, url_prefix="/fdi")
_KIND = "<any(provider,patient,'provider-group','patient-group'):kind>"


@blueprint.get("/")
def records() -> str:
    account = signed_in("fdi", Right.INTEGRATIONS)
    return _page(account, saved=request.args.get("saved"))


@blueprint.post(f"/records/{_KIND}")
def save_record(kind: str) -> Any:
    environment = current_environment()
    account = signed_in("fdi", Right.INTEGRATIONS)
    record_kind = RecordKind(kind)
    client = environment.clients.find(request.form.get("client_id"))
    try:
        record = parse_record(request.form.get("record", ""), record_kind, client)
    except RecordError as error:
        return _page(account, failed=record_kind, problems=error.problems), 400
    environment.records[record_kind] = record
    return redirect(f"{environment.addresses.base}/fdi/?saved={kind}", 303)


@blueprint.post(f"/records/{_KIND}/remove")
def remove_record(kind: str) -> Any:
    environment = current_environment()
    signed_in("fdi", Right.INTEGRATIONS)
    environment.records.pop(RecordKind(kind), None)
    return redirect(f"{environment.addresses.base}/fdi/", 303)


def _page(
    account: Account,
    *,
    saved: str | None = None,
    failed: RecordKind | None = None,
    problems: list[str] | None = None,
) -> str:
    """The form with the error keeps what was typed; the other shows the record in force."""
    environment = current_environment()
    return render_template(
        "ehr/fdi.html",
        environment=environment,
        area="fdi",
        area_title="Integration records (FDI)",
        account=account,
        kinds=list(RecordKind),
        records=environment.records,
        clients=environment.clients.all(),
        mnemonics=sorted(MNEMONICS),
        saved=saved,
        failed=failed,
        problems=problems or [],
        typed=request.form,
    )
