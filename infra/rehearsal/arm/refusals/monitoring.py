"""Application Insights and Azure Monitor."""

from rehearsal.arm.errors import bad_request
from rehearsal.arm.world import Write

LONGEST_SHORT_NAME = 12
LINK = "hidden-link:"


def web_test_is_linked(write: Write) -> None:
    """A web test belongs to a component by a tag, and its two names must agree."""
    if write.value("syntheticMonitorId") != write.name:
        raise bad_request(
            "BadRequest", "SyntheticMonitorId must be equal to the name of the web test."
        )
    links = [tag.removeprefix(LINK) for tag in write.value("tags") or {} if tag.startswith(LINK)]
    if len(links) != 1 or write.world.get(links[0]) is None:
        raise bad_request(
            "BadRequest",
            "A single 'hidden-link' tag pointing to an existing AI component is required.",
        )


def short_name_is_short(write: Write) -> None:
    short = write.value("groupShortName") or ""
    if len(short) > LONGEST_SHORT_NAME:
        raise bad_request(
            "ActionGroupShortNameTooLong",  # named here
            f"The short name '{short}' must not be longer than {LONGEST_SHORT_NAME} characters.",
        )
