#!/usr/bin/env python3
"""`make demo`: the test-to-production story, headless, on free ports; exits 1 at the first broken promise."""

import shutil
import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.sandbox import Sandbox
from scripts.story import privacy, refusals
from scripts.story.cast import Cast
from scripts.story.narrator import Narrator, promise
from scripts.story.scenes import (
    Promotion,
    SetUp,
    Visit,
    first_sign_in,
    meet,
    no_second_sign_in,
    patient_waits_first,
    reported_once,
    watch,
    written_back,
)

GUEST = "Peter from MyChart"
WEB_MEGABYTES = 150


def main() -> int:
    tell = Narrator()
    directory = Path(tempfile.mkdtemp(prefix="demo-"))
    try:
        with ExitStack() as stack:
            with tell.step("Simulators and connector start") as notes:
                sandbox = stack.enter_context(Sandbox(directory))
                notes.append(sandbox.urls.connector)
            play(tell, sandbox)
    except Exception as err:  # noqa: BLE001 - whatever broke, the story says which step
        tell.console.print(f"\n[red]{type(err).__name__}: {err}[/red]", soft_wrap=True)
        tell.console.print(f"logs and database are kept in {directory}")
        tell.console.print(f"{tell.told} steps, 1 failed")
        return 1
    shutil.rmtree(directory)
    tell.console.print(f"{tell.told} steps, 0 failed")
    return 0


def play(tell: Narrator, sandbox: Sandbox) -> None:
    cast = Cast(sandbox)
    tell.chapter("Test environment")
    set_up(tell, cast)
    tell.chapter("Edited after approval")
    refusals.edited_after_approval(tell, cast)
    tell.chapter("A visit in test")
    held = [hold_visit(tell, cast, "test")]
    tell.chapter("The patient is first")
    waiting = Visit(cast, tell, "test", "PHEUVEL")
    waiting.find()
    patient_waits_first(waiting)
    tell.chapter("Promote to production")
    Promotion(cast, tell).play()
    held.append(hold_visit(tell, cast, "production"))
    tell.chapter("Promises")
    keep_promises(tell, sandbox, cast, held)


def set_up(tell: Narrator, cast: Cast) -> None:
    """Configure and approve test, with everybody who must not on the way."""
    setup = SetUp(cast, tell)
    refusals.unknown_ehr(tell, cast)
    refusals.wrong_geography(tell, cast)
    setup.sign_in()
    setup.confirm_tenant()
    setup.enter()
    refusals.wrong_role(tell, cast)
    refusals.wrong_approver(tell, cast)
    setup.approve()
    setup.paste()


def hold_visit(tell: Narrator, cast: Cast, kind: str) -> Visit:
    visit = Visit(cast, tell, kind, "PCHALMERS")
    with tell.step(f"The patient finds today's visit in MyChart ({kind})") as notes:
        visit.find()
        notes.append(f"appointment {visit.appointment_id}")
    first_sign_in(visit)
    no_second_sign_in(visit)
    meet(visit, GUEST)
    watch(visit, GUEST)
    written_back(visit)
    return visit


def keep_promises(tell: Narrator, sandbox: Sandbox, cast: Cast, held: list[Visit]) -> None:
    with tell.step("Nothing was reported to an EHR twice, in test or production"):
        for visit in held:
            reported_once(visit)
    with tell.step("No name, birth date or MRN in the connector's database and logs") as notes:
        words = privacy.canaries(sandbox, GUEST)
        database, logs = privacy.check(sandbox, words)
        notes.append(f"{len(words)} words, {database:,} bytes of database, {logs:,} of logs")
    with tell.step("Own time of a launch, EHR and Microsoft excluded") as notes:
        own = sorted(ms for person in cast.everybody() for ms in person.own_milliseconds)
        promise(len(own) > 10, "the connector reports its own time")  # noqa: PLR2004 - launches above
        notes.append(
            f"{len(own)} launch requests: median {statistics.median(own):.1f} ms, "
            f"slowest {own[-1]:.1f} ms"
        )
    with tell.step(f"Each web process stays below {WEB_MEGABYTES} MB resident") as notes:
        sizes = [p.resident_bytes / 1e6 for p in sandbox.memory() if p.name == "web"]
        notes.append(", ".join(f"{size:.0f} MB" for size in sizes))
        promise(max(sizes) < WEB_MEGABYTES, f"{max(sizes):.0f} MB")


if __name__ == "__main__":
    sys.exit(main())
