"""Data geographies, and what belongs to which: countries and Azure regions (design.md section 7).

The tables are versioned data beside this module, each with its source and date; docs/geographies.md
says how they came about and how they are renewed.
https://learn.microsoft.com/microsoft-365/enterprise/m365-dr-overview
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any


class Geography(StrEnum):
    """One deployment serves one geography; a tenant belongs to exactly one."""

    AMERICAS = "americas"
    EMEA = "emea"
    APAC = "apac"


GEOGRAPHY_NAMES = {
    Geography.AMERICAS: "Americas",
    Geography.EMEA: "Europe, Middle East and Africa",
    Geography.APAC: "Asia Pacific",
}


@dataclass(frozen=True, slots=True)
class AzureRegion:
    """A region by its programmatic name; `country` is where it stands (ISO 3166-1 alpha-2).

    `pair` is the region Azure may replicate to by itself, None if there is none.
    """

    name: str
    geography: Geography
    country: str
    pair: str | None
    restricted: bool

    @property
    def pair_leaves_country(self) -> bool:
        """A pair never leaves the geography (a test holds the table to it), but it may a country."""
        return self.pair is not None and azure_regions()[self.pair].country != self.country


def geography_of(country: str, region_scope: str) -> Geography | None:
    """Where Entra keeps a tenant's data; None if what it says names no geography.

    Args:
        country: `tenant_ctry` in upper case, the country of sign-up, which decides; may be empty.
        region_scope: `tenant_region_scope` in upper case, asked where the country says nothing.
    """
    of_scopes = _codes(table("countries")["region_scopes"]["geographies"])
    return countries().get(country) or of_scopes.get(region_scope)


def countries() -> Mapping[str, Geography]:
    """Every country code Entra may name, and its geography."""
    return _codes(table("countries")["geographies"])


@cache
def azure_regions() -> Mapping[str, AzureRegion]:
    """By programmatic name."""
    return {
        name: AzureRegion(
            name,
            Geography(row["geography"]),
            row["country"],
            row["pair"],
            restricted=row.get("restricted", False),
        )
        for name, row in table("regions")["regions"].items()
    }


@cache
def table(name: str) -> dict[str, Any]:
    """One of the data files, `countries` or `regions`, with its `version`, `source` and `as_of`."""
    text = (files("connector.domain") / "data" / f"{name}.json").read_text("utf-8")
    content: dict[str, Any] = json.loads(text)
    return content


def _codes(of_geographies: Mapping[str, str]) -> dict[str, Geography]:
    return {
        code: Geography(geography)
        for geography, codes in of_geographies.items()
        for code in codes.split()
    }
