"""What every page must be, whatever is on it: read from its HTML."""

import itertools

from bs4 import BeautifulSoup, Tag
from flask.testing import FlaskClient

_INPUTS_WITHOUT_LABEL = {"hidden", "submit", "button"}


def read(html: str) -> BeautifulSoup:
    return BeautifulSoup(html, "lxml")


def get(client: FlaskClient, path: str, status: int = 200) -> BeautifulSoup:
    answer = client.get(path, base_url="https://localhost")
    assert answer.status_code == status
    return read(answer.text)


def text_of(page: BeautifulSoup, selector: str) -> str:
    return " ".join(found.get_text(" ", strip=True) for found in page.select(selector))


def faults_of(html: str) -> list[str]:
    """Everything about a page that breaks a promise to all pages; an empty list is a good page."""
    page = read(html)
    return [
        *_inline_code(page),
        *_unlabelled(page),
        *_headings(page),
        *_duplicate_ids(page),
        *_forms_without_token(page),
        *_broken_references(page),
        *_frame(page),
    ]


def _inline_code(page: BeautifulSoup) -> list[str]:
    scripts = [f"inline script {s}" for s in page("script") if not s.get("src") or s.text.strip()]
    styles = [f"inline style {s}" for s in page("style")]
    attributes = [
        f"attribute {name} on {tag.name}"
        for tag in page(True)
        for name in tag.attrs
        if name == "style" or name.startswith("on")
    ]
    addresses = [
        f"address {tag.get(name)}"
        for tag in page(True)
        for name in ("src", "href")
        if str(tag.get(name, "")).lower().startswith(("javascript:", "http://", "//"))
    ]
    return scripts + styles + attributes + addresses


def _unlabelled(page: BeautifulSoup) -> list[str]:
    labelled = {label.get("for") for label in page("label") if label.text.strip()}
    return [
        f"no label: {field}"
        for field in page(["input", "select", "textarea", "meter"])
        if field.get("type") not in _INPUTS_WITHOUT_LABEL and field.get("id") not in labelled
    ]


def _headings(page: BeautifulSoup) -> list[str]:
    levels = [int(h.name[1]) for h in page(["h1", "h2", "h3", "h4"])]
    faults = [] if levels.count(1) == 1 else [f"{levels.count(1)} headings of level 1"]
    jumps = itertools.pairwise(levels)
    return faults + [f"heading jumps {a} to {b}" for a, b in jumps if b > a + 1]


def _duplicate_ids(page: BeautifulSoup) -> list[str]:
    ids = [str(tag["id"]) for tag in page(id=True)]
    return [f"id {i} twice" for i in sorted(set(ids)) if ids.count(i) > 1]


def _forms_without_token(page: BeautifulSoup) -> list[str]:
    return [
        f"no csrf token: {form.get('action')}"
        for form in page("form", method="post")
        if form.get("id") != "post-on" and not _has_token(form)
    ]


def _has_token(form: Tag) -> bool:
    token = form.find("input", attrs={"name": "csrf_token"})
    return isinstance(token, Tag) and token.get("type") == "hidden" and bool(token.get("value"))


def _broken_references(page: BeautifulSoup) -> list[str]:
    ids = {tag["id"] for tag in page(id=True)}
    named = [
        (attribute, one)
        for attribute in ("aria-labelledby", "aria-describedby", "list", "data-copies")
        for tag in page(attrs={attribute: True})
        for one in str(tag[attribute]).split()
    ]
    return [f"{attribute} names {one}" for attribute, one in named if one not in ids]


def _frame(page: BeautifulSoup) -> list[str]:
    wanted = {
        "language": page.select_one("html[lang]"),
        "viewport": page.select_one("meta[name=viewport]"),
        "main": page.select_one("main#main"),
        "skip link": page.select_one('a[href="#main"]'),
        "title": page.title and page.title.text.strip(),
    }
    return [f"no {name}" for name, found in wanted.items() if not found]
