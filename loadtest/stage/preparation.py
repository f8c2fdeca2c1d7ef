"""Before the first launch: the environment is entered, approved and pasted by clicking, the clinicians' accounts linked."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from rich.console import Console
from scripts.sandbox_parts.configuration import Urls, client_id
from scripts.story.cast import Cast
from scripts.story.narrator import Narrator
from scripts.story.person import PageUnexpected, Person
from scripts.story.scenes import SetUp

from loadtest.stage.controls import Controls
from loadtest.stage.ground import CLINICIANS, Addresses, GroundRefused
from loadtest.target import BookedVisit, Clinician

MEETING = "/l/meetup-join/"


@dataclass(frozen=True, slots=True)
class Place:
    """Where everything is, and whom to trust: `scripts.story.cast.Place`."""

    urls: Urls
    ca_file: Path


def set_up(place: Place, environment: str, tell: Callable[[str], None]) -> None:
    """An environment that nobody configured yet becomes one whose launches work."""
    narrator = Narrator(Console(file=io.StringIO()))
    SetUp(Cast(place), narrator, environment).play()
    tell(f"{environment} is configured, approved and pasted: {narrator.told} steps clicked")


def book(controls: Controls, count: int) -> tuple[BookedVisit, ...]:
    """Visits that can be begun now, of each clinician in turn."""
    return controls.book(count, [one.ehr_sign_in for one in CLINICIANS])


def link_clinicians(addresses: Addresses, controls: Controls, environment: str) -> None:
    """Each of them launches a visit that is not the run's. Raises: GroundRefused."""
    of_ehr = {one.ehr_sign_in: one for one in CLINICIANS}
    for visit in book(controls, len(CLINICIANS)):
        link_clinician(addresses, visit, of_ehr[visit.clinician], client_ids(environment)[0])


def link_clinician(
    addresses: Addresses, visit: BookedVisit, clinician: Clinician, provider_client_id: str
) -> None:
    """One launch with the one Microsoft sign-in that links the account for good; none when it is linked.

    Raises:
        GroundRefused: the launch did not end before the meeting.
    """
    person, account = Person(addresses.ca_file), f"account-{clinician.microsoft_sign_in}"
    asked = urlencode(
        {
            "client_id": provider_client_id,
            "launch_uri": f"{addresses.connector_url}/launch/provider",
            "provider": visit.practitioner_id,
            "appointment": visit.appointment_id,
        }
    )
    try:
        person.open(f"{addresses.ehr_url}/sim/launch?{asked}")
        if person.has(account):
            person.press(account)
    except PageUnexpected as err:
        raise GroundRefused(f"the first launch of {visit.clinician} failed: {err}") from err
    if MEETING not in person.url:
        raise GroundRefused(f"the first launch of {visit.clinician} ended at {person.where}")


def client_ids(environment: str) -> tuple[str, str]:
    """Of the provider's and the patient's client, as every sandbox registers them."""
    return client_id(environment, "provider"), client_id(environment, "patient")
