"""One EHR environment: its people, data, clients, tokens and records, all back to the start by `reset`."""

from datetime import datetime
from typing import cast

from flask import g

from mock_fhir.addresses import Addresses
from mock_fhir.clients import Client, Clients
from mock_fhir.clinic import Clinic
from mock_fhir.config import Config, EnvironmentKind
from mock_fhir.connections import Connections
from mock_fhir.fhir.pages import SearchPages
from mock_fhir.fhir.store import Store
from mock_fhir.grants import Grants
from mock_fhir.integration_records import IntegrationRecord, RecordKind
from mock_fhir.launches import Launches
from mock_fhir.people import People, seeded_accounts
from mock_fhir.seeding import seed_resources
from mock_fhir.smart.assertions import AssertionVerifier
from mock_fhir.smart.pending import PendingSignIns
from simkit.app import Simulator
from simkit.keys import IssuerKey
from simkit.outbound import recorded_session


class Environment:
    """Aggregate of everything below one prefix. The signing key outlives a reset, as clients may cache it."""

    def __init__(self, kind: EnvironmentKind, config: Config, simulator: Simulator) -> None:
        self.kind = kind
        self.addresses = Addresses(config.public_url + kind.prefix)
        self.zone = config.zone
        self.mychart_key = config.mychart_key
        self.clock = simulator.clock
        self.key = IssuerKey()
        self._configured: tuple[Client, ...] = config.clients[kind.name]
        self._http = recorded_session(simulator.journal, simulator.clock, ca_file=config.ca_file)
        self.reset()

    def reset(self) -> None:
        """As right after start; open sign-ins, tokens, registrations and integration records are gone."""
        now = self.clock.now
        self.people = People(seeded_accounts(self.kind))
        self.store = Store(now)
        seed_resources(self.store, self.kind)
        self.clinic = Clinic(self.store, self.kind, self.zone, now)
        self.clinic.make_days()
        self.clients = Clients(self._configured)
        self.assertions = AssertionVerifier(self._http, now, self.addresses.token)
        self.grants = Grants(now)
        self.launches = Launches(now)
        self.pending = PendingSignIns(now)
        self.records: dict[RecordKind, IntegrationRecord] = {}
        self.connections = Connections()
        self.search_pages = SearchPages()

    def local(self, instant: datetime | str) -> datetime:
        """An instant in the site's zone, to show to people."""
        aware = datetime.fromisoformat(instant) if isinstance(instant, str) else instant
        return aware.astimezone(self.zone)


def current_environment() -> Environment:
    """The environment of the request; set by the environment's blueprint for every request."""
    return cast(Environment, g.environment)


def set_current_environment(environment: Environment) -> None:
    g.environment = environment
