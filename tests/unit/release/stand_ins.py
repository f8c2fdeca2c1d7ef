"""Stand-ins for `az` and `pulumi` on PATH: they record how they were called and with which file, and play answers."""

import json
import stat
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
_PROGRAM = """#!{python} -I
import json, os, sys
folder = {folder!r}
with open(folder + "/calls.jsonl", "a") as calls:
    backend = os.environ.get("PULUMI_BACKEND_URL", "")
    calls.write(json.dumps([{name!r}, *sys.argv[1:]]) + "\\n")
    open(folder + "/backends.txt", "a").write(backend + "\\n")
for given in sys.argv[1:]:
    if given.endswith(".yaml") and os.path.exists(given):
        open(folder + "/given.yaml", "w").write(open(given).read())
for answer in json.load(open(folder + "/answers.json")):
    if " ".join(answer["to"]) in " ".join([{name!r}, *sys.argv[1:]]):
        print(answer.get("says", ""))
        sys.exit(answer.get("status", 0))
"""


@dataclass
class StandIns:
    """`answers` is searched in order for the first whose `to` stands in the call; else status 0, nothing said."""

    folder: Path
    answers: list[dict[str, object]] = field(default_factory=list)

    def answer(self, to: str, says: str = "", status: int = 0) -> None:
        self.answers.insert(0, {"to": to.split(), "says": says, "status": status})

    def install(self, *names: str) -> None:
        for name in names:
            file = self.folder / name
            file.write_text(
                _PROGRAM.format(python=sys.executable, folder=str(self.folder), name=name)
            )
            file.chmod(file.stat().st_mode | stat.S_IXUSR)

    def run(
        self, script: str, *arguments: str, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        (self.folder / "answers.json").write_text(json.dumps(self.answers))
        path = f"{self.folder}:{Path(sys.executable).parent}:/usr/bin:/bin"
        return subprocess.run(
            [str(ROOT / "scripts" / script), *arguments],
            env={"PATH": path, "HOME": str(self.folder), **environment},
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def calls(self) -> list[list[str]]:
        file = self.folder / "calls.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    @property
    def given_file(self) -> str:
        """Content of the last `.yaml` a call named: the scripts remove theirs."""
        return (self.folder / "given.yaml").read_text()

    @property
    def backends(self) -> set[str]:
        return set((self.folder / "backends.txt").read_text().splitlines())


def value_of(call: list[str], flag: str) -> str:
    return call[call.index(flag) + 1]
