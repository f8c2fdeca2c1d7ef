"""The runbooks inside the connector: what each refusal means and what to do, open to everybody.

What a document says is shown as text and never as markup of its own; its headings, and the rows that
explain a reason or an error number, can be linked to: `/help/approval#not_the_approver`, `#e4`.
https://spec.commonmark.org
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import pairwise

from flask import Blueprint, abort, render_template
from markdown_it import MarkdownIt
from markdown_it.token import Token

blueprint = Blueprint("help", __name__, url_prefix="/help")

_REASON = re.compile(r"[a-z_]+")
_ERROR_NUMBER = re.compile(r"(E\d+)\b")
_NOT_IN_AN_ANCHOR = re.compile(r"[^a-z0-9_]+")
_RUNBOOK_LINK = re.compile(r"(?:\./)?([a-z0-9-]+)\.md(#[a-z0-9_-]+)?")


@blueprint.get("")
def index() -> str:
    return render_template("help_index.html", titles=_titles())


@blueprint.get("/<name>")
def page(name: str) -> str:
    if name not in _runbooks():
        abort(404)
    return render_template("help.html", title=_titles()[name], body=rendered(_runbooks()[name]))


@cache
def _runbooks() -> Mapping[str, str]:
    """Text of every runbook by name, in alphabetical order."""
    folder = files("connector.web") / "runbooks"
    found = {f.name.removesuffix(".md"): f.read_text("utf-8") for f in folder.iterdir()}
    return dict(sorted(found.items()))


@cache
def _titles() -> Mapping[str, str]:
    """First heading of every runbook, without the word it begins with."""
    return {
        name: text.partition("\n")[0].lstrip("# ").removeprefix("Runbook:").strip().capitalize()
        for name, text in _runbooks().items()
    }


def rendered(text: str) -> str:
    """A runbook as HTML without its title: raw HTML escaped, anchors set, links kept inside or marked."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    tokens = _without_title(markdown.parse(text))
    _anchor(tokens)
    for token in tokens:
        for child in token.children or ():
            if child.type == "link_open":
                _relink(child)
    return str(markdown.renderer.render(tokens, markdown.options, {}))


def _without_title(tokens: Sequence[Token]) -> list[Token]:
    title = bool(tokens) and tokens[0].tag == "h1"
    return list(tokens[3:] if title else tokens)


def _anchor(tokens: Sequence[Token]) -> None:
    """Ids for headings, and for the reasons and error numbers a row begins with; each id once."""
    used: set[str] = set()
    for before, token in pairwise(_headings_and_first_cells(tokens)):
        if token.type == "inline":
            for owner, name in _anchors(before, token):
                if name and name not in used:
                    owner.attrSet("id", name)
                    used.add(name)


def _headings_and_first_cells(tokens: Sequence[Token]) -> list[Token]:
    """Each opening tag among them, followed by its text."""
    wanted = [
        place
        for place, token in enumerate(tokens)
        if token.type == "heading_open"
        or (token.type == "td_open" and _is_first_cell(tokens, place))
    ]
    return [token for place in wanted for token in tokens[place : place + 2]]


def _is_first_cell(tokens: Sequence[Token], place: int) -> bool:
    return tokens[place - 1].type == "tr_open"


def _anchors(owner: Token, text: Token) -> list[tuple[Token, str]]:
    """What can be linked to of one heading or cell, and by which name."""
    codes = [c for c in text.children or () if c.type == "code_inline"]
    reasons = [(c, c.content) for c in codes if _REASON.fullmatch(c.content)]
    if reasons:
        return reasons
    if number := _ERROR_NUMBER.match(text.content):
        return [(owner, number.group(1).lower())]
    if owner.type == "heading_open":
        return [(owner, _NOT_IN_AN_ANCHOR.sub("-", text.content.lower()).strip("-"))]
    return []


def _relink(link: Token) -> None:
    """Another runbook is a page here; a page elsewhere learns nothing of ours; other files have none."""
    href = str(link.attrGet("href") or "")
    if found := _RUNBOOK_LINK.fullmatch(href):
        link.attrSet("href", f"/help/{found.group(1)}{found.group(2) or ''}")
    elif href.startswith("https://"):
        link.attrSet("rel", "noopener noreferrer external")
    elif not href.startswith("#"):
        link.attrs = {}
