"""Whether a write-back would know where to go, by vendor; nothing is sent."""

from collections.abc import Callable, Mapping

from connector.adapters.ehr.write_back import interconnect_of
from connector.domain.configuration import EhrVendor

PLACES: Mapping[EhrVendor, Callable[[str], object]] = {EhrVendor.EPIC: interconnect_of}


class WriteBackPlaces:
    """Implements `ports.examination.WriteBackExamination`."""

    def require_place(self, vendor: EhrVendor, fhir_base_url: str) -> None:
        PLACES[vendor](fhir_base_url)
