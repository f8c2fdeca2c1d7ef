"""Visit settings: what may be chosen, and when a patient may join (U1-U3)."""

from datetime import timedelta
from typing import Any

import pytest
from tests.builders.configurations import NOON

from connector.domain.errors import Reason, Refused
from connector.domain.join_window import ALWAYS, JoinWindow
from connector.domain.visit_settings import DEFAULTS, VisitSettings

END = NOON + timedelta(minutes=20)


@pytest.mark.parametrize(
    ("setting", "changes"),
    [
        ("join_window", {"join_opens_minutes": -1}),
        ("join_window", {"join_opens_minutes": 24 * 60 + 1}),
        ("join_window", {"join_closes_minutes": -5}),
        ("join_window", {"join_closes_minutes": 10_000}),
        ("frame_ancestors", {"frame_ancestors": ("http://ehr.example",)}),
        ("frame_ancestors", {"frame_ancestors": ("*",)}),
        ("frame_ancestors", {"frame_ancestors": ("https://*.example",)}),
        ("frame_ancestors", {"frame_ancestors": ("https://ehr.example/path",)}),
        ("frame_ancestors", {"frame_ancestors": ("https://ehr.example; script-src *",)}),
        ("frame_ancestors", {"frame_ancestors": ("https://ehr.example\n",)}),
        ("frame_ancestors", {"frame_ancestors": ("",)}),
        ("frame_ancestors", {"frame_ancestors": ("https://a.example",) * 11}),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(setting: str, changes: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        VisitSettings(**changes)

    assert refused.value.reason is Reason.SETTING_INVALID
    assert refused.value.facts == {"setting": setting}


@pytest.mark.parametrize("origin", ["https://a.example", "https://a-b.example:8443", "https://h"])
def test_https_origins_may_frame(origin: str) -> None:
    assert VisitSettings(frame_ancestors=(origin,)).values()["frame_ancestors"] == origin


def test_a_patient_may_join_around_the_appointment() -> None:
    settings = VisitSettings(join_opens_minutes=30, join_closes_minutes=60)

    window = settings.join_window(NOON, END)

    assert window == JoinWindow(NOON - timedelta(minutes=30), END + timedelta(minutes=60))


def test_an_appointment_without_end_closes_after_its_start() -> None:
    window = VisitSettings(join_closes_minutes=60).join_window(NOON, None)

    assert window.closes_at == NOON + timedelta(minutes=60)
    assert window.opens_at is not None


def test_an_appointment_without_times_is_always_open() -> None:
    assert DEFAULTS.join_window(None, None) == ALWAYS


def test_settings_are_told_as_text() -> None:
    assert VisitSettings(group_visits=True, browser_join=False).values() == {
        "department": "%LOGINDEPTID%",
        "group_visits": "on",
        "browser_join": "off",
        "lobby": "patients",
        "join_opens_minutes": "1440",
        "join_closes_minutes": "1440",
        "frame_ancestors": "",
    }
