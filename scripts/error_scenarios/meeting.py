"""E5, E6 and E7: what clinician and patient meet around the Teams meeting."""

from collections.abc import Sequence

from scripts.error_scenarios.shown import Shown, notice, visit_page
from scripts.error_scenarios.stage import GUEST, Stage
from scripts.story.live_feed import LiveFeed
from scripts.story.narrator import eventually, promise
from scripts.story.scenes import until_watched


def patient_waits(stage: Stage, notes: list[str]) -> Sequence[Shown]:
    """E5: the live page tells of the patient in the lobby, and goes on telling it."""
    visit = stage.visit("PCHALMERS")
    stage.begin(visit)
    until_watched(visit)
    stage.cast.clinician.press("join-now")
    meeting_page = stage.cast.clinician.url
    clinician = visit.provider_begins("visit-status")
    feed = LiveFeed(clinician, clinician.url)
    visit.patient_begins().press("join", display_name=GUEST)
    feed.wait_for("patient", "lobby")
    feed.close()
    notes.append("the patient came into the lobby; the live page heard of it at once")
    clinician.open(clinician.url)
    shown = visit_page(clinician)
    sound = clinician.text("sound")
    promise(sound == "Sound when the patient arrives", "a tone can be switched on")
    promise(clinician.element("news")["role"] == "status", "screen readers announce it")
    told = clinician.browser.page.title.get_text()
    promise(told.startswith(shown.title), "the window's title says it")
    notes.append(f"button “{sound}”; window title “{told}”")
    clinician.open(meeting_page).press("admit-1")
    stage.end(visit, meeting_page)
    return [shown]


def browser_join_off(stage: Stage, notes: list[str]) -> Sequence[Shown]:
    """E6: without browser join the patient lands where Teams is asked for; the portal names the setting."""
    visit = stage.visit("LSOLO")
    with stage.configured({"browser_join": ["y"]}, browser_join=[]):
        stage.begin(visit)
        patient = visit.patient_begins()
        promise("/l/meetup-join/" in patient.url, f"the plain join address, not {patient.where}")
        notes.append(f"browser join was switched off; the patient landed on {patient.where[:60]}…")
        admin = stage.environment(stage.admin())
        shown = notice(admin, "needs-teams")
    promise(not stage.environment(stage.admin()).has("needs-teams"), "gone once it is on again")
    return [shown]


def left_not_ended(stage: Stage, notes: list[str]) -> Sequence[Shown]:
    """E7: the clinician leaves and the patient stays: an interruption, not an end."""
    visit = stage.visit("PHEUVEL")
    meeting_page = stage.meet(visit)
    stage.cast.clinician.press("leave")
    notes.append("the clinician left without ending the meeting, the patient stayed")
    clinician = visit.provider_begins("visit-status")

    def told() -> bool:
        clinician.open(clinician.url)
        return "still in the meeting" in clinician.text("visit-state")

    eventually("the live page tells that the patient is left behind", told)
    shown = visit_page(clinician)
    chats = _chat_settings(stage)
    promise(chats == {"limited"}, f"every meeting's chat ends with it, not {chats}")
    notes.append("the chat of every meeting is limited to its duration")
    stage.end(visit, meeting_page)
    return [shown]


def _chat_settings(stage: Stage) -> set[str]:
    with stage.sandbox.session() as session:
        told = session.get(f"{stage.sandbox.urls.mock_microsoft}/sim/meetings", timeout=10).json()
    return {str(meeting["meeting_chat"]) for meeting in told["meetings"]}
