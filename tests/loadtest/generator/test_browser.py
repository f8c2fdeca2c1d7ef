"""A browser records each hop by its name, keeps its own cookies, and tells a refusal from a failure."""

import pytest
from loadtest.browser import Answer, CookieJar, Failed, ServerTiming, Shed
from loadtest.hops import UNEXPECTED, Hops, Part
from loadtest.personas.errand import launch_address
from loadtest.records import Outcome, Persona
from tests.loadtest.generator.people import Scene, stage
from tests.loadtest.generator.town import SECRET, Reply, event, page

LAUNCH = launch_address(
    stage(), "provider", "https://town/connector/launch/provider", appointment="a"
)
BUSY = (503, {"Retry-After": "7"}, "later")


def test_each_hop_of_a_launch_is_a_request_of_its_own() -> None:
    scene = Scene()
    scene.browser(teams="1").open(LAUNCH)
    assert scene.keeper.names() == [
        "EHR opens launch",
        "connector /launch/provider",
        "EHR authorize",
        "connector /launch/callback",
        "Teams join page",
    ]
    assert {request.outcome for request in scene.keeper.requests} == {Outcome.DONE}
    assert {request.persona for request in scene.keeper.requests} == {Persona.PROVIDER}


def test_what_the_connector_says_of_its_time_is_kept_and_summed() -> None:
    scene = Scene()
    browser = scene.browser(teams="1")
    browser.open(LAUNCH)
    told = [(r.own_ms, r.upstream_ms) for r in scene.keeper.requests]
    assert told == [(-1, -1), (2.5, 40), (-1, -1), (7.5, -1), (-1, -1)]
    assert browser.timing == ServerTiming(10, 40)


@pytest.mark.parametrize(
    ("header", "timing"),
    [
        ("own;dur=12.3", ServerTiming(12.3, -1)),
        ("own;dur=12.3, upstream;dur=85.0", ServerTiming(12.3, 85)),
        ("own; dur=1,upstream; dur=2", ServerTiming(1, 2)),
        ("cache;desc=hit", ServerTiming()),
        ("", ServerTiming()),
    ],
)
def test_server_timing_is_read_in_each_of_its_forms(header: str, timing: ServerTiming) -> None:
    assert ServerTiming.of(header) == timing


def test_a_browser_sends_back_the_cookies_it_was_given() -> None:
    scene = Scene()
    scene.browser(teams="1").open(LAUNCH)
    assert f"state={SECRET}" in scene.town.cookies_of["/connector/launch/callback"]


def test_a_cookie_that_is_taken_back_is_gone() -> None:
    scene = Scene()
    browser = scene.browser(teams="1")
    browser.open(LAUNCH)
    assert browser.jar.header_for("https://town/") == "teams=1"


def test_two_people_share_no_cookies() -> None:
    scene = Scene()
    scene.browser(teams="1").open(LAUNCH)
    other = scene.browser().open(scene.town.staff_door("a"))
    assert other.has("sign-in")


def test_cookies_are_the_host_s_whatever_its_port() -> None:
    jar = CookieJar()
    jar.take("https://here:1/x", Answer(200, (("set-cookie", "a=b=c; Secure; HttpOnly"),)))
    assert jar.header_for("https://here:2/") == "a=b=c"
    assert jar.header_for("https://there:1/") == ""


def test_a_refusal_with_retry_after_is_shed() -> None:
    scene = Scene()
    scene.town.break_once("/launch/provider", BUSY)
    with pytest.raises(Shed) as shed:
        scene.browser(teams="1").open(LAUNCH)
    assert shed.value.retry_after_seconds == 7
    assert scene.keeper.requests[-1].outcome is Outcome.SHED


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ((503, {}, "down"), "status_503 at connector /launch/callback"),
        ((429, {"Retry-After": "soon"}, ""), "status_429 at connector /launch/callback"),
        ((500, {"Retry-After": "1"}, ""), "status_500 at connector /launch/callback"),
        ((404, {}, SECRET), "status_404 at connector /launch/callback"),
        ("timeout", "timeout at connector /launch/callback"),
        ("connection_closed", "connection_closed at connector /launch/callback"),
    ],
)
def test_anything_else_is_a_failure_with_a_code(reply: Reply | str, code: str) -> None:
    scene = Scene()
    scene.town.break_once("/launch/callback", reply)
    with pytest.raises(Failed) as failed:
        scene.browser(teams="1").open(LAUNCH)
    assert failed.value.code == code
    assert scene.keeper.requests[-1].outcome is Outcome.FAILED
    assert scene.keeper.requests[-1].error == code


def test_nothing_written_down_carries_a_token_or_a_query() -> None:
    scene = Scene()
    scene.town.break_once("/l/meetup-join", (500, {}, SECRET))
    with pytest.raises(Failed):
        scene.browser(teams="1").open(LAUNCH)
    written = str(scene.keeper.requests)
    assert SECRET not in written
    assert "?" not in written


def test_a_browser_that_is_sent_in_circles_gives_up() -> None:
    scene = Scene()
    scene.town.broken = [("/ehr/on", (302, {"Location": "/ehr/on"}, ""))] * 20
    with pytest.raises(Failed, match="too_many_redirects"):
        scene.browser().open("https://town/ehr/on")


def test_a_redirect_after_a_form_is_followed_with_get() -> None:
    scene = Scene()
    scene.browser().submit("https://town/ehr/hyperspace/sign-in", {"username": "d"})
    assert scene.town.asked[-1] == ("GET", "/ehr/hyperspace/")


def test_a_temporary_redirect_keeps_the_form() -> None:
    scene = Scene()
    scene.town.break_once("/teams/signin", (307, {"Location": "/ehr/hyperspace/sign-in"}, ""))
    scene.browser().submit("https://town/teams/signin", {"username": "d"})
    assert scene.town.asked[1] == ("POST", "/ehr/hyperspace/sign-in")


def test_an_address_in_no_row_has_no_name_of_its_own() -> None:
    names = Hops.of(stage())
    assert names.name_of("GET", f"https://elsewhere/{SECRET}?x=1") == UNEXPECTED
    assert names.name_of("DELETE", "https://town/connector/") == UNEXPECTED


def test_a_root_is_not_taken_for_the_beginning_of_another_word() -> None:
    assert Hops.of(stage()).part_of("https://town/connectors/") is None
    assert Hops.of(stage()).part_of("https://town/connector?x=1") is Part.CONNECTOR


def test_the_feed_s_events_come_by_name() -> None:
    scene = Scene()
    scene.town.feed_lines = ["retry: 2000", "", ": still here", "", *event(7), "id: 8"]
    browser = scene.browser()
    heard = list(browser.listen("https://town/feed/feed/visits/a", "https://town", 5))
    assert [(one.name, one.id) for one in heard] == [("open", ""), ("visit", "7")]
    assert heard[1].data["at"] == "1970-01-01T00:00:00.500+00:00"
    assert scene.keeper.names() == ["feed opens"]


def test_a_page_is_asked_for_its_elements_and_attributes() -> None:
    scene = Scene()
    scene.town.break_once("/connector/audit", page("here", feed="there"))
    shown = scene.browser().open("https://town/connector/audit")
    assert (shown.has("here"), shown.has("nowhere")) == (True, False)
    assert (shown.attribute("data-feed"), shown.attribute("data-x")) == ("there", "")
