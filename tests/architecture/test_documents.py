"""Documentation that can be compared with the code is compared."""

import re
from pathlib import Path

from prometheus_client import REGISTRY
from scripts.data_inventory import BETWEEN, inventory

from connector.adapters.azure import failures
from connector.adapters.telemetry import metrics
from connector.cli import vault_words
from connector.domain.audit import Event
from connector.domain.errors import Reason
from connector.web.refusals import PROBLEMS

DATA = Path("docs/data.md").read_text()
RUNBOOKS = {p.stem: p.read_text() for p in Path("docs/runbooks").glob("*.md")}


def test_every_stored_column_stands_in_the_data_inventory() -> None:
    found = BETWEEN.search(DATA)
    assert found is not None
    assert found.group().strip() == inventory().strip()


def test_every_column_says_what_it_holds_and_how_long_it_is_kept() -> None:
    rows = [line.split("|") for line in inventory().splitlines()[2:]]
    assert [row[1:3] for row in rows if not row[3].strip() or not row[4].strip()] == []


def test_every_metric_stands_in_the_data_inventory() -> None:
    assert metrics.LAUNCH_STEPS is not None
    ours = {m.name for m in REGISTRY.collect() if m.name.startswith("connector_")}
    documented = {n.removesuffix("_total") for n in re.findall(r"`(connector_[a-z_]+)`", DATA)}
    assert ours == documented


def test_every_log_event_stands_in_the_data_inventory() -> None:
    source = "".join(
        p.read_text() for p in Path("services/connector/adapters/telemetry").glob("*.py")
    )
    logged = set(re.findall(r'"((?:process|http|library)\.[a-z_.]+)"', source))
    assert logged == set(re.findall(r"`((?:process|http|library)\.[a-z_.]+)`", DATA))


def test_every_sealed_cookie_stands_in_the_data_inventory() -> None:
    source = "".join(p.read_text() for p in Path("services/connector/web").glob("*.py"))
    sealed = set(re.findall(r'SealedCookie\(\s*"([a-z]+)"', source))
    assert sealed == set(re.findall(r"`__Host-([a-z]+)-…`", DATA))


def test_every_refusal_has_words() -> None:
    assert set(PROBLEMS) == set(Reason)


def test_every_refusal_is_answered_in_the_runbook_its_page_names() -> None:
    missing = [
        f"{reason} in {problem.runbook}.md"
        for reason, problem in PROBLEMS.items()
        if f"`{reason}`" not in RUNBOOKS[problem.runbook]
    ]
    assert missing == []


AZURE = {
    code
    for name, code in vars(failures).items()
    if name.startswith(("VAULT_", "IDENTITY_")) and isinstance(code, str)
} | set(failures._CODES.values())


def test_every_refusal_of_the_vault_is_told_to_operators() -> None:
    assert AZURE - vault_words._WORDS.keys() == set()


def test_every_refusal_of_the_vault_that_a_launch_can_meet_is_in_its_runbook() -> None:
    """A launch adds no secret, so it meets no deleted one."""
    told = set(re.findall(r"^\| (`.*?) \|", RUNBOOKS["launch"], re.MULTILINE))
    codes = {code for cell in told for code in re.findall(r"`([a-z_]+)`", cell)}
    assert AZURE - {failures.VAULT_DELETED} - codes == set()
    assert len(AZURE) > 8


def test_every_local_link_of_the_documents_leads_somewhere() -> None:
    pages = [*Path().glob("*.md"), *Path("docs").rglob("*.md")]
    links = [(p, t) for p in pages for t in re.findall(r"\]\(([^)#]+)\)", p.read_text())]
    broken = [f"{p}: {t}" for p, t in links if "://" not in t and not (p.parent / t).exists()]
    assert broken == []


def test_every_refusal_and_audit_event_is_raised_somewhere() -> None:
    code = "".join(
        p.read_text()
        for p in Path("services/connector").rglob("*.py")
        if p.name not in {"refusals.py", "errors.py"}
    )
    names = [f"Reason.{r.name}" for r in Reason] + [f"Event.{e.name}" for e in Event]
    assert [name for name in names if not re.search(rf"\b{name}\b", code)] == []
