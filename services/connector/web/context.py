"""What a route can reach: use cases and a few facts of the deployment, put there by bootstrap."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

from flask import current_app, g

from connector.domain.configuration import EhrClients
from connector.domain.organization import EnvironmentKind
from connector.ports.microsoft import SignIn
from connector.ports.storage import Store
from connector.ports.system import Clock, Ids
from connector.ports.telemetry import Telemetry
from connector.ports.vault import AssertionSigner, Sealer
from connector.usecases.approve_configuration import ApproveConfiguration
from connector.usecases.begin_launch import BeginLaunch
from connector.usecases.complete_launch import CompleteLaunch
from connector.usecases.enter_configuration import EnterConfiguration
from connector.usecases.link_account import LinkAccount
from connector.usecases.open_visit import OpenVisit
from connector.usecases.receive_notification import ReceiveNotification
from connector.usecases.renew_on_request import RenewOnRequest


@dataclass(frozen=True, slots=True)
class Deployment:
    """Facts of this deployment that pages need."""

    public_url: str
    feed_url: str
    geography: str
    teams_hosts: frozenset[str]
    clients_offered: Callable[[EnvironmentKind], EhrClients]


@dataclass(frozen=True, slots=True)
class WebContext:
    deployment: Deployment
    store: Store
    clock: Clock
    ids: Ids
    sealer: Sealer
    signer: AssertionSigner
    telemetry: Telemetry
    sign_in: SignIn
    begin_launch: BeginLaunch
    complete_launch: CompleteLaunch
    link_account: LinkAccount
    open_visit: OpenVisit
    enter_configuration: EnterConfiguration
    approve_configuration: ApproveConfiguration
    receive_notification: ReceiveNotification
    renew_on_request: RenewOnRequest


def web() -> WebContext:
    """The context of the running application."""
    return cast(WebContext, current_app.extensions["connector"])


def reference() -> str:
    """The number a person can read to the help desk; in the log and the audit trail of the request."""
    return cast(str, g.reference)


def allow_framing_by(fhir_base_url: str) -> None:
    """Let the pages of this EHR, and nobody else, frame the answer to this request (C14)."""
    parts = urlsplit(fhir_base_url)
    g.frame_ancestors = f"{parts.scheme}://{parts.netloc}"
