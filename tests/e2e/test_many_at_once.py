"""Fifty launches of one appointment at the same time make one meeting (cases 48-50)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from scripts.sandbox import Sandbox
from scripts.sandbox_parts.configuration import client_id
from scripts.story.person import Person
from scripts.story.scenes import Visit

pytestmark = pytest.mark.sandbox

AT_ONCE = 50


def meetings(sandbox: Sandbox) -> set[str]:
    with sandbox.session() as session:
        listed = session.get(f"{sandbox.urls.mock_microsoft}/sim/meetings", timeout=10).json()
    return {meeting["id"] for meeting in listed["meetings"]}


def test_fifty_launches_of_one_appointment_make_one_meeting(
    visit_of: Callable[[str], Visit], sandbox: Sandbox
) -> None:
    visit = visit_of("LSOLO")
    before = meetings(sandbox)
    ehr, connector = sandbox.urls.ehr("test"), sandbox.urls.connector
    query = (
        f"client_id={client_id('test', 'provider')}&launch_uri={connector}/launch/provider"
        f"&appointment={visit.appointment_id}&provider=ACAREFUL"
    )

    def launch(_number: int) -> str:
        return Person(Path(sandbox.ca_file)).open(f"{ehr}/sim/launch?{query}").url.partition("?")[0]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        ended_at = list(pool.map(launch, range(AT_ONCE)))
    assert len(set(ended_at)) == 1, "every launch leads into the same meeting"
    assert len(meetings(sandbox) - before) == 1
