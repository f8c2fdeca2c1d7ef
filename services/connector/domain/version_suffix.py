"""FHIR base URLs somebody may have meant who left the version suffix off, or took a wrong one (E1).

Epic publishes one base URL for each FHIR version, `…/api/FHIR/R4` beside `…/api/FHIR/DSTU2`.
https://fhir.epic.com/Documentation?docId=fhir
"""

import re

_TAIL = re.compile(r"(/api/FHIR)?(/(R4|STU3|DSTU2))?(/metadata)?/?$", re.IGNORECASE)
_ORIGIN = re.compile(r"https://[^/]+")
_SIBLINGS = ("/api/FHIR/R4", "/R4", "", "/api/FHIR/DSTU2", "/DSTU2")


def siblings(fhir_base_url: str) -> list[str]:
    """At most five other base URLs at the same origin, likeliest first.

    Args:
        fhir_base_url: in its stored spelling (`domain.fhir_base_url.normalised`).
    """
    origin = _ORIGIN.match(fhir_base_url)
    if origin is None:
        return []
    # Only the path is looked at: a host may be called r4.
    root = origin[0] + _TAIL.sub("", fhir_base_url[origin.end() :], count=1)
    return [f"{root}{tail}" for tail in _SIBLINGS if f"{root}{tail}" != fhir_base_url]
