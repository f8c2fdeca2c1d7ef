"""What the API's operations do, from entering an environment to its promotion and retirement."""

from urllib.parse import parse_qs, urlsplit

import pytest
from tests.builders.api import ApiClient, api_of, configuration
from tests.builders.configurations import (
    APPROVER_ID,
    OTHER_TENANT,
    PRODUCTION_BASE,
    TENANT,
    active,
    an_admin,
    endpoints,
    environment,
    the_approver,
)
from tests.builders.promotions import make_ready
from tests.builders.sharing import guest_admin, register
from tests.builders.web import ORIGIN, Site

from connector.domain.organization import EnvironmentKind

WANTED = {
    "test_environment_id": "env-test",
    "fhir_base_url": PRODUCTION_BASE,
    "approver": "olivia.analyst@contoso.example",
    "clients": {"provider": "prd-1", "patient": "prd-2", "backend": "prd-3"},
}


@pytest.fixture
def api(site: Site) -> ApiClient:
    return api_of(site)


def more_environments(site: Site, count: int) -> None:
    for number in range(count):
        where = environment(
            id=f"env-{number}", organization_id=f"org-{number}", organization_name=f"Org {number}"
        )
        site.world.add_environment(where)


# Reading ----------------------------------------------------------------------------------------


def test_the_tenant_is_the_tokens(api: ApiClient) -> None:
    assert api.get("/tenant").json == {
        "id": TENANT,
        "geography": "americas",
        "country": "US",
        "registered_at": "2026-03-02T12:00:00Z",
        "licence_confirmed_at": None,
    }


def test_an_environment_shows_what_is_live_and_what_waits_and_where_to_approve_it(
    api: ApiClient,
) -> None:
    made = api.post("/environments", configuration(settings={"lobby": "everybody"})).json
    shown = api.get("/environments/env-test").json
    assert shown["active"]["id"] == "rev-test-1"
    assert shown["newest"] == made | {"changes": shown["newest"]["changes"]}
    assert shown["approval_url"] == f"{ORIGIN}/approvals/{made['id']}"
    assert {"field": "lobby", "before": "patients", "after": "everybody"} in shown["newest"][
        "changes"
    ]


def test_revisions_come_newest_first_each_with_what_it_changed(api: ApiClient) -> None:
    api.post("/environments", configuration())
    first, second = api.get("/environments/env-test/revisions").json["items"]
    assert (first["number"], second["number"]) == (2, 1)
    assert {c["field"] for c in first["changes"]} == {
        "client_provider",
        "client_patient",
        "client_backend",
        *(c["field"] for c in first["changes"] if c["field"] in endpoints().__slots__),
    }
    assert {c["before"] for c in second["changes"]} == {""}


def test_records_are_what_the_portal_hands_out(api: ApiClient) -> None:
    provider, patient = api.get("/environments/env-test/records").json["items"]
    assert (provider["kind"], patient["kind"]) == ("provider", "patient")
    assert provider["text"].startswith(f"Launch URL: {ORIGIN}/launch/provider\nContext: sessionId")
    assert provider["verified_at"] is None


def test_an_environment_without_an_approval_has_no_records_to_hand_out(
    api: ApiClient, site: Site
) -> None:
    more_environments(site, 1)
    assert api.get("/environments/env-0/records").json == {"items": []}
    shown = api.get("/environments/env-0").json
    assert (shown["newest"], shown["active"], shown["approval_url"]) == (None, None, None)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"organization": "Org 1"}, ["env-1"]),
        ({"organization": "org 1"}, []),
        ({"kind": "production"}, ["env-production"]),
        ({"state": "active"}, ["env-test"]),
        ({"state": "awaiting_approval"}, ["env-test"]),
        ({"state": "retired"}, []),
        ({"kind": "test", "state": "active"}, ["env-test"]),
    ],
)
def test_environments_are_found_by_organization_kind_and_state(
    api: ApiClient, site: Site, query: dict[str, str], found: list[str]
) -> None:
    more_environments(site, 2)
    site.world.add_environment(environment(id="env-production", kind=EnvironmentKind.PRODUCTION))
    api.post("/environments", configuration())
    assert [e["id"] for e in api.get("/environments", **query).json["items"]] == found


@pytest.mark.parametrize("path", ["/environments", "/audit-events"])
def test_a_list_is_read_page_by_page_to_its_end(api: ApiClient, site: Site, path: str) -> None:
    more_environments(site, 4)
    for _ in range(5):
        api.get("/environments/nope")
    whole = api.get(path).json["items"]
    read, query = [], {"limit": "2"}
    for _ in range(3):
        answer = api.get(path, **query)
        read += answer.json["items"]
        if answer.json["next"] is None:
            break
        link = answer.headers["Link"]
        query = {n: v[0] for n, v in parse_qs(urlsplit(link[1 : link.index(">")]).query).items()}
        assert query == {"limit": "2", "after": answer.json["next"]}
        assert link.endswith('>; rel="next"')
    assert read == whole
    assert len(read) == 5
    assert "Link" not in answer.headers


def test_the_address_of_the_next_page_is_the_public_one_behind_any_proxy(
    api: ApiClient, site: Site
) -> None:
    more_environments(site, 1)
    inside = {"Host": "connector-web:8080", "Authorization": f"Bearer {api.token}"}
    client = site.app.test_client()
    answer = client.get("/api/v1/environments?limit=1", headers=inside)
    assert answer.headers["Link"].startswith(f"<{ORIGIN}/api/v1/environments?limit=1&after=")


def test_audit_events_are_filtered(api: ApiClient, site: Site) -> None:
    api.get("/environments/nope")
    site.world.clock.advance(60)
    made = api.post("/environments", configuration()).json
    (line,) = api.get("/audit-events", event="admin.configuration.submit").json["items"]
    assert line["facts"] == {"revision": made["id"], "number": "2"}
    assert api.get("/audit-events", since="2026-03-02T12:00:30Z").json["items"] == [line]
    (refused,) = api.get("/audit-events", outcome="refused").json["items"]
    assert api.get("/audit-events", until="2026-03-02T12:00:30+00:00").json["items"] == [refused]


def test_the_audit_trail_is_for_administrators_and_approvers(site: Site) -> None:
    member = api_of(site, the_approver(object_id="somebody"))
    assert member.get("/audit-events").json["reason"] == "audit_role_missing"
    assert api_of(site, the_approver()).get("/audit-events").status_code == 200


# Records and examinations -----------------------------------------------------------------------


def test_a_record_that_came_back_unchanged_is_stamped(api: ApiClient) -> None:
    text = api.get("/environments/env-test/records").json["items"][0]["text"]
    answer = api.post("/records/record-provider/verifications", {"pasted": text})
    assert answer.json["unchanged"]
    assert api.get("/environments/env-test/records").json["items"][0]["verified_at"]


def test_case_44_a_record_that_differs_by_one_token_is_shown_token_by_token(
    api: ApiClient,
) -> None:
    text = api.get("/environments/env-test/records").json["items"][0]["text"]
    pasted = text.replace("%CSN%", "%EPTID%")
    answer = api.post("/records/record-provider/verifications", {"pasted": pasted}).json
    assert not answer["unchanged"]
    assert answer["verified_at"] is None
    assert answer["differences"] == [{"token": "sessionId", "issued": "%CSN%", "pasted": "%EPTID%"}]


def test_an_examination_says_what_was_found_and_who_can_put_it_right(api: ApiClient) -> None:
    answer = api.post("/environments/env-test/examinations")
    assert answer.status_code == 200
    worker = next(f for f in answer.json["findings"] if f["check"] == "worker")
    assert (worker["verdict"], worker["who"]) == ("failed", "operator of this connector")


# Promotion --------------------------------------------------------------------------------------


def test_a_promotion_is_planned_applied_and_applied_again_without_a_second_revision(
    api: ApiClient, site: Site
) -> None:
    make_ready(site.world)
    plan = api.post("/promotions/plans", WANTED).json
    assert plan["ready"], plan["items"]
    made = api.post("/promotions", WANTED | {"plan_digest": plan["digest"]})
    assert made.status_code == 201
    assert made.json["state"] == "awaiting_approval"
    assert made.json["promotion_plan"] == plan["digest"]
    again = api.post("/promotions", WANTED | {"plan_digest": plan["digest"]})
    assert again.json["id"] == made.json["id"]
    assert api.post("/promotions/plans", WANTED).json["applied"]["id"] == made.json["id"]


def test_case_42_a_blocked_promotion_names_everything_it_looks_at(
    api: ApiClient, site: Site
) -> None:
    site.world.smart.add_ehr(PRODUCTION_BASE)
    plan = api.post("/promotions/plans", WANTED).json
    assert not plan["ready"]
    answer = api.post("/promotions", WANTED | {"plan_digest": plan["digest"]})
    assert (answer.status_code, answer.json["reason"]) == (409, "promotion_blocked")
    assert answer.json["items"] == plan["items"]
    blocking = [i["readiness"] for i in answer.json["items"] if i["blocks"]]
    assert answer.json["facts"]["blockers"] == ", ".join(blocking)
    assert api.get("/environments", kind="production").json["items"] == []


def test_case_42_a_stale_plan_is_refused_with_what_changed(api: ApiClient, site: Site) -> None:
    make_ready(site.world)
    digest = api.post("/promotions/plans", WANTED).json["digest"]
    other = WANTED | {"clients": WANTED["clients"] | {"provider": "prd-9"}}  # type: ignore[operator]
    answer = api.post("/promotions", other | {"plan_digest": digest})
    assert (answer.status_code, answer.json["reason"]) == (409, "plan_stale")
    assert answer.json["facts"] == {"changed": "request"}
    assert api.get("/environments", kind="production").json["items"] == []


def test_a_rollback_goes_to_the_approved_revision_before(api: ApiClient, site: Site) -> None:
    site.world.approve(active(id="rev-test-2", number=2))
    path = "/environments/env-test/rollbacks"
    answer = api.post(path, {"active_revision_id": "rev-test-2"})
    assert (answer.status_code, answer.json["id"]) == (200, "rev-test-1")
    assert api.get("/environments/env-test").json["active"]["id"] == "rev-test-1"
    assert api.post(path, {"active_revision_id": "rev-test-2"}).json["id"] == "rev-test-1"
    nothing = api.post(path, {"active_revision_id": "rev-test-1"})
    assert nothing.json["reason"] == "nothing_to_roll_back"


def test_a_retired_environment_takes_no_launches(api: ApiClient) -> None:
    path = "/environments/env-test/retirement"
    seen = api.post(path, {"active_revision_id": "rev-test-9"})
    assert seen.status_code in {404, 409}
    answer = api.post(path, {"active_revision_id": "rev-test-1"})
    assert (answer.status_code, answer.json["state"]) == (200, "retired")
    assert api.get("/environments/env-test").json["active"] is None


# Shares -----------------------------------------------------------------------------------------


def test_a_share_is_offered_accepted_and_withdrawn(api: ApiClient, site: Site) -> None:
    register(site.world, OTHER_TENANT)
    guest = api_of(site, guest_admin())
    offer = {"environment_id": "env-test", "guest_tenant_id": OTHER_TENANT}
    made = api.post("/shares", offer)
    assert (made.status_code, made.json["state"]) == (201, "offered")
    assert made.json["owner_environment_id"] == "env-test"
    path = f"/shares/{made.json['id']}"
    assert guest.get("/shares").json["items"][0]["owner_environment_id"] is None
    assert api.post(f"{path}/answers", {"accept": True}).status_code == 404
    assert guest.post(f"{path}/answers", {"accept": True}).json["state"] == "accepted"
    assert api.send("DELETE", path).json["state"] == "withdrawn"
    assert guest.get("/shares").json["items"][0]["state"] == "withdrawn"


def test_a_share_is_declined_once(api: ApiClient, site: Site) -> None:
    register(site.world, OTHER_TENANT)
    guest = api_of(site, guest_admin())
    offer = {"environment_id": "env-test", "guest_tenant_id": OTHER_TENANT}
    path = f"/shares/{api.post('/shares', offer).json['id']}"
    assert guest.post(f"{path}/answers", {"accept": False}).json["state"] == "declined"
    answer = guest.post(f"{path}/answers", {"accept": True})
    assert (answer.status_code, answer.json["reason"]) == (409, "state_conflict")


@pytest.mark.parametrize("guest", ["fabrikam", TENANT, "' OR 1=1"])
def test_what_is_no_other_tenant_is_offered_nothing(api: ApiClient, guest: str) -> None:
    answer = api.post("/shares", {"environment_id": "env-test", "guest_tenant_id": guest})
    assert (answer.status_code, answer.json["reason"]) == (422, "share_guest_invalid")


def test_the_approver_named_by_the_api_is_held_to_by_object_id(api: ApiClient, site: Site) -> None:
    made = api.post("/environments", configuration()).json
    with site.world.store.read() as tx:
        stored = tx.configurations.revision(made["id"])
    assert stored is not None
    assert stored.approver.object_id == APPROVER_ID
    assert stored.created_by == an_admin().sign_in_name
