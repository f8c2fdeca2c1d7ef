#!/usr/bin/env python3
"""`make promote-chaos`: promote while everything is killed at every step; no state in between is illegal.

A sandbox is set up as a new customer does it. Then promote.py runs again and again, each time with
another value to carry, and each time something dies: the command itself, the connector, the
connection. After each kill the database is compared with what is legal, then the command is run
again and has to finish. The last line is `N kills, M illegal states`; exit status 0 means M is 0.
"""

import json
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from rich.console import Console
from scripts.chaos.cable import Cable, Cut
from scripts.chaos.command import Command
from scripts.chaos.stage import Stage, production_clients
from scripts.chaos.states import Snapshot, look, wrong_after_apply, wrong_at_any_time
from scripts.promotion.outcomes import Exit
from scripts.sandbox import Sandbox
from scripts.sandbox_parts.configuration import API_URI, PIPELINE_CLIENT_ID
from scripts.story.cast import ANALYST_SIGN_IN, ORGANIZATION
from scripts.story.narrator import eventually

_SMART_CONFIGURATION = "/interconnect-prd-oauth/api/FHIR/R4/.well-known/smart-configuration"
_WAITING = "waiting for"
_WAIT = ("--wait", "30")


@dataclass(slots=True)
class Chaos:
    """`kills` counts what was killed or cut, `illegal` what was found then, `lived` what was live."""

    sandbox: Sandbox
    stage: Stage
    cable: Cable
    tell: Console = field(default_factory=lambda: Console(highlight=False))
    kills: int = 0
    lived: list[int] = field(default_factory=list)
    illegal: list[str] = field(default_factory=list)

    # What is killed -----------------------------------------------------------------------------

    def command_dies(self, command: Command) -> None:
        command.kill()

    def connector_dies(self, command: Command) -> None:
        """SIGKILL to every web process, then it is started again; the command goes on by itself."""
        self.sandbox.process("web").kill9()
        self.sandbox.restart("web")
        self._goes_on(command, Exit.DONE, Exit.UNREACHABLE)

    def connector_and_command_die(self, command: Command) -> None:
        self.sandbox.process("web").kill9()
        command.kill()
        self.sandbox.restart("web")

    def request_is_lost(self, command: Command) -> None:
        self.cable.cut_next(Cut.REQUEST)
        self._goes_on(command, Exit.DONE)

    def answer_is_lost(self, command: Command) -> None:
        """The effect happened, and nobody was told."""
        self.cable.cut_next(Cut.ANSWER)
        self._goes_on(command, Exit.DONE)

    def _goes_on(self, command: Command, *ends: Exit) -> None:
        """It repeats what was lost by itself, or says that it cannot reach the connector."""
        status, result = command.finish()
        if status not in ends:
            self.found(f"promote.py ended with {status}: {result.get('message')}")

    # Around it ----------------------------------------------------------------------------------

    def start(self, *arguments: str, backend: str = "") -> Command:
        sandbox, clients = self.sandbox, production_clients()
        given = {
            "--connector": self.cable.url,
            "--tenant": self.stage.tenant,
            "--client-id": PIPELINE_CLIENT_ID,
            "--api": API_URI,
            "--certificate": str(sandbox.pipeline_credential),
            "--authority": sandbox.urls.mock_microsoft,
            "--ca-file": str(sandbox.ca_file),
            "--organization": ORGANIZATION,
            "--fhir-base-url": sandbox.urls.fhir_base("production"),
            "--approver": ANALYST_SIGN_IN,
            "--provider-client-id": clients["provider"],
            "--patient-client-id": clients["patient"],
            "--backend-client-id": backend or clients["backend"],
        }
        pairs = [part for pair in given.items() for part in pair]
        return Command([*pairs, "--json", *arguments])

    def run(self, *arguments: str, backend: str = "") -> dict[str, object]:
        """To its end, which must be a good one."""
        status, result = self.start(*arguments, backend=backend).finish()
        if status:
            self.found(f"promote.py {arguments} ended with {status}: {result.get('message')}")
        return result

    def look(self) -> Snapshot:
        return look(self.sandbox.database_file)

    def found(self, *wrong: str) -> None:
        for each in wrong:
            self.illegal.append(each)
            self.tell.print(f"  [red]{each}[/red]", soft_wrap=True)

    def killed(self, what: str, left: str = "") -> None:
        self.kills += 1
        note = f" [dim]→ {left}[/dim]" if left else ""
        self.tell.print(f"{self.kills:>3} {what}{note}", soft_wrap=True)


Killing = Callable[[Chaos, Command], None]


@dataclass(frozen=True, slots=True)
class Kill:
    """`by` happens `after_seconds` from the moment the command printed `step`."""

    step: str
    by: Killing
    after_seconds: float = 0.0
    slow_ehr_seconds: float = 0.0

    @property
    def name(self) -> str:
        later = f" + {self.after_seconds * 1000:.0f} ms" if self.after_seconds else ""
        return f"{self.by.__name__.replace('_', ' ')} at “{self.step}”{later}"


DIES, DOWN, BOTH = Chaos.command_dies, Chaos.connector_dies, Chaos.connector_and_command_die
NO_REQUEST, NO_ANSWER = Chaos.request_is_lost, Chaos.answer_is_lost
KILLS = (
    Kill("signing in", DIES),
    Kill("looking for", DIES),
    Kill("planning", DIES),
    Kill("planning", DIES, 0.05),
    Kill("planning", NO_ANSWER),
    Kill("planning", DOWN, slow_ehr_seconds=0.5, after_seconds=0.2),
    Kill("applying", DIES),
    Kill("applying", DIES, 0.02),
    Kill("applying", DIES, 0.04),
    Kill("applying", DIES, 0.08),
    Kill("applying", DIES, slow_ehr_seconds=0.4, after_seconds=0.2),
    Kill("applying", NO_REQUEST),
    Kill("applying", NO_ANSWER),
    Kill("applying", BOTH),
    Kill("applying", BOTH, 0.03),
    Kill("applying", BOTH, slow_ehr_seconds=0.5, after_seconds=0.45),
    Kill("applying", DOWN, slow_ehr_seconds=0.5, after_seconds=0.2),
    Kill("applied", DIES),
    Kill(_WAITING, DIES),
    Kill(_WAITING, BOTH),
)


def promote_under_fire(chaos: Chaos, number: int, kill: Kill) -> None:
    """One round: kill, look, run again, look."""
    backend = f"chaos-{number}"
    before = chaos.look()
    slow_down(chaos, kill.slow_ehr_seconds)
    command = chaos.start("--apply", *(_WAIT if kill.step == _WAITING else ()), backend=backend)
    command.wait_for(kill.step)
    time.sleep(kill.after_seconds)
    kill.by(chaos, command)
    slow_down(chaos, 0.0)
    chaos.killed(kill.name, "as it was" if chaos.look() == before else "applied")
    check(chaos, before, backend)
    result = chaos.run("--apply", backend=backend)
    if result.get("result") != "awaiting_approval":
        chaos.found(f"run again it says {result.get('result')}")
    check(chaos, before, backend)
    if len(chaos.look().of("production")) != len(before.of("production")) + 1:
        chaos.found("run again it made no revision, or two")


def check(chaos: Chaos, before: Snapshot, backend: str) -> None:
    address = chaos.sandbox.urls.fhir_base("production")
    chaos.found(*wrong_after_apply(before, chaos.look(), address, backend))
    if not chaos.stage.takes_launches("test"):
        chaos.found("test takes no launches any more")
    if chaos.stage.takes_launches("production") != bool(before.live("production")):
        chaos.found("production takes launches otherwise than before")


def slow_down(chaos: Chaos, seconds: float) -> None:
    """The production EHR takes its time to answer the probe."""
    faults = f"{chaos.sandbox.urls.mock_fhir}/sim/faults"
    with chaos.sandbox.session() as session:
        session.delete(faults, timeout=10)
        if seconds:
            fault = {"route": _SMART_CONFIGURATION, "times": None, "delay_seconds": seconds}
            session.post(faults, json=fault, timeout=10)


def go_live(chaos: Chaos, backend: str, dies_after_seconds: float | None) -> None:
    """The approver approves, perhaps while the connector dies; the command finds production live."""
    chaos.run("--apply", backend=backend)
    waiting = chaos.look().of("production")[-1].number or 0
    approval = approval_url(chaos)
    if dies_after_seconds is None:
        chaos.stage.approve(approval)
    else:
        chaos.stage.approve_while(approval, lambda: connector_dies(chaos, dies_after_seconds))
    result = chaos.run("--apply", *_WAIT, backend=backend)
    if result.get("result") != "live" or chaos.look().live("production") != waiting:
        chaos.found(f"approved, but {result.get('result')}")
    chaos.lived.append(waiting)
    chaos.found(*wrong_at_any_time(chaos.look()))
    if not chaos.stage.takes_launches("production"):
        chaos.found("production takes no launches")


def connector_dies(chaos: Chaos, after_seconds: float) -> None:
    time.sleep(after_seconds)
    chaos.sandbox.process("web").kill9()
    chaos.killed(f"connector dies {after_seconds * 1000:.0f} ms after the approver began")
    chaos.found(*wrong_at_any_time(chaos.look()))
    chaos.sandbox.restart("web")


def approval_url(chaos: Chaos) -> str:
    production = chaos.run("--status")["production"]
    return str(json.loads(json.dumps(production))["approval_url"])


def roll_back_under_fire(chaos: Chaos, kill: Kill) -> None:
    """Back to the revision before, once, however often the command is run."""
    live, before = chaos.lived.pop(), chaos.look()
    command = chaos.start("--rollback", "--from-revision", str(live))
    command.wait_for(kill.step)
    time.sleep(kill.after_seconds)
    kill.by(chaos, command)
    chaos.killed(kill.name, "as it was" if chaos.look() == before else "rolled back")
    chaos.found(*wrong_at_any_time(chaos.look()))
    chaos.run("--rollback", "--from-revision", str(live))
    chaos.found(*wrong_at_any_time(chaos.look()))
    if chaos.look().live("production") != chaos.lived[-1]:
        chaos.found(f"rolled back from {live} to {chaos.look().live('production')}")
    if not chaos.stage.takes_launches("production"):
        chaos.found("production takes no launches after the rollback")


ROLLBACKS = (
    Kill("looking for", DIES),
    Kill("rolling", DIES),
    Kill("rolling", DIES, 0.03),
    Kill("rolling", NO_ANSWER),
    Kill("rolling", BOTH, 0.01),
)
# Seconds from the approver's opening the link to the connector's death; None: it lives.
APPROVALS = (0.3, 0.6, 0.9, None, None, None)


def play(chaos: Chaos) -> None:
    chaos.tell.print("test is set up: approved, visited, records verified")
    for number, kill in enumerate(KILLS, 1):
        promote_under_fire(chaos, number, kill)
    for number, dies_after_seconds in enumerate(APPROVALS):
        go_live(chaos, f"live-{number}", dies_after_seconds)
    for kill in ROLLBACKS:
        roll_back_under_fire(chaos, kill)


def main() -> int:
    began = time.monotonic()
    signal.signal(
        signal.SIGTERM, signal.default_int_handler
    )  # whoever stops it leaves no child behind
    directory = Path(tempfile.mkdtemp(prefix="promote-chaos-"))
    with Sandbox(directory) as sandbox, Cable(sandbox.urls.connector) as cable:
        chaos = Chaos(sandbox, Stage(sandbox), cable)
        chaos.stage.set_test_up()
        eventually("test takes launches", lambda: chaos.stage.takes_launches("test"))
        play(chaos)
    if chaos.illegal:
        chaos.tell.print(f"state and logs are kept in {directory}")
    else:
        shutil.rmtree(directory)
    chaos.tell.print(f"{time.monotonic() - began:.0f} s")
    chaos.tell.print(f"{chaos.kills} kills, {len(chaos.illegal)} illegal states")
    return 1 if chaos.illegal else 0


if __name__ == "__main__":
    sys.exit(main())
