"""The vendored examples are the official ones, unmodified, and valid."""

import hashlib
import json
import re
from pathlib import Path

import pytest
from fhir.resources.R4B import get_fhir_model_class

from mock_fhir.seeding import HL7_EXAMPLES

FILES = sorted(HL7_EXAMPLES.glob("*.json"))
PROVENANCE = (HL7_EXAMPLES / "PROVENANCE.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_seed_is_valid_and_the_file_that_was_published(path: Path) -> None:
    resource = json.loads(path.read_bytes())
    get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    assert f"| `{hashlib.sha256(path.read_bytes()).hexdigest()}` | `{path.name}` |" in PROVENANCE


def test_provenance_lists_exactly_the_files_that_are_there() -> None:
    listed = re.findall(r"^\| `[0-9a-f]{64}` \| `([^`]+)` \|$", PROVENANCE, re.MULTILINE)
    assert sorted(listed) == [path.name for path in FILES]
