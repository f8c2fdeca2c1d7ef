"""Where a browser may be sent: case 23 of reliability.md."""

import pytest

from connector.domain.errors import Reason, Refused
from connector.web.redirects import inside, to_authorize, to_teams

TEAMS = frozenset({"teams.microsoft.com"})


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/ok\\..\\evil",
        "evil.example",
        "",
        "/a\nb",
        "http:/evil.example",
    ],
)
def test_case_23_a_target_outside_this_site_is_replaced(target: str) -> None:
    assert inside(target, "/") == "/"


def test_a_path_of_this_site_is_kept() -> None:
    assert inside("/approvals/r1?x=1", "/") == "/approvals/r1?x=1"


@pytest.mark.parametrize(
    "url",
    [
        "http://teams.microsoft.com/l/meetup-join/1",
        "https://teams.microsoft.com.evil.example/l",
        "https://evil.example/teams.microsoft.com",
        "https://user@teams.microsoft.com/l",
        "javascript:alert(1)",
    ],
)
def test_case_23_a_join_url_outside_teams_is_refused(url: str) -> None:
    with pytest.raises(Refused) as refused:
        to_teams(url, TEAMS)
    assert refused.value.reason is Reason.MEETING_REFUSED


def test_a_join_url_is_passed_on_unchanged() -> None:
    url = "https://teams.microsoft.com/l/meetup-join/19%3ameeting_x%40thread.v2/0?context=%7b%7d"
    assert to_teams(url, TEAMS).location == url


def test_an_authorization_endpoint_with_a_query_of_its_own_keeps_it() -> None:
    sent = to_authorize("https://ehr.example/authorize?org=1", {"state": "s"})
    assert sent.location == "https://ehr.example/authorize?org=1&state=s"
