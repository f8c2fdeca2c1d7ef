"""The runbooks as pages of the connector: every reason has its anchor, and text stays text."""

import pytest
from tests.unit.web.page_reading import faults_of, read
from tests.unit.web.pages_world import PagesWorld

from connector.domain.errors import Reason
from connector.web.help_pages import rendered
from connector.web.refusals import PROBLEMS

PAGES = sorted({problem.runbook for problem in PROBLEMS.values()} | {"doctor", "errors"})


def get(world: PagesWorld, path: str) -> str:
    return world.client(None).get(path, base_url="https://localhost").text


def test_anybody_finds_every_runbook_from_the_index(world: PagesWorld) -> None:
    html = get(world, "/help")
    listed = {a["href"] for a in read(html).select("#runbooks a")}
    assert {f"/help/{name}" for name in PAGES} <= listed
    assert faults_of(html) == []


@pytest.mark.parametrize("name", PAGES)
def test_a_runbook_is_a_page_like_every_other(name: str, world: PagesWorld) -> None:
    html = get(world, f"/help/{name}")
    assert faults_of(html) == []
    assert read(html).h1.text


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_its_anchor_on_the_page_its_problem_names(
    reason: Reason, world: PagesWorld
) -> None:
    page = read(get(world, f"/help/{PROBLEMS[reason].runbook}"))
    assert page.find(id=reason.value) is not None


@pytest.mark.parametrize("number", range(1, 15))
def test_every_documented_error_has_its_anchor(number: int, world: PagesWorld) -> None:
    assert read(get(world, "/help/errors")).find(id=f"e{number}") is not None


@pytest.mark.parametrize("name", ["nothing", "..", "approval.md", "../../etc/passwd", "%2e%2e"])
def test_there_is_no_other_page(name: str, world: PagesWorld) -> None:
    assert world.client(None).get(f"/help/{name}", base_url="https://localhost").status_code == 404


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "a <img src=x onerror=alert(1)> b",
        "[x](javascript:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        "![x](https://evil.example/pixel.png)",
        "| a |\n|---|\n| <b onclick=x>y</b> |",
    ],
)
def test_no_markup_of_a_document_gets_through(text: str) -> None:
    page = read(rendered(text))
    assert page(["script", "img", "b"]) == []
    assert [a for a in page("a") if not str(a.get("href", "https")).startswith("https")] == []


@pytest.mark.parametrize(
    ("text", "href", "rel"),
    [
        ("[x](launch.md)", "/help/launch", None),
        ("[x](./launch.md#e4)", "/help/launch#e4", None),
        ("[x](#e4)", "#e4", None),
        ("[x](../adr/0001.md)", None, None),
        ("[x](http://plain.example)", None, None),
        (
            "[x](https://elsewhere.example)",
            "https://elsewhere.example",
            "noopener noreferrer external",
        ),
    ],
)
def test_links_stay_inside_or_tell_the_other_side_nothing(
    text: str, href: str | None, rel: str | None
) -> None:
    (link,) = read(rendered(text))("a")
    assert link.get("href") == href
    assert " ".join(link.get("rel", [])) == (rel or "")


def test_anchors_come_from_headings_reasons_and_error_numbers_once_each() -> None:
    page = read(
        rendered(
            "# T\n\n## Clock skew!\n\n## E4 Patients\n\n| a | b |\n|---|---|\n| `role_missing` | x |\n| `role_missing` | y |\n| E8 | z |"
        )
    )
    ids = [tag["id"] for tag in page(id=True)]
    assert ids == ["clock-skew", "e4", "role_missing", "e8"]
    assert page.h1 is None
