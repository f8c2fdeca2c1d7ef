"""The refusals of the story: wrong role, wrong approver, wrong geography, edited after approval."""

from scripts.story.cast import FOREIGNER, READER, Cast
from scripts.story.narrator import Narrator, promise
from scripts.story.person import Person
from scripts.story.scenes import SetUp, open_environment, prove_ehr, value_of


def unknown_ehr(tell: Narrator, cast: Cast) -> None:
    with tell.step("A launch from an EHR nobody approved is refused before anything is sent"):
        stranger, urls = cast.stranger, cast.sandbox.urls
        query = f"iss={urls.fhir_base('test')}&launch=abc"
        stranger.open(f"{urls.connector}/launch/provider?{query}", refused=True)
        promise(stranger.has("reference"), "the page shows a reference number")


def wrong_geography(tell: Narrator, cast: Cast) -> None:
    foreigner, urls = cast.foreigner, cast.sandbox.urls
    with tell.step("An admin of another data geography is sent away, nothing is stored") as notes:
        foreigner.open(f"{urls.connector}/").click("sign-in").press_in_vain(FOREIGNER)
        there = str(foreigner.element("right-portal")["href"])
        promise("visits.emea.example" in there, "the page leads to the right portal")
        notes.append(there)
        foreigner.open(f"{urls.connector}/")
        promise(foreigner.has("sign-in"), "no session has begun")


def wrong_role(tell: Narrator, cast: Cast) -> None:
    reader, urls = cast.reader, cast.sandbox.urls
    with tell.step(
        "Somebody without the role may look, and is told which role is missing"
    ) as notes:
        reader.open(f"{urls.connector}/").click("sign-in").press(READER)
        promise(not reader.has("add-environment"), "there is no button to change anything")
        reader.open(f"{urls.connector}/configurations/new", refused=True)
        notes.append(reader.text("cause"))


def wrong_approver(tell: Narrator, cast: Cast) -> None:
    """Somebody else opens the link that waits on the admin's screen."""
    link = value_of(cast.admin.element("approval-link"))
    with tell.step("Somebody who is not the named approver opens the link and is refused") as notes:
        cast.reader.open(link, refused=True)
        notes.append(cast.reader.text("cause"))


def edited_after_approval(tell: Narrator, cast: Cast) -> None:
    """A live configuration is edited, and edited again under the approver's eyes (cases 33, 34)."""
    admin, analyst, setup = cast.admin, cast.analyst, SetUp(cast, tell)
    with tell.step("The admin edits what is approved; launches keep the approved revision"):
        edit(admin, cast, join_opens_minutes="720")
        promise("keep using revision 1" in admin.text("main"), "revision 1 stays in use")
        cast.stranger.open(_launch(cast), refused=True)
        ehr = cast.sandbox.urls.fhir_base("test").split("/")[2]
        promise(ehr in cast.stranger.visited_hosts, "a launch still leads to the EHR")
    with tell.step("Edited once more while the approver looks: the approval is refused") as notes:
        analyst.open(value_of(admin.element("approval-link")))
        prove_ehr(analyst)
        edit(admin, cast, join_opens_minutes="1440")
        analyst.press_in_vain("approve")
        notes.append(analyst.text("cause"))
    setup.approve()


def edit(admin: Person, cast: Cast, **changes: str) -> None:
    open_environment(admin, cast, "test").click("new-revision")
    admin.press("save", **changes)


def _launch(cast: Cast) -> str:
    urls = cast.sandbox.urls
    return f"{urls.connector}/launch/provider?iss={urls.fhir_base('test')}&launch=abc"
