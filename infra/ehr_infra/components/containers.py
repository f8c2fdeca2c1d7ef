"""Containers: how an app of the environment is written down, and what names its revisions."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from pulumi import Output
from pulumi._types import input_type_to_dict, is_input_type
from pulumi_azure_native import app

HEX_CHARACTERS = 7
# gunicorn lets requests finish for 30 s after it was told to stop.
TERMINATION_GRACE_SECONDS = 45
HTTP, LIVE, READY = "HTTP", "/healthz", "/readyz"


def container(
    name: str,
    image: Any,
    command: list[Any],
    env: Mapping[str, Any],
    *,
    cpu: float,
    probes: Any = None,
) -> app.ContainerArgs:
    """Two GiB a vCPU, as the Consumption profile wants it."""
    return app.ContainerArgs(
        name=name,
        image=image,
        args=command,
        env=[app.EnvironmentVarArgs(name=key, value=value) for key, value in sorted(env.items())],
        resources=app.ContainerResourcesArgs(cpu=cpu, memory=f"{2 * cpu:g}Gi"),
        probes=probes,
    )


def probes(port: int) -> list[app.ContainerAppProbeArgs]:
    """Alive says nothing of the database, ready does: a database that is away restarts nobody.

    A revision becomes ready with its first answer. A failover of the database, a minute or two, takes
    nobody out of service: the connector's own page says more than the gateway's.
    """
    return [
        _probe("Startup", LIVE, port, period_seconds=2, failure_threshold=30),
        _probe("Liveness", LIVE, port, period_seconds=10, failure_threshold=3),
        _probe("Readiness", READY, port, period_seconds=10, failure_threshold=18),
    ]


def _probe(kind: str, path: str, port: int, **times: int) -> app.ContainerAppProbeArgs:
    where = app.ContainerAppProbeHttpGetArgs(path=path, port=port, scheme=HTTP)
    return app.ContainerAppProbeArgs(type=kind, http_get=where, timeout_seconds=3, **times)


def template(
    content: app.ContainerArgs,
    *,
    least: int,
    most: int,
    rules: list[app.ScaleRuleArgs] | None = None,
) -> app.TemplateArgs:
    return app.TemplateArgs(
        containers=[content],
        scale=app.ScaleArgs(min_replicas=least, max_replicas=most, rules=rules),
        termination_grace_period_seconds=TERMINATION_GRACE_SECONDS,
    )


def on_concurrent_requests(most: int) -> app.ScaleRuleArgs:
    rule = app.HttpScaleRuleArgs(metadata={"concurrentRequests": str(most)})
    return app.ScaleRuleArgs(name="concurrent-requests", http=rule)


def suffix_of(content: app.TemplateArgs, release: int) -> Output[str]:
    """A revision's name changes if and only if its template does, or the release's number.

    Container Apps refuses a changed template under a suffix it knows, and ignores one that comes
    back; it wants a letter first.
    """
    return Output.json_dumps([release, _plain(content)]).apply(_digest)


def _digest(text: str) -> str:
    canonical = json.dumps(json.loads(text), sort_keys=True)
    return f"r{sha256(canonical.encode()).hexdigest()[:HEX_CHARACTERS]}"


def _plain(value: Any) -> Any:
    """Argument classes as maps, whatever of them is an Output left as one."""
    if is_input_type(type(value)):
        return {k: _plain(v) for k, v in input_type_to_dict(value).items()}
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list) else value


def traffic(
    app_name: str, newest: Output[str], stable: str | None, weight: int
) -> list[app.TrafficWeightArgs] | Output[list[app.TrafficWeightArgs]]:
    """Blue and green: `weight` percent go to the newest revision, the rest to the stable one.

    Rolling back is the weight alone: nothing is built or started anew.
    """
    if stable is None:
        return [app.TrafficWeightArgs(latest_revision=True, weight=100)]
    return newest.apply(lambda suffix: _split(app_name, suffix, stable, weight))


def _split(app_name: str, newest: str, stable: str, weight: int) -> list[app.TrafficWeightArgs]:
    blue = f"{app_name}--{stable}"
    if newest == stable:
        return [app.TrafficWeightArgs(revision_name=blue, weight=100, label="stable")]
    green = f"{app_name}--{newest}"
    return [
        app.TrafficWeightArgs(revision_name=blue, weight=100 - weight, label="stable"),
        app.TrafficWeightArgs(revision_name=green, weight=weight, label="candidate"),
    ]
