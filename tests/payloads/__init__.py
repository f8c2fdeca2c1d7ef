"""Bodies as the outside sends them, one file each, read by name."""

import json
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent


def payload(name: str, **replacements: str) -> Any:
    """The JSON of `<name>.json` with every `{{word}}` in it replaced."""
    text = (_HERE / f"{name}.json").read_text()
    for word, value in replacements.items():
        text = text.replace("{{" + word + "}}", value)
    return json.loads(text)
