"""What load tests ask of Microsoft: every meeting made, and how often each party entered and left its call."""

from typing import Any

from tests.conformance.mock_microsoft.microsoft_desk import ADAM, Desk


def rows(desk: Desk, query: str = "") -> list[dict[str, Any]]:
    ledger = desk.sim("GET", f"ledger{query}").get_json()
    return [dict(zip(ledger["columns"], row, strict=True)) for row in ledger["rows"]]


def test_the_ledger_has_every_meeting_with_its_external_id(desk: Desk) -> None:
    made = [desk.meeting("visit-1"), desk.meeting("visit-2"), desk.meeting("visit-1")]
    assert made[0]["id"] == made[2]["id"]
    assert [row["external_id"] for row in rows(desk)] == ["visit-1", "visit-2"]
    assert rows(desk)[0]["thread_id"] == made[0]["chatInfo"]["threadId"]


def test_the_ledger_counts_stays_in_the_call_by_party(desk: Desk) -> None:
    meeting = desk.meeting()
    desk.lobby(meeting, "organization")
    provider = desk.join(meeting, user_id=ADAM)
    patient = desk.join(meeting, display_name="Guest")
    [row] = rows(desk)
    assert (row["provider_joined"], row["patient_joined"]) == (1, 0), "the lobby is no stay"
    desk.act(meeting, patient, "admit")
    desk.act(meeting, patient, "leave")
    desk.act(meeting, patient, "rejoin")
    desk.act(meeting, provider, "leave")
    [row] = rows(desk)
    counts = {name: row[name] for name in row if name.endswith(("joined", "left"))}
    assert counts == {
        "provider_joined": 1,
        "provider_left": 1,
        "patient_joined": 1,
        "patient_left": 1,
    }


def test_a_deleted_meeting_stays_in_the_ledger(desk: Desk) -> None:
    meeting = desk.meeting()
    desk.graph("DELETE", f"users/{ADAM}/onlineMeetings/{meeting['id']}")
    assert len(rows(desk)) == 1


def test_the_ledger_comes_in_pages(desk: Desk) -> None:
    for number in range(3):
        desk.meeting(f"visit-{number}")
    first = desk.sim("GET", "ledger?limit=2").get_json()
    assert (len(first["rows"]), first["next"]) == (2, 2)
    assert [row["external_id"] for row in rows(desk, "?limit=2&offset=2")] == ["visit-2"]
    assert desk.sim("GET", "ledger?limit=0").status_code == 400


def test_a_reset_forgets_the_ledger(desk: Desk) -> None:
    desk.meeting()
    desk.sim("POST", "reset")
    assert rows(desk) == []
