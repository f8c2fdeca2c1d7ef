"""People begin at their time whatever the system does; who finds the pool full is dropped and counted."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import gevent
import pytest
from loadtest.arrivals import PlannedCaller, Schedule
from loadtest.browser import Failed
from loadtest.crew import Coming, Crew
from loadtest.meter import Meter
from loadtest.open_model import OpenModel
from loadtest.personas.errand import Course
from loadtest.recorder import FileRecorder
from loadtest.records import Deed, Iteration, Outcome, Persona, Request, RunFolder
from loadtest.target import Clinician
from tests.loadtest.generator.people import (
    CLINICIANS,
    PEOPLE,
    Keeper,
    Scene,
    StillClock,
    plan,
    scenario,
    stage,
)
from tests.loadtest.generator.town import Town


class YieldingClock:
    """Real seconds from now on; who sleeps lets the others run."""

    def __init__(self) -> None:
        self._zero = time.monotonic()

    def now(self) -> float:
        return time.monotonic() - self._zero

    def of_epoch(self, epoch_seconds: float) -> float:
        return epoch_seconds

    def sleep(self, seconds: float) -> None:
        gevent.sleep(max(0.0, seconds))

    def sleep_until(self, seconds: float) -> None:
        self.sleep(seconds - self.now())


@dataclass(slots=True)
class Crowd:
    """Each stays for some seconds; who began is noted with the time, and who was dropped."""

    clock: YieldingClock = field(default_factory=YieldingClock)
    began: list[float] = field(default_factory=list)
    dropped: list[float] = field(default_factory=list)
    ended: int = 0

    def coming(self, dues: list[float], stay_seconds: float) -> list[Coming]:
        return [
            Coming(due, self._stay(stay_seconds), lambda due=due: self.dropped.append(due))  # type: ignore[misc]
            for due in dues
        ]

    def _stay(self, seconds: float) -> Callable[[], None]:
        def stay() -> None:
            self.began.append(self.clock.now())
            self.clock.sleep(seconds)
            self.ended += 1

        return stay


def test_everybody_begins_when_due_although_nobody_gets_an_answer() -> None:
    crowd, dues = Crowd(), [0.02 * n for n in range(10)]
    OpenModel(crowd.clock, 100).run(crowd.coming(dues, stay_seconds=60), until_seconds=0.4)
    late = [began - due for began, due in zip(crowd.began, dues, strict=True)]
    assert min(late) >= 0
    assert max(late) < 0.2


def test_who_comes_while_the_pool_is_full_is_dropped() -> None:
    crowd, dues = Crowd(), [0.01 * n for n in range(6)]
    OpenModel(crowd.clock, 2).run(crowd.coming(dues, stay_seconds=60), until_seconds=0.2)
    assert len(crowd.began) == 2
    assert crowd.dropped == dues[2:]


def test_a_place_that_is_free_again_is_given_away_again() -> None:
    crowd, dues = Crowd(), [0, 0.2, 0.4]
    OpenModel(crowd.clock, 1).run(crowd.coming(dues, stay_seconds=0.01), until_seconds=1)
    assert (len(crowd.began), crowd.dropped) == (3, [])


def test_who_begins_late_is_let_in_all_the_same() -> None:
    crowd = Crowd()
    gevent.sleep(0.1)
    OpenModel(crowd.clock, 5).run(crowd.coming([0.0], stay_seconds=0), until_seconds=1)
    assert crowd.began[0] >= 0.1
    assert crowd.dropped == []


def test_the_run_is_over_when_everybody_went_home() -> None:
    crowd = Crowd()
    OpenModel(crowd.clock, 5).run(crowd.coming([0, 0.01], stay_seconds=0.05), until_seconds=60)
    assert crowd.ended == 2
    assert crowd.clock.now() < 10


def test_who_is_inside_at_the_end_is_cut_off() -> None:
    crowd = Crowd()
    OpenModel(crowd.clock, 5).run(crowd.coming([0], stay_seconds=60), until_seconds=0.1)
    assert (len(crowd.began), crowd.ended) == (1, 0)


def crew(scene: Scene, connections: str = "shared", **changed: object) -> Crew:
    plan_of_run = scenario(connections=connections, **changed)
    made = Crew(stage(), plan_of_run, scene.keeper, scene.clock, lambda: scene.town)
    made.sign_in()
    return made


def test_everybody_of_a_share_is_due_in_order() -> None:
    beside = {"portal_admins": {"per_minute": 20}, "idle_viewers": {"per_minute": 20}}
    made = crew(Scene(), **beside)
    share = Schedule.of(made.scenario, 1).share(1, 2)
    dues = [coming.due_seconds for coming in made.coming(share)]
    patients = sum(visit.patient_due is not None for visit in share.visits)
    assert dues == sorted(dues)
    assert len(dues) == len(share.visits) + patients + len(share.callers)


def test_dropped_people_are_counted_by_persona_with_their_due_time() -> None:
    scene = Scene()
    made = crew(scene)
    for coming in made.coming(Schedule.of(made.scenario, 1).share(0, 50)):
        coming.drop()
    rows = scene.keeper.iterations
    assert {row.persona for row in rows} == {Persona.PROVIDER, Persona.PATIENT}
    assert {row.outcome for row in rows} == {Outcome.DROPPED}
    assert all(row.due_seconds == row.began_seconds == row.ended_seconds for row in rows)


def test_a_clinician_does_not_wait_for_a_patient_who_was_dropped() -> None:
    scene = Scene()
    made = crew(scene, people={**PEOPLE, "no_show_share": 0})
    one = Schedule.of(made.scenario, 1).share(0, 500)
    clinician, patient = sorted(
        made.coming(one), key=lambda c: c.due_seconds != one.visits[0].provider_due
    )
    patient.drop()
    clinician.go()
    assert scene.clock.at < 10


def test_a_patient_whose_clinician_was_dropped_is_dropped_and_not_failed() -> None:
    scene = Scene()
    made = crew(scene, people={**PEOPLE, "no_show_share": 0})
    one = Schedule.of(made.scenario, 1).share(0, 500)
    clinician, patient = sorted(
        made.coming(one), key=lambda c: c.due_seconds != one.visits[0].provider_due
    )
    clinician.drop()
    patient.go()
    assert {row.outcome for row in scene.keeper.iterations} == {Outcome.DROPPED}
    assert "EHR opens launch" not in scene.keeper.names()


def test_a_patient_who_waits_already_learns_that_their_clinician_was_dropped() -> None:
    scene, course = Scene(), Course()
    made = crew(scene)
    scene.clock.meanwhile = [course.clinician_dropped.set]
    made.attend(plan(), course, 0.0)
    (row,) = scene.keeper.iterations
    assert (row.outcome, row.error) == (Outcome.DROPPED, "clinician_dropped")
    assert row.due_seconds == row.began_seconds == row.ended_seconds
    assert course.gone.is_set()


def test_a_patient_who_reconnects_is_written_down_twice() -> None:
    scene, course = Scene(), Course()
    made = crew(scene)
    meeting = scene.town.meetings["a3"]
    admit = [lambda: None, lambda: meeting.in_call.update(meeting.lobby) or meeting.lobby.clear()]
    scene.clock.meanwhile = [*admit, *[admit[1]] * 8]
    made.attend(plan(stays_seconds=(2.0, 2.0)), course, 0.0)
    first, second = scene.keeper.iterations
    assert (first.outcome, second.outcome) == (Outcome.DONE, Outcome.DONE)
    assert second.due_seconds == pytest.approx(first.ended_seconds + 1)
    assert second.due_seconds == second.began_seconds
    assert (second.own_ms, second.upstream_ms) == (first.own_ms, first.upstream_ms) == (10, 40)
    assert course.gone.is_set()


def test_a_patient_who_failed_does_not_come_again_and_their_clinician_learns_it() -> None:
    scene, course = Scene(), Course()
    crew(scene).attend(plan(stays_seconds=(2.0, 2.0)), course, 0.0)
    assert [row.error for row in scene.keeper.iterations] == ["no_meeting"]
    assert course.gone.is_set()


@pytest.mark.parametrize(("connections", "closed"), [("shared", 0), ("fresh", 1)])
def test_fresh_connections_end_with_the_person(connections: str, closed: int) -> None:
    scene = Scene()
    crew(scene, connections).provide(plan(), Course(), 0.0)
    assert scene.town.closed == closed


@pytest.mark.parametrize(("number", "who"), [(2, "clinician@example"), (3, "surgeon@example")])
def test_each_visit_is_launched_by_its_own_clinician(number: int, who: str) -> None:
    scene = Scene()
    crew(scene).provide(plan(number=number), Course(), 0.0)
    door = f"/teams/l/meetup-join/19%3ameeting_a{number}%40thread.v2/0"
    assert scene.town.cookies_of[door] == f"teams={who}"


def test_a_viewer_is_signed_in_to_the_ehr_as_the_visit_s_own_clinician() -> None:
    scene = Scene()
    caller = PlannedCaller(
        number=0, persona=Persona.IDLE_VIEWER, due=0.0, visit_number=3, hold_seconds=1.0
    )
    crew(scene).view(caller)
    cookies = scene.town.cookies_of["/ehr/hyperspace/appointments/a3/begin"]
    assert cookies == "teams=surgeon@example; hyperspace=SURGEON"


def test_a_clinician_without_a_booked_visit_fails_by_name_and_harms_nobody() -> None:
    scene = Scene()
    crew(scene).provide(plan(number=99), Course(), 0.0)
    assert [row.error for row in scene.keeper.iterations] == ["no_visit_booked"]


def test_one_clinician_unknown_to_microsoft_is_enough_that_nobody_comes() -> None:
    scene = Scene()
    stranger = Clinician(ehr_sign_in="NEW", microsoft_sign_in="nobody@example")
    told = stage(clinicians=(*CLINICIANS, stranger))
    made = Crew(told, scenario(), scene.keeper, scene.clock, lambda: scene.town)
    with pytest.raises(Failed, match="clinician_unknown_to_microsoft"):
        made.sign_in()


def test_signing_in_beforehand_can_fail() -> None:
    scene = Scene()
    scene.town.break_once("/signin", (500, {}, ""))
    with pytest.raises(Failed):
        crew(scene)


def test_a_process_writes_its_own_files_and_what_comes_too_late_nowhere(tmp_path: Path) -> None:
    shown: list[str] = []
    recorder = FileRecorder(
        tmp_path,
        3,
        on_request=lambda request: shown.append(request.name),
        on_iteration=lambda iteration: shown.append(iteration.persona),
    )
    scene = Scene(Town(), StillClock(), Keeper())
    scene.browser().open("https://town/connector/")
    errand = scene.errand(teams="1")
    errand.arrived()
    with errand.recorded():
        pass
    recorder.request(scene.keeper.requests[0])
    recorder.iteration(scene.keeper.iterations[0])
    recorder.close()
    recorder.request(scene.keeper.requests[0])
    folder = RunFolder(tmp_path)
    assert list(folder.rows("requests-3", Request)) == scene.keeper.requests
    assert list(folder.rows("iterations", Iteration)) == scene.keeper.iterations
    assert list(folder.rows("deeds", Deed)) == []
    assert shown == ["portal overview", "provider", "portal overview"]


def test_a_meter_tells_how_late_sleepers_wake_and_what_cpu_was_used() -> None:
    clock = YieldingClock()
    meter = Meter(clock, 0.05, 0.4)
    running = gevent.spawn(meter.run)
    gevent.sleep(0.1)
    busy_until = time.monotonic() + 0.2
    while time.monotonic() < busy_until:
        pass
    running.join()
    meter.warn("CPU usage above 90 %")
    meter.warn("CPU usage above 90 %")
    reading = meter.reading(2)
    assert reading.process == 2
    assert reading.cpu_share > 0.1
    assert reading.lag_p99_ms > 50
    assert reading.warnings == ("CPU usage above 90 %",)


def test_a_meter_that_never_ran_says_so() -> None:
    reading = Meter(YieldingClock(), 10, 20).reading(0)
    assert (reading.cpu_share, reading.lag_p99_ms) == (-1, -1)
