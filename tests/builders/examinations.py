"""Examinations as tests ask for them: of Contoso's stored configuration, or of entered values."""

from tests.builders.configurations import APPROVER_ID, TENANT, TEST_BASE, clients
from tests.builders.world import World

from connector.domain.findings import Check, Finding, Verdict
from connector.usecases.diagnose import ExaminedBy
from connector.usecases.examination_steps import Subject

BY = ExaminedBy("aaaaaaaa-0000-4000-8000-000000000009", "REF-1")


def entered(fhir_base_url: str = TEST_BASE) -> Subject:
    return Subject(TENANT, fhir_base_url, clients(), APPROVER_ID)


def examine(world: World) -> dict[Check, Finding]:
    """The findings on Contoso's stored configuration, by check; its worker runs."""
    subject = world.diagnose.case("env-test", TENANT).subject
    return {finding.check: finding for finding in world.diagnose(subject, BY)}


def examine_entered(world: World, fhir_base_url: str) -> dict[Check, Finding]:
    return {finding.check: finding for finding in world.diagnose(entered(fhir_base_url), BY)}


def of(finding: Finding) -> tuple[Verdict, str]:
    return finding.verdict, finding.code


def beat(world: World) -> World:
    """Its worker runs."""
    with world.store.write() as tx:
        tx.heartbeat("worker", world.clock.now())
    return world
