"""The pages about infrastructure say what the program does: names, counts, rules, commands and links."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from tests.unit.release.recorded_help import commands_in, unknown_flags

from connector.web.help_pages import rendered
from ehr_infra import capacity
from ehr_infra.agreement import REVISIONS_AT_ONCE
from ehr_infra.components import alert_catalogue as alerts
from ehr_infra.config import KEYS, PROJECT, ConfigurationInvalid, read
from ehr_infra.rules import RULES, as_markdown
from rehearsal.life_cycle.steps import STEPS
from rehearsal.recording import ALL, DIGEST, recorded, run

DEPLOYING = Path("docs/deploying.md")
INFRASTRUCTURE = Path("docs/infrastructure.md")
RUNBOOK = Path("docs/runbooks/stamp.md")
PAGES = [
    DEPLOYING,
    INFRASTRUCTURE,
    RUNBOOK,
    Path("docs/new-geography.md"),
    *(next(Path("docs/adr").glob(f"{number}-*.md")) for number in ("0011", "0012", "0013")),
]
MAKE_TARGETS = set(re.findall(r"^([a-z][a-z-]*):", Path("Makefile").read_text(), re.MULTILINE))
RESOURCE_ROW = re.compile(
    r"^\| `(\w+:\w+)` \| (\d+) \| (\d+) \|.*\| ([RS0-9 ]+) \| [a-z, ]+ \|$", re.MULTILINE
)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
SUBSCRIPTIONS = json.loads(Path("infra/stacks/subscriptions.json").read_text())
WHAT_A_PERSON_TYPES = {
    *(
        "az",
        "pulumi",
        "make",
        "git",
        "docker",
        "export",
        "printf",
        "shred",
        "sed",
        "curl",
        "python3",
    ),
}


def test_the_table_of_rules_is_the_rules() -> None:
    _, _, rest = INFRASTRUCTURE.read_text().partition("<!-- rules -->\n")
    table, end, _ = rest.partition("\n<!-- end of rules -->")
    assert end
    assert table == as_markdown()


def test_every_type_any_stamp_registers_has_a_row() -> None:
    rows = {row[0] for row in RESOURCE_ROW.findall(INFRASTRUCTURE.read_text())}
    types = {r.type.removeprefix("azure-native:") for stack in ALL for r in recorded(stack).azure}
    assert rows == types


@pytest.mark.parametrize(("environment", "column"), [("test", 1), ("production", 2)])
def test_the_counts_are_what_a_stamp_registers(environment: str, column: int) -> None:
    rows = {r[0]: int(r[column]) for r in RESOURCE_ROW.findall(INFRASTRUCTURE.read_text())}
    made = recorded(f"emea-{environment}")
    rows = {kind: count for kind, count in rows.items() if count}
    assert rows == Counter(r.type.removeprefix("azure-native:") for r in made.azure)


def test_every_rule_a_row_names_exists_and_every_rule_but_three_guards_a_row() -> None:
    named = {
        rule for row in RESOURCE_ROW.findall(INFRASTRUCTURE.read_text()) for rule in row[3].split()
    }
    # Nothing is replicated, one region, every type: these are about all of them.
    assert {rule.id for rule in RULES} - named <= {"R03", "S02"}
    assert named <= {rule.id for rule in RULES}


def alert_names() -> list[str]:
    watched = (
        *alerts.OF_DATABASE,
        alerts.few_connections(100),
        *alerts.OF_VAULT,
        *alerts.OF_GATEWAY,
        *alerts.OF_APP,
        alerts.few_replicas(3),
        *alerts.QUERIES,
        *alerts.ACTIVITIES,
    )
    return [*(each.name for each in watched), alerts.UNREACHABLE[0], "budget"]


def sections() -> dict[str, str]:
    """Text of the runbook by its second headings."""
    parts = re.split(r"^## ", RUNBOOK.read_text(), flags=re.MULTILINE)[1:]
    return {part.partition("\n")[0]: part.partition("\n")[2] for part in parts}


@pytest.mark.parametrize("name", alert_names())
def test_every_alert_has_a_section_that_says_what_to_do(name: str) -> None:
    section = sections()[f"`{name}`"]
    for word in ("| means |", "| people notice |", "| who acts |", "First look", "Remedy:"):
        assert word in section, word


def test_the_runbook_has_no_section_for_an_alert_that_is_gone() -> None:
    assert set(sections()) == {f"`{name}`" for name in alert_names()} | {"Disaster recovery"}


def test_every_alert_s_mail_leads_to_its_section_in_the_connector_s_help_too() -> None:
    html = rendered(RUNBOOK.read_text())
    missing = [name for name in alert_names() if f'id="{name}"' not in html]
    assert missing == []


def keys_in(text: str) -> set[str]:
    """Words in backquotes that look like a key: camel case, nothing else."""
    return set(re.findall(r"`([a-z]+(?:[A-Z][a-z]+)+)`", text))


def test_every_configuration_key_the_pages_mention_exists() -> None:
    outputs = {name for stack in ALL for name in recorded(stack).outputs}
    mentioned = {key for page in PAGES for key in keys_in(page.read_text())}
    assert mentioned - set(KEYS) - outputs == set()


def test_every_key_set_on_the_command_line_exists() -> None:
    calls = [call for page in PAGES for call in commands_in(page.read_text())]
    keys = {call[3] for call in calls if call[:3] == ["pulumi", "config", "set"]}
    assert keys
    assert keys <= set(KEYS)


def test_every_acceptance_check_is_shown_by_something_that_exists() -> None:
    section = INFRASTRUCTURE.read_text().partition("## Acceptance")[2]
    rows = re.findall(r"^\| (\d+) \|.*\| (.+) \|$", section, re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 21))
    assert all(shown for _, shown in rows)
    named = set(re.findall(r"`(test_\w+)`", section))
    sources = [p.read_text() for p in Path("tests").rglob("test_*.py")]
    defined = {name for text in sources for name in re.findall(r"def (test_\w+)", text)}
    assert named <= defined


def test_every_make_target_the_pages_mention_exists() -> None:
    mentioned = {
        target
        for page in PAGES
        for target in re.findall(r"(?:`|\$ )make ([a-z-]+)", page.read_text())
    }
    assert mentioned
    assert mentioned - MAKE_TARGETS == set()


def test_every_path_the_pages_mention_exists() -> None:
    roots = ("scripts", "infra", "tests", "docs", "services", "tools")
    pattern = re.compile(rf"\b((?:{'|'.join(roots)})/[\w./-]*[\w/])")
    missing = [
        f"{page}: {path}"
        for page in PAGES
        for path in pattern.findall(re.sub(r"\]\([^)]*\)", "]", page.read_text()))
        if not Path(path).exists() and "swiss" not in path and "-old" not in path
    ]
    assert missing == []


def anchors(page: Path) -> set[str]:
    """As GitHub makes them."""
    plain = (
        re.sub(r"[`*]|\]\([^)]*\)|\[", "", title).lower()
        for title in HEADING.findall(page.read_text())
    )
    return {re.sub(r"[^\w -]", "", title).replace(" ", "-") for title in plain}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_local_link_and_its_anchor_lead_somewhere(page: Path) -> None:
    wrong = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        path, _, anchor = target.partition("#")
        if "://" in target:
            continue
        other = (page.parent / path).resolve() if path else page.resolve()
        if not other.exists() or (
            anchor and other.suffix == ".md" and anchor not in anchors(other)
        ):
            wrong.append(target)
    assert wrong == []


def typed(page: Path) -> Iterator[str]:
    """Every line of a console block."""
    for block in re.findall(r"```console\n(.*?)\n *```", page.read_text(), re.DOTALL):
        yield from block.splitlines()


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_a_console_block_is_one_command_a_line_that_can_be_typed(page: Path) -> None:
    for line in typed(page):
        command = line.strip()
        assert command.startswith("$ "), line
        first = command.removeprefix("$ ").split()[0]
        assert first in WHAT_A_PERSON_TYPES or Path(first).exists(), line
        assert " && " not in command, line
        with_flags = [c for c in commands_in(command) if any(w.startswith("-") for w in c)]
        assert [problem for call in with_flags for problem in unknown_flags(call)] == [], line


def test_every_change_of_a_stamp_is_judged_by_the_pack() -> None:
    ups = [
        " ".join(call)
        for page in PAGES
        for line in typed(page)
        for call in commands_in(line)
        if call[:2] in (["pulumi", "up"], ["pulumi", "preview"])
    ]
    assert ups
    assert [up for up in ups if "--policy-pack infra/policy" not in up] == []


WRONG = [
    ("emea-test", {"subscriptionId": "00000000-0000-4000-8000-000000000009"}),
    ("emea-test", {"location": "Sweden Central"}),
    ("emea-test", {"location": "eastus2"}),
    ("emea-test", {"location": "westeurope"}),
    ("emea-test", {"vnetCidr": "10.0.0.0/24"}),
    ("emea-test", {"imageDigest": "latest"}),
    ("emea-test", {"alertEmail": ["somebody@example.org"]}),
    ("emea-test", {"hostName": "emea.test.example.org"}),
    ("emea-production", {"minReplicas": 1}),
    ("emea-production", {"maxReplicas": 60}),
    ("emea-production", {"vnetCidr": "10.41.32.0/20"}),
]


@pytest.mark.parametrize(("stack", "changes"), WRONG, ids=lambda each: str(each)[:40])
def test_the_refusals_are_quoted_as_they_are_said(stack: str, changes: dict[str, object]) -> None:
    prefix = f"{PROJECT}:"
    file = Path(f"infra/stacks/Pulumi.{stack}.yaml")
    written = yaml.safe_load(file.read_text())["config"]
    values = {k.removeprefix(prefix): v for k, v in written.items() if k.startswith(prefix)}
    with pytest.raises(ConfigurationInvalid) as refused:
        read(stack, values | changes, SUBSCRIPTIONS)
    (problem,) = refused.value.problems
    assert f"| `{problem}` |" in DEPLOYING.read_text()


def test_the_pages_count_what_a_preview_counts() -> None:
    text = DEPLOYING.read_text()
    test, production = (run(f"emea-{e}", imageDigest=None) for e in ("test", "production"))
    job = run("emea-test", imageDigest=None, migrateDigest=DIGEST)
    service = run("emea-test", imageDigest=DIGEST)
    # The stack itself is one more.
    assert f"`+ {len(test.resources) + 1} to create` for a test stamp" in text
    assert f"`+ {len(production.resources) + 1}` in production" in text
    assert f"(`+ {len(job.resources) - len(test.resources)} to create`)" in text
    assert f"`+ {len(service.resources) - len(job.resources)} to create`" in text
    assert len(STEPS) == 17
    assert "plays seventeen steps" in text


@pytest.mark.parametrize("environment", ["test", "production"])
def test_the_connections_are_what_the_program_reckons(environment: str) -> None:
    made = recorded(f"emea-{environment}")
    scale = {r.name: r.inputs["template"]["scale"] for r in made.of("app:ContainerApp")}
    others = scale["app-feed"]["maxReplicas"] + scale["app-worker"]["maxReplicas"]
    web = scale["app-connector"]
    asked = capacity.connections_asked(
        web_replicas=REVISIONS_AT_ONCE * web["maxReplicas"], workers=2, threads=16, others=others
    )
    sku = made.one("dbforpostgresql:Server").inputs["sku"]["name"]
    text = INFRASTRUCTURE.read_text()
    assert f"{asked} of {capacity.user_connections(sku)}" in text
    assert f"`{sku}`" in text
    assert f"{web['minReplicas']} to {web['maxReplicas']}" in text


def test_every_environment_variable_of_a_container_is_named_on_the_page() -> None:
    text = INFRASTRUCTURE.read_text()
    template = recorded("emea-production").one("app:Job", "job-migrate").inputs["template"]
    names = {each["name"] for each in template["containers"][0]["env"]}
    assert [name for name in sorted(names) if f"`{name}`" not in text] == []


def test_what_production_protects_is_on_the_page() -> None:
    text = INFRASTRUCTURE.read_text().partition("Protected in production:")[2].partition("\n\n")[0]
    words = {
        "resources:ResourceGroup": "resource group",
        "network:VirtualNetwork": "network",
        "network:Subnet": "subnets",
        "network:PublicIPAddress": "public addresses",
        "app:ManagedEnvironment": "environment",
        "operationalinsights:Workspace": "workspace",
        "keyvault:Vault": "vault",
        "keyvault:Key": "keys",
        "containerregistry:Registry": "registry",
        "dbforpostgresql:Server": "server",
        "dbforpostgresql:Database": "database",
    }
    made = recorded("emea-production").azure
    protected = {r.type.removeprefix("azure-native:") for r in made if r.protect}
    assert protected == set(words)
    assert [word for word in words.values() if word not in text] == []
