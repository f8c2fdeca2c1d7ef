"""Case 74: every route of the portal, asked by one tenant with every id of another."""

import itertools
import re
from collections.abc import Iterator

import pytest
from tests.builders.approval_pages import token_of
from tests.builders.configurations import APPROVER_ID, OTHER_TENANT, an_admin, awaiting
from tests.builders.sharing import FABRIKAM, THIRD_TENANT, fabrikam_live, guest_admin, records_of
from tests.builders.web import ORIGIN, Site
from werkzeug.test import TestResponse

from connector.domain.organization import MicrosoftIdentity

CONTOSOS = ["Contoso", "olivia.analyst", "client-provider", "env-test", "rev-test", "record-p"]
# What each button of another tenant's page would send; the rest of a form is never looked at.
FORMS = {"sharing.answer": {"answer": "accept"}}
# They take no id in their path. Ids in a query or a form are asked for below.
WITHOUT_IDS = {
    "approvals.ehr_callback",
    "audit.download",
    "audit.trail",
    "portal.new",
    "sharing.offer",
    "sharing.show",
    "tenant.confirm_geography",
    "tenant.confirm_licence",
    "tenant.show",
}
# Neither object ids nor roles lead across: somebody with the approver's own object id included.
STRANGERS = [guest_admin(), guest_admin(object_id=APPROVER_ID)]
WAITING = awaiting(id="rev-test-2", number=2)
CHANGING = re.compile(r'[A-Z0-9]{4}-[A-Z0-9]{4}|name="csrf_token"[^>]*|next=[^"]*')
Asked = tuple[str, str, str]


@pytest.fixture
def ids(site: Site) -> dict[str, list[str]]:
    """Everything Contoso owns, by the name of the parameter that takes it; Fabrikam has its own."""
    fabrikam_live(site.world)
    with site.world.store.write() as tx:
        tx.configurations.add_revision(WAITING)
    grant = site.world.offer_share(an_admin(), "env-test", THIRD_TENANT, "ref")
    return {
        "environment_id": ["env-test", FABRIKAM.id],
        "revision_id": ["rev-test-1", WAITING.id],
        "record_id": ["record-provider", "record-patient"],
        "grant_id": [grant.id],
    }


def portal_rules(site: Site) -> Iterator[tuple[str, str, str, set[str]]]:
    """(endpoint, method, path, names in it) of every route that a portal session opens."""
    closed = {
        n for n, access in site.app.config["ACCESS"].items() if access in {"portal", "approver"}
    }
    for rule in site.app.url_map.iter_rules():
        if rule.endpoint.partition(".")[0] in closed:
            for method in sorted(
                (rule.methods or set()) & {"GET", "POST", "PUT", "DELETE", "PATCH"}
            ):
                yield rule.endpoint, method, rule.rule, rule.arguments


def attempts(site: Site, ids: dict[str, list[str]]) -> list[Asked]:
    """(endpoint, method, path) with Contoso's ids in every place, also below Fabrikam's own."""
    made = []
    for endpoint, method, path, names in portal_rules(site):
        for chosen in itertools.product(*(ids[name] for name in sorted(names))):
            filled = path
            for name, value in zip(sorted(names), chosen, strict=True):
                filled = filled.replace(f"<{name}>", value)
            if names and set(chosen) != {FABRIKAM.id}:
                made.append((endpoint, method, filled))
    return made


def ask(site: Site, who: MicrosoftIdentity, asked: list[Asked]) -> list[TestResponse]:
    browser = site.signed_in(site.browser(), who)
    token = token_of(site, browser, "/tenant")
    answers = []
    for endpoint, method, path in asked:
        form = {"csrf_token": token} | FORMS.get(endpoint, {}) if method == "POST" else {}
        answers.append(browser.open(path, method=method, base_url=ORIGIN, data=form))
    return answers


def test_case_74_every_route_of_the_portal_is_asked_for_what_is_anothers(
    site: Site, ids: dict[str, list[str]]
) -> None:
    """A new route, or a new kind of id, is found here."""
    asked = {endpoint for endpoint, *_ in attempts(site, ids)}
    assert asked | WITHOUT_IDS == {endpoint for endpoint, *_ in portal_rules(site)}
    assert not asked & WITHOUT_IDS


@pytest.mark.parametrize("who", STRANGERS, ids=["admin", "same object id"])
def test_case_74_what_is_anothers_does_not_exist_in_the_portal(
    site: Site, ids: dict[str, list[str]], who: MicrosoftIdentity
) -> None:
    tables = ("configuration_revision", "share_grant", "integration_record", "ehr_environment")
    before = [site.world.rows(table) for table in tables]
    asked = attempts(site, ids)
    for (_, method, path), answer in zip(asked, ask(site, who, asked), strict=True):
        assert answer.status_code == 404, (method, path)
        assert not [c for c in CONTOSOS if c in answer.text.replace(path, "")], (method, path)
    assert [site.world.rows(table) for table in tables] == before
    refused = [r for r in site.world.rows("audit_event") if r["outcome"] == "refused"]
    assert {r["tenant_id"] for r in refused} == {OTHER_TENANT}
    assert len(refused) == len(asked)


def test_case_74_an_id_of_nobody_is_answered_in_the_same_words_by_the_portal(
    site: Site, ids: dict[str, list[str]]
) -> None:
    nobodys = {kind: ["no-such-id" for _ in known] for kind, known in ids.items()}
    nobodys["environment_id"][1] = FABRIKAM.id
    theirs, invented = (
        [CHANGING.sub("", a.text) for a in ask(site, guest_admin(), attempts(site, each))]
        for each in (ids, nobodys)
    )
    assert theirs == invented


def test_case_74_their_own_ids_open_the_same_routes(site: Site, ids: dict[str, list[str]]) -> None:
    """So the 404 above is about whose the ids are, not about how they are asked for."""
    own = ids | {"environment_id": [FABRIKAM.id], "revision_id": ["rev-env-fabrikam"]}
    own["record_id"] = list(records_of(site.world, FABRIKAM.id).values())
    pages = ("portal.show", "doctor.show", "records.download", "records.download_all")
    asked = [
        ("", "GET", path.replace("<environment_id>", FABRIKAM.id).replace("<record_id>", record))
        for record in own["record_id"]
        for endpoint, _, path, _ in portal_rules(site)
        if endpoint in pages
    ]
    assert {a.status_code for a in ask(site, guest_admin(), asked)} == {200}


@pytest.mark.parametrize(
    ("path", "status"),
    [("/configurations/new?of=env-test", 404), ("/audit?environment=env-test", 200)],
)
def test_case_74_an_id_in_a_query_reaches_nothing_of_anothers(
    site: Site, ids: dict[str, list[str]], path: str, status: int
) -> None:
    (answer,) = ask(site, guest_admin(), [("", "GET", path)])
    assert answer.status_code == status
    assert not [c for c in ("Contoso", "olivia.analyst", "rev-test") if c in answer.text]


def test_case_74_an_environment_of_another_tenant_cannot_be_offered_in_the_portal(
    site: Site, ids: dict[str, list[str]]
) -> None:
    browser = site.signed_in(site.browser(), guest_admin())
    data = {"csrf_token": token_of(site, browser, "/tenant"), "tenant": THIRD_TENANT}
    answer = browser.post("/shares", base_url=ORIGIN, data=data | {"environment": "env-test"})
    assert answer.status_code == 404
    assert len(site.world.rows("share_grant")) == 2
