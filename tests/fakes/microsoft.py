"""Entra and Graph in memory."""

import itertools
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fakes.faults import Faults

from connector.domain.configuration import Approver
from connector.domain.organization import MicrosoftIdentity
from connector.domain.visit import Meeting
from connector.domain.visit_settings import Lobby
from connector.ports.errors import BadAnswer, Denied, Gone, Untrusted
from connector.ports.microsoft import AttendanceReport, CallEvent, Subscription, UnverifiedItem


class FakeSignIn:
    """Implements `ports.microsoft.SignIn`; `sign_in` plays the person at Microsoft's page."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.begun: list[dict[str, Any]] = []
        self._numbers = itertools.count(1)
        self._people: dict[str, MicrosoftIdentity] = {}

    def begin(
        self, *, tenant: str, login_hint: str | None = None, choose_account: bool = False
    ) -> tuple[str, dict[str, Any]]:
        self.faults.before("begin")
        state = f"ms-state-{next(self._numbers)}"
        self.begun.append(
            {"tenant": tenant, "login_hint": login_hint, "choose_account": choose_account}
        )
        url = f"https://login.example/{tenant}/oauth2/v2.0/authorize?state={state}"
        return url, {"state": state, "tenant": tenant}

    def sign_in(self, authorize_url: str, who: MicrosoftIdentity) -> dict[str, str]:
        """The person signs in as `who`; returns the query of the callback."""
        state = parse_qs(urlsplit(authorize_url).query)["state"][0]
        code = f"ms-code-{next(self._numbers)}"
        self._people[code] = who
        return {"code": code, "state": state}

    def complete(self, flow: Mapping[str, Any], query: Mapping[str, str]) -> MicrosoftIdentity:
        self.faults.before("complete")
        if not flow.get("state") or flow["state"] != query.get("state"):
            raise Denied("state_mismatch")
        if "error" in query:
            raise Denied(query["error"])
        who = self._people.pop(query.get("code", ""), None)
        if who is None:
            raise Denied("invalid_grant")
        if flow["tenant"] not in {"organizations", who.tenant_id}:
            raise Untrusted("tenant")
        return who


class FakeMeetings:
    """Implements `ports.microsoft.Meetings`: `calls` counts requests, `made` distinct meetings."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.calls: list[dict[str, Any]] = []
        self.made: dict[tuple[str, str, str], Meeting] = {}
        self.has_browser_join = True
        self.asked_for_patients: list[tuple[str, str, str]] = []
        self.while_creating: Callable[[], None] = lambda: None
        self._lock = threading.Lock()

    def create_or_get(
        self,
        *,
        tenant_id: str,
        organizer_id: str,
        external_id: str,
        start: datetime | None,
        end: datetime | None,
        lobby: Lobby,
    ) -> Meeting:
        key = (tenant_id, organizer_id, external_id)
        with self._lock:
            self.calls.append(
                {"tenant_id": tenant_id, "organizer_id": organizer_id, "external_id": external_id}
                | {"start": start, "end": end, "lobby": lobby}
            )
            self.faults.before("create_or_get")
            number = len(self.made) + 1
            made = Meeting(f"meeting-{number}", f"https://teams.example/l/meetup-join/{number}")
            meeting = self.made.setdefault(key, made)
            self.faults.after("create_or_get")
        self.while_creating()
        return meeting

    def patient_join_url(self, tenant_id: str, organizer_id: str, meeting_id: str) -> str | None:
        self.asked_for_patients.append((tenant_id, organizer_id, meeting_id))
        if not self.has_browser_join:
            return None
        number = meeting_id.removeprefix("meeting-")
        return f"https://visit.teams.example/route?meeting={number}"


class FakeAttendance:
    """Implements `ports.microsoft.Attendance`; `asked` is every look, `made` the reports by meeting.

    Like Graph it lists ten at most.
    """

    def __init__(self) -> None:
        self.faults = Faults()
        self.asked: list[dict[str, Any]] = []
        self.made: dict[tuple[str, str, str], list[AttendanceReport]] = {}
        self.while_asked: Callable[[], object] = lambda: None

    def add(
        self, tenant_id: str, organizer_id: str, meeting_id: str, report: AttendanceReport
    ) -> None:
        self.made.setdefault((tenant_id, organizer_id, meeting_id), []).append(report)

    def reports(
        self, *, tenant_id: str, organizer_id: str, meeting_id: str, since: datetime
    ) -> Sequence[AttendanceReport]:
        key = (tenant_id, organizer_id, meeting_id)
        self.asked.append({"meeting": key, "since": since})
        self.faults.before("reports")
        listed = sorted(self.made.get(key, []), key=lambda each: each.ended_at)[-10:]
        self.while_asked()
        return [each for each in listed if each.ended_at > since]


class FakeDirectory:
    """Implements `ports.microsoft.Directory`; people by (tenant, sign-in name in lower case)."""

    def __init__(self) -> None:
        self.faults = Faults()
        self._people: dict[tuple[str, str], Approver] = {}

    def add(self, tenant_id: str, approver: Approver) -> None:
        self._people[(tenant_id, approver.sign_in_name.lower())] = approver

    def find(self, tenant_id: str, sign_in_name: str) -> Approver:
        self.faults.before("find")
        try:
            return self._people[(tenant_id, sign_in_name.lower())]
        except KeyError as missing:
            raise Gone("no_such_member") from missing

    def member(self, tenant_id: str, object_id: str) -> Approver:
        self.faults.before("member")
        for (tenant, _), person in self._people.items():
            if (tenant, person.object_id) == (tenant_id, object_id):
                return person
        raise Gone("no_such_member")

    def search(self, tenant_id: str, text: str) -> Sequence[Approver]:
        self.faults.before("search")
        begin = text.strip().lower()
        found = [
            person
            for (tenant, name), person in self._people.items()
            if tenant == tenant_id and len(begin) > 1 and name.startswith(begin)
        ]
        return sorted(found, key=lambda person: person.sign_in_name)

    def disable(self, tenant_id: str, sign_in_name: str) -> None:
        """The account is disabled in Entra: no enabled member any more."""
        del self._people[(tenant_id, sign_in_name.lower())]


class FakeSubscriptions:
    """Implements `ports.microsoft.Subscriptions`; `live` is what Graph would list.

    `forget` lets one die silently, as Graph does.
    """

    def __init__(self) -> None:
        self.faults = Faults()
        self.calls: list[tuple[str, str]] = []
        self.live: dict[str, dict[str, Any]] = {}
        self._numbers = itertools.count(1)

    def create(
        self, *, tenant_id: str, join_url: str, client_state: str, expires_at: datetime
    ) -> Subscription:
        self.calls.append(("create", join_url))
        self.faults.before("create")
        for graph_id, existing in list(self.live.items()):
            if (existing["tenant_id"], existing["join_url"]) == (tenant_id, join_url):
                del self.live[graph_id]
        graph_id = f"subscription-{next(self._numbers)}"
        self.live[graph_id] = {
            "tenant_id": tenant_id,
            "join_url": join_url,
            "client_state": client_state,
            "expires_at": expires_at,
        }
        self.faults.after("create")
        return Subscription(graph_id, expires_at)

    def renew(self, tenant_id: str, graph_id: str, expires_at: datetime) -> Subscription:
        self.calls.append(("renew", graph_id))
        self.faults.before("renew")
        if graph_id not in self.live or self.live[graph_id]["tenant_id"] != tenant_id:
            raise Gone("http_404")
        self.live[graph_id]["expires_at"] = expires_at
        return Subscription(graph_id, expires_at)

    def delete(self, tenant_id: str, graph_id: str) -> None:
        self.calls.append(("delete", graph_id))
        self.faults.before("delete")
        if self.live.get(graph_id, {}).get("tenant_id") == tenant_id:
            del self.live[graph_id]

    def forget(self, graph_id: str) -> None:
        del self.live[graph_id]


class FakeNotificationReader:
    """Implements `ports.microsoft.NotificationReader` without cryptography.

    `post(...)` scripts what the body it returns will split and open to.
    """

    def __init__(self) -> None:
        self.faults = Faults()
        self.trusted_tokens: dict[str, frozenset[str]] = {}
        self._posts: dict[bytes, tuple[list[UnverifiedItem], list[str]]] = {}
        self._events: dict[str, CallEvent | None] = {}

    def post(
        self,
        events: Sequence[tuple[str, str, str, CallEvent | None]],
        *,
        tokens_for: frozenset[str] | None = None,
    ) -> bytes:
        """A body holding (subscription id, client state, tenant id, event) items.

        Its validation token vouches for `tokens_for`, else for every tenant named.
        """
        number = len(self._posts) + 1
        items = []
        for position, (subscription_id, client_state, tenant_id, event) in enumerate(events):
            key = f"{number}.{position}"
            self._events[key] = event
            items.append(UnverifiedItem(subscription_id, client_state, tenant_id, {"key": key}))
        token = f"token-{number}"
        tenants = frozenset(item.tenant_id for item in items)
        self.trusted_tokens[token] = tenants if tokens_for is None else tokens_for
        body = f'{{"post": {number}}}'.encode()
        self._posts[body] = (items, [token])
        return body

    def split(self, body: bytes) -> tuple[Sequence[UnverifiedItem], Sequence[str]]:
        self.faults.before("split")
        try:
            return self._posts[body]
        except KeyError as unknown:
            raise BadAnswer("not_json") from unknown

    def verify_tokens(
        self,
        tokens: Sequence[str],
        tenant_ids: frozenset[str],
        *,
        also_named: frozenset[str] = frozenset(),
    ) -> None:
        self.faults.before("verify_tokens")
        vouched: frozenset[str] = frozenset()
        for token in tokens:
            if token not in self.trusted_tokens:
                raise Untrusted("signature")
            vouched |= self.trusted_tokens[token]
        if not tenant_ids <= vouched <= tenant_ids | also_named:
            raise Untrusted("tenant")

    def open(self, item: UnverifiedItem) -> CallEvent | None:
        self.faults.before("open")
        try:
            return self._events[item.raw["key"]]
        except KeyError as forged:
            raise Untrusted("hmac") from forged
