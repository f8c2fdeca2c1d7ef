"""Data geographies, environments, and the Azure regions of each: dated data, no code to change.

https://learn.microsoft.com/azure/reliability/regions-list
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files


class Geography(StrEnum):
    """A stamp and all it keeps lie in one."""

    AMERICAS = "americas"
    EMEA = "emea"
    APAC = "apac"


class Environment(StrEnum):
    TEST = "test"
    PRODUCTION = "production"


@dataclass(frozen=True, slots=True)
class Region:
    """An Azure region by its programmatic name.

    Attributes:
        country: where it stands, ISO 3166-1 alpha-2.
        pair: where Azure replicates to by itself; None: nowhere.
        zones: it has availability zones.
        stamp: a stamp may be put there.
    """

    name: str
    geography: Geography
    country: str
    pair: str | None
    zones: bool
    stamp: bool


def _regions() -> Mapping[str, Region]:
    text = (files("ehr_infra") / "data" / "regions.json").read_text("utf-8")
    return {
        name: Region(name, Geography(row.pop("geography")), **row)
        for name, row in json.loads(text)["regions"].items()
    }


REGIONS = _regions()


def known(location: str) -> Region | None:
    """The region of any spelling ARM accepts (`Sweden Central`, `swedencentral`), or None."""
    return REGIONS.get(location.replace(" ", "").lower())


def backup_problem(region: Region, *, allow_cross_country: bool) -> str | None:
    """Why backups kept in the pair of `region` would leave where they may be; None: they do not."""
    if region.pair is None:
        return f"{region.name} has no paired region, so there is nowhere to replicate to"
    pair = REGIONS[region.pair]
    if pair.geography is not region.geography:
        return f"{region.name} pairs with {pair.name}, outside {region.geography}"
    if pair.country != region.country and not allow_cross_country:
        return (
            f"{region.name} ({region.country}) pairs with {pair.name} ({pair.country}), another "
            "country; set allowCrossCountryBackup to true if that is agreed"
        )
    return None
