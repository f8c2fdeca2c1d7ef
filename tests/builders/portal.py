"""Somebody in the portal: opens pages, fills in forms and presses buttons, without a script running."""

from typing import Any

from bs4 import BeautifulSoup, Tag
from flask.testing import FlaskClient
from tests.builders.web import ORIGIN, Site
from werkzeug.test import TestResponse

from connector.domain.organization import MicrosoftIdentity

_REDIRECTS = frozenset({302, 303})


class Visitor:
    """One browser of one signed-in person; `page`, `status` and `path` are of the last answer."""

    page: BeautifulSoup
    answer: TestResponse
    path: str

    def __init__(self, site: Site, who: MicrosoftIdentity) -> None:
        self.browser: FlaskClient = site.signed_in(site.browser(), who)

    def open(self, path: str) -> "Visitor":
        """Go there, and wherever it leads inside the connector."""
        self._arrive(path, self.browser.get(path, base_url=ORIGIN))
        return self

    def press(self, button_id: str, **typed: Any) -> "Visitor":
        """Fill in the fields of the button's form by name and submit it with this button."""
        button = self.element(f"#{button_id}")
        form = button.find_parent("form")
        assert isinstance(form, Tag)
        data = _filled_in(form) | typed
        if button.get("name"):
            data[str(button["name"])] = str(button.get("value", ""))
        path = str(form.get("action") or self.path)
        self._arrive(path, self.browser.post(path, base_url=ORIGIN, data=data))
        return self

    def element(self, selector: str) -> Tag:
        found = self.page.select_one(selector)
        assert found is not None, f"{self.path} has no {selector}: {self.text('h1')}"
        return found

    def has(self, selector: str) -> bool:
        return self.page.select_one(selector) is not None

    def text(self, selector: str) -> str:
        found = self.page.select(selector)
        return " ".join(part.get_text(" ", strip=True) for part in found)

    def value(self, field_id: str) -> str:
        field = self.element(f"#{field_id}")
        return _value(field) or ""

    @property
    def status(self) -> int:
        return self.answer.status_code

    def _arrive(self, path: str, answer: TestResponse) -> None:
        if answer.status_code in _REDIRECTS and answer.location.startswith("/"):
            self.open(answer.location.partition("#")[0])
            return
        self.path, self.answer = path, answer
        self.page = BeautifulSoup(answer.text, "lxml")


def _filled_in(form: Tag) -> dict[str, Any]:
    """What a browser would send of the form as it stands."""
    fields = form.find_all(["input", "select", "textarea"])
    sent = {str(field["name"]): _value(field) for field in fields if field.get("name")}
    return {name: value for name, value in sent.items() if value is not None}


def _value(field: Tag) -> str | None:
    """None for what is not sent: boxes nobody ticked."""
    if field.name == "textarea":
        return field.get_text().removeprefix("\n")
    if field.name == "select":
        options = field.find_all("option")
        chosen = [option for option in options if option.has_attr("selected")] or options[:1]
        return str(chosen[0].get("value", "")) if chosen else None
    if field.get("type") in {"checkbox", "radio"} and not field.has_attr("checked"):
        return None
    return str(field.get("value", ""))
