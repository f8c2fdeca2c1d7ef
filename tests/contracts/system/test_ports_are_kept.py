"""Every adapter and every fake has the methods of its port, argument by argument.

Protocols are checked by mypy where an adapter is passed; fakes are not under mypy, and this holds
them to the same (style.md 0.7: fakes rot when nobody does).
"""

import inspect
from typing import Any

import pytest
from tests.fakes import ehr as fake_ehr
from tests.fakes import examination as fake_examination
from tests.fakes import microsoft as fake_microsoft
from tests.fakes import smart as fake_smart
from tests.fakes import system as fake_system
from tests.fakes import vault as fake_vault

from connector.adapters.azure.secrets import VaultSecrets
from connector.adapters.azure.signing_keys import VaultSigningKey
from connector.adapters.ehr.appointments import FhirAppointments
from connector.adapters.ehr.examination import WriteBackPlaces
from connector.adapters.ehr.write_back import EpicWriteBack
from connector.adapters.entra.sign_in import MsalSignIn
from connector.adapters.graph.directory import GraphDirectory
from connector.adapters.graph.examination import GraphExamination
from connector.adapters.graph.meetings import GraphMeetings
from connector.adapters.graph.notifications import GraphNotificationReader
from connector.adapters.graph.subscriptions import GraphSubscriptions
from connector.adapters.smart.examination import SmartExamination
from connector.adapters.smart.server import SmartHttp
from connector.adapters.sql.audit_log import SqlAuditLog
from connector.adapters.system.anchor_file import AnchorFile
from connector.adapters.system.clock import SystemClock
from connector.adapters.system.http import GuardedHttp
from connector.adapters.system.ids import RandomIds
from connector.adapters.system.lent_tokens import HeldTokens
from connector.adapters.system.signed_tokens import PublishedKeys
from connector.adapters.telemetry.upstream import TimedHttp
from connector.adapters.vault.assertions import AssertionKeys, RotatingAssertions
from connector.adapters.vault.directory import Directory
from connector.adapters.vault.key_maker import KeyRotation
from connector.adapters.vault.notification_keys import CertificateKeys, RotatingCertificates
from connector.adapters.vault.sealing import MasterSealer, VisitKeySealer
from connector.ports import (
    audit_log,
    ehr,
    examination,
    http,
    key_places,
    microsoft,
    smart,
    system,
    tokens,
    vault,
)

KEPT: list[tuple[type, type]] = [
    (http.Http, GuardedHttp),
    (http.Http, TimedHttp),
    (system.Clock, SystemClock),
    (system.Clock, fake_system.FixedClock),
    (system.Ids, RandomIds),
    (system.Ids, fake_system.SequentialIds),
    (tokens.SignedTokens, PublishedKeys),
    (tokens.LentTokens, HeldTokens),
    (vault.Sealer, MasterSealer),
    (vault.Sealer, fake_vault.FakeSealer),
    (vault.VisitSealer, VisitKeySealer),
    (vault.VisitSealer, fake_vault.FakeVisitSealer),
    (vault.AssertionSigner, AssertionKeys),
    (vault.AssertionSigner, RotatingAssertions),
    (vault.NotificationKeys, CertificateKeys),
    (vault.NotificationKeys, RotatingCertificates),
    (vault.KeyMaker, KeyRotation),
    (key_places.KeyPlace, Directory),
    (key_places.KeyPlace, VaultSecrets),
    (key_places.SigningKey, VaultSigningKey),
    (audit_log.AuditLog, SqlAuditLog),
    (audit_log.Anchor, AnchorFile),
    (smart.SmartServer, SmartHttp),
    (smart.SmartServer, fake_smart.FakeSmart),
    (ehr.Appointments, FhirAppointments),
    (ehr.Appointments, fake_ehr.FakeAppointments),
    (ehr.WriteBack, EpicWriteBack),
    (ehr.WriteBack, fake_ehr.FakeWriteBack),
    (examination.EhrExamination, SmartExamination),
    (examination.EhrExamination, fake_examination.FakeEhrExamination),
    (examination.WriteBackExamination, WriteBackPlaces),
    (examination.MicrosoftExamination, GraphExamination),
    (examination.MicrosoftExamination, fake_examination.FakeMicrosoftExamination),
    (microsoft.SignIn, MsalSignIn),
    (microsoft.SignIn, fake_microsoft.FakeSignIn),
    (microsoft.Meetings, GraphMeetings),
    (microsoft.Meetings, fake_microsoft.FakeMeetings),
    (microsoft.Directory, GraphDirectory),
    (microsoft.Directory, fake_microsoft.FakeDirectory),
    (microsoft.Subscriptions, GraphSubscriptions),
    (microsoft.Subscriptions, fake_microsoft.FakeSubscriptions),
    (microsoft.NotificationReader, GraphNotificationReader),
    (microsoft.NotificationReader, fake_microsoft.FakeNotificationReader),
]


def _methods(port: type) -> dict[str, Any]:
    return {
        name: member
        for name, member in vars(port).items()
        if inspect.isfunction(member) and not name.startswith("_")
    }


@pytest.mark.parametrize(("port", "kept_by"), KEPT, ids=lambda each: each.__name__)
def test_a_port_is_kept_argument_by_argument(port: type, kept_by: type) -> None:
    promised = _methods(port)
    assert promised
    for name, method in promised.items():
        assert inspect.signature(getattr(kept_by, name)) == inspect.signature(method), name
