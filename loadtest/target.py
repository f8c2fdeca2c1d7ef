"""What a generating process is told of the system it drives: the stage writes this file, the generator reads it.

The file's path is in the environment variable `LOADTEST_STAGE`, the scenario's in `LOADTEST_SCENARIO`. It is the
JSON form of `Stage`, field by field; a field that is unknown, missing or of another kind is refused by name.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

STAGE_VARIABLE: Final = "LOADTEST_STAGE"
SCENARIO_VARIABLE: Final = "LOADTEST_SCENARIO"


class TargetRefused(Exception):
    """The environment or the stage's file does not say what to drive; names every problem."""


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, slots=True, kw_only=True)
class BookedVisit:
    """An appointment open for launches now.

    `csn` is the EHR's contact serial number, `clinician` the user name in the EHR of who holds the visit.
    """

    csn: str
    appointment_id: str
    patient_id: str
    practitioner_id: str
    clinician: str


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, slots=True, kw_only=True)
class Clinician:
    """One whose accounts are linked already: user name in the EHR, sign-in name at Microsoft."""

    ehr_sign_in: str
    microsoft_sign_in: str


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Addresses have no slash at the end. `ehr_url` is the root of one EHR environment: below it is `sim/launch`.

    Attributes:
        starts_at: epoch seconds of the run's second 0. A few seconds ahead of Locust's start, so that the first
            arrival is not late; every generating process counts from it. 0: when Locust starts the test (by hand).
        launches_file: of a customer's own EHR; the generating processes read it themselves, for the stage's file stays
            in the run's folder. Then there are no `visits`, and of the addresses only the connector's. None: the
            simulated EHR gives launches.
        visits: in the order they are used; the n-th arrival of a visit takes the n-th. Running out is a failure.
        run_folder: where `requests-<index>.csv` and the like are written; exists.
        clinicians: who hold the visits; each signs in once before anybody comes.
        admin_sign_in: sign-in name at Microsoft of the portal's admin.
        ehr_password: of every clinician, for the pages behind Hyperspace's sign-in.
    """

    connector_url: str
    feed_url: str
    ehr_url: str
    mychart_url: str
    microsoft_url: str
    ca_file: Path
    provider_client_id: str
    patient_client_id: str
    provider_launch_uri: str
    patient_launch_uri: str
    visits: tuple[BookedVisit, ...]
    clinicians: tuple[Clinician, ...]
    admin_sign_in: str
    ehr_password: str
    run_folder: Path
    seed: int
    starts_at: float
    launches_file: Path | None = None

    @classmethod
    def read(cls, file: Path) -> Self:
        """Raises: TargetRefused: not there, or not a `Stage`; names every problem."""
        try:
            return TypeAdapter(cls).validate_json(file.read_bytes())
        except OSError as err:
            raise TargetRefused(f"{file} cannot be read: {err.strerror}") from err
        except ValidationError as err:
            raise TargetRefused(f"{file} is no stage: {problems_of(err)}") from err

    def write(self, file: Path) -> None:
        file.write_bytes(TypeAdapter(type(self)).dump_json(self, indent=1) + b"\n")


def named_file(environment: Mapping[str, str], variable: str) -> Path:
    """Raises: TargetRefused: the variable is not set."""
    if not environment.get(variable):
        raise TargetRefused(f"{variable} must name a file: start the run with `python -m loadtest`")
    return Path(environment[variable])


def stage_from_environment() -> Stage:
    """Raises: TargetRefused: see `Stage.read`."""
    return Stage.read(named_file(os.environ, STAGE_VARIABLE))


def problems_of(error: ValidationError) -> str:
    """Every problem with the place it is at, without the value."""
    return "; ".join(
        f"{'.'.join(str(part) for part in one['loc']) or 'file'}: {one['msg']}"
        for one in error.errors(include_url=False, include_input=False)
    )
