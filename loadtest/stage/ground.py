"""What a run stands on: a sandbox started for it, or a stamp that somebody deployed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import requests

from loadtest.scenario import StageAction
from loadtest.stage.controls import Controls
from loadtest.target import BookedVisit, Clinician

# Who hold the visits, in turn: with one for all, what is kept of each user would be one hot row.
CLINICIANS: Final = (
    Clinician(ehr_sign_in="ACAREFUL", microsoft_sign_in="adam.careful@contoso-health.example"),
    Clinician(ehr_sign_in="EBROEK", microsoft_sign_in="eric.vandenbroek@contoso-health.example"),
    Clinician(ehr_sign_in="SHEPS", microsoft_sign_in="luigi.maas@contoso-health.example"),
    Clinician(ehr_sign_in="ABRONSIG", microsoft_sign_in="juri.vangelder@contoso-health.example"),
)
EHR_PASSWORD: Final = "sandbox"  # noqa: S105 - printed on the simulators' own sign-in pages
ADMIN: Final = "admin@contoso-health.example"


class GroundRefused(Exception):
    """The run cannot stand here; the message says what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Without a slash at the end; `ehr_url` is the root of one environment. `ca_file` verifies all of them."""

    connector_url: str
    feed_url: str
    ehr_url: str
    mychart_url: str
    microsoft_url: str
    ca_file: Path

    def session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        session.verify = str(self.ca_file)
        return session


class Ground(Protocol):
    """`controls` is None where no simulator can be asked. `database` and `web_processes` go into `Run`."""

    @property
    def addresses(self) -> Addresses: ...

    @property
    def controls(self) -> Controls | None: ...

    @property
    def is_ours(self) -> bool:
        """Whether its processes may be killed."""
        ...

    @property
    def database(self) -> str: ...

    @property
    def web_processes(self) -> int: ...

    def visits(self, count: int) -> tuple[BookedVisit, ...]:
        """Open for launches now.

        Raises:
            GroundRefused: there are not that many.
        """
        ...

    def pids(self) -> Mapping[str, int]:
        """Leading process of each part that runs on this machine, by the part's name in `Gauge`."""
        ...

    def kill(self, what: StageAction) -> None:
        """Only where `is_ours`."""
        ...
