"""Case 74: every route of the OpenAPI document, asked by one tenant with every id of another."""

from typing import Any

import pytest
from tests.builders.api import CLIENTS, ApiClient, api_of, configuration
from tests.builders.configurations import OTHER_TENANT, TENANT, an_admin
from tests.builders.sharing import THIRD_TENANT, guest_admin, register
from tests.builders.web import ORIGIN, Site

PRODUCTION = "https://fabrikam.example/interconnect-prd-oauth/api/FHIR/R4"
# Words that are Contoso's and must stand in no answer to Fabrikam, besides ids.
SECRETS = [TENANT, "Contoso", "olivia.analyst", "client-provider"]


@pytest.fixture
def ids(site: Site) -> dict[str, list[str]]:
    """Everything Contoso owns, by the name of the parameter or field that takes it."""
    register(site.world, OTHER_TENANT)
    grant = site.world.offer_share(an_admin(), "env-test", THIRD_TENANT, "ref")
    waiting = api_of(site).post("/environments", configuration()).json["id"]
    return {
        "environment_id": ["env-test"],
        "test_environment_id": ["env-test"],
        "record_id": ["record-provider", "record-patient"],
        "share_id": [grant.id],
        "active_revision_id": ["rev-test-1", waiting],
    }


@pytest.fixture
def fabrikam(site: Site, ids: dict[str, list[str]]) -> ApiClient:
    return api_of(site, guest_admin())


# A good body for each operation that takes one, but for the ids in it.
BODIES: dict[str, dict[str, Any]] = {
    "verify_record": {"pasted": "Launch URL: x"},
    "roll_back": {"active_revision_id": ""},
    "retire_environment": {"active_revision_id": ""},
    "plan_promotion": {
        "test_environment_id": "",
        "fhir_base_url": PRODUCTION,
        "approver": "gil@fabrikam.example",
        "clients": CLIENTS,
    },
    "apply_promotion": {
        "test_environment_id": "",
        "fhir_base_url": PRODUCTION,
        "approver": "gil@fabrikam.example",
        "clients": CLIENTS,
        "plan_digest": "x",
    },
    "offer_share": {"environment_id": "", "guest_tenant_id": THIRD_TENANT},
    "answer_share": {"accept": True},
}
# They take no id at all: what they answer with is asked below.
WITHOUT_IDS = {"get_tenant", "list_environments", "list_shares", "list_audit_events"}
WITHOUT_IDS |= {"enter_configuration"}


def operations(site: Site) -> list[tuple[str, str, dict[str, Any]]]:
    """(path, method, operation) of the public document."""
    document = site.app.test_client().get("/openapi.json", base_url=ORIGIN).json
    return [
        (path.removeprefix("/api/v1"), method.upper(), operation)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]


def attempts(
    site: Site, ids: dict[str, list[str]]
) -> list[tuple[str, str, str, dict[str, Any] | None]]:
    """(operation, method, path, body): every id of the other tenant in every place that takes one."""
    made = []
    for path, method, operation in operations(site):
        name = operation["operationId"]
        body = BODIES.get(name)
        places = [p["name"] for p in operation["parameters"] if p["in"] == "path"]
        places += [field for field in body or {} if field in ids]
        for number in range(max((len(ids[place]) for place in places), default=0)):
            chosen = {p: ids[p][min(number, len(ids[p]) - 1)] for p in places}
            filled = body and {f: chosen.get(f, value) for f, value in body.items()}
            made.append((name, method, path.format(**chosen), filled))
    return made


def test_case_74_every_operation_is_asked_for_what_is_anothers(
    site: Site, ids: dict[str, list[str]]
) -> None:
    """A new operation that takes an id, or a new kind of id, is found here."""
    asked = {name for name, *_ in attempts(site, ids)}
    declared = {operation["operationId"] for *_, operation in operations(site)}
    assert asked | WITHOUT_IDS == declared
    assert not asked & WITHOUT_IDS


def test_case_74_what_is_anothers_does_not_exist_and_every_attempt_is_audited(
    site: Site, ids: dict[str, list[str]], fabrikam: ApiClient
) -> None:
    before = site.world.rows("configuration_revision"), site.world.rows("share_grant")
    for number, (name, method, path, body) in enumerate(attempts(site, ids), start=1):
        answer = fabrikam.send(method, path, json=body)
        assert answer.status_code == 404, (name, answer.text)
        assert nothing_of_contoso(answer.text, ids), (name, answer.text)
        refusals = [r for r in site.world.rows("audit_event") if r["tenant_id"] == OTHER_TENANT]
        assert len(refusals) == number, name
        assert refusals[-1]["outcome"] == "refused"
        assert refusals[-1]["actor"] == guest_admin().object_id
    assert (site.world.rows("configuration_revision"), site.world.rows("share_grant")) == before


def test_case_74_an_id_of_nobody_is_answered_in_the_same_words(
    site: Site, ids: dict[str, list[str]], fabrikam: ApiClient
) -> None:
    nobodys = {kind: ["no-such-id"] * len(known) for kind, known in ids.items()}
    for theirs, invented in zip(attempts(site, ids), attempts(site, nobodys), strict=True):
        answers = [fabrikam.send(m, p, json=b).json for _, m, p, b in (theirs, invented)]
        for answer in answers:
            del answer["reference"]
        assert answers[0] == answers[1], theirs


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/environments", {}),
        ("/environments", {"organization": "Contoso Health"}),
        ("/environments", {"state": "active", "kind": "test"}),
        ("/shares", {}),
        ("/audit-events", {}),
        ("/audit-events", {"environment_id": "env-test"}),
        ("/audit-events", {"actor": an_admin().object_id}),
        ("/audit-events", {"event": "admin.configuration.submit"}),
        ("/audit-events", {"after": "1000000"}),
    ],
)
def test_case_74_no_filter_reaches_into_another_tenant(
    fabrikam: ApiClient, ids: dict[str, list[str]], path: str, query: dict[str, str]
) -> None:
    answer = fabrikam.get(path, **query)
    assert answer.status_code == 200
    assert answer.json["items"] == []


def test_case_74_anothers_id_is_no_cursor(fabrikam: ApiClient, ids: dict[str, list[str]]) -> None:
    theirs, nobodys = (fabrikam.get("/environments", after=a) for a in ("env-test", "nobody"))
    assert theirs.status_code == nobodys.status_code == 422
    assert theirs.json["errors"] == nobodys.json["errors"]


def test_case_74_the_tenant_is_the_callers(fabrikam: ApiClient) -> None:
    assert fabrikam.get("/tenant").json["id"] == OTHER_TENANT


def test_case_41_anothers_address_is_taken_and_nobody_is_named(
    site: Site, ids: dict[str, list[str]], fabrikam: ApiClient
) -> None:
    from tests.builders.configurations import approver

    site.world.directory.add(OTHER_TENANT, approver())
    answer = fabrikam.post("/environments", configuration(organization="Fabrikam"))
    assert (answer.status_code, answer.json["reason"]) == (409, "url_taken")
    assert nothing_of_contoso(answer.text, ids)


def test_case_74_an_idempotency_key_of_another_tenant_replays_nothing(
    site: Site, fabrikam: ApiClient
) -> None:
    """Even from somebody with the same object id, which Entra never gives twice."""
    contoso = api_of(site)
    assert contoso.post("/environments", configuration(), key="k").status_code == 201
    twin = api_of(site, guest_admin(object_id=an_admin().object_id))
    answer = twin.post("/environments", configuration(), key="k")
    assert answer.status_code != 201
    assert "Idempotent-Replayed" not in answer.headers


def nothing_of_contoso(text: str, ids: dict[str, list[str]]) -> bool:
    known = [each for of_kind in ids.values() for each in of_kind]
    return not any(each in text for each in [*SECRETS, *known])
