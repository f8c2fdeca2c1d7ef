"""What belongs to which data geography; the tables are complete and hold together (case 75)."""

from importlib.resources import files

import pytest

from connector.domain.geography import (
    GEOGRAPHY_NAMES,
    Geography,
    azure_regions,
    countries,
    geography_of,
    table,
)

ISO_3166 = frozenset(
    line.split("\t")[0]
    for line in (files("tzdata") / "zoneinfo" / "iso3166.tab").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
)
# Entra may still say them: Kosovo has no code of its own, the Netherlands Antilles are no more.
BESIDE_ISO_3166 = {"XK", "AN"}


def codes(text: str) -> list[str]:
    return text.split()


# The tables -------------------------------------------------------------------------------------


def test_every_country_of_iso_3166_has_a_geography() -> None:
    assert len(ISO_3166) > 240
    assert set(countries()) == ISO_3166 | BESIDE_ISO_3166


def test_no_country_is_listed_twice_or_for_an_unknown_geography() -> None:
    of_geographies = table("countries")["geographies"]
    listed = [code for text in of_geographies.values() for code in codes(text)]

    assert set(of_geographies) == set(Geography)
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize("name", ["countries", "regions"])
def test_a_table_says_its_version_its_source_and_its_date(name: str) -> None:
    assert table(name)["version"] >= 1
    assert table(name)["source"].startswith("MicrosoftDocs/")
    assert table(name)["as_of"].startswith("20")


def test_the_countries_outside_every_macro_region_are_marked_and_placed() -> None:
    """microsoft.md 6.1: a Local Region Geography of their own, in no Macro Region."""
    local = codes(table("countries")["local_region_only"]["countries"])

    assert local == ["AE", "GB", "IL", "QA", "TW", "ZA"]
    assert {code for code in local if countries()[code] is not Geography.EMEA} == {"TW"}
    assert countries()["TW"] is Geography.APAC


def test_every_region_stands_in_a_country_of_its_geography() -> None:
    astray = [r.name for r in azure_regions().values() if countries()[r.country] != r.geography]
    assert astray == []


def test_every_pair_is_a_region_we_know_and_in_the_same_geography() -> None:
    """microsoft.md 6.2: what Azure replicates by itself stays in the geography."""
    regions = azure_regions()
    leaving = [
        r.name for r in regions.values() if r.pair and regions[r.pair].geography != r.geography
    ]
    assert leaving == []


def test_the_regions_whose_pair_is_in_another_country_are_known_by_name() -> None:
    """microsoft.md 6.2: Brazil to the United States, Hong Kong and Singapore, Ireland and the Netherlands."""
    leaving = {name for name, region in azure_regions().items() if region.pair_leaves_country}
    assert leaving == {"brazilsouth", "eastasia", "southeastasia", "northeurope", "westeurope"}


def test_every_geography_has_a_region_and_a_name() -> None:
    assert {region.geography for region in azure_regions().values()} == set(Geography)
    assert set(GEOGRAPHY_NAMES) == set(Geography)


# What Entra says --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("country", "geography"),
    [
        ("US", Geography.AMERICAS),
        ("GL", Geography.AMERICAS),
        ("JM", Geography.AMERICAS),
        ("BR", Geography.AMERICAS),
        ("DE", Geography.EMEA),
        ("GB", Geography.EMEA),
        ("KE", Geography.EMEA),
        ("SA", Geography.EMEA),
        ("AU", Geography.APAC),
        ("IN", Geography.APAC),
        ("FJ", Geography.APAC),
    ],
)
def test_the_country_of_sign_up_decides(country: str, geography: Geography) -> None:
    assert geography_of(country, "") is geography


def test_a_region_scope_that_contradicts_the_country_does_not_win() -> None:
    assert geography_of("DE", "NA") is Geography.EMEA


@pytest.mark.parametrize(
    ("scope", "geography"),
    [
        ("NA", Geography.AMERICAS),
        ("EU", Geography.EMEA),
        ("AS", Geography.APAC),
        ("OC", Geography.APAC),
    ],
)
@pytest.mark.parametrize("country", ["", "ZZ", "EU"])
def test_the_region_scope_is_asked_where_the_country_says_nothing(
    country: str, scope: str, geography: Geography
) -> None:
    assert geography_of(country, scope) is geography


@pytest.mark.parametrize(
    ("country", "scope"),
    [
        ("", ""),
        ("ZZ", ""),
        ("USA", ""),
        ("U", ""),
        ("", "WW"),
        ("", "US"),
        ("", "emea"),
        ("ß", ""),
        ("us", "eu"),
    ],
)
def test_what_names_no_geography_is_unknown_and_not_guessed(country: str, scope: str) -> None:
    assert geography_of(country, scope) is None
