"""What a route can reach: use cases and a few facts of the deployment, put there by bootstrap."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit

from flask import Request, current_app, g, request
from flask.ctx import _AppCtxGlobals

from connector.domain.configuration import EhrClients
from connector.domain.geography import Geography
from connector.domain.organization import EnvironmentKind
from connector.ports.access_tokens import AccessTokens
from connector.ports.microsoft import SignIn
from connector.ports.storage import Store
from connector.ports.system import Clock, Ids
from connector.ports.telemetry import Telemetry
from connector.ports.vault import AssertionSigner, Sealer
from connector.usecases.answer_once import AnswerOnce
from connector.usecases.approve_configuration import ApproveConfiguration
from connector.usecases.begin_launch import BeginLaunch
from connector.usecases.check_address import CheckAddress
from connector.usecases.complete_launch import CompleteLaunch
from connector.usecases.confirm_geography import ConfirmGeography
from connector.usecases.confirm_licence import ConfirmLicence
from connector.usecases.diagnose import Diagnose
from connector.usecases.enter_configuration import EnterConfiguration
from connector.usecases.find_approver import FindApprover
from connector.usecases.find_way_in import FindWayIn
from connector.usecases.link_account import LinkAccount
from connector.usecases.open_visit import OpenVisit
from connector.usecases.promote_configuration import PromoteConfiguration
from connector.usecases.read_audit import ReadAudit
from connector.usecases.receive_notification import ReceiveNotification
from connector.usecases.renew_on_request import RenewOnRequest
from connector.usecases.retire_environment import RetireEnvironment
from connector.usecases.roll_back import RollBack
from connector.usecases.share_address import AnswerShare, OfferShare, WithdrawShare
from connector.usecases.verify_record import VerifyRecord

Noted = _AppCtxGlobals


@dataclass(frozen=True, slots=True)
class Deployment:
    """Facts of this deployment that pages need."""

    public_url: str
    feed_url: str
    geography: str
    teams_hosts: frozenset[str]
    clients_offered: Callable[[EnvironmentKind], EhrClients]
    portals: Mapping[Geography, str] = field(default_factory=dict)


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
    find_way_in: FindWayIn
    enter_configuration: EnterConfiguration
    approve_configuration: ApproveConfiguration
    confirm_geography: ConfirmGeography
    confirm_licence: ConfirmLicence
    offer_share: OfferShare
    answer_share: AnswerShare
    withdraw_share: WithdrawShare
    promote_configuration: PromoteConfiguration
    roll_back: RollBack
    retire_environment: RetireEnvironment
    verify_record: VerifyRecord
    check_address: CheckAddress
    find_approver: FindApprover
    receive_notification: ReceiveNotification
    renew_on_request: RenewOnRequest
    read_audit: ReadAudit
    diagnose: Diagnose
    access_tokens: AccessTokens
    answer_once: AnswerOnce


def web() -> WebContext:
    """The context of the running application."""
    return cast(WebContext, current_app.extensions["connector"])


def this_request() -> tuple[Request, Noted]:
    """The request and Flask's `g` themselves: by the names of Flask's each use looks for them anew."""
    asked, noted = cast(Any, request), cast(Any, g)
    return asked._get_current_object(), noted._get_current_object()  # noqa: SLF001


def reference() -> str:
    """The number a person can read to the help desk; in the log and the audit trail of the request."""
    return cast(str, g.reference)


def allow_framing_by(fhir_base_url: str, also: Iterable[str] = ()) -> None:
    """Let the pages of this EHR and those approved with it frame the answer, nobody else (C14)."""
    parts = urlsplit(fhir_base_url)
    g.frame_ancestors = " ".join([f"{parts.scheme}://{parts.netloc}", *also])
