"""The ground with nobody to ask: a stamp, a customer's own test EHR, and launches that were prepared there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from loadtest.browser import Failed, Shed
from loadtest.browsers import Browsers
from loadtest.hops import Hops
from loadtest.personas.prepared import hand_over
from loadtest.prepared.launch_file import LaunchFile, PreparedLaunch
from loadtest.recorder import RunClock
from loadtest.records import Deed, Iteration, Request
from loadtest.scenario import Model, Scenario, StageAction
from loadtest.stage.arguments import Prepared
from loadtest.stage.controls import Controls
from loadtest.stage.ground import Addresses, GroundRefused
from loadtest.stage.hosted import require_ready
from loadtest.target import BookedVisit
from loadtest.transport import GeventTransport, trusting

# What each means for who prepared the launches; the docs say what can be done.
_ADVICE: Final = {
    "ehr_asks_to_log_in": "give cookies of a browser that is signed in to the EHR, or let the test EHR sign in by itself",
    "ehr_shows_a_page": "the EHR must go on by redirects alone: nobody here can click, and no script runs",
    "microsoft_asks_to_sign_in": "each clinician's account must be linked: let them launch once by hand beforehand",
}


@dataclass(frozen=True, slots=True)
class CustomersEhr:
    """Nothing can be asked, killed or measured from here."""

    addresses: Addresses
    launches: LaunchFile
    controls: Controls | None = None
    is_ours: bool = False
    database: str = ""
    web_processes: int = 0

    def visits(self, _count: int) -> tuple[BookedVisit, ...]:
        """None is booked: the launches are what there is."""
        return ()

    def pids(self) -> Mapping[str, int]:
        return {}

    def kill(self, what: StageAction) -> None:
        raise GroundRefused(f"{what}: the processes of a stamp are not ours")


def customers_ehr(prepared: Prepared, launches: LaunchFile, scenario: Scenario) -> CustomersEhr:
    """Everything that can be checked without spending a launch, and then the file's trial launches.

    Raises:
        GroundRefused: the stamp does not answer, or a trial launch did not get through; names its line and hop.
    """
    if scenario.model is not Model.OPEN:
        raise GroundRefused(
            "prepared launches go with the open model: a closed one has no order of arrival"
        )
    only = Addresses(
        connector_url=prepared.connector,
        feed_url="",
        ehr_url="",
        mychart_url="",
        microsoft_url="",
        ca_file=prepared.ca_file,
    )
    require_ready(only, f"{prepared.connector}/readyz")
    tls = trusting(prepared.ca_file)
    hops = Hops.of_customer(prepared.connector)
    browsers = Browsers(hops, Unrecorded(), RunClock.from_now(), lambda: GeventTransport(tls, 1))
    try:
        for launch in (one for visit in launches.trials for one in visit.launches):
            _try(browsers, launch)
    finally:
        browsers.close()
    return CustomersEhr(only, launches)


def what_to_know(launches: LaunchFile, scenario: Scenario) -> list[str]:
    """What whoever starts the run must know of it beforehand."""
    visits = len(launches.visits)
    people = sum(len(one.launches) for one in launches.visits)
    said = [
        f"{people:,} launches of {visits:,} visits are left, nobody can be asked what became of them"
    ]
    if launches.clinicians == 1:
        said.append("one clinician launches everything: what is kept of each user is one hot row")
    elif launches.clinicians:
        said.append(f"{launches.clinicians} clinicians launch them")
    delay = scenario.stage.upstream_delay_ms
    if delay.ehr or delay.graph:
        said.append("EHR and Microsoft take the time they take: upstream_delay_ms is not in force")
    if scenario.portal_admins.per_minute or scenario.idle_viewers.per_minute:
        said.append("portal admins and idle viewers stay at home: nobody could sign them in")
    return said


class Unrecorded:
    """A recorder for launches that are no part of the run."""

    def request(self, request: Request) -> None: ...

    def iteration(self, iteration: Iteration) -> None: ...

    def deed(self, deed: Deed) -> None: ...


def _try(browsers: Browsers, launch: PreparedLaunch) -> None:
    """Raises: GroundRefused."""
    with browsers.at(launch.persona, launch.cookies.copy()) as browser:
        try:
            hand_over(browser, launch)
        except (Failed, Shed) as err:
            code = str(err)
            advice = _ADVICE.get(code.partition(" ")[0], "")
            raise GroundRefused(
                f"the trial launch in line {launch.line} did not get through: {code}"
                + (f"\n{advice}" if advice else "")
            ) from err
