"""Where a write-back would go, by vendor."""

import pytest

from connector.adapters.ehr.examination import PLACES, WriteBackPlaces
from connector.domain.configuration import EhrVendor
from connector.ports.errors import Denied


def test_every_vendor_has_a_place_for_write_backs() -> None:
    assert set(PLACES) == set(EhrVendor)


@pytest.mark.parametrize("suffix", ["R4", "r4", "STU3", "DSTU2"])
def test_epics_place_follows_from_its_base_url(suffix: str) -> None:
    url = f"https://ehr.example/interconnect/api/FHIR/{suffix}"
    assert WriteBackPlaces().require_place(EhrVendor.EPIC, url) is None


@pytest.mark.parametrize("path", ["", "/fhir/R4", "/api/FHIR", "/api/FHIR/R5", "/api/FHIR/R4/x"])
def test_an_address_without_epics_shape_is_denied(path: str) -> None:
    with pytest.raises(Denied, match="not_epic_url"):
        WriteBackPlaces().require_place(EhrVendor.EPIC, f"https://ehr.example{path}")
