"""What the connector tells a person, read from its own pages; nothing here is written by the script."""

import re
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import bs4
from scripts.story.person import PageUnexpected, Person

_REFERENCE = re.compile(r"[0-9A-Z]{4}-[0-9A-Z]{4}")


@dataclass(frozen=True, slots=True)
class Shown:
    """One explanation as somebody saw it.

    `reference` is what they read out to the help desk, `help_pages` the addresses of the runbook
    sections that the page leads to.
    """

    title: str
    cause: str
    remedy: str
    reference: str
    help_pages: tuple[str, ...] = ()

    def incomplete(self) -> list[str]:
        """Names of what is missing."""
        empty = [name for name in ("title", "cause", "remedy") if not getattr(self, name)]
        return empty if _REFERENCE.fullmatch(self.reference) else [*empty, "reference"]


def problem_page(person: Person) -> Shown:
    """A page that is nothing but the refusal."""
    return _shown(person, person.title, person.text("cause"), person.text("remedy"))


def refused_form(person: Person) -> Shown:
    """A form that came back: its problem on top names cause and remedy of each field."""
    problems = person.element("problems")
    said = _text(problems.find("li") or problems.find("p"))
    cause, _, remedy = said.partition(": ")[2].partition(". ")
    return _shown(person, _text(problems.find("h2")), cause, remedy)


def different_record(person: Person, token: str) -> Shown:
    """The verifier's page, what it says of one token."""
    row = person.browser.page.find("tr", attrs={"data-token": token})
    if not isinstance(row, bs4.Tag):
        raise PageUnexpected(f"{person.where} does not say that {token} differs")
    issued, held = (_text(cell) for cell in row.find_all("td"))
    cause = f"{token}: issued {issued}, in the EHR {held}"
    advice = _text(row.find_next_sibling("tr", class_="advice"))
    return _shown(person, person.title, cause, advice)


def missing_point(person: Person, readiness: str) -> Shown:
    """A point of a promotion plan that is not ready."""
    point = person.browser.page.find("li", attrs={"data-readiness": readiness, "data-ready": "no"})
    if not isinstance(point, bs4.Tag):
        raise PageUnexpected(f"{person.where} does not list {readiness} as missing")
    paragraphs = [_text(p) for p in point.find_all("p")]
    title = _text(point.find("h3")).removesuffix(": missing").strip()
    return _shown(person, title, paragraphs[0], paragraphs[-1])


def visit_page(person: Person) -> Shown:
    """The clinician's live page: where the visit stands, since when, and what to do."""
    where = person.element("visit-state")
    return _shown(person, _text(where), person.text("roster"), _text(where.find_next("p")))


def notice(person: Person, element_id: str) -> Shown:
    """A notice on a page: heading, cause, remedy."""
    found = person.element(element_id)
    cause, remedy = (_text(p) for p in found.find_all("p")[:2])
    return _shown(person, _text(found.find("h3")), cause, remedy)


def runbook_section(person: Person, anchor: str) -> Shown:
    """A section of the errors runbook as the connector serves it."""
    title = person.element(anchor).find_next("strong")
    why, remedy = (_point(title, label) for label in ("Why:", "Remedy:"))
    return Shown(_text(title), why, remedy, person.text("page-reference"))


def _point(title: bs4.Tag | None, label: str) -> str:
    points = title.find_next("ul") if title else None
    for point in points.find_all("li") if points else ():
        if _text(point).startswith(label):
            return _text(point).removeprefix(label).strip()
    return ""


def _shown(person: Person, title: str, cause: str, remedy: str) -> Shown:
    reference = person.text("reference" if person.has("reference") else "page-reference")
    return Shown(title, cause, remedy, reference, tuple(_help_pages(person)))


def _help_pages(person: Person) -> list[str]:
    """Sections of runbooks that the page leads to, each once."""
    addresses = [urljoin(person.url, str(a["href"])) for a in person.browser.page.select("a[href]")]
    sections = [a for a in addresses if urlsplit(a).path.startswith("/help/") and "#" in a]
    return list(dict.fromkeys(sections))


def _text(tag: bs4.Tag | None) -> str:
    return " ".join(tag.get_text(" ", strip=True).split()) if tag else ""
