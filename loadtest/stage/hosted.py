"""The ground somebody deployed: a stamp with a hosted sandbox (docs/hosted-sandbox.md)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import requests
from scripts.sandbox_parts.configuration import EHR_PREFIXES, Urls

from loadtest.scenario import StageAction
from loadtest.stage.arguments import Remote
from loadtest.stage.controls import Controls
from loadtest.stage.ground import Addresses, GroundRefused
from loadtest.stage.preparation import Place, book, link_clinicians, set_up
from loadtest.target import BookedVisit

TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class HostedSandbox:
    """Works as at home, but nothing can be killed or measured from here."""

    addresses: Addresses
    controls: Controls
    environment: str
    is_ours: bool = False
    database: str = ""
    web_processes: int = 0

    def visits(self, count: int) -> tuple[BookedVisit, ...]:
        link_clinicians(self.addresses, self.controls, self.environment)
        return book(self.controls, count)

    def pids(self) -> Mapping[str, int]:
        return {}

    def kill(self, what: StageAction) -> None:
        raise GroundRefused(f"{what}: the processes of a stamp are not ours")


def hosted(remote: Remote, tell: Callable[[str], None]) -> HostedSandbox:
    """Configured by clicking when nobody did yet.

    Raises:
        GroundRefused: one of the addresses does not answer.
    """
    root = f"{remote.ehr}/{EHR_PREFIXES[remote.environment]}"
    addresses = Addresses(
        connector_url=remote.connector,
        feed_url=remote.feed,
        ehr_url=root,
        mychart_url=f"{remote.mychart}/{remote.environment}",
        microsoft_url=remote.microsoft,
        ca_file=remote.ca_file,
    )
    controls = Controls(addresses.session(), addresses.ehr_url, addresses.microsoft_url)
    for url in (
        f"{remote.connector}/readyz",
        f"{remote.ehr}/healthz",
        f"{remote.microsoft}/healthz",
    ):
        require_ready(addresses, url)
    if not controls.has_records():
        urls = Urls(remote.connector, remote.ehr, remote.mychart, remote.microsoft, remote.feed)
        set_up(Place(urls, remote.ca_file), remote.environment, tell)
    return HostedSandbox(addresses, controls, remote.environment)


def require_ready(addresses: Addresses, url: str) -> None:
    """Raises: GroundRefused."""
    try:
        answer = addresses.session().get(url, timeout=TIMEOUT_SECONDS)
    except requests.RequestException as err:
        raise GroundRefused(f"{url} does not answer: {type(err).__name__}") from err
    if not answer.ok:
        raise GroundRefused(f"{url} answers {answer.status_code}")
