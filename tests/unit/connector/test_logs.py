"""Lines of several processes on one stream stay lines."""

import json
import subprocess
import sys

# Unbuffered as in the image: each write of the program is one of the system.
PROGRAM = """
import json, sys
from connector.adapters.telemetry import logs
from connector.adapters.telemetry.operator_view import OperatorView
from connector.ports.telemetry import Took

class Stream:
    def __init__(self):
        self.writes = []
    def write(self, text):
        self.writes.append(text)
    def flush(self):
        pass

real, sys.stdout = sys.stdout, Stream()
logs.configure("web", "INFO")
OperatorView(None).request_finished(
    route="/launch/provider", method="GET", status=302, took=Took(0.25, 1.5), reference="r"
)
json.dump(sys.stdout.writes, real)
"""


def written() -> list[str]:
    """What each write held."""
    done = subprocess.run(
        [sys.executable, "-u", "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    found: list[str] = json.loads(done.stdout)
    return found


def test_a_line_and_its_end_are_one_write() -> None:
    (line,) = written()
    assert line.endswith("}\n")


def test_a_request_s_line_says_how_long_it_took_and_how_long_it_had_waited() -> None:
    line = json.loads("".join(written()))
    assert (line["duration_ms"], line["own_ms"], line["queue_ms"]) == (250.0, 250.0, 1500.0)
