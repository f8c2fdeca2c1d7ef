"""`connector doctor`: examine this deployment and the configurations on it (E1, E2)."""

import json
import sys
from collections.abc import Iterator

import click

from connector.cli.speech import settings, with_json
from connector.domain.findings import Finding, Verdict
from connector.usecases.diagnose import OPERATOR, Case, Diagnose, ExaminedBy

_MARKS = {
    Verdict.OK: "ok     ",
    Verdict.WARNING: "warning",
    Verdict.FAILED: "FAILED ",
    Verdict.SKIPPED: "skipped",
}
Found = tuple[str, Finding]


@click.command()
@click.option("--environment", "environment_id", help="Examine this EHR environment as well.")
@click.option("--all", "everything", is_flag=True, help="Examine every EHR environment as well.")
@with_json
def doctor(*, environment_id: str | None, everything: bool, as_json: bool) -> None:
    """Find out what is wrong, and who can put it right.

    Without an option this deployment is examined: database, worker, the keys EHRs fetch and the
    webhook Graph posts to. With one, also the EHR (address, certificate, FHIR version, SMART
    configuration, scopes, clock, whether it knows our client and key, permission to write back) and
    Microsoft (clock, consent, application access policy) of what is live in that environment.
    Nothing is written anywhere but one line of the audit trail for each environment; no patient
    data is read. The portal shows the same at /configurations/ID/check.

    Examples:
      connector doctor
      connector doctor --environment 5Yb3n0sQvJ8eJ2bT7p1xKw
      connector doctor --all --json

    Exit codes: 0 nothing failed, 1 something did, 2 wrong usage or settings.
    """
    from connector.bootstrap import build_diagnose

    if environment_id is not None and everything:
        raise click.UsageError("give either --environment ID or --all")
    diagnose = build_diagnose(settings())
    cases = _cases(diagnose, environment_id, everything=everything)
    found = list(_told(diagnose, cases, as_json=as_json))
    if as_json:
        click.echo(json.dumps([_facts(*each) for each in found]))
    sys.exit(1 if any(finding.verdict is Verdict.FAILED for _, finding in found) else 0)


def _cases(diagnose: Diagnose, environment_id: str | None, *, everything: bool) -> list[Case]:
    if environment_id is not None:
        case = diagnose.live_case(environment_id)
        if case is None:
            raise click.UsageError("no configuration of an EHR environment has this id")
        return [case]
    if not everything:
        return []
    with diagnose.store.read() as tx:
        ids = tx.configurations.environment_ids()
    return [case for each in ids if (case := diagnose.live_case(each))]


def _told(diagnose: Diagnose, cases: list[Case], *, as_json: bool) -> Iterator[Found]:
    """Every finding as it is made; people read each at once, deployment first."""
    for finding in diagnose.deployment():
        yield _tell("", finding, as_json=as_json)
    for case in cases:
        environment = case.environment
        if not as_json:
            click.echo(f"\n{environment.organization_name}, {environment.kind} ({environment.id})")
        for finding in diagnose.configuration(case.subject, ExaminedBy(OPERATOR)):
            yield _tell(environment.id, finding, as_json=as_json)


def _tell(environment_id: str, finding: Finding, *, as_json: bool) -> Found:
    from connector.web.finding_words import words_of

    if not as_json:
        said = words_of(finding)
        click.echo(f"{_MARKS[finding.verdict]} {said.title}: {said.cause}")
        if said.remedy:
            who = f" ({said.who})" if said.who else ""
            click.echo(f"        to do{who}: {said.remedy}")
            click.echo(f"        see docs/runbooks/{said.runbook.replace('#', '.md#')}")
    return environment_id, finding


def _facts(environment_id: str, finding: Finding) -> dict[str, object]:
    from connector.web.finding_words import finding_as_json

    return {"environment": environment_id or None, **finding_as_json(finding)}
