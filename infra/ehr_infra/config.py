"""A stack's configuration: every value parsed, every problem said at once, before any resource.

`Pulumi.yaml` declares the same keys for the CLI, with their types and what they mean; a test
compares. Values come as the Pulumi engine hands them over: text, or JSON for lists and objects.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from datetime import date
from difflib import get_close_matches
from ipaddress import IPv4Network
from typing import Annotated, Any, NamedTuple, get_type_hints

from ehr_infra import values
from ehr_infra.agreement import disagreements
from ehr_infra.geography import REGIONS, Environment, Geography, Region

PROJECT = "teams-ehr-connector"


class ConfigurationInvalid(Exception):
    """Nothing is deployed; `problems` has a line for each wrong value."""

    def __init__(self, problems: list[str]) -> None:
        lines = "".join(f"\n  - {problem}" for problem in problems)
        super().__init__(f"stack configuration is not usable:{lines}")
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What tells one stamp from another. Field names are the configuration keys in snake case."""

    geography: Geography
    environment: Environment
    # Where
    subscription_id: Annotated[str, values.guid]
    location: Annotated[str, values.region]
    vnet_cidr: Annotated[IPv4Network, values.private_network]
    # Who answers for it
    owner: Annotated[str, values.words]
    cost_centre: Annotated[str, values.words]
    alert_emails: Annotated[tuple[str, ...], values.emails]
    runbook_base_url: Annotated[str, values.https_url]
    monthly_budget: Annotated[int, values.between(1, 1_000_000)]
    budget_start: Annotated[date, values.first_of_month]
    # Where people meet it
    host_name: Annotated[str, values.host_name]
    certificate_name: Annotated[str, values.vault_object]
    microsoft_client_id: Annotated[str, values.guid]
    ehr_client_ids: Annotated[Mapping[str, Any], values.ehr_clients] = field(default_factory=dict)
    portals: Annotated[Mapping[str, str], values.portals] = field(default_factory=dict)
    vouched_hosts: Annotated[tuple[str, ...], values.host_names] = ()
    # What runs
    image_digest: Annotated[str | None, values.optional(values.digest)] = None
    migrate_digest: Annotated[str | None, values.optional(values.digest)] = None
    release: Annotated[int, values.between(1, 1_000_000)] = 1
    stable_revision: Annotated[str | None, values.optional(values.revision)] = None
    candidate_weight: Annotated[int, values.between(0, 100)] = 0
    simulators: Annotated[bool, values.flag] = False
    simulators_image_digest: Annotated[str | None, values.optional(values.digest)] = None
    simulators_config: Annotated[Mapping[str, Any], values.simulators] = field(default_factory=dict)
    log_level: Annotated[str, values.one_of("DEBUG", "INFO", "WARNING", "ERROR")] = "INFO"
    visits_kept_days: Annotated[int, values.between(1, 3650)] = 30
    attendance_after_seconds: Annotated[int, values.between(1, 1800)] = 300
    # How large
    min_replicas: Annotated[int, values.between(1, 300)] = 3
    max_replicas: Annotated[int, values.between(1, 300)] = 10
    concurrent_requests: Annotated[int, values.between(1, 1000)] = 24
    web_workers: Annotated[int, values.between(1, 16)] = 2
    web_threads: Annotated[int, values.between(2, 64)] = 16
    gateway_capacity: Annotated[int, values.between(2, 125)] = 4
    database_sku: Annotated[str, values.database_sku] = "Standard_D2ds_v5"
    database_storage_gb: Annotated[int, values.storage_gb] = 128
    # How safe
    server_name: Annotated[str | None, values.optional(values.server_name)] = None
    high_availability: Annotated[bool, values.flag] = True
    backup_retention_days: Annotated[int, values.between(7, 35)] = 35
    geo_backup: Annotated[bool, values.flag] = False
    allow_cross_country_backup: Annotated[bool, values.flag] = False
    encryption: Annotated[str, values.one_of("service", "customer")] = "service"
    chosen_once: Annotated[Mapping[str, Any], values.chosen_once] = field(default_factory=dict)
    log_retention_days: Annotated[int, values.between(30, 730)] = 365
    name_suffix: Annotated[str, values.suffix] = ""

    @property
    def production(self) -> bool:
        return self.environment is Environment.PRODUCTION

    @property
    def stack(self) -> str:
        return f"{self.geography}-{self.environment}"

    @property
    def region(self) -> Region:
        return REGIONS[self.location]

    @property
    def serves(self) -> bool:
        """False: nothing runs yet, until an image prepared the database."""
        return self.image_digest is not None

    @property
    def job_digest(self) -> str | None:
        """The image that prepares the database: ahead of a release, the next one."""
        return self.migrate_digest or self.image_digest


class Key(NamedTuple):
    """How a configuration key is read; `default` is MISSING where it must be given."""

    setting: str
    parse: Callable[[str], Any]
    default: Any


def _keys() -> Mapping[str, Key]:
    hints = get_type_hints(Settings, include_extras=True)
    return {
        _in_camel_case(f.name): Key(f.name, hints[f.name].__metadata__[0], _default(f))
        for f in fields(Settings)
        if hasattr(hints[f.name], "__metadata__")
    }


def _in_camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.title() for word in others)


def _default(wanted: Field[Any]) -> Any:
    made = wanted.default_factory
    return wanted.default if made is MISSING else made()


KEYS = _keys()


def read(stack: str, raw: Mapping[str, Any], subscriptions: Mapping[str, list[str]]) -> Settings:
    """The settings of `stack`.

    Args:
        stack: `<geography>-<environment>`.
        raw: the project's configuration, keys without the project's name.
        subscriptions: which may be used, by geography.

    Raises:
        ConfigurationInvalid: with every problem that can be told.
    """
    problems = [
        f"{PROJECT}:{key} is no key of this project{_meant(key)}" for key in raw if key not in KEYS
    ]
    found: dict[str, Any] = {}
    try:
        geography, environment = stack.split("-")
        found |= {"geography": Geography(geography), "environment": Environment(environment)}
    except ValueError:
        problems.append(f"stack {stack!r} is not named <americas|emea|apac>-<test|production>")
    for key, each in KEYS.items():
        try:
            found[each.setting] = _value(key, each, raw)
        except ValueError as err:
            problems.append(f"{PROJECT}:{err}")
    problems += disagreements(found, subscriptions)
    if problems:
        raise ConfigurationInvalid(problems)
    return Settings(**found)


def _value(key: str, wanted: Key, raw: Mapping[str, Any]) -> Any:
    if key not in raw:
        if wanted.default is MISSING:
            raise ValueError(f"{key} is missing")
        return wanted.default
    text = _text(raw[key])
    try:
        return wanted.parse(text)
    except ValueError as err:
        raise ValueError(f"{key}={text!r} {err}") from err


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _meant(key: str) -> str:
    near = get_close_matches(key, KEYS, n=1)
    return f"; did you mean {near[0]}?" if near else ""
