"""`ports.ehr.WriteBack`: Epic's call on the wire (ehr.md 4.4), and the fake held to the same."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from tests.fakes.ehr import FakeWriteBack
from tests.fakes.smart import FakeSmart
from tests.fakes.system import FixedClock
from tests.fakes.wire import DROPPED, Heard, Reply
from tests.fakes.wired_ehr import WiredEhr
from tests.payloads import payload

from connector.adapters.ehr.write_back import EPIC_PATH, EpicWriteBack, write_back_for
from connector.adapters.system.http import GuardedHttp
from connector.domain.participant import ConnectionStatus, Role
from connector.ports.ehr import ConnectionReport, EhrTarget, WriteBack
from connector.ports.errors import (
    BadAnswer,
    Denied,
    Gone,
    OutsideError,
    Rejected,
    TryLater,
)

PATH = f"/interconnect{EPIC_PATH}"
REPORT = ConnectionReport(
    conference_id="200001234",
    person_id="eP1",
    role=Role.PROVIDER,
    status=ConnectionStatus.CONNECTED,
    key="k" * 40,
)


@dataclass
class World:
    """An EHR that takes reports; `rows` counts what it kept, `fail_once` loses one answer."""

    write_back: WriteBack
    rows: Callable[[], int]
    fail_once: Callable[[], None]


@pytest.fixture
def authorization() -> FakeSmart:
    return FakeSmart()


@pytest.fixture
def target(ehr: WiredEhr) -> EhrTarget:
    return EhrTarget(ehr.fhir_base_url, ehr.endpoints, "backend-client")


@pytest.fixture
def epic(
    http: GuardedHttp, authorization: FakeSmart, clock: FixedClock, ehr: WiredEhr
) -> EpicWriteBack:
    ehr.wire.answer("GET", PATH, Reply(200, {"Status": "1"}))
    return EpicWriteBack(http, authorization, clock)


@pytest.fixture(params=["epic", "fake"])
def world(request: pytest.FixtureRequest, epic: EpicWriteBack, ehr: WiredEhr) -> World:
    if request.param == "fake":
        fake = FakeWriteBack()
        lost = TryLater("connection_lost", maybe_done=True)
        return World(
            fake, lambda: len(fake.rows), lambda: fake.faults.fail("report", lost, after=True)
        )
    kept: set[str] = set()

    def keep(heard: Heard) -> Reply:
        kept.add(heard.query["VendorContext"])
        return Reply(200, {"Status": "1"})

    def keep_and_drop(heard: Heard) -> Reply:
        keep(heard)
        return DROPPED

    ehr.wire.answer("GET", PATH, keep)
    return World(epic, lambda: len(kept), lambda: ehr.wire.answer("GET", PATH, keep_and_drop, keep))


# --- what both must do ----------------------------------------------------------------------------


def test_a_report_is_kept_once_however_often_it_is_sent(world: World, target: EhrTarget) -> None:
    for _ in range(3):
        world.write_back.report(target, REPORT)
    assert world.rows() == 1


def test_a_lost_answer_says_that_it_may_be_done_and_repeating_is_safe(
    world: World, target: EhrTarget
) -> None:
    world.fail_once()
    with pytest.raises(TryLater) as lost:
        world.write_back.report(target, REPORT)
    assert lost.value.maybe_done
    world.write_back.report(target, REPORT)
    assert world.rows() == 1


# --- the wire -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("role", "id_type"), [(Role.PROVIDER, "2"), (Role.PATIENT, "3")])
@pytest.mark.parametrize(
    ("status", "code"),
    [
        (ConnectionStatus.CONNECTED, "1"),
        (ConnectionStatus.DISCONNECTED, "2"),
        (ConnectionStatus.LOBBY, "3"),
    ],
)
def test_the_request_is_the_one_epic_knows(
    epic: EpicWriteBack,
    target: EhrTarget,
    ehr: WiredEhr,
    authorization: FakeSmart,
    role: Role,
    id_type: str,
    status: ConnectionStatus,
    code: str,
) -> None:
    epic.report(target, replace(REPORT, role=role, status=status))
    (heard,) = ehr.wire.heard
    assert heard.query == {
        "ConferenceID": "200001234",
        "ConferenceIDType": "CSN",
        "ExternalID": "eP1",
        "ExternalIDType": id_type,
        "VendorName": "TeamsEHRConnector",
        "ConnectionStatus": code,
        "VendorContext": "k" * 40,
    }
    assert heard.headers["authorization"] == "Bearer backend-1"
    assert heard.headers["epic-client-id"] == "backend-client"
    assert authorization.calls[0][1]["scope"] == "system/Appointment.u"


@pytest.mark.parametrize("value", ["a&ConnectionStatus=2", "a b+c%20d", "é", "#x", "a=b;c"])
def test_ids_cannot_break_out_of_their_parameter(
    epic: EpicWriteBack, target: EhrTarget, ehr: WiredEhr, value: str
) -> None:
    epic.report(target, replace(REPORT, person_id=value))
    assert ehr.wire.heard[0].query["ExternalID"] == value
    assert ehr.wire.heard[0].query["ConnectionStatus"] == "1"


def _error(word: str, details: str = "") -> Reply:
    return Reply(400, payload("epic_error", word=word, details=details))


@pytest.mark.parametrize(
    "word",
    [
        "NO-CONFERENCE-ID",
        "NO-USER-ID",
        "NO-USER-ID-TYPE",
        "NO-VENDOR-NAME",
        "NO-CONNECTION-STATUS",
        "INVALID-CONFERENCE-ID",
        "INVALID-USER-ID-TYPE",
        "INVALID-USER-ID",
        "INVALID-CONNECTION-STATUS",
    ],
)
@pytest.mark.parametrize("details", ["", " details: Something about CANARY"])
def test_a_permanent_word_is_rejected_by_name(
    epic: EpicWriteBack, target: EhrTarget, ehr: WiredEhr, word: str, details: str
) -> None:
    ehr.wire.answer("GET", PATH, _error(word, details))
    with pytest.raises(Rejected) as rejected:
        epic.report(target, REPORT)
    assert rejected.value.code == word
    assert "CANARY" not in f"{rejected.value} {vars(rejected.value)}"


@pytest.mark.parametrize("details", ["", " details: Patient is locked"])
def test_a_locked_record_is_tried_again(
    epic: EpicWriteBack, target: EhrTarget, ehr: WiredEhr, details: str
) -> None:
    ehr.wire.answer("GET", PATH, _error("LOCK-FAILED", details))
    with pytest.raises(TryLater, match="LOCK-FAILED"):
        epic.report(target, REPORT)


def test_a_word_in_the_inner_exception_is_found(
    epic: EpicWriteBack, target: EhrTarget, ehr: WiredEhr
) -> None:
    outer = {
        "ExceptionMessage": "wrapped",
        "InnerException": payload("epic_error", word="LOCK-FAILED", details=""),
    }
    ehr.wire.answer("GET", PATH, Reply(400, outer))
    with pytest.raises(TryLater, match="LOCK-FAILED"):
        epic.report(target, REPORT)


@pytest.mark.parametrize(
    "reply",
    [
        _error("A-WORD-OF-TOMORROW"),
        _error("lock-failed"),
        Reply(400, {"Message": "LOCK-FAILED"}),
        Reply(400, {"ExceptionMessage": 7, "InnerException": 7}),
        Reply(400, {}),
        Reply(400, "LOCK-FAILED"),
        Reply(400, b"{"),
    ],
)
def test_an_unknown_refusal_is_not_taken_for_a_permanent_one(
    epic: EpicWriteBack, target: EhrTarget, ehr: WiredEhr, reply: Reply
) -> None:
    ehr.wire.answer("GET", PATH, reply)
    with pytest.raises(Denied, match="http_400") as denied:
        epic.report(target, REPORT)
    assert not isinstance(denied.value, Rejected)


@pytest.mark.parametrize(
    ("reply", "error", "code"),
    [
        (Reply(403, {}), Denied, "http_403"),
        (Reply(404, {}), Gone, "http_404"),
        (Reply(423, {}), TryLater, "http_423"),
        (Reply(429, {}), TryLater, "http_429"),
        (Reply(500, payload("epic_error", word="NO-USER-ID", details="")), TryLater, "http_500"),
        (Reply(503, {}), TryLater, "http_503"),
        (Reply(200, {"Status": "0"}), BadAnswer, "status"),
        (Reply(200, {}), BadAnswer, "status"),
        (Reply(200, "<html>Sign in</html>"), BadAnswer, "content_type"),
        (Reply(302, None, {"Location": "https://elsewhere.example/"}), BadAnswer, "http_302"),
        (DROPPED, TryLater, "connection_lost"),
    ],
)
def test_any_other_answer_says_what_kind_it_is(
    epic: EpicWriteBack,
    target: EhrTarget,
    ehr: WiredEhr,
    reply: Reply,
    error: type[OutsideError],
    code: str,
) -> None:
    ehr.wire.answer("GET", PATH, reply)
    with pytest.raises(error) as failed:
        epic.report(target, REPORT)
    assert (type(failed.value), failed.value.code) == (error, code)
    assert len(ehr.wire.heard) == 1


def test_a_number_for_success_is_success(
    epic: EpicWriteBack, target: EhrTarget, ehr: WiredEhr
) -> None:
    ehr.wire.answer("GET", PATH, Reply(200, {"Status": 1}))
    epic.report(target, REPORT)
    assert len(ehr.wire.heard) == 1


def test_a_token_the_ehr_no_longer_takes_is_forgotten(
    epic: EpicWriteBack, target: EhrTarget, ehr: WiredEhr, authorization: FakeSmart
) -> None:
    ehr.wire.answer("GET", PATH, Reply(401, {}), Reply(200, {"Status": "1"}))
    with pytest.raises(TryLater, match="http_401"):
        epic.report(target, REPORT)
    epic.report(target, REPORT)
    tokens = [heard.headers["authorization"] for heard in ehr.wire.heard]
    assert tokens == ["Bearer backend-1", "Bearer backend-2"]
    assert authorization.count("forget_backend_token") == 1


@pytest.mark.parametrize("error", [Denied("invalid_client"), TryLater("timeout")])
def test_without_a_token_nothing_is_sent(
    epic: EpicWriteBack,
    target: EhrTarget,
    ehr: WiredEhr,
    authorization: FakeSmart,
    error: OutsideError,
) -> None:
    authorization.faults.fail("backend_token", error)
    with pytest.raises(type(error), match=error.code):
        epic.report(target, REPORT)
    assert ehr.wire.heard == []


@pytest.mark.parametrize(
    "suffix", ["/api/FHIR/R4", "/api/FHIR/R4/", "/api/fhir/r4", "/api/FHIR/STU3"]
)
def test_the_call_goes_beside_fhir(
    epic: EpicWriteBack, target: EhrTarget, ehr: WiredEhr, suffix: str
) -> None:
    epic.report(replace(target, fhir_base_url=ehr.root + suffix), REPORT)
    assert ehr.wire.heard[0].path == PATH


@pytest.mark.parametrize("suffix", ["", "/fhir", "/api/FHIR", "/api/FHIR/R4/extra"])
def test_a_base_url_that_is_not_epics_is_denied_unasked(
    epic: EpicWriteBack, target: EhrTarget, ehr: WiredEhr, suffix: str
) -> None:
    with pytest.raises(Denied, match="not_epic_url"):
        epic.report(replace(target, fhir_base_url=ehr.root + suffix), REPORT)
    assert ehr.wire.heard == []


def test_a_vendor_has_its_strategy(http: GuardedHttp, clock: FixedClock) -> None:
    assert isinstance(write_back_for("epic", http, FakeSmart(), clock), EpicWriteBack)


@pytest.mark.parametrize("vendor", ["", "Epic", "oracle", "unknown"])
def test_an_unknown_vendor_refuses_to_start(
    http: GuardedHttp, clock: FixedClock, vendor: Any
) -> None:
    with pytest.raises(KeyError):
        write_back_for(vendor, http, FakeSmart(), clock)
