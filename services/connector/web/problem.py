"""What a problem is told with, on a page or in a document."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """How a refusal is shown. `remedy` is an instruction to the person looking at the page.

    `shown` stands before the time the refusal depends on.
    """

    status: int
    title: str
    cause: str
    remedy: str
    runbook: str = "launch"
    shown: str = ""


AGAIN = "Go back to your schedule or to MyChart and press Begin virtual visit again."
TELL_THE_HELP_DESK = "Tell your help desk the reference number below."
