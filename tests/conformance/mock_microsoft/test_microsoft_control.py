"""The control plane beyond simkit's: what a tester may say, and what a slip of the tester is answered."""

from typing import Any

import pytest
from tests.conformance.mock_microsoft.microsoft_desk import (
    ADAM,
    CONNECTOR,
    CONTOSO,
    FABRIKAM,
    JONAS,
    NORTHWIND,
    OTHER_APP,
    TAILSPIN,
    Desk,
    quoted,
)


def test_people_lists_every_tenant_with_ids_and_sign_in_names(desk: Desk) -> None:
    tenants = desk.sim("GET", "people").get_json()["tenants"]
    assert [t["id"] for t in tenants] == [CONTOSO, FABRIKAM, NORTHWIND, TAILSPIN]
    assert {"id": ADAM, "sign_in_name": "adam.careful@contoso-health.example"}.items() <= tenants[
        0
    ]["people"][3].items()


def test_state_counts_what_exists(desk: Desk) -> None:
    desk.join(desk.meeting(), user_id=ADAM)
    state = desk.sim("GET", "state").get_json()
    assert (state["meetings"], state["calls"], state["participants"], state["subscriptions"]) == (
        1,
        1,
        1,
        0,
    )
    assert state["deliveries"]["pending"] == 0


def test_reset_forgets_meetings_sessions_and_grants_but_keeps_keys(desk: Desk) -> None:
    token, meeting = desk.app_token(), desk.meeting()
    desk.choose({"account": ADAM})
    desk.sim("POST", "consent", {"client_id": CONNECTOR, "tenant_id": CONTOSO, "state": "absent"})
    desk.sim("POST", "reset")
    assert desk.sim("GET", "state").get_json()["meetings"] == 0
    assert "Pick an account" in desk.authorize().text
    path = f"users/{ADAM}/onlineMeetings/{meeting['id']}"
    assert desk.graph("GET", path, token=token).status_code == 404
    assert desk.token().status_code == 200


def test_seeding_makes_fabrikam_ready(desk: Desk) -> None:
    desk.sim("POST", "seed", {"tenants_ready": ["fabrikam-klinik.example"]})
    path = f"users/{JONAS}/onlineMeetings/createOrGet"
    answer = desk.graph("POST", path, {"externalId": "v"}, token=desk.app_token(FABRIKAM))
    assert answer.status_code == 201


def test_consent_alone_does_not_make_fabrikam_ready(desk: Desk) -> None:
    """Two locks: microsoft.md 1.4 and 1.5."""
    desk.sim("POST", "consent", {"client_id": CONNECTOR, "tenant_id": FABRIKAM, "state": "granted"})
    path = f"users/{JONAS}/onlineMeetings/createOrGet"
    answer = desk.graph("POST", path, {"externalId": "v"}, token=desk.app_token(FABRIKAM))
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (403, "Forbidden")


@pytest.mark.parametrize(
    ("path", "document", "status"),
    [
        ("consent", {"client_id": CONNECTOR, "tenant_id": CONTOSO, "state": "maybe"}, 400),
        ("consent", {"client_id": "unknown", "tenant_id": CONTOSO, "state": "granted"}, 404),
        ("consent", {"client_id": CONNECTOR, "tenant_id": "unknown", "state": "granted"}, 404),
        ("consent", {}, 400),
        ("access-policies", {"client_id": CONNECTOR, "tenant_id": CONTOSO, "user_id": JONAS}, 404),
        ("access-policies", {"client_id": CONNECTOR, "tenant_id": CONTOSO, "granted": "yes"}, 400),
        ("forged-id-tokens", {"mode": "unknown"}, 400),
        ("forged-id-tokens", {"mode": "expired", "times": 0}, 400),
        ("forged-id-tokens", {"mode": "expired", "times": None}, 400),
        ("forged-access-tokens", {"mode": "wrong-nonce"}, 400),
        ("forged-access-tokens", {"mode": "v1", "times": None}, 400),
        ("people/nobody", {"enabled": False}, 404),
        (f"people/{ADAM}", {}, 400),
        (f"people/{ADAM}", {"enabled": "no"}, 400),
        ("directory-roles", {"user_id": ADAM, "role": "EMPEROR"}, 400),
        ("directory-roles", {"user_id": "nobody", "role": "GLOBAL_READER"}, 404),
        ("directory-roles", {"user_id": ADAM, "role": "GLOBAL_READER", "assigned": "yes"}, 400),
        ("app-roles", {"client_id": CONNECTOR, "user_id": ADAM, "role": "Connector.God"}, 400),
        ("app-roles", {"client_id": OTHER_APP, "user_id": ADAM, "role": "Connector.Admin"}, 400),
        ("app-roles", {"client_id": "unknown", "user_id": ADAM, "role": "Connector.Admin"}, 404),
        ("optional-claims", {"tenant_id": CONTOSO}, 400),
        ("optional-claims", {"tenant_id": CONTOSO, "withheld": "acct"}, 400),
        ("optional-claims", {"tenant_id": CONTOSO, "withheld": ["tid"]}, 400),
        ("optional-claims", {"tenant_id": "unknown", "withheld": ["acct"]}, 404),
        ("certificates", {"client_id": CONNECTOR, "certificate_pem": "not one"}, 400),
        ("certificates", {"client_id": "unknown", "certificate_pem": "not one"}, 404),
        ("throttles", {"route": "*", "rate_per_second": 0}, 400),
        ("throttles", {"route": "*", "rate_per_second": 1, "retry_after": "soon"}, 400),
        ("delivery-faults", {"fault": "unknown"}, 400),
        ("delivery-faults", {"fault": "drop", "times": True}, 400),
        ("delivery-faults", {"fault": "drop", "subscription_id": "unknown"}, 404),
        ("subscriptions/unknown/silence", {}, 404),
        ("subscriptions/unknown/reauthorization", {}, 404),
        ("meetings/unknown/participants", {"as": "guest", "display_name": "x"}, 404),
        ("meetings/unknown/end", {}, 404),
        ("seed", {"tenants_ready": ["unknown"]}, 400),
        ("seed", {"tenants_ready": "unknown"}, 400),
    ],
)
def test_a_wrong_order_is_refused_with_a_reason(
    desk: Desk, path: str, document: dict[str, Any], status: int
) -> None:
    answer = desk.sim("POST", path, document)
    assert answer.status_code == status, answer.text
    assert answer.get_json()["message"]


@pytest.mark.parametrize(
    ("document", "status"),
    [
        ({"as": "user", "user_id": "nobody"}, 404),
        ({"as": "user"}, 400),
        ({"as": "guest"}, 400),
        ({"as": "robot", "display_name": "x"}, 400),
        ({}, 400),
    ],
)
def test_a_participant_needs_a_person_or_a_name(
    desk: Desk, document: dict[str, Any], status: int
) -> None:
    answer = desk.sim("POST", f"meetings/{quoted(desk.meeting())}/participants", document)
    assert answer.status_code == status


def test_actions_that_make_no_sense_are_conflicts(desk: Desk) -> None:
    meeting = desk.meeting()
    clinician = desk.join(meeting, user_id=ADAM)
    assert desk.act(meeting, clinician, "admit").status_code == 409
    assert desk.act(meeting, clinician, "dance").status_code == 400
    assert desk.act(meeting, clinician, "leave", reason="bored").status_code == 400
    assert desk.act(meeting, {"id": "nobody"}, "leave").status_code == 404


def test_the_delivery_faults_and_forgeries_that_wait_are_shown_and_cleared(desk: Desk) -> None:
    desk.sim("POST", "delivery-faults", {"fault": "drop", "times": None})
    desk.sim("POST", "forged-id-tokens", {"mode": "expired", "times": 2})
    state = desk.sim("GET", "state").get_json()
    assert [fault["fault"] for fault in state["delivery_faults"]] == ["drop"]
    assert state["forged_id_tokens"] == ["expired", "expired"]
    desk.sim("DELETE", "delivery-faults")
    desk.sim("DELETE", "forged-id-tokens")
    assert desk.sim("GET", "delivery-faults").get_json() == {"delivery_faults": []}
    assert desk.sim("GET", "forged-id-tokens").get_json() == {"forged_id_tokens": []}


def test_what_was_changed_about_people_is_shown_and_forgotten_by_a_reset(desk: Desk) -> None:
    def adam() -> dict[str, Any]:
        people = desk.sim("GET", "people").get_json()["tenants"][0]["people"]
        return next(one for one in people if one["id"] == ADAM)

    desk.sim("POST", "people/adam.careful@contoso-health.example", {"enabled": False})
    desk.sim("POST", "directory-roles", {"user_id": ADAM, "role": "GLOBAL_READER"})
    desk.sim("POST", "directory-roles", {"user_id": ADAM, "role": "GLOBAL_READER"})
    app_role = {"client_id": CONNECTOR, "user_id": ADAM, "role": "Connector.Reader"}
    desk.sim("POST", "app-roles", app_role)
    desk.sim("POST", "optional-claims", {"tenant_id": CONTOSO, "withheld": ["acct"]})
    assert (adam()["enabled"], adam()["roles"]) == (False, ["GLOBAL_READER"])
    state = desk.sim("GET", "state").get_json()
    assert state["app_roles"][0]["roles"] == ["Connector.Reader"]
    assert state["withheld_claims"] == [{"tenant_id": CONTOSO, "withheld": ["acct"]}]
    desk.sim("POST", "reset")
    assert (adam()["enabled"], adam()["roles"]) == (True, [])
    state = desk.sim("GET", "state").get_json()
    assert (state["app_roles"], state["withheld_claims"]) == ([], [])


def test_a_meeting_stays_its_organizers_when_something_about_them_changes(desk: Desk) -> None:
    meeting = desk.meeting()
    desk.sim("POST", "directory-roles", {"user_id": ADAM, "role": "GLOBAL_READER"})
    path = f"users/{ADAM}/onlineMeetings/{quoted(meeting)}"
    assert desk.graph("GET", path).status_code == 200


def test_forged_access_tokens_that_wait_are_cleared(desk: Desk) -> None:
    desk.sim("POST", "forged-access-tokens", {"mode": "v1", "times": 2})
    assert desk.sim("GET", "forged-access-tokens").get_json() == {
        "forged_access_tokens": ["v1", "v1"]
    }
    desk.sim("DELETE", "forged-access-tokens")
    assert desk.sim("GET", "state").get_json()["forged_access_tokens"] == []


def test_every_tenant_has_an_administrator_and_a_country(desk: Desk) -> None:
    tenants = desk.sim("GET", "people").get_json()["tenants"]
    assert {t["name"]: (t["tenant_ctry"], t["tenant_region_scope"]) for t in tenants} == {
        "Contoso Health": ("US", "NA"),
        "Fabrikam Klinik": ("DE", "EU"),
        "Northwind Care": ("US", "NA"),
        "Tailspin Clinic": ("SG", "AS"),
    }
    for tenant in tenants:
        assert tenant["people"][0]["roles"] == ["GLOBAL_ADMINISTRATOR"]
        assert tenant["people"][0]["sign_in_name"] == f"admin@{tenant['domain']}"
