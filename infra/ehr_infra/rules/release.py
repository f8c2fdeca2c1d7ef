"""R13, R19, S04: only what was reviewed runs: the image, no simulators, known types of resources."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from ehr_infra.rules import arm
from ehr_infra.rules.model import Facts, Fault, Resource
from ehr_infra.rules.reading import at, items, known_text

_BY_DIGEST = re.compile(r"[a-z0-9][a-z0-9./_-]*@sha256:[0-9a-f]{64}")
_SIMULATOR = re.compile(r"\bmock[-_]|simkit|simulator")
_REAL = {
    "CONNECTOR_GRAPH_URL": "https://graph.microsoft.com",
    "CONNECTOR_MICROSOFT_LOGIN_URL": "https://login.microsoftonline.com",
}
_DEFAULT_PROVIDER = "::default"


def image_by_digest(resource: Resource, _facts: Facts) -> Iterator[str]:
    """R13, what one app or job tells."""
    for container in arm.containers(resource):
        image = container.get("image")
        if image is None or (isinstance(image, str) and not _BY_DIGEST.fullmatch(image)):
            yield (
                f"image {image} is not named by digest: a tag may be another image tomorrow, and "
                "nobody can say what ran; set <registry>/<name>@sha256:<64 hex>"
            )


def image_from_own_registry(resources: Sequence[Resource], _facts: Facts) -> Iterator[Fault]:
    """R13, what takes the registry too."""
    names = [at(each.inputs, "registryName") for each in arm.of_type(resources, arm.REGISTRY)]
    if not all(isinstance(name, str) for name in names):
        return
    own = {f"{name.casefold()}.azurecr.io" for name in names}
    for resource in arm.of_type(resources, arm.APP, arm.JOB):
        for container in arm.containers(resource):
            host = known_text(container.get("image")).partition("/")[0]
            if host and host not in own:
                yield Fault(
                    resource,
                    f"image comes from {host}, not from this stamp's registry: another geography "
                    f"or a stranger decides what runs; import it into {' or '.join(own) or 'one'}",
                )


def is_simulator(resource: Resource) -> bool:
    """It is, or starts, one of the kit's simulators."""
    said = [resource.name, at(resource.inputs, "containerAppName")]
    for container in arm.containers(resource):
        said += [container.get("name"), container.get("image")]
        said += [*items(container.get("command")), *items(container.get("args"))]
    return any(_SIMULATOR.search(known_text(each)) for each in said)


def no_simulators(resource: Resource, facts: Facts) -> Iterator[str]:
    """R19."""
    if not facts.production:
        return
    if resource.type in {arm.APP, arm.JOB} and is_simulator(resource):
        yield (
            "it is a simulator: production would show invented patients, and its EHR takes any "
            "signature; remove it from production"
        )
    for container in arm.containers(resource):
        for name, value in arm.variables(container).items():
            yield from _made_up(name, value)


def _made_up(name: str, value: Any) -> Iterator[str]:
    real = _REAL.get(name)
    text = known_text(value).rstrip("/")
    if real and text and text != real:
        yield (
            f"{name} is not Microsoft's: whoever answers there signs people in and reads their "
            f"meetings; set it to {real} or remove it"
        )
    elif _SIMULATOR.search(text):
        yield f"{name} points at a simulator: visits would be made up; set the real address"
    if name == "CONNECTOR_TRUSTED_PRIVATE_HOSTS" and text:
        yield f"{name} is set: a tenant could make us call inside the network; remove it"


def known_types(resource: Resource, _facts: Facts) -> Iterator[str]:
    """S04, what one resource tells."""
    if resource.type == arm.STACK_REFERENCE:
        return
    if resource.type not in arm.ALLOWED and not resource.type.startswith("ehr:"):
        yield (
            f"type {resource.type} is not on the list of what a stamp is made of: nobody decided "
            "how it is secured; remove it, or add it to ehr_infra/rules/arm.py with its rules"
        )
    default = resource.type == arm.PROVIDER and resource.name.startswith("default")
    if default or _DEFAULT_PROVIDER in resource.provider:
        yield (
            "it uses a default provider: it lands in whatever subscription the shell is signed in "
            "to; pass the stamp's provider"
        )


def no_stack_references(resources: Sequence[Resource], _facts: Facts) -> Iterator[Fault]:
    """S04, the rest. In a preview the engine shows a reference by its provider only, which S04 refuses."""
    for reference in arm.of_type(resources, arm.STACK_REFERENCE):
        yield Fault(
            reference,
            "it reads another stack: a stamp that depends on another geography fails with it and "
            "may carry its data over; put the value into this stack's configuration",
        )
