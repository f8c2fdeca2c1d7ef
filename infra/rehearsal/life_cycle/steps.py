"""Every step of a stamp's life: what is done, and what must come of it.

A step returns what was seen, or raises `Broken`. Steps build on one another, in the order of `STEPS`.
"""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pulumi

from ehr_infra.geography import REGIONS
from ehr_infra.program import deploy
from rehearsal.arm.faults import Fault
from rehearsal.arm.types import TYPES
from rehearsal.life_cycle.stage import Broken, Stage, creations, quiet, refused, went
from rehearsal.workspace import CANARY

SECRETS = TYPES["azure-native:keyvault:Secret"].api_version
FIRST, SECOND, THIRD, FOURTH = (f"sha256:{digit * 64}" for digit in "1234")
CONNECTOR, FEED, WORKER, SMOKE, JOB = (
    "app:ContainerApp app-connector",
    "app:ContainerApp app-feed",
    "app:ContainerApp app-worker",
    "app:Job job-smoke",
    "app:Job job-migrate",
)
ONLY_JOB = {JOB: "update"}
APPS = dict.fromkeys((CONNECTOR, FEED, WORKER, SMOKE), "update")
NEW_IMAGE = {**APPS, **ONLY_JOB}
SERVER, GROUP = "dbforpostgresql:Server server", "resources:ResourceGroup group"
ONLY_WEB = {CONNECTOR: "update"}


class Step(NamedTuple):
    name: str
    expected: str
    play: Callable[[Stage], str]


def preview_foundation(stage: Stage) -> str:
    before = stage.arm.journal.position
    seen = went(stage.run("preview", judged=True), creations(stage.expected.foundation))
    quiet(stage, before)
    return seen


def make_foundation(stage: Stage) -> str:
    seen = went(stage.run("up"), creations(stage.expected.foundation))
    return _no_refusal(stage, seen)


def repeat(stage: Stage) -> str:
    before = stage.arm.journal.position
    seen = went(stage.run("up", expect_no_changes=True), {})
    quiet(stage, before)
    return seen


def prepare_database(stage: Stage) -> str:
    """An operator has imported the image by now; the job runs before anything else does."""
    stage.set(migrateDigest=FIRST)
    new = creations(stage.expected.prepared, besides=stage.expected.foundation)
    return _no_refusal(stage, went(stage.run("up"), new))


def add_service(stage: Stage) -> str:
    """And the certificate, without which the gateway's grant has nothing to be granted on."""
    vault = stage.find("keyvault:Vault").arm_id
    name = stage.stack_value("certificateName")
    stage.arm.request(
        "PUT", f"{vault}/secrets/{name}", api_version=SECRETS, body={"properties": {}}
    )
    stage.set(imageDigest=FIRST, migrateDigest="")
    new = creations(stage.expected.service, besides=stage.expected.prepared)
    return _no_refusal(stage, went(stage.run("up", judged=True), new))


def read_state(stage: Stage) -> str:
    """What the engine wrote down holds no credential and nothing to encrypt, and breaks no rule."""
    state = json.dumps(stage.stack.export_stack().deployment)
    found = [word for word in (CANARY, "ciphertext", "BEGIN PRIVATE KEY") if word in state]
    if found:
        raise Broken(f"the state of {stage.name} holds {', '.join(found)}")
    stage.judge_state()
    return f"{repeat(stage)}, no secret, no rule broken"


def _no_refusal(stage: Stage, seen: str) -> str:
    """Writes that met (`AnotherOperationInProgress`) would show here: they are chained."""
    refusals = [one for one in stage.arm.journal.writes() if one.error]
    if refusals:
        raise Broken(f"ARM refused {refusals[0].error}: {refusals[0].path}")
    return seen


def new_image(stage: Stage) -> str:
    """The job first, then a candidate of web beside the stable revision, and feed and worker."""
    stage.set(migrateDigest=SECOND)
    went(stage.run("up"), ONLY_JOB)
    stage.set(stableRevision=stage.output("latestRevision"), imageDigest=SECOND, migrateDigest="")
    seen = went(stage.run("up"), APPS)
    _traffic(stage, [100, 0])
    return f"update 1: the job, then {seen}"


def shift_traffic(stage: Stage) -> str:
    stage.set(candidateWeight=10)
    seen = went(stage.run("up"), ONLY_WEB)
    _traffic(stage, [90, 10])
    return seen


def roll_back(stage: Stage) -> str:
    """The weight alone: the revision that served before is still there."""
    revision = stage.output("latestRevision")
    stage.set(candidateWeight=0)
    went(stage.run("up"), ONLY_WEB)
    _traffic(stage, [100, 0])
    if stage.output("latestRevision") != revision:
        raise Broken(f"{CONNECTOR}: a rollback made a new revision")
    return "only the app, no new revision"


def _traffic(stage: Stage, weights: list[int]) -> None:
    ingress = stage.find("app:ContainerApp", "-connector").body["configuration"]["ingress"]
    seen = [each["weight"] for each in ingress["traffic"]]
    if seen != weights:
        raise Broken(f"{CONNECTOR}: traffic is {seen}, expected {weights}")


def settle(stage: Stage) -> str:
    stage.set(stableRevision=stage.output("latestRevision"))
    went(stage.run("up"), ONLY_WEB)
    _traffic(stage, [100])
    return "only the app, all to the new stable revision"


def scale(stage: Stage) -> str:
    most = stage.expected.service.one("app:ContainerApp", "app-connector")
    now = int(most.inputs["template"]["scale"]["maxReplicas"])
    stage.set(maxReplicas=now + 1)
    return went(stage.run("up"), ONLY_WEB)


def repair_drift(stage: Stage) -> str:
    """Somebody opened the vault in the portal."""
    vault = "keyvault:Vault vault"
    stage.arm.tamper(
        stage.find("keyvault:Vault").arm_id, "properties.publicNetworkAccess", "Enabled"
    )
    noticed = stage.run("refresh", preview_only=True, expect_no_changes=True)
    if not noticed.failed or vault not in noticed.changes:
        raise Broken(f"{vault}: the change by hand was not noticed")
    seen = went(stage.run("up", refresh=True), {vault: "update"})
    now = stage.find("keyvault:Vault").body["properties"]["publicNetworkAccess"]
    if now != "Disabled":
        raise Broken(f"{vault}: publicNetworkAccess is {now} still")
    return f"noticed, {seen}: the vault"


def survive_throttling(stage: Stage) -> str:
    stage.arm.faults.add(Fault.throttled("PUT", "*-worker", times=2))
    stage.arm.faults.add(Fault.throttled("PUT", "*-feed"))
    stage.set(imageDigest=THIRD)
    before = stage.arm.journal.position
    went(stage.run("up"), NEW_IMAGE)
    codes = stage.arm.journal.errors(since=before)
    if codes != ["TooManyRequests"] * 3:
        raise Broken(f"{WORKER}: ARM answered {codes}, expected 429 three times")
    return "429 three times, tried again"


def converge_after_failure(stage: Stage) -> str:
    stage.arm.faults.add(Fault.fails_after_accepted("*-worker"))
    stage.set(imageDigest=FOURTH)
    refused(stage.run("up"), WORKER, "ProvisioningFailed")
    again = stage.run("up")
    if again.failed or again.changes.get(WORKER) != "update":
        raise Broken(f"{WORKER}: running it again did not mend it: {again.errors[:1]}")
    image = stage.find("app:ContainerApp", "-worker").body["template"]["containers"][0]["image"]
    if not image.endswith(FOURTH):
        raise Broken(f"{WORKER}: runs {image} still")
    return f"failed at the worker, {len(again.changes)} mended"


def obey_the_pack(stage: Stage) -> str:
    """A program that opens the database to the internet is stopped before anything is written."""
    before = stage.arm.journal.position
    for action in ("preview", "up"):
        refused(
            stage.run(action, judged=True, program=_opened), "R04", "dbforpostgresql:Server server"
        )
    quiet(stage, before)
    return "R04 named the server, nothing was written"


def _opened() -> None:
    pulumi.runtime.register_stack_transformation(_open)
    deploy()


def _open(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
    if args.type_ != "azure-native:dbforpostgresql:Server":
        return None
    props: dict[str, Any] = {**args.props, "network": {"public_network_access": "Enabled"}}
    return pulumi.ResourceTransformationResult(props, args.opts)


def keep_what_is_create_only(stage: Stage) -> str:
    """Region and geo-redundant backup are chosen once."""
    before = stage.arm.journal.position
    play = _refuse_changes if stage.production else _announce_replacements
    seen = play(stage, *_create_only(stage))
    quiet(stage, before)
    return seen


def _create_only(stage: Stage) -> tuple[str, bool]:
    """Another region of the geography, and the other choice of geo-redundant backup."""
    server = stage.expected.service.one("dbforpostgresql:Server").inputs
    here = REGIONS[server["location"]]
    others = [r for r in REGIONS.values() if r.geography is here.geography and r.zones and r.stamp]
    copied = server["backup"]["geoRedundantBackup"] == "Enabled"
    return next(r.name for r in others if r is not here and r.pair), not copied


def _announce_replacements(stage: Stage, region: str, copied: bool) -> str:  # noqa: FBT001
    """Test may be made anew: the preview says of whom, and for which property."""
    changes = (
        (GROUP, "location", {"location": region}),
        (
            SERVER,
            "backup.geoRedundantBackup",
            {"geoBackup": copied, "allowCrossCountryBackup": True},
        ),
    )
    for who, property_, change in changes:
        with stage.changed(**change):
            outcome = stage.run("preview")
        if property_ not in outcome.replaced_for.get(who, []):
            raise Broken(f"{who}: {property_} was not named as what replaces it {outcome.errors}")
    return "replacement announced, property named"


def _refuse_changes(stage: Stage, region: str, copied: bool) -> str:  # noqa: FBT001
    """A slip is refused by name; whoever changes both places still meets the protection."""
    with stage.changed(location=region):
        refused(stage.run("preview"), "location was chosen once")
    both = {"geoBackup": copied, "chosenOnce.geoBackup": copied, "allowCrossCountryBackup": True}
    with stage.changed(**both):
        refused(stage.run("preview"), f"{SERVER}: unable to replace", "protect")
    return "refused: location by name, the server by its protection"


def end(stage: Stage) -> str:
    """Production cannot be destroyed; test leaves what Azure keeps for 90 days."""
    if stage.production:
        # The Automation API's destroy skips the preview, which is what refuses before the first delete.
        before = stage.arm.journal.position
        seen = refused(stage.run("preview_destroy"), "protect")
        quiet(stage, before)
        return seen
    outcome = stage.run("destroy")
    if outcome.failed:
        raise Broken("; ".join(outcome.errors[:4]))
    left, vaults = list(stage.arm.resources()), stage.arm.soft_deleted_vaults()
    if left or len(vaults) != 1:
        raise Broken(f"{left[:1] or 'the vault'} is left at ARM, {len(vaults)} vaults soft-deleted")
    return f"nothing but the soft-deleted vault {vaults[0]}"


STEPS = (
    Step("preview of the foundation", "creations only, no write", preview_foundation),
    Step("up: foundation", "created, ARM refuses nothing", make_foundation),
    Step("up again", "no change, no write", repeat),
    Step("up: job alone", "the job created, nothing else", prepare_database),
    Step("up: first image", "apps, gateway, alerts created", add_service),
    Step("up again, state read", "no change, no secret, rules hold", read_state),
    Step("up: new image beside the old", "the job, then the apps", new_image),
    Step("up: 10 % to the new one", "the app only", shift_traffic),
    Step("up: roll back", "the app only, no new revision", roll_back),
    Step("up: new revision is stable", "the app only", settle),
    Step("up: one replica more", "the app only", scale),
    Step("vault opened by hand", "noticed, repaired, nothing else", repair_drift),
    Step("up while throttled", "tried again until it is through", survive_throttling),
    Step("up fails midway, up again", "names the app, then converges", converge_after_failure),
    Step("up of an open database", "stopped by the pack, no write", obey_the_pack),
    Step(
        "region moved, geo-backup flipped", "refused in production, named", keep_what_is_create_only
    ),
    Step("destroy", "refused in production", end),
)
