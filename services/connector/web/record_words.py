"""What is said of a record that came back different: which token, why it matters, what to do (E4, E9, E13)."""

from dataclasses import dataclass

from connector.domain.integration_record import Difference
from connector.usecases.verify_record import OTHER, Verification

_PASTE = "Copy the record from the portal again, all of it, and save it in the EHR."


@dataclass(frozen=True, slots=True)
class Advice:
    """`page` is the anchor of the errors runbook, such as `e4`."""

    text: str
    page: str


_OF_TOKEN: dict[str, Advice] = {
    "Launch URL": Advice(
        "The EHR opens another address. Copy the launch URL again: it ends in provider for clinicians, in patient for patients.",
        "e4",
    ),
    "sessionId": Advice(
        "Single visits take sessionId=%CSN%, group visits sessionId=%CONFERENCEID%. Use each record for its own kind of visit.",
        "e9",
    ),
    "environment": Advice(
        "This text was made for the other EHR environment. Sign in to the EHR environment this record is for.",
        "e4",
    ),
    "recordId": Advice("The record has another ID than the one issued here. " + _PASTE, "e4"),
    "departmentId": Advice(
        "Without its department token the EHR's department column stays blank or wrong. " + _PASTE,
        "e13",
    ),
}
_SUPERFLUOUS = Advice("The EHR's record has a token that was not issued. Remove it.", "e4")
_OWNERS: dict[str, str] = {
    "test": "This is the record of your test environment. It was pasted into production, or you copied it from the wrong EHR.",
    "production": "This is the record of your production environment. It was pasted into test, or you copied it from the wrong EHR.",
    OTHER: "This is another record of yours: clinicians' and patients' records may have changed places.",
}


def advice_for(difference: Difference) -> Advice:
    return _OF_TOKEN.get(difference.token, _SUPERFLUOUS)


def owner_words(verification: Verification) -> str:
    """Whose record was pasted, empty if it is nobody's this tenant knows."""
    return _OWNERS.get(verification.belongs_to, "")
