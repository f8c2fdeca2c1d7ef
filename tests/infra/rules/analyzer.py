"""Drives `infra/policy/run` the way the engine does: a process, its port, the analyzer's protocol."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import analyzer_pb2 as wire
from pulumi.runtime.proto.analyzer_pb2_grpc import AnalyzerStub

from ehr_infra.rules import UNKNOWN, Resource

RUN = "infra/policy/run"
ENGINE = "127.0.0.1:0"
_SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
_UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
# Azure does not give these back: they stand in the address or the engine drops them.
_NEVER_AN_OUTPUT = {"resourceUri", "scope", "workspaceId", "resourceGroupName", "actions"}


@dataclass(frozen=True, slots=True)
class Said:
    """A policy's verdict."""

    policy: str
    level: int
    urn: str
    description: str
    line: str


@contextmanager
def started() -> Iterator["Analyzer"]:
    """The pack's process, ended when the block is left."""
    with subprocess.Popen([RUN, ENGINE], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            port = int(process.stdout.readline())
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                yield Analyzer(AnalyzerStub(channel))
        finally:
            process.terminate()


class Analyzer:
    """The calls an engine makes, in the order it makes them."""

    def __init__(self, stub: AnalyzerStub) -> None:
        self._stub = stub

    def policies(self) -> Sequence[wire.PolicyInfo]:
        info: wire.AnalyzerInfo = self._stub.GetAnalyzerInfo(Empty())
        return info.policies

    def configure(self, properties: Mapping[str, Any] | None = None) -> None:
        """As the engine does with no configuration file, or with these properties for all."""
        given = Struct()
        given.update(dict(properties or {}))
        self._stub.Configure(
            wire.ConfigureAnalyzerRequest(
                policyConfig={
                    each.name: wire.PolicyConfig(
                        enforcementLevel=each.enforcementLevel, properties=given
                    )
                    for each in self.policies()
                }
            )
        )

    def judge(self, resources: Sequence[Resource]) -> list[Said]:
        """Each as it is registered, then all by their outputs."""
        return [*self.register(resources), *self.finish(resources)]

    def register(self, resources: Sequence[Resource]) -> list[Said]:
        return [
            said
            for each in resources
            if each.type != "pulumi:pulumi:StackReference"  # it is read, never registered
            for said in _said(self._stub.Analyze(wire.AnalyzeRequest(**_described(each))), each.urn)
        ]

    def finish(self, resources: Sequence[Resource]) -> list[Said]:
        request = wire.AnalyzeStackRequest(resources=[_output(each) for each in resources])
        return list(_said(self._stub.AnalyzeStack(request), ""))


def _described(resource: Resource) -> dict[str, Any]:
    kind, _, name = resource.provider.rpartition("::")
    provider = wire.AnalyzerProviderResource(urn=resource.provider, type=kind, name=name)
    return {
        "type": resource.type,
        "name": resource.name,
        "urn": resource.urn,
        "properties": _struct(resource.inputs),
        "options": wire.AnalyzerResourceOptions(protect=resource.protect),
        "provider": provider if resource.provider else None,
    }


def _output(resource: Resource) -> wire.AnalyzerResource:
    given = _described(resource)
    for name in _NEVER_AN_OUTPUT & set(resource.inputs):
        del given["properties"][name]
    return wire.AnalyzerResource(
        **given,
        propertyDependencies={
            name: wire.AnalyzerPropertyDependencies(urns=sorted(urns))
            for name, urns in resource.origins.items()
        },
    )


def _struct(inputs: Mapping[str, Any]) -> Struct:
    struct = Struct()
    struct.update({key: _wire(value) for key, value in inputs.items()})
    return struct


def _wire(value: Any) -> Any:
    """As the engine sends it; the database's password marked as a secret."""
    if value is UNKNOWN:
        return _UNKNOWN_TEXT
    if isinstance(value, Mapping):
        return {key: _wire(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_wire(each) for each in value]
    return {**_SECRET, "value": value} if value == "hunter2" else value


def _said(response: wire.AnalyzeResponse, urn: str) -> Iterator[Said]:
    for each in response.diagnostics:
        description, _, line = each.message.partition("\n")
        yield Said(each.policyName, each.enforcementLevel, each.urn or urn, description, line)
