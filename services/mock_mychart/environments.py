"""The first segment of every portal URL is an EHR environment; it decides which EHR is asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from flask import Blueprint, abort, current_app, g

from mock_mychart.config import MyChartConfig
from mock_mychart.ehr import Ehr, HttpEhr
from simkit.app import Simulator
from simkit.outbound import recorded_session

EXTENSION = "mychart_environments"


@dataclass(frozen=True, slots=True)
class Environment:
    """``name`` is the URL segment: ``test`` or ``production``."""

    name: str
    ehr_url: str
    ehr: Ehr

    @property
    def label(self) -> str:
        return f"{self.name.capitalize()} environment"


def open_environments(config: MyChartConfig, simulator: Simulator) -> dict[str, Environment]:
    """One client a configured EHR; their exchanges go into the portal's journal."""
    ca_file = str(config.ca_file) if config.ca_file else None
    session = recorded_session(simulator.journal, simulator.clock, ca_file=ca_file)
    return {
        name: Environment(name, one.ehr_url, HttpEhr(one.ehr_url, session, key=config.ehr_key))
        for name, one in config.environments.items()
    }


def put_below_environment(blueprint: Blueprint) -> None:
    """Give every URL of the blueprint the environment as first segment, read and written."""
    blueprint.url_value_preprocessor(_take_environment)
    blueprint.url_defaults(_add_environment)
    blueprint.before_request(_refuse_unknown_environment)


def environments() -> Mapping[str, Environment]:
    return cast(Mapping[str, Environment], current_app.extensions[EXTENSION])


def current_environment() -> Environment:
    return environments()[g.environment_name]


def _take_environment(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    g.environment_name = (values or {}).pop("environment", "")


def _add_environment(_endpoint: str, values: dict[str, Any]) -> None:
    values.setdefault("environment", g.get("environment_name", ""))


def _refuse_unknown_environment() -> None:
    if g.environment_name not in environments():
        abort(404, "There is no such EHR environment. Known are: " + ", ".join(environments()))
