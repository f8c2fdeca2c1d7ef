"""What a call to the outside can come to; whether to try again is the type.

The adapter that saw the wire decides. Messages are static; facts are attributes that may be logged.
"""


class OutsideError(Exception):
    """A call to an EHR or to Microsoft did not do what it was asked.

    Args:
        code: low-cardinality word for logs, metrics and audit (`timeout`, `http_503`, `INVALID-USER-ID`).
        host: the host that was called, without path or query.
    """

    def __init__(self, code: str, *, host: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.host = host


class TryLater(OutsideError):
    """Unreachable, overloaded or locked; the same call may succeed later.

    Args:
        retry_after_seconds: what the other side asked for, if it did.
        maybe_done: the request may have taken effect (the answer was lost).
    """

    def __init__(
        self,
        code: str,
        *,
        host: str = "",
        retry_after_seconds: float | None = None,
        maybe_done: bool = False,
    ) -> None:
        super().__init__(code, host=host)
        self.retry_after_seconds = retry_after_seconds
        self.maybe_done = maybe_done


class NotConnected(TryLater):
    """No connection came about, so nothing was sent: even what may be sent once may be sent again."""


class Denied(OutsideError):
    """The other side understood and said no; trying again changes nothing until somebody acts."""


class Rejected(Denied):
    """Refused for what this very message says: it can never succeed, whoever acts."""


class Gone(Denied):
    """The thing asked for does not exist (any more)."""


class BadAnswer(OutsideError):
    """The answer is not what the protocol says: wrong type, too large, missing fields."""


class Untrusted(OutsideError):
    """A token, signature or shared secret did not verify. Never retried, always audited."""


class AddressRefused(OutsideError):
    """The egress guard refused the address before any connection was made."""
