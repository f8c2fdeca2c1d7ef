"""Who launches from an EHR that is not ours: to the meeting's address, with every stop on the way named by its hop."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from loadtest.arrivals import Schedule
from loadtest.browser import Answer, CookieJar, Failed, Shed
from loadtest.hops import Hops, Part
from loadtest.personas.prepared import hand_over
from loadtest.prepared.coming import planned
from loadtest.prepared.crew import PreparedCrew
from loadtest.prepared.launch_file import PreparedLaunch, PreparedVisit
from loadtest.records import Iteration, Outcome, Persona
from tests.loadtest.generator.people import PEOPLE, Scene, scenario, stage
from tests.loadtest.generator.town import SECRET, Reply, page

ROOT = "https://town/connector"
LOGIN = page(text='<form><input name="user"><input type="password"></form>')
BUSY = (503, {"Retry-After": "7"}, SECRET)


def launch(persona: Persona = Persona.PROVIDER, number: int = 1, **cookies: str) -> PreparedLaunch:
    address = f"{ROOT}/launch/{persona}?iss=https://town/ehr&launch={SECRET}.{persona}.a{number}"
    jar = CookieJar({"town": dict(cookies)})
    return PreparedLaunch(line=2 * number, persona=persona, url=address, cookies=jar)


def visit(number: int, *personas: Persona) -> PreparedVisit:
    made = {one.value: launch(one, number) for one in personas}
    return PreparedVisit(csn=f"line {2 * number}", **made)


BOTH = (Persona.PROVIDER, Persona.PATIENT)


def crew(scene: Scene, *visits: PreparedVisit, **changed: Any) -> PreparedCrew:
    people = {**PEOPLE, "no_show_share": 0, "reconnect_share": 0}
    run = scenario(people=people, **changed)
    told = stage(launches_file=Path("launches.csv"), visits=())
    return PreparedCrew(told, run, visits, scene.keeper, scene.clock, lambda: scene.town)


def come(scene: Scene, *visits: PreparedVisit, **changed: Any) -> list[Iteration]:
    """Everybody, one after the other."""
    made = crew(scene, *visits, **changed)
    for one in made.coming(Schedule.of(made.scenario, 7)):
        one.go()
    return scene.keeper.iterations


def handed_over(scene: Scene, prepared: PreparedLaunch) -> str:
    browser = scene.browser(prepared.persona)
    browser.hops = Hops.of_customer(ROOT)
    return hand_over(browser, prepared).url


def test_a_clinician_gets_to_the_meeting_s_address_and_does_not_open_it() -> None:
    scene = Scene()
    scene.clock.at = 2.0
    (row,) = come(scene, visit(1, Persona.PROVIDER))
    assert (row.outcome, row.visit, row.persona) == (Outcome.DONE, "line 2", Persona.PROVIDER)
    assert (row.own_ms, row.upstream_ms) == (10, 40)
    assert row.launch_ms == 1750
    assert scene.keeper.names() == [
        "connector /launch/provider",
        "EHR authorize at town",
        "connector /launch/callback",
    ]


def test_a_patient_waits_until_the_clinician_has_come_and_goes_to_the_meeting() -> None:
    scene = Scene()
    scene.clock.meanwhile = [lambda: None, lambda: None, lambda: scene.town.meetings["a1"]]
    first = crew(scene, visit(1, *BOTH))
    patient = first.coming(Schedule.of(first.scenario, 7))[1]
    patient.go()
    (row,) = scene.keeper.iterations
    assert (row.persona, row.outcome) == (Persona.PATIENT, Outcome.DONE)
    assert scene.keeper.names()[-1] == "connector /visits/{id}/join"


def test_a_patient_whose_clinician_never_comes_gives_up() -> None:
    scene = Scene()
    made = crew(scene, visit(1, *BOTH))
    made.coming(Schedule.of(made.scenario, 7))[1].go()
    (row,) = scene.keeper.iterations
    assert (row.outcome, row.error) == (Outcome.FAILED, "no_meeting")


def test_a_patient_for_whom_no_clinician_was_prepared_came_for_the_waiting_page() -> None:
    scene = Scene()
    (row,) = come(scene, visit(1, Persona.PATIENT))
    assert (row.outcome, row.error) == (Outcome.DONE, "")
    assert "connector /visits/{id}/status" not in scene.keeper.names()


def test_nobody_joins_admits_or_leaves() -> None:
    scene = Scene()
    come(scene, *(visit(n, *BOTH) for n in range(3)))
    assert scene.keeper.deeds == []
    assert not any("teams" in path for _method, path in scene.town.asked)


def test_the_cookies_prepared_with_a_launch_are_shown_to_the_ehr() -> None:
    scene = Scene()
    come(scene, PreparedVisit(csn="line 2", provider=launch(session="1")))
    assert scene.town.cookies_of["/ehr/oauth2/authorize"].startswith("session=1")


def test_what_one_person_was_given_on_the_way_is_not_shown_by_the_next() -> None:
    scene, handed = Scene(), launch(session="1")
    scene.town.break_once("/authorize", LOGIN)
    come(scene, PreparedVisit(csn="line 2", provider=handed))
    assert "state=" in scene.town.cookies_of["/ehr/oauth2/authorize"]
    assert handed.cookies.header_for("https://town/") == "session=1"


def moved(url: str) -> Reply:
    return 302, {"Location": url}, ""


@pytest.mark.parametrize(
    ("at", "answer", "says"),
    [
        ("/authorize", LOGIN, "ehr_asks_to_log_in at EHR authorize at town"),
        ("/authorize", page(text="<INPUT NAME=Username>"), "ehr_asks_to_log_in at EHR authorize"),
        ("/authorize", page(text="<form>SAML</form>"), "ehr_shows_a_page at EHR authorize at town"),
        ("/launch/provider", page(), "wrong_page at connector /launch/provider"),
        ("/launch/callback", page(), "wrong_page at connector /launch/callback"),
        ("/launch/callback", (400, {}, SECRET), "status_400 at connector /launch/callback"),
        ("/authorize", (403, {}, SECRET), "status_403 at EHR authorize at town"),
        ("/authorize", "connection_refused", "connection_refused at EHR authorize at town"),
        (
            "/launch/callback",
            moved(f"https://town/teams/oauth2/v2.0/authorize?state={SECRET}"),
            "microsoft_asks_to_sign_in at Microsoft sign-in page",
        ),
    ],
)
def test_who_is_stopped_on_the_way_fails_with_the_hop(
    at: str, answer: Reply | str, says: str
) -> None:
    scene = Scene()
    scene.town.break_once("/oauth2/v2.0/authorize", page("another-account"))
    scene.town.break_once(at, answer)
    (row,) = come(scene, visit(1, Persona.PROVIDER))
    assert row.outcome is Outcome.FAILED
    assert row.launch_ms == -1
    assert row.error.startswith(says)
    assert SECRET not in f"{scene.keeper.iterations}{scene.keeper.requests}"


def test_a_login_page_elsewhere_is_named_with_its_host_and_nothing_behind_it() -> None:
    scene = Scene()
    scene.town.break_once("/authorize", moved(f"https://login.town.example/{SECRET}?t={SECRET}"))
    scene.town.break_once(f"/{SECRET}", LOGIN)
    with pytest.raises(Failed) as failed:
        handed_over(scene, launch())
    assert str(failed.value) == "ehr_asks_to_log_in at EHR's way to sign in at login.town.example"


def test_a_meeting_that_an_ehr_s_page_only_mentions_is_none() -> None:
    scene = Scene()
    mentioned = "https://town/ehr/login?back=https%3A%2F%2Ft%2Fl%2Fmeetup-join%2Fx%2F0"
    scene.town.break_once("/authorize", moved(mentioned))
    scene.town.break_once("/ehr/login", LOGIN)
    with pytest.raises(Failed, match="ehr_asks_to_log_in"):
        handed_over(scene, launch())


@pytest.mark.parametrize(
    "address",
    [
        "https://teams.microsoft.com/l/meetup-join/19%3ameeting_x%40thread.v2/0?context=c",
        "https://visit.teams.microsoft.com/webrtc-svc/api/route?tid=t&convId=c",
        "https://teams.microsoft.com/meet/2345678?p=abc",
    ],
)
def test_every_form_of_teams_own_addresses_is_the_meeting(address: str) -> None:
    scene = Scene()
    scene.town.break_once("/launch/callback", moved(address))
    assert handed_over(scene, launch()) == address
    assert Hops.of_customer(ROOT).part_of(address) is Part.MICROSOFT


def test_who_is_refused_at_the_first_click_comes_again_with_the_same_launch() -> None:
    scene = Scene()
    scene.town.break_once("/launch/provider", BUSY)
    (row,) = come(scene, visit(1, Persona.PROVIDER))
    assert (row.outcome, row.shed) == (Outcome.DONE, 1)
    assert 7 in scene.clock.slept


@pytest.mark.parametrize("at", ["/authorize", "/launch/callback"])
def test_who_is_refused_once_the_ehr_has_seen_the_launch_does_not_spend_it_again(at: str) -> None:
    scene = Scene()
    scene.town.break_once(at, BUSY)
    (row,) = come(scene, visit(1, Persona.PROVIDER))
    assert (row.outcome, row.shed) == (Outcome.SHED, 0)
    assert scene.keeper.names().count("connector /launch/provider") == 1


def test_a_refusal_beyond_patience_is_one() -> None:
    scene = Scene()
    scene.town.break_once("/launch/provider", (503, {"Retry-After": "3600"}, ""))
    with pytest.raises(Shed):
        handed_over(scene, launch())


def dues(made: PreparedCrew, index: int = 0, count: int = 1) -> list[float]:
    schedule = Schedule.of(made.scenario, 7).share(index, count)
    return [one.due_seconds for one in made.coming(schedule)]


def test_each_launch_is_used_once_in_the_order_of_the_schedule() -> None:
    scene = Scene()
    rows = come(scene, *(visit(n, Persona.PROVIDER) for n in range(1, 6)))
    assert [one.visit for one in rows] == [f"line {2 * n}" for n in range(1, 6)]
    plans = Schedule.of(scenario(), 7).visits
    assert [one.due_seconds for one in rows] == [one.provider_due for one in plans[:5]]


def test_two_processes_share_the_file_without_a_launch_used_twice() -> None:
    scene = Scene()
    made = crew(scene, *(visit(n, Persona.PROVIDER) for n in range(1, 6)))
    for index in (0, 1):
        for one in made.coming(Schedule.of(made.scenario, 7).share(index, 2)):
            one.go()
    assert sorted(one.visit for one in scene.keeper.iterations) == [
        f"line {n}" for n in (10, 2, 4, 6, 8)
    ]


def test_when_launches_run_out_nobody_comes_and_the_log_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    scene = Scene()
    made = crew(scene, *(visit(n, *BOTH) for n in range(1, 4)))
    last = dues(made)[-1]
    assert last == pytest.approx(Schedule.of(made.scenario, 7).visits[3].provider_due)
    rows = come(scene, *made.visits)
    assert len(rows) == 6
    assert "launches ran out after 6, at second 2" in caplog.text


def test_every_process_stays_until_launches_ran_out() -> None:
    made = crew(Scene(), visit(1, Persona.PROVIDER))
    assert dues(made, 1, 2) == [Schedule.of(made.scenario, 7).visits[1].provider_due]


def test_a_file_that_suffices_never_runs_out(caplog: pytest.LogCaptureFixture) -> None:
    short = {"warm_up_seconds": 0, "measured_seconds": 2}
    scene = Scene()
    rows = come(scene, *(visit(n, Persona.PROVIDER) for n in range(9)), **short)
    assert len(rows) == 4
    assert not caplog.text


def count(*visits: PreparedVisit, **changed: Any) -> tuple[int, int, bool]:
    given = planned(scenario(**changed), 7, visits)
    return given.providers, given.patients, given.ran_out


def test_what_the_file_gives_is_known_before_the_run() -> None:
    nobody_stays_away = {"people": {**PEOPLE, "no_show_share": 0}}
    visits = [visit(1, *BOTH), visit(2, Persona.PROVIDER), visit(3, Persona.PATIENT)]
    assert count(*visits, **nobody_stays_away) == (2, 2, True)
    assert count() == (0, 0, True)


def test_who_stays_away_by_plan_uses_no_launch_unless_nobody_else_comes() -> None:
    nobody_shows = {"people": {**PEOPLE, "no_show_share": 1}}
    assert count(visit(1, *BOTH), **nobody_shows) == (1, 0, True)
    assert count(visit(1, Persona.PATIENT), **nobody_shows) == (0, 1, True)


def drop_first(made: PreparedCrew) -> Callable[[], None]:
    clinician, patient = made.coming(Schedule.of(made.scenario, 7))[:2]
    clinician.drop()
    return patient.go


def test_a_patient_whose_clinician_found_the_pool_full_is_dropped_and_not_failed() -> None:
    scene = Scene()
    later = {**PEOPLE, "no_show_share": 0, "patient_offset_seconds": [0.1, 0.2]}
    made = crew(scene, visit(1, *BOTH))
    made.scenario = scenario(people=later)
    drop_first(made)()
    assert [one.outcome for one in scene.keeper.iterations] == [Outcome.DROPPED, Outcome.DROPPED]
    assert {one.visit for one in scene.keeper.iterations} == {"line 2"}


@pytest.mark.parametrize(
    ("header", "host", "gets"),
    [
        ("sso=1; Domain=.ehr.example", "login.ehr.example", "sso=1"),
        ("sso=1; domain=ehr.example; Path=/", "ehr.example", "sso=1"),
        ("sso=1", "login.ehr.example", ""),
        ("sso=1; Domain=other.example", "other.example", ""),
        ("sso=1; Domain=r.example", "r.example", ""),
    ],
)
def test_a_cookie_goes_where_its_domain_says(header: str, host: str, gets: str) -> None:
    jar = CookieJar()
    jar.take("https://ehr.example/a", Answer(200, (("set-cookie", header),)))
    assert jar.header_for(f"https://{host}/") == gets


@pytest.mark.parametrize(
    "how", ["Max-Age=0", "max-age=-1", "Expires=Thu, 01 Jan 1970 00:00:00 GMT"]
)
def test_a_cookie_can_be_taken_back(how: str) -> None:
    jar = CookieJar({"ehr.example": {"sso": "1"}})
    jar.take("https://ehr.example/a", Answer(200, (("set-cookie", f"sso=; {how}; Path=/"),)))
    assert jar.header_for("https://ehr.example/") == ""
