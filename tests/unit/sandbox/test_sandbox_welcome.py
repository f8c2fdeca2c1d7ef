"""What ``make run`` shows: people as the simulators list them, addresses, the story."""

from io import StringIO
from pathlib import Path

import requests
from rich.console import Console
from scripts.sandbox_parts.configuration import (
    API_URI,
    COMMAND_LINE_CLIENT_ID,
    PIPELINE_CLIENT_ID,
    Urls,
)
from scripts.sandbox_parts.people import (
    SandboxPerson,
    ask_people,
    ehr_people,
    microsoft_people,
)
from scripts.sandbox_parts.ports import Ports
from scripts.sandbox_parts.welcome import show_welcome, story

URLS = Urls.of(Ports.from_base(8440))
CONTOSO = {
    "name": "Contoso Health",
    "people": [{"name": "Morgan Reyes", "sign_in_name": "admin@contoso", "job_title": "Admin"}],
}


def shown(*people: SandboxPerson) -> str:
    screen = StringIO()
    console = Console(file=screen, width=200)
    show_welcome(console, URLS, Path("/checkout/.sandbox/ca.pem"), people)
    return screen.getvalue()


def test_people_of_microsoft_are_listed_by_tenant() -> None:
    expected = SandboxPerson(
        "Microsoft 365, Contoso Health", "admin@contoso", "Morgan Reyes", "Admin", ""
    )
    assert list(microsoft_people({"tenants": [CONTOSO]})) == [expected]


def test_a_tenant_is_shown_with_the_country_that_decides_its_portal() -> None:
    [person] = microsoft_people({"tenants": [{**CONTOSO, "tenant_ctry": "US"}]})
    assert person.place == "Microsoft 365, Contoso Health, US"


def test_people_of_the_ehr_and_of_mychart_are_told_apart() -> None:
    adam = {"username": "ACAREFUL", "password": "pw", "name": "Adam", "role": "clinician"}
    leia = {"username": "LSOLO", "password": "pw", "name": "Leia", "role": "patient"}
    document = {"ehr_users": [adam], "mychart_accounts": [leia]}
    assert list(ehr_people("test", document)) == [
        SandboxPerson("the EHR, test", "ACAREFUL", "Adam", "clinician", "pw"),
        SandboxPerson("MyChart, test", "LSOLO", "Leia", "patient", "pw"),
    ]


def test_person_about_whom_little_is_told_is_listed_all_the_same() -> None:
    [person] = ehr_people("test", {"ehr_users": [{"username": "X", "role": None}]})
    assert person == SandboxPerson("the EHR, test", "X", "", "", "")


def test_simulators_that_do_not_answer_add_nobody() -> None:
    with requests.Session() as session:
        assert ask_people(session, Urls.of(Ports.free())) == []


def test_people_are_shown_under_their_place() -> None:
    text = shown(
        SandboxPerson("Microsoft 365, Contoso", "admin@contoso", "Morgan Reyes", "Admin", ""),
        SandboxPerson("MyChart, test", "LSOLO", "Leia Solo", "patient", "s3cret"),
    )
    assert "s3cret" in text
    assert text.index("Microsoft 365, Contoso") < text.index("Morgan Reyes")
    assert text.index("MyChart, test") < text.index("LSOLO") < text.index("Leia Solo")


def test_names_with_brackets_are_shown_as_they_are() -> None:
    assert "[bold]Morgan" in shown(SandboxPerson("M", "a", "[bold]Morgan", "", ""))


def test_welcome_without_people_still_tells_the_addresses_and_the_trust() -> None:
    text = shown()
    assert "https://localhost:8441/interconnect-tst-oauth/hyperspace/" in text
    assert "https://localhost:8442/production/" in text
    assert "--cacert /checkout/.sandbox/ca.pem" in text
    assert "https://localhost:8443/sim/" in text


def test_welcome_tells_who_may_ask_for_tokens_of_the_api_and_where() -> None:
    text = shown()
    assert COMMAND_LINE_CLIENT_ID in text
    assert PIPELINE_CLIENT_ID in text
    assert f"{API_URI}/Configuration.ReadWrite" in text
    assert "https://localhost:8443/devicelogin" in text


def test_story_names_the_addresses_of_every_step() -> None:
    text = "\n".join(story(URLS))
    for address in (URLS.fhir_base("test"), f"{URLS.ehr('production')}/fdi/", URLS.mychart("test")):
        assert address in text
