"""The one place that knows everything: settings in, a web application, worker or feed out.

Nothing is connected, read or opened before one of the `build_*` functions is called, so each
gunicorn worker process makes its own after the fork.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flask import Flask
from starlette.applications import Starlette

from connector.adapters.ehr.appointments import FhirAppointments
from connector.adapters.ehr.write_back import write_back_for
from connector.adapters.entra.app_tokens import AppTokens
from connector.adapters.entra.applications import Applications
from connector.adapters.entra.sign_in import MsalSignIn
from connector.adapters.feed.stream import EventStream
from connector.adapters.graph.client import GraphClient
from connector.adapters.graph.directory import GraphDirectory
from connector.adapters.graph.meetings import GraphMeetings
from connector.adapters.graph.notifications import GraphNotificationReader
from connector.adapters.graph.subscriptions import GraphSubscriptions
from connector.adapters.smart.server import SmartHttp
from connector.adapters.sql.single_host import SecondReplicaRefused
from connector.adapters.sql.store import SqlStore
from connector.adapters.system.clock import SystemClock
from connector.adapters.system.http import GuardedHttp
from connector.adapters.system.ids import RandomIds
from connector.adapters.system.lent_tokens import HeldTokens
from connector.adapters.system.signed_tokens import PublishedKeys
from connector.adapters.telemetry import logs, upstream
from connector.adapters.telemetry.operator_view import OperatorView
from connector.adapters.vault.files import FileKeys
from connector.settings import Settings
from connector.usecases.apply_call_event import ApplyCallEvent
from connector.usecases.approve_configuration import ApproveConfiguration
from connector.usecases.begin_launch import BeginLaunch
from connector.usecases.complete_launch import CompleteLaunch
from connector.usecases.deliver_outbox import DeliverOutbox
from connector.usecases.enter_configuration import EnterConfiguration
from connector.usecases.keep_subscriptions import KeepSubscriptions
from connector.usecases.link_account import LinkAccount
from connector.usecases.open_visit import OpenVisit
from connector.usecases.receive_notification import ReceiveNotification
from connector.usecases.record_participants import RecordParticipants
from connector.usecases.redeem_code import RedeemCode
from connector.usecases.renew_on_request import RenewOnRequest
from connector.usecases.replay_outbox import ReplayOutbox
from connector.usecases.tidy_up import TidyUp
from connector.web.app import create_app
from connector.web.context import Deployment, WebContext
from connector.web.provider_events import Feed, create_feed
from connector.worker import Worker

EHR_VENDOR = "epic"  # the one vendor whose write-back is built


def begin_logging(settings: Settings, process: str) -> None:
    logs.configure(process, settings.log_level)
    OperatorView(None).started(settings.data_geography.value)


@contextmanager
def sole_owner(settings: Settings, role: str) -> Iterator[bool]:
    """True while this process holds `role`; False if another one of this SQLite database does."""
    store = SqlStore(settings.database_url)
    try:
        store.hold_single_host_lock(role)
    except SecondReplicaRefused:
        yield False
        return
    yield True
    store.close()


@dataclass(frozen=True, slots=True)
class Core:
    """What every process needs, made once in it."""

    settings: Settings
    clock: SystemClock
    ids: RandomIds
    store: SqlStore
    keys: FileKeys
    http: upstream.TimedHttp
    signed_tokens: PublishedKeys
    telemetry: OperatorView


def build_core(settings: Settings) -> Core:
    clock = SystemClock()
    ca_file = str(settings.ca_file) if settings.ca_file else None
    http = upstream.TimedHttp(
        GuardedHttp(ca_file, settings.trusted_private_hosts, settings.web_threads)
    )
    return Core(
        settings=settings,
        clock=clock,
        ids=RandomIds(),
        store=SqlStore(settings.database_url, pool_size=settings.web_threads),
        keys=FileKeys(settings.keys_directory),
        http=http,
        signed_tokens=PublishedKeys(http, clock, upstream.waiting),
        telemetry=OperatorView(settings.metrics_directory),
    )


def build_smart(core: Core) -> SmartHttp:
    return SmartHttp(
        core.http,
        core.keys.assertions,
        core.clock,
        core.ids,
        signed_tokens=core.signed_tokens,
        lent_tokens=HeldTokens(core.clock, upstream.waiting),
    )


def build_applications(core: Core) -> Applications:
    return Applications(
        core.http,
        core.settings.microsoft_login_url,
        core.settings.microsoft_client_id,
        core.keys.entra_credential,
    )


def build_graph(core: Core, applications: Applications) -> GraphClient:
    tokens = AppTokens(applications, HeldTokens(core.clock, upstream.waiting))
    return GraphClient(
        core.http,
        core.clock,
        core.ids,
        graph_url=core.settings.graph_url,
        app_token=tokens,
        forget_app_token=tokens.forget,
    )


def build_notification_reader(core: Core) -> GraphNotificationReader:
    return GraphNotificationReader(
        core.keys.notifications,
        core.signed_tokens,
        core.clock,
        client_id=core.settings.microsoft_client_id,
        login_url=core.settings.microsoft_login_url,
    )


def build_deployment(settings: Settings) -> Deployment:
    return Deployment(
        public_url=settings.public_url,
        feed_url=settings.live_feed_url,
        geography=settings.data_geography.value,
        teams_hosts=settings.teams_hosts,
        clients_offered=settings.clients_offered,
    )


def build_sign_in(core: Core, applications: Applications) -> MsalSignIn:
    return MsalSignIn(
        applications,
        f"{core.settings.public_url}/signin/microsoft/callback",
        http=core.http,
        signed_tokens=core.signed_tokens,
        clock=core.clock,
    )


def build_web(settings: Settings) -> Flask:
    """The application of one gunicorn worker process."""
    core = build_core(settings)
    applications = build_applications(core)
    smart, graph = build_smart(core), build_graph(core, applications)
    public_url, redeem_code = settings.public_url, RedeemCode(smart)
    launch_url, approval_url = (
        f"{public_url}/launch/callback",
        f"{public_url}/approvals/ehr/callback",
    )
    store, clock, ids, keys = core.store, core.clock, core.ids, core.keys
    reader = build_notification_reader(core)
    appointments = FhirAppointments(core.http, clock)
    return create_app(
        WebContext(
            deployment=build_deployment(settings),
            store=store,
            clock=clock,
            ids=ids,
            sealer=keys.sealer,
            signer=keys.assertions,
            telemetry=core.telemetry,
            sign_in=build_sign_in(core, applications),
            begin_launch=BeginLaunch(store, clock, ids, launch_url),
            complete_launch=CompleteLaunch(store, redeem_code, appointments, clock, launch_url),
            link_account=LinkAccount(store, clock),
            open_visit=OpenVisit(
                store, GraphMeetings(graph), keys.sealer, keys.visit_sealer, clock, ids
            ),
            enter_configuration=EnterConfiguration(
                store, smart, GraphDirectory(graph), clock, ids, settings.data_geography
            ),
            approve_configuration=ApproveConfiguration(
                store, redeem_code, clock, ids, approval_url
            ),
            receive_notification=ReceiveNotification(store, reader, keys.sealer, clock),
            renew_on_request=RenewOnRequest(store, reader, keys.sealer, clock),
        )
    )


def build_worker(settings: Settings) -> Worker:
    core = build_core(settings)
    store, clock, ids, keys = core.store, core.clock, core.ids, core.keys
    subscriptions = GraphSubscriptions(
        build_graph(core, build_applications(core)),
        keys.notifications,
        notification_url=f"{settings.public_url}/graph/notifications",
        lifecycle_url=f"{settings.public_url}/graph/lifecycle",
    )
    write_back = write_back_for(EHR_VENDOR, core.http, build_smart(core), clock)
    apply = ApplyCallEvent(keys.sealer, keys.visit_sealer, clock)
    return Worker(
        store=store,
        clock=clock,
        telemetry=core.telemetry,
        record_participants=RecordParticipants(
            store, build_notification_reader(core), keys.sealer, apply, clock
        ),
        deliver_outbox=DeliverOutbox(store, write_back, keys.visit_sealer, clock, ids),
        keep_subscriptions=KeepSubscriptions(store, subscriptions, keys.sealer, clock, ids),
        tidy_up=TidyUp(store, apply, clock, settings.visits_kept),
    )


def build_outbox_desk(settings: Settings) -> ReplayOutbox:
    """What operators need for the outbox: the database, and no key."""
    return ReplayOutbox(SqlStore(settings.database_url), SystemClock())


def build_feed(settings: Settings) -> Starlette:
    core = build_core(settings)
    stream = EventStream(core.store, core.telemetry)
    return create_feed(Feed(stream, core.store, core.keys.sealer, core.clock, settings.public_url))
