"""The one place that knows everything: settings in, a web application, worker or feed out.

Nothing is connected, read or opened before one of the `build_*` functions is called, so each
gunicorn worker process makes its own after the fork.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flask import Flask
from starlette.applications import Starlette

from connector.adapters.azure.identity import ManagedIdentity, TokenPassword
from connector.adapters.azure.key_vault import KeyVault
from connector.adapters.azure.transport import AzureTransport, Budget
from connector.adapters.ehr.appointments import FhirAppointments
from connector.adapters.ehr.examination import WriteBackPlaces
from connector.adapters.ehr.write_back import write_back_for
from connector.adapters.entra.access_token import EntraAccessTokens
from connector.adapters.entra.app_tokens import AppTokens
from connector.adapters.entra.applications import Applications
from connector.adapters.entra.discovery import Discovery
from connector.adapters.entra.sign_in import MsalSignIn
from connector.adapters.feed.stream import EventStream
from connector.adapters.graph.attendance import GraphAttendance
from connector.adapters.graph.client import GraphClient
from connector.adapters.graph.directory import GraphDirectory
from connector.adapters.graph.examination import GraphExamination
from connector.adapters.graph.meetings import GraphMeetings
from connector.adapters.graph.notifications import GraphNotificationReader
from connector.adapters.graph.subscriptions import GraphSubscriptions
from connector.adapters.smart.examination import SmartExamination
from connector.adapters.smart.server import SmartHttp
from connector.adapters.sql import migrate
from connector.adapters.sql.app_role import ensure_app_role
from connector.adapters.sql.audit_log import SqlAuditLog
from connector.adapters.sql.server_audit import ensure_server_audit
from connector.adapters.sql.single_host import SecondReplicaRefused
from connector.adapters.sql.store import SqlStore
from connector.adapters.system.anchor_file import AnchorFile
from connector.adapters.system.clock import SystemClock
from connector.adapters.system.http import GuardedHttp
from connector.adapters.system.ids import RandomIds
from connector.adapters.system.lent_tokens import HeldTokens
from connector.adapters.system.signed_tokens import PublishedKeys
from connector.adapters.telemetry import logs, upstream
from connector.adapters.telemetry.operator_view import OperatorView
from connector.adapters.vault.directory import Directory
from connector.adapters.vault.files import Keys, KeyStock
from connector.adapters.vault.key_maker import KeyRotation
from connector.ports.answers import host_of
from connector.settings import DatabaseLogin, Settings
from connector.usecases.anchor_audit import AnchorAudit
from connector.usecases.answer_once import AnswerOnce
from connector.usecases.apply_call_event import ApplyCallEvent
from connector.usecases.approve_configuration import ApproveConfiguration
from connector.usecases.begin_launch import BeginLaunch
from connector.usecases.check_address import CheckAddress
from connector.usecases.complete_launch import CompleteLaunch
from connector.usecases.confirm_geography import ConfirmGeography
from connector.usecases.confirm_licence import ConfirmLicence
from connector.usecases.deliver_outbox import DeliverOutbox
from connector.usecases.diagnose import Diagnose
from connector.usecases.enter_configuration import EnterConfiguration
from connector.usecases.find_approver import FindApprover
from connector.usecases.find_way_in import FindWayIn
from connector.usecases.keep_roster import KeepRoster
from connector.usecases.keep_subscriptions import KeepSubscriptions
from connector.usecases.link_account import LinkAccount
from connector.usecases.open_visit import OpenVisit
from connector.usecases.promote_configuration import PromoteConfiguration
from connector.usecases.read_audit import ReadAudit
from connector.usecases.receive_notification import ReceiveNotification
from connector.usecases.reconcile_attendance import ReconcileAttendance
from connector.usecases.record_participants import RecordParticipants
from connector.usecases.redeem_code import RedeemCode
from connector.usecases.renew_on_request import RenewOnRequest
from connector.usecases.replay_outbox import ReplayOutbox
from connector.usecases.retire_environment import RetireEnvironment
from connector.usecases.roll_back import RollBack
from connector.usecases.rotate_keys import RotateKeys
from connector.usecases.share_address import AnswerShare, OfferShare, WithdrawShare
from connector.usecases.tell_of_person import TellOfPerson
from connector.usecases.tidy_up import TidyUp
from connector.usecases.verify_audit import VerifyAudit
from connector.usecases.verify_record import VerifyRecord
from connector.web.app import create_app
from connector.web.context import Deployment, WebContext
from connector.web.provider_events import Feed, create_feed
from connector.worker import Worker

LOOKS_BEFORE_USE = 3
EHR_VENDOR = "epic"  # the one vendor whose write-back is built


def begin_logging(settings: Settings, process: str) -> None:
    logs.configure(process, settings.log_level)
    OperatorView(None).started(settings.data_geography.value)


@contextmanager
def sole_owner(settings: Settings, role: str) -> Iterator[bool]:
    """True while this process holds `role`; False if another one of this SQLite database does."""
    store = build_desk_store(settings)
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
    keys: Keys
    http: upstream.TimedHttp
    signed_tokens: PublishedKeys
    telemetry: OperatorView


@dataclass(frozen=True, slots=True)
class Azure:
    """Our managed identity, and what its requests share; nothing is asked before it is needed."""

    budget: Budget
    transport: AzureTransport
    identity: ManagedIdentity


def build_azure(settings: Settings, clock: SystemClock) -> Azure | None:
    """None where neither keys nor database need it.

    The vault's private endpoint has a private address: only requests of this way may go there.
    """
    if not settings.needs_managed_identity:
        return None
    budget = Budget()
    vault_hosts = frozenset({host_of(settings.key_vault_url)} - {""})
    transport = AzureTransport(build_http(settings, vault_hosts), budget, upstream.waiting)
    tokens = HeldTokens(clock, upstream.waiting)
    identity = ManagedIdentity(settings.managed_identity_client_id, transport, budget, tokens)
    return Azure(budget, transport, identity)


def build_http(settings: Settings, trusted_private_hosts: frozenset[str]) -> upstream.TimedHttp:
    ca_file = str(settings.ca_file) if settings.ca_file else None
    return upstream.TimedHttp(GuardedHttp(ca_file, trusted_private_hosts, settings.web_threads))


def build_password(settings: Settings, azure: Azure | None) -> TokenPassword | None:
    """None where the database's URL says how to sign in."""
    by_token = azure is not None and settings.database_login is DatabaseLogin.ENTRA
    return TokenPassword(azure.identity) if azure and by_token else None


def build_store(settings: Settings, azure: Azure | None, pool_size: int = 16) -> SqlStore:
    password = build_password(settings, azure)
    return SqlStore(settings.database_url, pool_size=pool_size, password=password)


def build_desk_store(settings: Settings) -> SqlStore:
    """For commands that need the database and no key."""
    return build_store(settings, build_azure(settings, SystemClock()))


def build_key_stock(settings: Settings, azure: Azure | None, clock: SystemClock) -> KeyStock:
    """The one place that decides between a directory of files and a Key Vault."""
    if settings.keys_directory is not None or azure is None:
        return KeyStock(Directory(settings.keys_directory or Path()))
    vault = KeyVault(settings.key_vault_url, azure.identity, azure.transport, azure.budget, clock)
    return KeyStock(vault.secrets, vault.signing)


def build_keys_desk(settings: Settings) -> KeyStock:
    clock = SystemClock()
    return build_key_stock(settings, build_azure(settings, clock), clock)


def require_keys(settings: Settings) -> None:
    """Raises: what is missing or in the way, before processes are started that would end of it."""
    Keys(build_keys_desk(settings), SystemClock())


def upgrade_database(settings: Settings) -> Sequence[str]:
    """Tables, then the role of the running processes if one is named; on Azure the server's audit.

    Returns:
        A line for each thing the operator should know though the upgrade is done.
    """
    password = build_password(settings, build_azure(settings, SystemClock()))
    migrate.upgrade(settings.database_url, password)
    if settings.database_app_role:
        ensure_app_role(settings.database_url, settings.database_app_role, password)
    if password is None:
        return []
    note = ensure_server_audit(settings.database_url, password)
    return [note] if note else []


def build_core(settings: Settings) -> Core:
    clock = SystemClock()
    azure = build_azure(settings, clock)
    http = build_http(settings, settings.trusted_private_hosts)
    return Core(
        settings=settings,
        clock=clock,
        ids=RandomIds(),
        store=build_store(settings, azure, settings.web_threads),
        keys=Keys(build_key_stock(settings, azure, clock), clock),
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
        lambda: core.keys.entra_credential,
    )


def build_app_tokens(core: Core, applications: Applications) -> AppTokens:
    return AppTokens(applications, HeldTokens(core.clock, upstream.waiting))


def build_graph(core: Core, tokens: AppTokens) -> GraphClient:
    return GraphClient(
        core.http,
        core.clock,
        core.ids,
        graph_url=core.settings.graph_url,
        app_token=tokens,
        forget_app_token=tokens.forget,
    )


def build_examiner(core: Core, applications: Applications) -> Diagnose:
    """It has Graph tokens of its own: asking for new ones takes nothing from launches."""
    tokens = build_app_tokens(core, applications)
    return Diagnose(
        store=core.store,
        ehr=SmartExamination(core.http, core.keys.assertions, core.clock, core.ids),
        write_back=WriteBackPlaces(),
        microsoft=GraphExamination(
            core.http,
            core.clock,
            build_graph(core, tokens),
            graph_url=core.settings.graph_url,
            app_token=tokens,
            forget_app_token=tokens.forget,
        ),
        clock=core.clock,
        ids=core.ids,
        public_url=core.settings.public_url,
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
        portals=settings.portals,
    )


def build_sign_in(core: Core, applications: Applications) -> MsalSignIn:
    return MsalSignIn(
        applications,
        f"{core.settings.public_url}/signin/microsoft/callback",
        http=core.http,
        signed_tokens=core.signed_tokens,
        clock=core.clock,
    )


def build_access_tokens(core: Core) -> EntraAccessTokens:
    login_url = core.settings.microsoft_login_url
    return EntraAccessTokens(
        core.signed_tokens,
        Discovery(core.http, login_url, core.clock),
        login_url=login_url,
        client_id=core.settings.microsoft_client_id,
        clock=core.clock,
    )


def build_entry(core: Core, smart: SmartHttp, directory: GraphDirectory) -> EnterConfiguration:
    settings = core.settings
    return EnterConfiguration(
        core.store,
        smart,
        directory,
        core.clock,
        core.ids,
        settings.data_geography,
        settings.vouched_hosts,
    )


def build_promotion(
    core: Core, smart: SmartHttp, directory: GraphDirectory
) -> PromoteConfiguration:
    settings = core.settings
    return PromoteConfiguration(
        core.store,
        smart,
        directory,
        core.clock,
        core.ids,
        settings.data_geography,
        settings.vouched_hosts,
    )


def build_web(settings: Settings) -> Flask:
    """The application of one gunicorn worker process."""
    core = build_core(settings)
    applications = build_applications(core)
    smart, graph = build_smart(core), build_graph(core, build_app_tokens(core, applications))
    public_url, redeem_code = settings.public_url, RedeemCode(smart)
    launch_url = f"{public_url}/launch/callback"
    approval_url = f"{public_url}/approvals/ehr/callback"
    store, clock, ids, keys = core.store, core.clock, core.ids, core.keys
    reader = build_notification_reader(core)
    appointments = FhirAppointments(core.http, clock)
    meetings, directory = GraphMeetings(graph), GraphDirectory(graph)
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
            open_visit=OpenVisit(store, meetings, keys.sealer, keys.visit_sealer, clock, ids),
            find_way_in=FindWayIn(store, meetings),
            enter_configuration=build_entry(core, smart, directory),
            approve_configuration=ApproveConfiguration(
                store, redeem_code, clock, ids, approval_url, directory, settings.vouched_hosts
            ),
            confirm_geography=ConfirmGeography(store, clock, settings.data_geography),
            confirm_licence=ConfirmLicence(store, clock),
            offer_share=OfferShare(store, clock, ids),
            answer_share=AnswerShare(store, clock),
            withdraw_share=WithdrawShare(store, clock),
            promote_configuration=build_promotion(core, smart, directory),
            roll_back=RollBack(store, clock, ids, settings.vouched_hosts),
            retire_environment=RetireEnvironment(store, clock),
            verify_record=VerifyRecord(store, clock, public_url),
            check_address=CheckAddress(smart),
            find_approver=FindApprover(directory),
            receive_notification=ReceiveNotification(store, reader, keys.sealer, clock),
            renew_on_request=RenewOnRequest(store, reader, keys.sealer, clock),
            read_audit=ReadAudit(store, store.audit_log, clock),
            diagnose=build_examiner(core, applications),
            access_tokens=build_access_tokens(core),
            answer_once=AnswerOnce(store, clock),
        )
    )


def build_worker(settings: Settings) -> Worker:
    core = build_core(settings)
    store, clock, ids, keys = core.store, core.clock, core.ids, core.keys
    graph = build_graph(core, build_app_tokens(core, build_applications(core)))
    subscriptions = GraphSubscriptions(
        graph,
        keys.notifications,
        notification_url=f"{settings.public_url}/graph/notifications",
        lifecycle_url=f"{settings.public_url}/graph/lifecycle",
    )
    write_back = write_back_for(EHR_VENDOR, core.http, build_smart(core), clock)
    keep, after = KeepRoster(keys.visit_sealer, clock), settings.attendance_after
    apply = ApplyCallEvent(keys.sealer, keep, clock, after)
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
        reconcile_attendance=ReconcileAttendance(
            store, GraphAttendance(graph), keys.sealer, keep, clock, after
        ),
        anchor_audit=build_anchoring(settings),
    )


def build_outbox_desk(settings: Settings) -> ReplayOutbox:
    """What operators need for the outbox: the database, and no key."""
    return ReplayOutbox(build_desk_store(settings), SystemClock())


def build_diagnose(settings: Settings) -> Diagnose:
    core = build_core(settings)
    return build_examiner(core, build_applications(core))


def build_audit_log(settings: Settings) -> SqlAuditLog:
    return build_desk_store(settings).audit_log


def build_anchor(settings: Settings) -> AnchorFile | None:
    return AnchorFile(settings.audit_anchor_file) if settings.audit_anchor_file else None


def build_audit_verifier(settings: Settings) -> VerifyAudit:
    return VerifyAudit(build_audit_log(settings), build_anchor(settings))


def build_anchoring(settings: Settings) -> AnchorAudit | None:
    """None where no anchor is set."""
    anchor = build_anchor(settings)
    if anchor is None:
        return None
    return AnchorAudit(build_audit_log(settings), anchor, SystemClock())


def build_people_desk(settings: Settings) -> TellOfPerson:
    store = build_desk_store(settings)
    return TellOfPerson(store, store.audit_log, SystemClock())


def build_key_rotation(settings: Settings) -> RotateKeys:
    """A new key is used when every process has looked for it, and looked again if that failed."""
    clock = SystemClock()
    azure = build_azure(settings, clock)
    stock = build_key_stock(settings, azure, clock)
    soonest = LOOKS_BEFORE_USE * stock.look_again
    return RotateKeys(build_store(settings, azure), KeyRotation(stock, clock), clock, soonest)


def build_feed(settings: Settings) -> Starlette:
    core = build_core(settings)
    stream = EventStream(core.store, core.telemetry)
    return create_feed(Feed(stream, core.store, core.keys.sealer, core.clock, settings.public_url))
