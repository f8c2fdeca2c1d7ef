"""E1, E8 and E12: what an administrator meets when entering a configuration."""

from collections.abc import Sequence
from typing import Final

from scripts.error_scenarios.shown import Shown, problem_page, refused_form
from scripts.error_scenarios.stage import Stage
from scripts.story.cast import ANALYST_SIGN_IN, ORGANIZATION, READER
from scripts.story.narrator import promise
from scripts.story.person import PageUnexpected, Person

SECOND_ADMIN: Final = "account-admin@northwind-care.example"
SECOND_APPROVER: Final = "analyst@northwind-care.example"
SECOND_TENANT: Final = "0047a1d0-0000-4000-8000-00000000c0de"


def wrong_version(stage: Stage, notes: list[str]) -> Sequence[Shown]:
    """E1: the address of another FHIR version; the right one is suggested and taken."""
    right = stage.sandbox.urls.fhir_base("test")
    wrong = right.replace("/R4", "/DSTU2")
    admin = stage.admin().open(f"{stage.connector}/configurations/new")
    admin.press_in_vain("save", **_entered(wrong, ANALYST_SIGN_IN))
    notes.append(f"the admin entered {wrong}")
    shown = refused_form(admin)
    suggested = str(admin.element("use-address-1")["value"])
    promise(suggested == right, f"the right address is suggested, not {suggested}")
    admin.press("use-address-1").press("check-address")
    promise(admin.has("checked"), "an EHR answers at the suggested address")
    notes.append(f"“Did you mean …” {suggested}: taken, and an EHR answers there")
    return [shown]


def wrong_role(stage: Stage, notes: list[str]) -> Sequence[Shown]:
    """E8: a Global Reader sees everything and is told which role is missing."""
    stage.test()
    reader = stage.cast.reader.open(f"{stage.connector}/")
    reader.click("sign-in").press(READER)
    promise(not reader.has("add-environment"), "there is no button to change anything")
    notes.append("a Global Reader signed in, saw the overview, and opened the entry form")
    reader.open(f"{stage.connector}/configurations/new", refused=True)
    promise("Global Reader" in reader.text("roles"), "the roles the account has are named")
    notes.append(reader.text("roles"))
    return [problem_page(reader)]


def second_tenant(stage: Stage, notes: list[str]) -> Sequence[Shown]:
    """E12: refused, then offered, accepted and entered; the offer is withdrawn at the end."""
    stage.test()
    shared = stage.sandbox.urls.fhir_base("test")
    second = Person(stage.sandbox.ca_file)
    second.open(f"{stage.connector}/").click("sign-in").press(SECOND_ADMIN)
    second.open(f"{stage.connector}/tenant").press("confirm-geography")
    second.open(f"{stage.connector}/configurations/new")
    second.press_in_vain("save", **_entered(shared, SECOND_APPROVER))
    notes.append(f"the admin of another tenant entered {shared}")
    shown = refused_form(second)
    promise(ORGANIZATION not in second.text("problems"), "its owner is not named")
    owner = stage.admin().open(f"{stage.connector}/shares")
    owner.press("offer-share", environment=_choice(owner, shared), tenant=SECOND_TENANT)
    second.open(f"{stage.connector}/shares").press(_id_beginning(second, "accept-"))
    second.open(f"{stage.connector}/configurations/new")
    second.press("save", **_entered(shared, SECOND_APPROVER))
    promise(second.has("approval-link"), "the second tenant may enter the address now")
    notes.append("its owner offered it, the other admin accepted and entered it: no ticket")
    owner.open(f"{stage.connector}/shares").press(_id_beginning(owner, "withdraw-"))
    return [shown]


def _entered(fhir_base_url: str, approver: str) -> dict[str, str]:
    return {
        "organization": "Contoso East" if approver == ANALYST_SIGN_IN else "Northwind Care",
        "fhir_base_url": fhir_base_url,
        "approver": approver,
    }


def _choice(owner: Person, fhir_base_url: str) -> str:
    """The environment of the owner that is live with this address."""
    for option in owner.element("environment").find_all("option"):
        if option.get_text(strip=True).endswith(fhir_base_url):
            return str(option["value"])
    raise PageUnexpected(f"{owner.where} does not offer {fhir_base_url}")


def _id_beginning(person: Person, beginning: str) -> str:
    found = person.browser.page.find(id=lambda value: bool(value) and value.startswith(beginning))
    if found is None:
        raise PageUnexpected(f"{person.where} has no button {beginning}…")
    return str(found["id"])
