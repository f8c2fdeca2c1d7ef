"""Marks of synthetic people: nothing that carries one may be stored, logged or shown (design.md 6).

`tests/conftest.py` fails every test whose captured output or log holds one of `CANARIES`. Put them
where an EHR or Microsoft would put a person; never into an id of ours.
"""

PATIENT_NAME = "Canarina Zylofeather"
CHILD_NAME = "Wrenley Zylofeather"
PROVIDER_NAME = "Dr. Thrushwick Quillmark"
GUEST_DISPLAY_NAME = "Finchley's tablet (Zylofeather)"
PATIENT_BIRTH_DATE = "1907-02-30"
PATIENT_MRN = "MRN-CANARY-5550142"
APPOINTMENT_TEXT = "follow-up on canary pox"

CANARIES = (
    PATIENT_NAME,
    CHILD_NAME,
    PROVIDER_NAME,
    GUEST_DISPLAY_NAME,
    PATIENT_BIRTH_DATE,
    PATIENT_MRN,
    APPOINTMENT_TEXT,
    "Zylofeather",
    "Quillmark",
)
