"""Cases 37 to 40: no base URL makes this process connect where it must not, and every refusal is precise.

Both ways in are tried over the real way out: the probe when a configuration is entered, and an
examination of entered values. A recorder below every library sees each connection and name look-up.
https://cheatsheetseries.owasp.org/cheatsheets/Server_Side_Request_Forgery_Prevention_Cheat_Sheet.html
"""

import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.builders.configurations import TEST_BASE, an_admin, approver, clients
from tests.builders.examinations import BY, entered, of
from tests.builders.http import guarded_http
from tests.builders.world import World
from tests.fakes import socket_recorder
from tests.fakes.socket_recorder import SocketRecorder
from tests.fakes.system import SequentialIds
from tests.fakes.wire import Reply, WireServer, drip

from connector.adapters.smart.examination import SmartExamination
from connector.adapters.smart.server import SmartHttp
from connector.adapters.system.clock import SystemClock
from connector.adapters.system.http import GuardedHttp
from connector.adapters.system.lent_tokens import HeldTokens
from connector.adapters.system.signed_tokens import PublishedKeys
from connector.adapters.vault.files import FileKeys
from connector.domain.errors import Reason, Refused
from connector.domain.findings import Check, Finding, Verdict
from connector.domain.organization import EnvironmentKind
from connector.usecases.diagnose import Diagnose
from connector.usecases.enter_configuration import EnterConfiguration, EnteredConfiguration

sockets = socket_recorder.sockets
PUBLIC = "93.184.215.14"

# No spelling of these is even looked up.
SPELLED_WRONG = [
    "http://ehr.example/api/FHIR/R4",
    "ftp://ehr.example/R4",
    "//ehr.example/R4",
    "https://ehr.example@169.254.169.254/R4",
    "https://ehr.example\\@169.254.169.254/R4",
    "https://[::1]/R4",
    "https://[::ffff:10.0.0.1]/R4",
    "https://[::ffff:169.254.169.254]/R4",
    "https://[fe80::1%25eth0]/R4",
    "https://[64:ff9b::7f00:1]/R4",
    "https://127.0.0.1/R4",
    "https://10.0.0.1/R4",
    "https://172.16.0.1/R4",
    "https://192.168.1.1/R4",
    "https://100.64.0.1/R4",
    "https://169.254.169.254/latest/meta-data",
    "https://168.63.129.16/metadata",
    "https://0.0.0.0/R4",
    "https://224.0.0.1/R4",
    "https://255.255.255.255/R4",
    "https://2130706433/R4",
    "https://0x7f000001/R4",
    "https://0x7f.1/R4",
    "https://0177.0.0.1/R4",
    "https://127.1/R4",
    "https://localhost./R4",
    "https://ehr.example:22/R4",
    "https://ehr.example:25/R4",
    "https://ehr.example:0/R4",
    "https://ehr.example:99999/R4",
    "https://ehr.example/../R4",
    "https://ehr.example/R4?next=https://169.254.169.254",
    "https://ehr.example/R4#x",
    "https://ehr.exa\tmple/R4",
    "https://ehr.example/R4\r\nHost: metadata",
    "https://１２７.0.0.1/R4",
    "https://",
]

# Names an insider could have in DNS, or anybody could publish: looked up, never connected to.
LEADING_INSIDE = {
    "localhost": ["127.0.0.1"],
    "metadata.google.internal": ["169.254.169.254"],
    "intranet": ["10.1.2.3"],
    "ehr.corp.internal": ["192.168.7.7"],
    "six.example": ["::1"],
    "mapped.example": ["::ffff:10.0.0.1"],
    "nat64.example": ["64:ff9b::a00:1"],
    "unique-local.example": ["fd00::1"],
    "platform.example": ["168.63.129.16"],
    "shared.example": ["100.64.0.1"],
    "half-inside.example": [PUBLIC, "10.0.0.1"],
    "nothing.example": [],
}


class Outside:
    """The two ways in, over a way out that trusts no private host unless a test says so."""

    def __init__(self, world: World, http: GuardedHttp, keys: FileKeys) -> None:
        clock, ids = SystemClock(), SequentialIds()
        self.world = world
        self.smart = SmartHttp(
            http,
            keys.assertions,
            clock,
            ids,
            signed_tokens=PublishedKeys(http, clock),
            lent_tokens=HeldTokens(clock),
        )
        self.examination = SmartExamination(http, keys.assertions, clock, ids)
        self.clock = clock
        world.microsoft_examination.date = clock.now

    def enter(self, fhir_base_url: str) -> Refused:
        """Type it into the form; returns how it was refused."""
        enter: EnterConfiguration = replace(self.world.enter_configuration, smart=self.smart)
        with pytest.raises(Refused) as refused:
            enter(an_admin(), _typed(fhir_base_url), "REF-1")
        return refused.value

    def examine(self, fhir_base_url: str) -> dict[Check, Finding]:
        """Examine it as entered; Microsoft is faked, the EHR is not."""
        diagnose: Diagnose = replace(self.world.diagnose, ehr=self.examination, clock=self.clock)
        return {f.check: f for f in diagnose.configuration(entered(fhir_base_url), BY)}


def _typed(fhir_base_url: str) -> EnteredConfiguration:
    good = EnteredConfiguration(
        organization_name="Contoso Health",
        kind=EnvironmentKind.TEST,
        fhir_base_url=TEST_BASE,
        approver_sign_in_name=approver().sign_in_name,
        time_zone="America/Chicago",
        clients=clients(),
    )
    return replace(good, fhir_base_url=fhir_base_url)


Trusting = Callable[[frozenset[str]], Outside]


@pytest.fixture
def trusting(tmp_path: Path, ca_file: str, connector_keys: FileKeys) -> Iterator[Trusting]:
    """Makes the two ways in, with the private hosts that are trusted."""
    world, made = World(tmp_path), []

    def make(private_hosts: frozenset[str]) -> Outside:
        made.append(guarded_http(ca_file, private_hosts))
        return Outside(world, made[-1], connector_keys)

    yield make
    for http in made:
        http.close()
    world.store.close()


@pytest.fixture
def outside(trusting: Trusting) -> Outside:
    return trusting(frozenset())


@pytest.fixture
def local(trusting: Trusting) -> Outside:
    """As on a laptop: `localhost` may be private."""
    return trusting(frozenset({"localhost"}))


def failed(found: dict[Check, Finding]) -> dict[Check, str]:
    """What failed of the EHR's checks, with the code."""
    return {c: f.code for c, f in found.items() if f.verdict is Verdict.FAILED}


# Case 37 ------------------------------------------------------------------------------------------


def test_the_recorder_sees_a_connection_that_is_allowed(
    outside: Outside, sockets: SocketRecorder
) -> None:
    """Without this the tests below would pass for a recorder that records nothing (case 37)."""
    sockets.resolves("ehr.example", [PUBLIC])
    assert outside.enter("https://ehr.example/R4").reason is Reason.EHR_UNREACHABLE
    assert sockets.look_ups == ["ehr.example"]
    assert sockets.connections == [(PUBLIC, 443)]
    assert failed(outside.examine("https://ehr.example/R4")) == {Check.CONNECTION: "no_connection"}
    assert sockets.connections == [(PUBLIC, 443)] * 2


@pytest.mark.parametrize("typed", SPELLED_WRONG)
def test_case_37_an_address_by_any_spelling_is_refused_without_a_connection_or_look_up(
    typed: str, outside: Outside, sockets: SocketRecorder
) -> None:
    for name in ("ehr.example", "localhost"):
        sockets.resolves(name, [PUBLIC])
    assert outside.enter(typed).reason is Reason.URL_REFUSED
    assert set(failed(outside.examine(typed))) == {Check.ADDRESS}
    assert (sockets.connections, sockets.look_ups) == ([], [])


@pytest.mark.parametrize("name", LEADING_INSIDE)
def test_case_37_a_name_that_leads_inside_is_refused_without_a_connection(
    name: str, outside: Outside, sockets: SocketRecorder
) -> None:
    sockets.resolves(name, LEADING_INSIDE[name])
    reason = outside.enter(f"https://{name}/api/FHIR/R4").reason
    assert reason in {Reason.URL_REFUSED, Reason.EHR_UNREACHABLE}
    assert set(failed(outside.examine(f"https://{name}/api/FHIR/R4"))) == {Check.ADDRESS}
    assert sockets.connections == []
    assert set(sockets.look_ups) == {name}


def test_case_37_what_was_refused_is_not_tried_with_another_suffix(
    outside: Outside, sockets: SocketRecorder
) -> None:
    sockets.resolves("intranet", ["10.1.2.3"])
    diagnose = replace(outside.world.diagnose, ehr=outside.examination, clock=outside.clock)
    assert diagnose.suggestions("https://intranet/api/FHIR") == []
    assert (sockets.connections, sockets.look_ups) == ([], ["intranet"])


# Case 38 ------------------------------------------------------------------------------------------


def test_case_38_a_name_is_connected_to_at_the_address_that_was_checked(
    outside: Outside, sockets: SocketRecorder
) -> None:
    sockets.resolves("rebinding.example", [PUBLIC], ["10.0.0.1"])
    outside.enter("https://rebinding.example/R4")
    assert sockets.look_ups == ["rebinding.example"]
    assert sockets.connections == [(PUBLIC, 443)]


def test_case_38_a_name_that_turns_private_later_is_refused_then(
    outside: Outside, sockets: SocketRecorder
) -> None:
    """Public when it was entered and examined once, private at the next connection."""
    sockets.resolves("rebinding.example", [PUBLIC], ["169.254.169.254"])
    first, second = (failed(outside.examine("https://rebinding.example/R4")) for _ in range(2))
    assert first == {Check.CONNECTION: "no_connection"}
    assert second == {Check.ADDRESS: "address_not_public"}
    assert sockets.connections == [(PUBLIC, 443)]


# Case 39 ------------------------------------------------------------------------------------------

TARGETS = [
    "https://169.254.169.254/latest/meta-data",
    "https://other.example/api/FHIR/R4/metadata",
    "http://localhost/",
    "/elsewhere",
]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", TARGETS)
def test_case_39_no_redirect_is_followed(
    status: int, location: str, local: Outside, wire: WireServer
) -> None:
    base = f"{wire.url}/api/FHIR/R4"
    for path in ("metadata", ".well-known/smart-configuration"):
        reply = Reply(status, None, {"Location": location})
        wire.answer("GET", f"/api/FHIR/R4/{path}", reply)
    assert local.enter(base).facts["code"] == f"http_{status}"
    found = failed(local.examine(base))
    assert found[Check.METADATA] == found[Check.SMART_CONFIGURATION] == f"http_{status}"
    paths = [heard.path for heard in wire.heard]
    assert all(path.endswith(("/metadata", "/smart-configuration")) for path in paths)
    assert "/elsewhere" not in paths


def test_case_39_a_configuration_cannot_send_our_assertion_to_another_host(
    local: Outside, wire: WireServer
) -> None:
    elsewhere = {
        "grant_types_supported": ["authorization_code", "client_credentials"],
        "code_challenge_methods_supported": ["S256"],
        "capabilities": ["launch-ehr"],
        "issuer": wire.url,
        "jwks_uri": f"{wire.url}/jwks",
        "authorization_endpoint": f"{wire.url}/authorize",
        "token_endpoint": "https://other.example/token",
    }
    wire.answer("GET", "/R4/.well-known/smart-configuration", Reply(200, elsewhere))
    found = local.examine(f"{wire.url}/R4")
    assert of(found[Check.SMART_CONFIGURATION]) == (Verdict.FAILED, "endpoint_elsewhere")
    assert of(found[Check.CLIENT_KNOWN]) == (Verdict.SKIPPED, "rests_on")
    assert {heard.method for heard in wire.heard} == {"GET"}


# Case 40 ------------------------------------------------------------------------------------------

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def test_case_40_a_server_that_drips_costs_one_deadline_and_is_named(
    local: Outside, wire: WireServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = GuardedHttp.send

    def hurried(http: GuardedHttp, method: str, url: str, **options: object) -> object:
        return original(http, method, url, **options | {"deadline_seconds": 0.5})

    monkeypatch.setattr(GuardedHttp, "send", hurried)
    for path in ("metadata", ".well-known/smart-configuration"):
        wire.answer("GET", f"/api/FHIR/R4/{path}", drip(b" " * 1000))
    began = time.monotonic()
    found = failed(local.examine(f"{wire.url}/api/FHIR/R4"))
    assert time.monotonic() - began < 4
    assert found == {Check.METADATA: "timeout", Check.SMART_CONFIGURATION: "timeout"}
    assert local.enter(f"{wire.url}/api/FHIR/R4").facts["code"] == "timeout"


def test_case_40_a_huge_answer_is_bounded_and_named(local: Outside, wire: WireServer) -> None:
    wire.answer("GET", "/api/FHIR/R4/metadata", Reply(200, b" " * 8_100_000))
    wire.answer("GET", "/api/FHIR/R4/.well-known/smart-configuration", Reply(200, b" " * 1_100_000))
    found = failed(local.examine(f"{wire.url}/api/FHIR/R4"))
    assert found[Check.METADATA] == found[Check.SMART_CONFIGURATION] == "too_large"
    assert local.enter(f"{wire.url}/api/FHIR/R4").facts["code"] == "too_large"


@pytest.mark.parametrize(
    ("certificate", "code"),
    [
        (lambda _ours: trustme.CA().issue_cert("localhost"), "certificate_authority_unknown"),
        (lambda ours: ours.issue_cert("other.example"), "certificate_of_other_host"),
        (
            lambda ours: ours.issue_cert(
                "localhost", not_before=NOW - timedelta(9), not_after=NOW - timedelta(8)
            ),
            "certificate_expired",
        ),
        (
            lambda ours: ours.issue_cert(
                "localhost", not_before=NOW + timedelta(9999), not_after=NOW + timedelta(10000)
            ),
            "certificate_not_yet_valid",
        ),
    ],
    ids=["unknown authority", "other host", "expired", "not yet valid"],
)
def test_case_40_a_certificate_that_proves_nothing_is_named_and_nothing_is_sent(
    certificate: Callable[[trustme.CA], trustme.LeafCert],
    code: str,
    local: Outside,
    authority: trustme.CA,
) -> None:
    with WireServer(certificate(authority)) as server:
        base = f"{server.url}/api/FHIR/R4"
        assert local.enter(base).facts == {"code": code, "host": "localhost"}
        assert failed(local.examine(base)) == {Check.CONNECTION: code}
        assert server.heard == []


class SelfSigned:
    """A certificate that vouches for itself, used as trustme's are."""

    def __init__(self, folder: Path) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
        names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
        builder = x509.CertificateBuilder(
            name, name, key.public_key(), 1, NOW, NOW + timedelta(9999)
        )
        signed = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
        self.file = folder / "self-signed.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        self.file.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))

    def configure_cert(self, context: ssl.SSLContext) -> None:
        context.load_cert_chain(self.file)


def test_case_40_a_self_signed_certificate_is_named_and_nothing_is_sent(
    local: Outside, tmp_path: Path
) -> None:
    with WireServer(cast(trustme.LeafCert, SelfSigned(tmp_path))) as server:
        base = f"{server.url}/api/FHIR/R4"
        assert local.enter(base).facts["code"] == "certificate_self_signed"
        assert failed(local.examine(base)) == {Check.CONNECTION: "certificate_self_signed"}
        assert server.heard == []
