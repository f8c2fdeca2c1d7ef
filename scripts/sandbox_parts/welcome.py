"""What ``make run`` shows: addresses, people, how to trust the certificate, the story to do by hand."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from scripts.sandbox_parts.configuration import (
    API_SCOPE,
    API_URI,
    COMMAND_LINE_CLIENT_ID,
    EHR_PREFIXES,
    PIPELINE_CLIENT_ID,
    Urls,
)
from scripts.sandbox_parts.people import SandboxPerson


def show_welcome(
    console: Console, urls: Urls, ca_file: Path, people: Sequence[SandboxPerson]
) -> None:
    console.rule("The sandbox is ready")
    console.print(addresses(urls))
    for place, group in groupby(people, key=lambda one: one.place):
        console.print(people_table(place, list(group)))
    for title, lines in (
        ("A SMART client of your own", strangers_client(urls)),
        ("Tokens for the connector's API", api_clients(urls)),
        ("Trust the certificates", trust(urls, ca_file)),
        ("The story, by hand", [f"{n}. {step}" for n, step in enumerate(story(urls), 1)]),
    ):
        console.print(f"\n[bold]{title}[/bold]")
        console.print("\n".join(lines), soft_wrap=True, highlight=False, markup=False)
    console.print("\n[bold]Ctrl-C stops everything.[/bold]")


def show_keeping(console: Console, directory: Path) -> None:
    console.print(
        f"Logs, the connector's state, pipeline.pem: {directory} (forgotten with: make run RESET=1).\n"
        "The simulators forget theirs when they stop: paste the integration records again then.",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )


def addresses(urls: Urls) -> Table:
    table = Table(title="Addresses", title_justify="left", show_header=False)
    rows = [("Connector portal", f"{urls.connector}/")]
    for environment in EHR_PREFIXES:
        ehr = urls.ehr(environment)
        rows += [
            (f"EHR, {environment}: clinician's screen", f"{ehr}/hyperspace/"),
            (f"EHR, {environment}: on the phone", f"{ehr}/haiku/"),
            (f"EHR, {environment}: integration records", f"{ehr}/fdi/"),
            (f"MyChart, {environment}", f"{urls.mychart(environment)}/"),
        ]
    rows += [
        ("Microsoft", f"{urls.mock_microsoft}/"),
        ("Controls of the EHR", f"{urls.mock_fhir}/sim/"),
        ("Controls of MyChart", f"{urls.mock_mychart}/sim/"),
        ("Controls of Microsoft", f"{urls.mock_microsoft}/sim/"),
    ]
    for row in rows:
        table.add_row(*row)
    return table


def people_table(place: str, people: Sequence[SandboxPerson]) -> Table:
    table = Table(title=f"People of {place}", title_justify="left")
    for heading in ("sign in as", "password", "name", "role"):
        table.add_column(heading)
    for one in people:
        table.add_row(*(escape(text) for text in _cells(one)))
    return table


def strangers_client(urls: Urls) -> list[str]:
    bases = [f"  {name:<11}{urls.fhir_base(name)}" for name in EHR_PREFIXES]
    return [
        "Any SMART on FHIR client works with the FHIR base URL alone; registration is open:",
        *bases,
    ]


def api_clients(urls: Urls) -> list[str]:
    """Who may ask for tokens, at which authority, for what."""
    return [
        f"  people, with a device code:  client {COMMAND_LINE_CLIENT_ID}, scope {API_URI}/{API_SCOPE}",
        f"  pipelines, with pipeline.pem: client {PIPELINE_CLIENT_ID}, scope {API_URI}/.default",
        f"  authority {urls.mock_microsoft}/<tenant>; codes are entered at {urls.mock_microsoft}/devicelogin",
    ]


def trust(urls: Urls, ca_file: Path) -> list[str]:
    return [
        f"Authority of this checkout: {ca_file} (its key stays beside it, for you alone)",
        f"  curl --cacert {ca_file} {urls.connector}/readyz",
        f"  export REQUESTS_CA_BUNDLE={ca_file} SSL_CERT_FILE={ca_file}   (Python, many other clients)",
        f"  export NODE_EXTRA_CA_CERTS={ca_file}",
        "  Firefox: Settings > Certificates > Authorities > Import. Chrome and Edge use the system's store:",
        "  macOS: Keychain Access > login > import, then 'Always trust'.",
        f"  Linux: certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n teams-ehr-sandbox -i {ca_file}",
        "  Or accept the browser's warning once per port. Remove the authority when you are done.",
    ]


def story(urls: Urls) -> list[str]:
    """The way from an empty connector to a visit, then to production."""
    ehr, portal = urls.ehr("test"), f"{urls.connector}/"
    configure = (
        f"{portal}: sign in as the Microsoft 365 administrator, make an organization, choose test, "
        f"enter the FHIR base URL {urls.fhir_base('test')} and name the EHR analyst as approver."
    )
    approve = (
        f"{portal} in a second browser profile: sign in as the analyst, then with the EHR, "
        "and approve. Two integration records appear: provider and patient."
    )
    build = (
        f"{ehr}/fdi/: sign in as the EHR analyst, paste both records, choose the client of each."
    )
    wait = (
        f"{urls.mychart('test')}/: log in as a patient, open today's visit, Begin virtual visit: "
        "the waiting page tests camera and microphone and waits for the clinician."
    )
    join = (
        f"{ehr}/hyperspace/: sign in as the clinician of that visit, Begin virtual visit. "
        "The first time Microsoft asks who you are; never again."
    )
    meet = (
        "Admit the patient in the Teams meeting; see the patient arrive on the clinician's page "
        "and the connection status in the EHR's schedule."
    )
    promote = (
        f"{portal}: set up production the same way with {urls.fhir_base('production')}, paste its "
        f"records at {urls.ehr('production')}/fdi/ and begin a production visit."
    )
    break_it = (
        "Ask for a failure: the controls of each simulator (/sim/) set faults, move the clock "
        "and show every exchange."
    )
    return [configure, approve, build, wait, join, meet, promote, break_it]


def _cells(one: SandboxPerson) -> tuple[str, str, str, str]:
    return one.sign_in_name, one.password or "(none asked)", one.name, one.role
