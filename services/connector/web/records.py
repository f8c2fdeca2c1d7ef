"""Integration records: download, and comparison with what the EHR holds (F25, F28, E4, case 44)."""

from collections.abc import Sequence

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from connector.domain.errors import Reason, Refused
from connector.domain.organization import Environment
from connector.web.context import reference, web
from connector.web.own import own_environment
from connector.web.record_texts import IssuedRecord, document, file_name, issued_records
from connector.web.record_words import advice_for, owner_words

blueprint = Blueprint("records", __name__, url_prefix="/configurations/<environment_id>/records")


@blueprint.get("/all.txt")
def download_all(environment_id: str) -> Response:
    environment, issued = _issued(environment_id)
    return _attachment(document(environment, issued), file_name(environment, "records"))


@blueprint.get("/<record_id>.txt")
def download(environment_id: str, record_id: str) -> Response:
    environment, issued = _issued(environment_id)
    one = _one(issued, record_id)
    return _attachment(one.text, file_name(environment, one.name))


@blueprint.post("/<record_id>/verify")
def verify(environment_id: str, record_id: str) -> AnyResponse | str:
    environment, issued = _issued(environment_id)
    one = _one(issued, record_id)
    pasted = request.form.get("pasted", "")
    verification = web().verify_record(g.who, record_id, pasted, reference())
    if not verification.differences:
        return redirect(url_for("portal.show", environment_id=environment_id) + "#records", 303)
    return render_template(
        "verification.html",
        environment=environment,
        issued=one,
        pasted=pasted,
        owner=owner_words(verification),
        differences=[(d, advice_for(d)) for d in verification.differences],
    )


def _issued(environment_id: str) -> tuple[Environment, Sequence[IssuedRecord]]:
    """Raises: Refused: `CONFIGURATION_UNKNOWN`, also while nothing is approved."""
    environment = own_environment(environment_id)
    with web().store.read() as tx:
        door = tx.configurations.door_of_environment(environment_id)
        records = tx.records.of(environment_id)
    if door is None:
        raise Refused(Reason.CONFIGURATION_UNKNOWN)
    return environment, issued_records(environment, door.revision, records)


def _one(issued: Sequence[IssuedRecord], record_id: str) -> IssuedRecord:
    for each in issued:
        if each.record.id == record_id:
            return each
    raise Refused(Reason.CONFIGURATION_UNKNOWN)


def _attachment(text: str, name: str) -> Response:
    """Plain text that a browser saves and never shows."""
    response = make_response(text)
    response.mimetype = "text/plain"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
