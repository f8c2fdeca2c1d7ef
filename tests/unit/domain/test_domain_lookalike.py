"""Addresses that could be taken for another tenant's (case 41, ADR 9)."""

from dataclasses import replace

import pytest
from tests.builders.configurations import endpoints

from connector.domain.lookalike import Likeness, LiveAddress, likeness_of

PATH = "/interconnect-prd-oauth/api/FHIR/R4"
LIVE = "https://epic.contoso.example" + PATH


def address(fhir_base_url: str) -> LiveAddress:
    """Its EHR has a sign-in of its own, below its own host."""
    return LiveAddress(fhir_base_url, endpoints(fhir_base_url))


def likeness(entered: LiveAddress | str, live: str = LIVE) -> Likeness | None:
    entered = address(entered) if isinstance(entered, str) else entered
    return likeness_of(entered, [address("https://fhir.elsewhere.example/R4"), address(live)])


@pytest.mark.parametrize(
    "host",
    [
        "epic-contoso.example",
        "epiccontoso.example",
        "epic.contos0.example",
        "epic.cont0s0.example",
        "epic.contosso.example",
        "epic.contso.example",
        "epic.cnotoso.example",
        "epic.contozo.example",
        "epic.contoso.examp1e",
        "epic.contoso.exampl",
        "epic.contoso.examples",
        "xepic.c0ntoso.example",
        "epic.contoso.example.elsewhere.test",
        "epic-contoso-example.elsewhere.test",
    ],
)
def test_a_host_of_somebody_else_that_reads_like_a_live_one_is_told(host: str) -> None:
    assert likeness(f"https://{host}{PATH}") is Likeness.HOST_READS_ALIKE


def test_letters_that_melt_together_are_one() -> None:
    live = f"https://epic.burnham.example{PATH}"
    assert likeness(f"https://epic.bumham.example{PATH}", live) is Likeness.HOST_READS_ALIKE


def test_another_path_does_not_hide_a_host_that_reads_alike() -> None:
    assert likeness("https://epic.contosso.example/R4") is Likeness.HOST_READS_ALIKE


@pytest.mark.parametrize(
    "entered",
    [
        "https://epic.fabrikam.example" + PATH,
        "https://fhir.contoso.example" + PATH,
        "https://epic2.contoso.example" + PATH,
        "https://epic.contoso.examples-of-care.test" + PATH,
        "https://epic.contoso.example/interconnect-tst-oauth/api/FHIR/R4",
        "https://epic.contoso.example:8443/other/R4",
    ],
    ids=[
        "another name",
        "another host",
        "a sibling",
        "a longer word",
        "the test environment",
        "another port",
    ],
)
def test_an_ehr_of_its_own_is_nothing_to_ask_about(entered: str) -> None:
    assert likeness(entered) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://epic.ucsd.edu", "https://epic.ucsf.edu"),
        ("https://proxy.et0965.epichosted.com", "https://proxy.et0966.epichosted.com"),
        ("https://fhir.a.nhs.uk", "https://fhir.b.nhs.uk"),
    ],
    ids=["short names", "siblings of one owner", "short names below a country"],
)
def test_honest_neighbours_are_let_in(one: str, other: str) -> None:
    assert likeness(one + PATH, other + PATH) is None


def test_below_a_country_the_owner_is_three_labels() -> None:
    live = f"https://epic.contoso.co.uk{PATH}"
    assert likeness(f"https://epic.contosso.co.uk{PATH}", live) is Likeness.HOST_READS_ALIKE
    assert likeness(f"https://epic2.contoso.co.uk{PATH}", live) is None


def test_the_very_same_address_is_another_question() -> None:
    assert likeness(LIVE) is None


@pytest.mark.parametrize(
    "spelling",
    [
        "https://epic.contoso.example/interconnect-prd-oauth/api/FHIR/DSTU2",
        "https://epic.contoso.example/Interconnect-PRD-OAuth/api/FHIR/R4",
        "https://epic.contoso.example/proxy//interconnect-prd-oauth/api/FHIR/R4",
        "https://mirror.fabrikam.example/R4",
    ],
    ids=["version", "case", "double slash", "a borrowed sign-in"],
)
@pytest.mark.parametrize("shared", ["issuer", "authorization_endpoint", "token_endpoint"])
def test_one_sign_in_for_two_addresses_is_one_ehr(spelling: str, shared: str) -> None:
    own, theirs = endpoints(spelling), endpoints(LIVE)
    borrowed = replace(own, **{shared: getattr(theirs, shared)})
    assert likeness(LiveAddress(spelling, borrowed)) is Likeness.SAME_EHR


def test_nothing_is_like_an_address_when_nothing_is_live() -> None:
    assert likeness_of(address(LIVE), []) is None
