"""What each kind of person does, and what is left of it in the records."""

from collections.abc import Callable

import pytest
from loadtest.browser import Failed
from loadtest.personas import idle_viewer, patient, portal_admin, provider
from loadtest.personas.errand import Course, Errand
from loadtest.personas.sign_in import MorningCookies
from loadtest.records import Iteration, Outcome, Persona
from loadtest.target import Clinician
from tests.loadtest.generator.people import CLINICIANS, Scene, plan, stage
from tests.loadtest.generator.town import SECRET, event, page

MEETING = "19:meeting_a3@thread.v2"
BUSY = (503, {"Retry-After": "7"}, "later")
ASKS_AGAIN = (503, {"Retry-After": "7", "Refresh": "7"}, "later")


def recorded(scene: Scene, errand: Errand, deed: Callable[[], object]) -> Iteration:
    with errand.recorded():
        deed()
    (iteration,) = scene.keeper.iterations
    return iteration


def hold(scene: Scene, course: Course | None = None) -> Iteration:
    errand = scene.errand(teams="1")
    errand.course = course or Course()
    return recorded(scene, errand, lambda: provider.hold_visit(errand, plan()))


def attend(scene: Scene) -> Iteration:
    errand = scene.errand(Persona.PATIENT)
    return recorded(scene, errand, lambda: patient.attend(errand, 1.0, 4.0))


def open_meeting(scene: Scene) -> None:
    """The clinician has launched."""
    scene.town.meetings["a3"].in_call.add("a3-clinician")


def admit(scene: Scene) -> None:
    meeting = scene.town.meetings["a3"]
    meeting.in_call |= meeting.lobby
    meeting.lobby.clear()


def test_a_clinician_launches_joins_and_ends_the_meeting_when_the_patient_is_gone() -> None:
    scene, course = Scene(), Course()
    scene.clock.meanwhile = [lambda: None, course.gone.set]
    done = hold(scene, course)
    assert (done.outcome, done.visit, done.shed) == (Outcome.DONE, "c3", 0)
    assert scene.keeper.actions() == ["launched", "joined", "left"]
    assert {deed.meeting for deed in scene.keeper.deeds} == {MEETING}
    assert scene.town.meetings["a3"].ended


def test_a_launch_is_timed_from_when_it_was_due_to_the_meeting_s_page() -> None:
    scene = Scene()
    scene.clock.at = 2.0
    done = hold(scene)
    assert (done.due_seconds, done.began_seconds, done.launch_ms) == (0, 2, 2000)
    assert (done.own_ms, done.upstream_ms) == (10, 40)


def test_a_clinician_admits_whoever_is_in_the_lobby() -> None:
    scene, course = Scene(), Course()
    lobby = scene.town.meetings["a3"].lobby
    lobby.update({"a3-8", "a3-9"})
    scene.clock.meanwhile = [lambda: None, course.gone.set]
    hold(scene, course)
    assert not lobby
    assert scene.keeper.names().count("admit") == 2


def test_a_clinician_whose_patient_never_comes_ends_the_meeting_after_a_while() -> None:
    scene = Scene()
    assert hold(scene).outcome is Outcome.DONE
    assert 10 <= scene.clock.at < 10 + 2 * provider.LOOKS_EVERY_SECONDS + 1


def test_a_clinician_s_patience_begins_anew_when_somebody_is_there() -> None:
    scene = Scene()
    meeting = scene.town.meetings["a3"]
    scene.clock.meanwhile = [lambda: None] * 3 + [lambda: meeting.in_call.add("a3-9")]
    scene.clock.meanwhile += [lambda: None] * 3 + [lambda: meeting.in_call.discard("a3-9")]
    hold(scene)
    assert scene.clock.at > 20


def test_a_sign_in_page_fails_the_launch_by_name() -> None:
    scene = Scene()
    errand = scene.errand()
    failed = recorded(scene, errand, lambda: provider.hold_visit(errand, plan()))
    assert (failed.outcome, failed.error) == (Outcome.FAILED, "needs_microsoft_sign_in")
    assert failed.launch_ms == -1


def test_microsoft_s_own_sign_in_page_fails_it_too() -> None:
    scene = Scene()
    scene.town.break_once(
        "/launch/callback", (303, {"Location": "/connector/signin/microsoft"}, "")
    )
    assert hold(scene).error == "needs_microsoft_sign_in"


def test_another_page_than_the_meeting_s_fails_the_launch() -> None:
    scene = Scene()
    scene.town.break_once("/launch/callback", page("problem"))
    assert hold(scene).error == "wrong_page of connector"


def test_who_is_refused_for_now_comes_again_after_the_seconds_asked_for() -> None:
    scene = Scene()
    scene.town.break_once("/launch/provider", BUSY)
    done = hold(scene)
    assert (done.outcome, done.shed) == (Outcome.DONE, 1)
    assert done.launch_ms == 7000
    assert scene.keeper.names()[:4] == [
        "EHR opens launch",
        "connector /launch/provider",
        "EHR opens launch",
        "connector /launch/provider",
    ]


def test_a_page_that_asks_again_by_itself_does_not_go_back_to_the_ehr() -> None:
    scene = Scene()
    for _ in range(2):
        scene.town.break_once("/launch/provider", ASKS_AGAIN)
    done = hold(scene)
    assert (done.outcome, done.shed, done.launch_ms) == (Outcome.DONE, 2, 14_000)
    assert scene.keeper.names()[:4] == ["EHR opens launch", *["connector /launch/provider"] * 3]


def test_a_callback_that_asks_again_by_itself_is_asked_again_as_it_is() -> None:
    scene = Scene()
    scene.town.break_once("/launch/callback", ASKS_AGAIN)
    assert hold(scene).outcome is Outcome.DONE
    names = scene.keeper.names()
    assert (names.count("EHR opens launch"), names.count("connector /launch/callback")) == (1, 2)


def test_who_is_refused_four_times_goes_home() -> None:
    scene = Scene()
    for _ in range(4):
        scene.town.break_once("/launch/provider", BUSY)
    shed = hold(scene)
    assert (shed.outcome, shed.shed) == (Outcome.SHED, 3)
    assert shed.error == "shed at connector /launch/provider"
    assert scene.clock.slept == [7, 7, 7]


def test_who_is_told_to_come_in_an_hour_goes_home_at_once() -> None:
    scene = Scene()
    scene.town.break_once("/launch/provider", (429, {"Retry-After": "3600"}, ""))
    assert hold(scene).outcome is Outcome.SHED
    assert scene.clock.slept == []


def test_a_patient_who_is_first_waits_until_there_is_a_meeting() -> None:
    scene = Scene()
    scene.clock.meanwhile = [
        lambda: None,
        lambda: open_meeting(scene),
        *[lambda: admit(scene)] * 3,
    ]
    done = attend(scene)
    assert (done.outcome, done.launch_ms) == (Outcome.DONE, 0)
    assert scene.keeper.names().count("connector /visits/{id}/status") == 3
    assert scene.keeper.actions() == ["launched", "joined", "left"]
    assert {deed.meeting for deed in scene.keeper.deeds} == {MEETING}


def test_a_patient_who_comes_later_goes_straight_to_the_meeting() -> None:
    scene = Scene()
    open_meeting(scene)
    scene.clock.meanwhile = [lambda: None, lambda: admit(scene)]
    assert attend(scene).outcome is Outcome.DONE
    assert "connector /visits/{id}/wait" not in scene.keeper.names()
    assert scene.town.meetings["a3"].in_call == {"a3-clinician"}


def test_a_patient_gives_up_when_no_meeting_comes() -> None:
    failed = attend(Scene())
    assert (failed.outcome, failed.error) == (Outcome.FAILED, "no_meeting")


def test_a_patient_gives_up_when_nobody_admits_them() -> None:
    scene = Scene()
    open_meeting(scene)
    failed = attend(scene)
    assert (failed.outcome, failed.error) == (Outcome.FAILED, "never_admitted")


def test_a_patient_under_whom_the_meeting_ends_says_so() -> None:
    scene = Scene()
    meeting = scene.town.meetings["a3"]
    scene.clock.meanwhile = [
        lambda: None,
        lambda: admit(scene),
        lambda: setattr(meeting, "ended", True),
    ]
    assert attend(scene).error == "meeting_ended_early"


def test_the_waiting_page_outlives_a_server_that_dies() -> None:
    scene = Scene()
    scene.town.break_once("/a3/status", "connection_closed")
    scene.clock.meanwhile = [
        lambda: scene.town.break_once("/a3/status", BUSY),
        lambda: open_meeting(scene),
        *[lambda: admit(scene)] * 3,
    ]
    assert attend(scene).outcome is Outcome.DONE


def test_the_waiting_page_does_not_outlive_a_visit_it_may_not_see() -> None:
    scene = Scene()
    scene.town.break_once("/a3/status", (404, {}, ""))
    assert attend(scene).error == "status_404 at connector /visits/{id}/status"


def test_the_waiting_page_is_read_again_when_the_state_changed() -> None:
    scene = Scene()
    changed = '{"can_join": false, "state": "ended", "reason": "ended"}'
    scene.town.break_once("/a3/status", (200, {}, changed))
    scene.clock.meanwhile = [
        lambda: open_meeting(scene),
        *[lambda: admit(scene)] * 3,
    ]
    attend(scene)
    assert scene.keeper.names().count("connector /visits/{id}/wait") == 2


def test_an_admin_signs_in_and_reads_an_environment_and_the_audit_trail() -> None:
    scene = Scene()
    errand = scene.errand(Persona.PORTAL_ADMIN)
    done = recorded(scene, errand, lambda: portal_admin.look_around(errand, 1.0))
    assert done.outcome is Outcome.DONE
    assert scene.keeper.names()[-3:] == [
        "portal overview",
        "portal environment",
        "portal audit trail",
    ]


def test_an_overview_without_an_environment_fails_by_name() -> None:
    scene = Scene()
    scene.town.break_once("/signin/microsoft/callback", page("audit-trail"))
    errand = scene.errand(Persona.PORTAL_ADMIN)
    failed = recorded(scene, errand, lambda: portal_admin.look_around(errand, 1.0))
    assert failed.error == "no_environment_in_overview"


def test_a_viewer_holds_the_feed_and_reads_the_page_at_every_event() -> None:
    scene = Scene()
    scene.town.feed_lines = ["retry: 2000", "", *event(1), *event(2)]
    errand = scene.errand(Persona.IDLE_VIEWER, hyperspace="1")
    heard = idle_viewer.watch(errand, 1.5)
    assert heard == 2
    assert scene.keeper.names().count("connector /visits/{id}") == 1 + 1 + 2


def test_an_event_is_timed_from_when_it_happened_in_the_meeting() -> None:
    scene = Scene()
    scene.clock.at = 0.75
    scene.town.feed_lines = [
        *event(1, at="1970-01-01T00:00:00.700Z"),
        *event(2, at="1970-01-01T00:00:00.750Z"),
    ]
    idle_viewer.watch(scene.errand(Persona.IDLE_VIEWER, hyperspace="1"), 1.5)
    timed = [row for row in scene.keeper.requests if row.name == idle_viewer.EVENT_ON_PAGE]
    assert [(row.at_seconds, row.elapsed_ms) for row in timed] == [(0.75, 0)]


def test_a_feed_goes_on_after_the_last_event_that_came() -> None:
    scene = Scene()
    scene.town.feed_lines = [*event(1), *event(2)]
    idle_viewer.watch(scene.errand(Persona.IDLE_VIEWER, hyperspace="1"), 3)
    assert [one for one in scene.town.last_event_ids if one] == ["2"]


def test_a_viewer_connects_again_when_the_feed_ends() -> None:
    scene = Scene()
    errand = scene.errand(Persona.IDLE_VIEWER, hyperspace="1")
    scene.town.break_once("/feed/visits", "connection_closed")
    idle_viewer.watch(errand, 5)
    assert scene.keeper.names().count("feed opens") == 3


def test_a_viewer_who_is_not_admitted_fails() -> None:
    scene = Scene()
    errand = scene.errand(Persona.IDLE_VIEWER, hyperspace="1")
    scene.town.break_once("/feed/visits", (404, {}, ""))
    with pytest.raises(Failed, match="status_404 at feed opens"):
        idle_viewer.watch(errand, 5)


def test_a_viewer_without_the_ehr_s_sign_in_fails_by_name() -> None:
    scene = Scene()
    with pytest.raises(Failed, match="needs_ehr_sign_in"):
        idle_viewer.watch(scene.errand(Persona.IDLE_VIEWER), 5)


def test_the_morning_s_sign_ins_give_each_browser_its_own_cookies() -> None:
    scene = Scene()
    morning = MorningCookies.of(scene.browser(), stage(), CLINICIANS[0])
    teams = "teams=clinician@example"
    assert morning.teams.header_for("https://town/") == teams
    assert morning.hyperspace.header_for("https://town/") == f"{teams}; hyperspace=DOC"


def test_a_clinician_unknown_to_microsoft_is_named_before_anybody_comes() -> None:
    scene, stranger = Scene(), Clinician(ehr_sign_in="DOC", microsoft_sign_in="nobody@example")
    with pytest.raises(Failed, match="clinician_unknown_to_microsoft"):
        MorningCookies.of(scene.browser(), stage(), stranger)


def test_a_visit_that_was_not_booked_fails_by_name() -> None:
    scene = Scene()
    errand = scene.errand(teams="1")
    errand.visit = None
    failed = recorded(scene, errand, lambda: provider.launch(errand))
    assert (failed.error, failed.visit) == ("no_visit_booked", "")


@pytest.mark.parametrize("problem", [KeyError, TypeError, ValueError])
def test_an_answer_that_cannot_be_read_fails_one_person_and_says_only_its_kind(
    problem: type[Exception],
) -> None:
    scene = Scene()
    errand = scene.errand()

    def read() -> None:
        raise problem(SECRET)

    failed = recorded(scene, errand, read)
    kind = f"unreadable_answer {problem.__name__}"
    assert (failed.outcome, failed.error) == (Outcome.FAILED, kind)


def test_a_bug_of_ours_is_loud_and_its_person_is_written_down_all_the_same() -> None:
    scene = Scene()
    errand = scene.errand()
    with pytest.raises(AssertionError), errand.recorded():
        raise AssertionError
    assert scene.keeper.iterations[0].outcome is Outcome.FAILED


def test_a_person_cut_off_by_the_end_of_the_run_is_written_down() -> None:
    scene = Scene()
    errand = scene.errand()
    with pytest.raises(SystemExit), errand.recorded():
        raise SystemExit
    assert scene.keeper.iterations[0].error == "cut_off"


def test_what_is_left_of_a_refused_person_carries_no_token() -> None:
    scene = Scene()
    scene.town.break_once("/launch/callback", (503, {"Retry-After": "3600"}, SECRET))
    hold(scene)
    assert SECRET not in f"{scene.keeper.iterations}{scene.keeper.requests}"


def test_a_step_done_in_vain_is_not_repeated_when_it_failed() -> None:
    scene = Scene()
    scene.town.break_once("/launch/callback", (500, {}, ""))
    assert hold(scene).shed == 0
    assert scene.keeper.names().count("EHR opens launch") == 1
