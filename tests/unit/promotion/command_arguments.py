"""Arguments every run of promote.py needs, and the answers of an API it is content with."""

from typing import Any

ACCESS = [
    *("--connector", "https://visits.example/", "--tenant", "contoso.example"),
    *("--client-id", "command", "--api", "api://connector"),
]
WANTED = [
    *("--organization", "Contoso Clinics", "--fhir-base-url", "https://ehr.example/api/FHIR/R4"),
    *("--approver", "analyst@contoso.example", "--provider-client-id", "p"),
    *("--patient-client-id", "m", "--backend-client-id", "b"),
]

DIGEST = "-".join(["0123456789abcdef"] * 5)
READY = {"readiness": "test_visits", "ready": True, "blocks": False, "facts": {"completed": "1"}}
BLOCKED = {
    "readiness": "records_verified",
    "ready": False,
    "blocks": True,
    "facts": {"issued": "2", "verified": "1"},
}


def revision(number: int = 1, state: str = "awaiting_approval", **changes: Any) -> dict[str, Any]:
    return {
        "id": f"rev-{number}",
        "environment_id": "env-production",
        "number": number,
        "state": state,
        "fhir_base_url": "https://ehr.example/api/FHIR/R4",
        "approver": "analyst@contoso.example",
        "change_request": "",
    } | changes


def plan(**changes: Any) -> dict[str, Any]:
    change = {"field": "client_backend", "before": "", "after": "b"}
    found = {"digest": DIGEST, "items": [READY], "changes": [change], "applied": None}
    found |= changes
    return found | {"ready": not any(item["blocks"] for item in found["items"])}


def environment(kind: str, **changes: Any) -> dict[str, Any]:
    found = {"id": f"env-{kind}", "kind": kind, "organization": "Contoso Clinics"}
    return found | {"active": None, "newest": None, "approval_url": None} | changes
