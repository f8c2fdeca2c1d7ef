"""The real engine asks the pack: a fault of every rule is refused, named, and nothing is written.

`test_policy_pack.py` plays the engine itself; here it is Pulumi's, and the program is the repository's.
"""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
from tests.infra.rules.under_the_cli import FAULTS, Fault, Seen, story

from ehr_infra.rules import RULES, rule

pytestmark = pytest.mark.pulumi
# A preview shows a stack reference by its provider alone, which the other half of S04 refuses.
NOT_IN_A_PREVIEW = {"S04-stack"}


@pytest.fixture(scope="module")
def told() -> tuple[Seen, Seen, list[str]]:
    # A process of its own: a run that fails leaves the Automation API's event loop behind.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
        return apart.submit(story).result()


@pytest.fixture(scope="module")
def faulty(told: tuple[Seen, Seen, list[str]]) -> Seen:
    return told[1]


def test_the_program_as_it_is_passes(told: tuple[Seen, Seen, list[str]]) -> None:
    clean, _, _ = told
    assert clean == Seen(failed=False, said=[], errors=[])


def test_a_fault_of_every_rule_is_refused_before_anything_is_written(
    told: tuple[Seen, Seen, list[str]],
) -> None:
    _, faulty, written = told
    assert (faulty.failed, faulty.errors, written) == (True, [": preview failed"], [])
    assert {each.level for each in faulty.said} == {"mandatory"}
    assert {each.policy.removesuffix("-stack") for each in faulty.said} == {r.id for r in RULES}


def test_every_policy_that_a_preview_can_ask_refuses(faulty: Seen) -> None:
    alone = {each.id for each in RULES if each.alone}
    together = {f"{each.id}-stack" if each.alone else each.id for each in RULES if each.together}
    assert {each.policy for each in faulty.said} == (alone | together) - NOT_IN_A_PREVIEW


def test_exactly_the_faults_are_named_each_at_its_resource(faulty: Seen) -> None:
    assert sorted((each.policy, each.who) for each in faulty.said) == sorted(
        (each.policy, each.who) for each in FAULTS
    )


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.policy}-{fault.who}")
def test_a_violation_is_one_line_that_begins_with_the_resource(fault: Fault, faulty: Seen) -> None:
    (message,) = [e.message for e in faulty.said if (e.policy, e.who) == (fault.policy, fault.who)]
    broken = rule(fault.policy.removesuffix("-stack"))
    assert message.startswith(f"{broken.title} {broken.why}\n")
    (line,) = message.removeprefix(f"{broken.title} {broken.why}\n").splitlines()
    assert line.startswith(f"{fault.who.partition(' ')[2]}: ")
    assert fault.says in line
    assert "hunter2" not in message
