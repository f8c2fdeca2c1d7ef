"""From what the engine hands a policy to what a rule takes.

Three things are put right on the way:

* Inputs come as proxies that raise where a value is not known yet; rules get plain values, and
  UNKNOWN there (https://github.com/pulumi/pulumi-policy/issues/445 is what happens otherwise).
* At the end of a run the engine shows every resource by its *outputs*, in Azure's shape and without
  what stands in the address (`resourceUri`, `scope`). What was registered earlier in the same run is
  remembered and used instead.
* Rules want to know what a stamp is meant to be. Its name says geography and environment.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pulumi_policy import PolicyProviderResource, PolicyResource, ResourceValidationArgs
from pulumi_policy.proxy import UnknownValueError

from ehr_infra.geography import Environment, Geography
from ehr_infra.rules import UNKNOWN, Facts, Resource

# The tag a resource carries whose copy in another country was agreed to. Being a tag it reaches the
# pack without a configuration file, and whoever audits the subscription sees it as well.
AGREED_TAG = ("crossCountryBackup", "allowed")


def plain(value: Any) -> Any:
    """A copy of dicts, lists and scalars, with UNKNOWN where the engine does not know."""
    if isinstance(value, Mapping):
        return {key: _read(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_read(value, index) for index in range(len(value))]
    return value


def _read(container: Any, key: Any) -> Any:
    try:
        return plain(container[key])
    except UnknownValueError:
        return UNKNOWN


class Seen:
    """The resources of a run as they were registered, by URN."""

    def __init__(self) -> None:
        self._registered: dict[str, Resource] = {}

    def register(self, args: ResourceValidationArgs) -> Resource:
        resource = _resource(args)
        self._registered[resource.urn] = resource
        return resource

    def whole(self, resources: Sequence[PolicyResource]) -> list[Resource]:
        """The stamp: as registered where that was seen, by its outputs where it was not."""
        return [self._of(each) for each in resources]

    def _of(self, shown: PolicyResource) -> Resource:
        origins = _origins(shown)
        registered = self._registered.get(shown.urn)
        if registered:
            return replace(registered, origins=origins)
        outputs = _resource(shown)
        not_shown = dict.fromkeys(origins, UNKNOWN)
        return replace(outputs, inputs={**not_shown, **outputs.inputs}, origins=origins)


def _resource(given: ResourceValidationArgs | PolicyResource) -> Resource:
    return Resource(
        type=given.resource_type,
        name=given.name,
        inputs=plain(given.props),
        protect=bool(given.opts.protect),
        provider=_urn(given.provider),
        urn=given.urn,
    )


def _urn(provider: PolicyProviderResource | None) -> str:
    return provider.urn if provider else ""


def _origins(resource: PolicyResource) -> dict[str, frozenset[str]]:
    return {
        entry: frozenset(each.urn for each in sources)
        for entry, sources in resource.property_dependencies.items()
    }


def facts(urn: str, config: Mapping[str, Any], resource: Resource | None = None) -> Facts:
    """What the stamp of `urn` is meant to be.

    Args:
        urn: of any of its resources.
        config: the policy's, if `--policy-pack-config` gives one.
        resource: the one that is judged; its tag may say that a copy abroad was agreed to.
    """
    stack = urn.removeprefix("urn:pulumi:").partition("::")[0]
    geography, environment = _named(stack)
    agreed = resource is not None and _agreed(resource)
    return Facts(
        geography=geography,
        environment=environment,
        location=str(config.get("location", "")),
        stack=stack,
        allow_cross_country_backup=agreed or config.get("allowCrossCountryBackup") is True,
    )


def _named(stack: str) -> tuple[str, str]:
    """Of a stack named otherwise no geography is right, and it is judged as production."""
    geography, _, environment = stack.partition("-")
    if geography in set(Geography) and environment in set(Environment):
        return geography, environment
    return f"the one stack {stack} should be named for", Environment.PRODUCTION


def _agreed(resource: Resource) -> bool:
    tags = resource.inputs.get("tags")
    name, value = AGREED_TAG
    return isinstance(tags, Mapping) and tags.get(name) == value
