"""msal's requests sent our way: egress rules, authorities, deadline and stopwatch are those of all calls.

Given no `http_client`, msal would make a session of its own that has no timeout and obeys the
environment (microsoft.md 5).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from connector.ports.http import Answer, Http

DEADLINE_SECONDS = 8.0
MOST_BYTES = 262_144


@dataclass(frozen=True, slots=True)
class MsalAnswer:
    """What msal reads of an answer."""

    status_code: int
    headers: Mapping[str, str]
    text: str


@dataclass(frozen=True, slots=True)
class MsalTransport:
    """The `http_client` msal documents, over the Http port; redirects are not followed.

    https://github.com/AzureAD/microsoft-authentication-library-for-python/blob/dev/msal/oauth2cli/http.py
    """

    http: Http

    def get(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> MsalAnswer:
        return self._send("GET", _with_query(url, params), headers or {}, None)

    def post(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str] | str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> MsalAnswer:
        form = data if isinstance(data, str) else urlencode(data or {})
        typed = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        return self._send("POST", _with_query(url, params), typed, form.encode())

    def close(self) -> None:
        """Nothing of its own to close."""

    def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> MsalAnswer:
        answer: Answer = self.http.send(
            method,
            url,
            headers=headers,
            body=body,
            deadline_seconds=DEADLINE_SECONDS,
            max_bytes=MOST_BYTES,
        )
        # Bytes that are no text break the JSON they stand in, which msal notices.
        text = answer.body.decode(errors="replace")
        return MsalAnswer(answer.status, answer.headers, text)


def _with_query(url: str, params: Mapping[str, str] | None) -> str:
    return f"{url}?{urlencode(params)}" if params else url
