"""Requests of the API that are not what its OpenAPI document says, and repeated ones."""

from typing import Any

import pytest
from tests.builders.api import BASE, ApiClient, api_of, configuration
from tests.builders.configurations import APPROVER_ID, TENANT
from tests.builders.web import ORIGIN, Site

from connector.ports.errors import TryLater
from connector.web.api.openapi import document


@pytest.fixture
def api(site: Site) -> ApiClient:
    return api_of(site)


def send_text(api: ApiClient, text: bytes, media_type: str = "application/json") -> Any:
    return api.send("POST", "/environments", data=text, content_type=media_type)


def wrong_fields(answer: Any) -> list[str]:
    assert answer.status_code == 422, answer.text
    assert answer.content_type == "application/problem+json"
    return [error["field"] for error in answer.json["errors"]]


# Bodies -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "more",
    [
        {"status": "approved"},
        {"state": "active"},
        {"tenant_id": "22222222-2222-4222-8222-222222222222"},
        {"id": "rev-mine"},
        {"approved_at": "2026-03-02T12:00:00Z"},
        {"created_by": "somebody@contoso.example"},
        {"promotion_plan": "x"},
    ],
)
def test_case_46_a_field_that_is_not_the_callers_to_set_is_named_and_nothing_stored(
    api: ApiClient, site: Site, more: dict[str, Any]
) -> None:
    answer = api.post("/environments", configuration(**more))
    assert wrong_fields(answer) == list(more)
    assert site.world.rows("configuration_revision")[1:] == []
    assert site.world.rows("audit_event") == []


@pytest.mark.parametrize("part", ["clients", "settings"])
def test_case_46_holds_within_the_parts_of_a_body(api: ApiClient, part: str) -> None:
    good = configuration(settings={})
    body = good | {part: good[part] | {"tenant_id": TENANT}}
    assert wrong_fields(api.post("/environments", body)) == [f"{part}.tenant_id"]


def test_case_46_in_a_query_is_refused_as_well(api: ApiClient) -> None:
    assert wrong_fields(api.get("/environments", tenant_id=TENANT)) == ["tenant_id"]
    assert wrong_fields(api.get("/audit-events", tenant_id=TENANT)) == ["tenant_id"]
    assert wrong_fields(api.get("/tenant", id=TENANT)) == ["query"]


@pytest.mark.parametrize("path", ["/environments", "/audit-events"])
def test_case_46_a_parameter_nobody_declared_is_refused_also_when_it_stands_twice(
    api: ApiClient, path: str
) -> None:
    answer = api.send("GET", f"{path}?tenant_id={TENANT}&tenant_id={TENANT}")
    assert wrong_fields(answer) == ["tenant_id"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"organization": ""}, "organization"),
        ({"organization": "  "}, "organization"),
        ({"organization": "x" * 201}, "organization"),
        ({"organization": "a\r\nb"}, "organization"),
        ({"organization": 7}, "organization"),
        ({"organization": "a\0"}, "organization"),
        ({"kind": "staging"}, "kind"),
        ({"kind": None}, "kind"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone"),
        ({"vendor": "cerner"}, "vendor"),
        ({"fhir_base_url": "https://" + "x" * 500}, "fhir_base_url"),
        ({"settings": {"join_opens_minutes": "30"}}, "settings.join_opens_minutes"),
        ({"settings": {"join_opens_minutes": 1441}}, "settings.join_opens_minutes"),
        ({"settings": {"join_opens_minutes": True}}, "settings.join_opens_minutes"),
        ({"settings": {"browser_join": "yes"}}, "settings.browser_join"),
        ({"settings": {"lobby": "nobody"}}, "settings.lobby"),
        ({"clients": {"provider": "a", "patient": "b"}}, "clients.backend"),
        ({"clients": "abc"}, "clients"),
    ],
)
def test_a_wrong_value_is_named_and_not_repeated(
    api: ApiClient, changes: dict[str, Any], field: str
) -> None:
    answer = api.post("/environments", configuration(**changes))
    assert wrong_fields(answer) == [field]
    assert "Mars" not in answer.text
    assert answer.json["type"] == f"{ORIGIN}/help/api#request_invalid"


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"[]", b"null", b"\xff", b'{"a": NaN}', b'{"kind": "test", "kind": "production"}'],
)
def test_what_is_no_json_object_is_refused(api: ApiClient, text: bytes) -> None:
    answer = send_text(api, text)
    assert answer.status_code == 400
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize("media_type", ["", "text/plain", "application/x-www-form-urlencoded"])
def test_a_body_of_another_type_is_refused(api: ApiClient, media_type: str) -> None:
    assert send_text(api, b"{}", media_type).status_code == 415


def test_a_body_that_is_too_large_is_refused(api: ApiClient) -> None:
    answer = send_text(api, b'{"organization": "' + b"x" * 70_000 + b'"}')
    assert answer.status_code == 413
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "limit=ten", "limit=1.0", "limit=%205", "limit=1&limit=2", "limit="],
)
def test_a_wrong_limit_is_refused(api: ApiClient, query: str) -> None:
    for path in ("/environments", "/audit-events"):
        assert wrong_fields(api.send("GET", f"{path}?{query}")) == ["limit"]


@pytest.mark.parametrize("since", ["yesterday", "1234", "2026-03-02", "2026-03-02T12:00:00"])
def test_a_time_that_is_no_moment_is_refused(api: ApiClient, since: str) -> None:
    assert wrong_fields(api.get("/audit-events", since=since)) == ["since"]


@pytest.mark.parametrize("since", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_moment_that_has_no_utc_finds_nothing_or_everything(api: ApiClient, since: str) -> None:
    assert api.get("/audit-events", since=since, until=since).json["items"] == []


@pytest.mark.parametrize("path", ["/nowhere", "/environments/", "/environments/a/b/c", "/../x"])
def test_a_path_that_does_not_exist_is_a_problem_document(api: ApiClient, path: str) -> None:
    answer = api.get(path)
    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"


def test_a_method_that_does_not_exist_says_which_do(api: ApiClient) -> None:
    answer = api.send("PATCH", "/environments/env-test")
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]
    assert answer.content_type == "application/problem+json"


def test_our_own_mistake_is_a_reference_and_nothing_else(
    api: ApiClient, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(type(site.world.store), "read", broken)
    site.app.config["PROPAGATE_EXCEPTIONS"] = False
    answer = api.get("/environments")
    assert answer.status_code == 500
    assert answer.content_type == "application/problem+json"
    assert "secret detail" not in answer.text
    assert answer.json["reference"]


def test_a_client_id_of_the_other_environment_is_named(site: Site, api: ApiClient) -> None:
    """Case 43, E11: what was registered for production is not used on test."""
    from dataclasses import replace

    from connector.domain.configuration import EhrClients
    from connector.domain.organization import EnvironmentKind

    context = site.app.extensions["connector"]
    offered = {
        EnvironmentKind.TEST: EhrClients("t1", "t2", "shared"),
        EnvironmentKind.PRODUCTION: EhrClients("p1", "p2", "shared"),
    }
    deployment = replace(context.deployment, clients_offered=offered.__getitem__)
    site.app.extensions["connector"] = replace(context, deployment=deployment)

    mixed = {"provider": "p1", "patient": "t2", "backend": "shared"}
    answer = api.post("/environments", configuration(clients=mixed))
    assert wrong_fields(answer) == ["clients.provider"]


def test_a_time_zone_that_a_known_environment_does_not_have_is_refused_and_not_ignored(
    site: Site, api: ApiClient
) -> None:
    answer = api.post("/environments", configuration(time_zone="Europe/Berlin"))
    assert wrong_fields(answer) == ["time_zone"]
    assert site.world.rows("configuration_revision")[1:] == []
    elsewhere = configuration(organization="Contoso Berlin", time_zone="Europe/Berlin")
    elsewhere |= {"fhir_base_url": "https://berlin.contoso.example/api/FHIR/R4"}
    site.world.smart.add_ehr(elsewhere["fhir_base_url"])
    assert api.post("/environments", elsewhere).status_code == 201


# Refusals of use cases --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "status", "reason"),
    [
        ({"fhir_base_url": "https://127.0.0.1%2f@evil.example/R4"}, 422, "url_refused"),
        ({"fhir_base_url": "http://ehr.contoso.example/R4"}, 422, "url_refused"),
        ({"approver": "nobody@contoso.example"}, 422, "approver_unknown"),
        ({"settings": {"frame_ancestors": ["http://x.example"]}}, 422, "setting_invalid"),
    ],
)
def test_a_refusal_is_a_document_with_the_portals_words(
    api: ApiClient, site: Site, changes: dict[str, Any], status: int, reason: str
) -> None:
    answer = api.post("/environments", configuration(**changes))
    assert (answer.status_code, answer.json["reason"]) == (status, reason)
    assert answer.content_type == "application/problem+json"
    assert answer.json["type"] == f"{ORIGIN}/help/configuration#{reason}"
    assert {"title", "detail", "reference"} <= answer.json.keys()
    assert site.world.audited("caller.request.refuse")[-1]["reason"] == reason


def test_an_ehr_that_does_not_answer_is_a_503(api: ApiClient, site: Site) -> None:
    site.world.smart.faults.fail("discover", TryLater("timeout", host="ehr.contoso.example"))
    answer = api.post("/environments", configuration())
    assert (answer.status_code, answer.json["reason"]) == (503, "ehr_unreachable")
    assert answer.json["facts"] == {"code": "timeout", "host": "ehr.contoso.example"}


# Idempotency keys -------------------------------------------------------------------------------


def test_a_repeated_request_gets_the_first_answer(api: ApiClient, site: Site) -> None:
    first = api.post("/environments", configuration(), key="k1")
    again = api.post("/environments", configuration(), key="k1")
    assert (again.status_code, again.json) == (201, first.json)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert len(site.world.rows("configuration_revision")) == 2


def test_without_a_key_a_repeated_request_is_a_second_one(api: ApiClient, site: Site) -> None:
    numbers = [api.post("/environments", configuration()).json["number"] for _ in range(2)]
    assert numbers == [2, 3]


@pytest.mark.parametrize("changes", [{"organization": "Another"}, {"kind": "production"}])
def test_the_key_of_another_body_is_refused(
    api: ApiClient, site: Site, changes: dict[str, Any]
) -> None:
    api.post("/environments", configuration(), key="k1")
    answer = api.post("/environments", configuration(**changes), key="k1")
    assert (answer.status_code, answer.json["reason"]) == (422, "idempotency_key_reused")
    assert len(site.world.rows("configuration_revision")) == 2


def test_the_key_of_another_path_is_refused(api: ApiClient) -> None:
    assert api.post("/environments/env-test/examinations", {}, key="k1").status_code == 200
    answer = api.post("/environments/env-other/examinations", {}, key="k1")
    assert answer.json["reason"] == "idempotency_key_reused"


def test_somebody_elses_key_is_another_key(api: ApiClient, site: Site) -> None:
    from tests.builders.configurations import an_admin

    api.post("/environments", configuration(), key="k1")
    other = api_of(site, an_admin(object_id=APPROVER_ID))
    assert (
        "Idempotent-Replayed" not in other.post("/environments", configuration(), key="k1").headers
    )


def test_a_refused_request_is_tried_again_under_its_key(api: ApiClient, site: Site) -> None:
    site.world.smart.faults.fail("discover", TryLater("timeout"))
    assert api.post("/environments", configuration(), key="k1").status_code == 503
    assert api.post("/environments", configuration(), key="k1").status_code == 201


@pytest.mark.parametrize("key", ["a b", "é", "x" * 201, "tab\there"])
def test_a_key_that_not_every_library_passes_on_is_refused(api: ApiClient, key: str) -> None:
    assert wrong_fields(api.post("/environments", configuration(), key=key)) == ["Idempotency-Key"]


def test_a_body_under_a_key_that_is_too_large_is_refused_where_no_body_is_read_as_well(
    api: ApiClient,
) -> None:
    path = "/environments/env-test/examinations"
    large = {"data": b"x" * 70_000, "headers": {"Idempotency-Key": "k1"}}
    answer = api.send("POST", path, **large)
    assert answer.status_code == 413
    assert (
        "413"
        in document(ORIGIN)["paths"][f"{BASE}/environments/{{environment_id}}/examinations"][
            "post"
        ]["responses"]
    )


def test_a_request_that_still_runs_is_told_with_seconds_to_wait(
    api: ApiClient, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = []
    discover = site.world.smart.discover

    def meanwhile(fhir_base_url: str) -> Any:
        monkeypatch.setattr(site.world.smart, "discover", discover)
        answers.append(api.post("/environments", configuration(), key="k1"))
        return discover(fhir_base_url)

    monkeypatch.setattr(site.world.smart, "discover", meanwhile)
    assert api.post("/environments", configuration(), key="k1").status_code == 201
    (second,) = answers
    assert (second.status_code, second.json["reason"]) == (409, "idempotency_key_in_use")
    assert second.headers["Retry-After"] == "40"
    assert len(site.world.rows("configuration_revision")) == 2


def test_the_api_is_no_place_for_a_browser_of_another_site(site: Site, api: ApiClient) -> None:
    answer = api.send(
        "POST",
        "/environments",
        json=configuration(),
        headers={"Sec-Fetch-Site": "cross-site"},
    )
    assert answer.status_code == 400
    assert answer.content_type == "application/problem+json"
    assert BASE == "/api/v1"
