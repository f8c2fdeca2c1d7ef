"""How a run of the release commands ends: the exit codes, and the errors that lead to them."""

from enum import IntEnum


class Exit(IntEnum):
    """What a pipeline decides by."""

    DONE = 0
    BLOCKED = 1
    USAGE = 2
    UNREADABLE = 3


class Failed(Exception):
    """The run ends here and nothing was changed; one message a line."""

    exit = Exit.BLOCKED

    def __init__(self, *messages: str) -> None:
        super().__init__("\n".join(messages))
        self.messages = list(messages)


class Blocked(Failed):
    """A gate is shut, or the stamps stand otherwise than a release needs."""


class Unreadable(Failed):
    """A stack file, pulumi's outputs or git did not give what they should."""

    exit = Exit.UNREADABLE
