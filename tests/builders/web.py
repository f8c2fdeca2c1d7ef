"""The real Flask application over a `World`: real sealing and storage, the outside faked."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from tests.builders.world import CALLBACK, World
from tests.fakes.access_tokens import FakeAccessTokens
from tests.fakes.microsoft import FakeSignIn
from werkzeug.test import TestResponse

from connector.adapters.vault.sealing import MasterSealer
from connector.domain.configuration import EhrClients
from connector.domain.geography import Geography
from connector.domain.launch import EhrUser
from connector.domain.organization import MicrosoftIdentity
from connector.usecases.answer_once import AnswerOnce
from connector.web.app import create_app
from connector.web.context import Deployment, WebContext

ORIGIN = CALLBACK.removesuffix("/launch/callback")
TEAMS_HOSTS = frozenset({"teams.example", "visit.teams.example"})


@dataclass
class SilentTelemetry:
    """Implements `ports.telemetry.Telemetry`; remembers what an operator would see."""

    seen: list[dict[str, Any]] = field(default_factory=list)

    def begin_request(self) -> None: ...

    def waited_seconds(self) -> float:
        return 0.0

    def request_finished(self, **facts: Any) -> None:
        self.seen.append(facts)

    def launch_step(self, **facts: Any) -> None:
        self.seen.append(facts)

    def refused(self, **facts: Any) -> None:
        self.seen.append(facts)

    def unexpected(self, **facts: Any) -> None:
        self.seen.append({"unexpected": True} | facts)

    def notification(self, outcome: str) -> None: ...

    def write_back(self, outcome: str) -> None: ...

    def outbox(self, state: str, count: int) -> None: ...

    def inbox(self, waiting: int) -> None: ...

    def outbox_oldest(self, seconds: float) -> None: ...

    def exposition(self) -> bytes:
        return b"connector_up 1\n"


class NoKeys:
    """Implements `ports.vault.AssertionSigner` for pages that only publish."""

    def sign(self, claims: dict[str, Any], algorithm: str) -> str:
        raise AssertionError("no page signs anything itself")

    def public_keys(self) -> dict[str, Any]:
        return {"keys": []}


@dataclass
class Site:
    """The application and a browser for it."""

    world: World
    sign_in: FakeSignIn = field(default_factory=FakeSignIn)
    telemetry: SilentTelemetry = field(default_factory=SilentTelemetry)
    access_tokens: FakeAccessTokens = field(default_factory=FakeAccessTokens)

    def __post_init__(self) -> None:
        self.world.sealer = MasterSealer(b"\x07" * 32)  # type: ignore[assignment] # the real one

    @cached_property
    def app(self) -> Flask:
        world = self.world
        return create_app(
            WebContext(
                deployment=Deployment(
                    public_url=ORIGIN,
                    feed_url=ORIGIN,
                    geography="americas",
                    teams_hosts=TEAMS_HOSTS,
                    clients_offered=lambda _kind: EhrClients("p", "m", "b"),
                    portals={Geography.EMEA: "https://visits.example.eu"},
                ),
                store=world.store,
                clock=world.clock,
                ids=world.ids,
                sealer=world.sealer,
                signer=NoKeys(),
                telemetry=self.telemetry,
                sign_in=self.sign_in,
                begin_launch=world.begin_launch,
                complete_launch=world.complete_launch,
                link_account=world.link_account,
                open_visit=world.open_visit,
                find_way_in=world.find_way_in,
                enter_configuration=world.enter_configuration,
                approve_configuration=world.approve_configuration,
                confirm_geography=world.confirm_geography,
                confirm_licence=world.confirm_licence,
                offer_share=world.offer_share,
                answer_share=world.answer_share,
                withdraw_share=world.withdraw_share,
                promote_configuration=world.promote_configuration,
                roll_back=world.roll_back,
                retire_environment=world.retire_environment,
                verify_record=world.verify_record,
                check_address=world.check_address,
                find_approver=world.find_approver,
                receive_notification=world.receive_notification,
                renew_on_request=world.renew_on_request,
                read_audit=world.read_audit,
                diagnose=world.diagnose,
                access_tokens=self.access_tokens,
                answer_once=AnswerOnce(world.store, world.clock),
            )
        )

    def browser(self) -> FlaskClient:
        return self.app.test_client()

    def get(self, browser: FlaskClient, path: str, **options: Any) -> TestResponse:
        return browser.get(path, base_url=ORIGIN, **options)

    def begin(
        self, browser: FlaskClient, kind: str, issuer: str, launch: str = "l1"
    ) -> TestResponse:
        return self.get(browser, f"/launch/{kind}", query_string={"iss": issuer, "launch": launch})

    def answer(self, begun: TestResponse, user: EhrUser, context: dict[str, str]) -> dict[str, str]:
        """The EHR's answer to a begun launch: the query of the callback."""
        return self.world.smart.sign_in(begun.location, user, context)

    def signed_in(self, browser: FlaskClient, who: MicrosoftIdentity) -> FlaskClient:
        """The browser after a Microsoft sign-in to the portal."""
        away = self.get(browser, "/signin/microsoft")
        query = self.sign_in.sign_in(away.location, who)
        self.get(browser, "/signin/microsoft/callback", query_string=query)
        return browser
