# ruff: noqa: N802 - the protocol names its methods so
"""The provider's RPCs (pulumirpc.ResourceProvider), as the engine calls them.

https://github.com/pulumi/pulumi/blob/master/proto/pulumi/provider.proto
"""

import importlib.metadata
import re
from collections.abc import Mapping
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from rehearsal.arm.answers import TENANT_ID, guid
from rehearsal.arm.ids import arm_id
from rehearsal.arm.types import GUID, TYPES, ResourceType
from rehearsal.provider.client import ArmClient, Refused, Unfinished
from rehearsal.provider.differences import Difference, differences
from rehearsal.provider.inputs import body_of, filled, path_is_known
from rehearsal.provider.outcomes import fail, fail_partly, previewed
from rehearsal.provider.values import from_wire, to_wire
from rehearsal.schema import check

CLIENT_CONFIG = "azure-native:authorization:getClientConfig"
CONFIG = "azure-native:config:"


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """azure-native, as far as the rehearsal needs it.

    Args:
        client: the way to the simulated ARM.
        subscription_id: used until the configuration names one.
    """

    def __init__(self, client: ArmClient, subscription_id: str) -> None:
        self._client = client
        self._subscription_id = subscription_id
        self._location = ""

    def Handshake(self, _request: Any, _context: Any) -> provider_pb2.ProviderHandshakeResponse:
        # without accept_secrets the engine unwraps secrets and marks the outputs of the same name itself
        return provider_pb2.ProviderHandshakeResponse(
            accept_secrets=False,
            accept_resources=False,
            accept_outputs=False,
            supports_autonaming_configuration=True,
        )

    def GetPluginInfo(self, _request: Any, _context: Any) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=importlib.metadata.version("pulumi-azure-native"))

    def CheckConfig(
        self, request: provider_pb2.CheckRequest, _context: Any
    ) -> provider_pb2.CheckResponse:
        news = from_wire(request.news)
        subscription = news.get("subscriptionId")
        failures = []
        if subscription and not re.fullmatch(GUID, str(subscription)):
            reason = f"subscriptionId {subscription!r} is no GUID"
            failures.append(provider_pb2.CheckFailure(property="subscriptionId", reason=reason))
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    def DiffConfig(
        self, request: provider_pb2.DiffRequest, _context: Any
    ) -> provider_pb2.DiffResponse:
        old, new = from_wire(request.old_inputs or request.olds), from_wire(request.news)
        changed = sorted(key for key in {*old, *new} if old.get(key) != new.get(key))
        replaces = [key for key in changed if key == "subscriptionId"]
        return provider_pb2.DiffResponse(
            changes=_changes(changed), diffs=changed, replaces=replaces
        )

    def Configure(
        self, request: provider_pb2.ConfigureRequest, _context: Any
    ) -> provider_pb2.ConfigureResponse:
        self._client.begin()  # a standing plugin outlives the engine that cancelled it
        named = {key.removeprefix(CONFIG): value for key, value in request.variables.items()}
        self._subscription_id = named.get("subscriptionId") or self._subscription_id
        self._location = named.get("location", "")
        return provider_pb2.ConfigureResponse(
            supportsPreview=True, supports_autonaming_configuration=True
        )

    def Invoke(
        self, request: provider_pb2.InvokeRequest, context: grpc.ServicerContext
    ) -> provider_pb2.InvokeResponse:
        if request.tok != CLIENT_CONFIG:
            fail(
                context,
                f"{request.tok} would ask Azure during a preview; only {CLIENT_CONFIG} is answered here",
            )
        caller = {name: guid("the rehearsal's caller", name) for name in ("clientId", "objectId")}
        config = {**caller, "subscriptionId": self._subscription_id, "tenantId": TENANT_ID}
        return provider_pb2.InvokeResponse(**{"return": to_wire(config)})

    def Check(
        self, request: provider_pb2.CheckRequest, _context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        token, name = _type_and_name(request.urn)
        kind = TYPES.get(token)
        if kind is None:
            failure = provider_pb2.CheckFailure(
                reason=f"the simulated ARM has no resource type {token}"
            )
            return provider_pb2.CheckResponse(inputs=request.news, failures=[failure])
        inputs = filled(
            kind,
            name,
            from_wire(request.olds),
            from_wire(request.news),
            seed=request.randomSeed,
            location=self._location,
        )
        failures = [provider_pb2.CheckFailure(reason=problem) for problem in check(token, inputs)]
        return provider_pb2.CheckResponse(inputs=to_wire(inputs), failures=failures)

    def Diff(
        self, request: provider_pb2.DiffRequest, _context: grpc.ServicerContext
    ) -> provider_pb2.DiffResponse:
        kind = TYPES[_type_and_name(request.urn)[0]]
        new = from_wire(request.news)
        found = differences(kind, from_wire(request.old_inputs), new, request.ignoreChanges)
        return provider_pb2.DiffResponse(
            changes=_changes(found),
            hasDetailedDiff=True,
            detailedDiff={one.path: _property_diff(one) for one in found},
            diffs=sorted({one.top for one in found}),
            replaces=sorted({one.top for one in found if one.replaces}),
            # one name cannot be had twice: the old resource goes first
            deleteBeforeReplace=self._id(kind, new).lower() == request.id.lower(),
        )

    def Create(
        self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CreateResponse:
        kind = TYPES[_type_and_name(request.urn)[0]]
        inputs = from_wire(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=to_wire(previewed(kind, inputs, None)))
        resource_id = self._id(kind, inputs)
        try:
            if self._client.get(resource_id, kind.api_version) is not None:
                fail(
                    context,
                    f"{_who(request.urn)}: cannot create already existing resource {resource_id}",
                )
        except Refused as refused:
            fail(context, f"{_who(request.urn)}: {refused}")
        outputs = self._put(context, request.urn, resource_id, inputs)
        return provider_pb2.CreateResponse(id=resource_id, properties=to_wire(outputs))

    def Update(
        self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext
    ) -> provider_pb2.UpdateResponse:
        kind = TYPES[_type_and_name(request.urn)[0]]
        inputs = from_wire(request.news)
        if request.preview:
            outputs = previewed(kind, inputs, from_wire(request.olds))
        else:
            outputs = self._put(context, request.urn, request.id, inputs)
        return provider_pb2.UpdateResponse(properties=to_wire(outputs))

    def Read(
        self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ReadResponse:
        kind = TYPES[_type_and_name(request.urn)[0]]
        try:
            found = self._client.get(request.id, kind.api_version)
        except Refused as refused:
            fail(context, f"{_who(request.urn)}: {refused}")
        if found is None:
            return provider_pb2.ReadResponse()
        inputs = found["inputs"]
        return provider_pb2.ReadResponse(
            id=found["id"], properties=to_wire(_outputs(found)), inputs=to_wire(inputs)
        )

    def Delete(self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext) -> Empty:
        kind = TYPES[_type_and_name(request.urn)[0]]
        try:
            self._client.delete(request.id, kind.api_version)
        except Refused as refused:
            fail(context, f"{_who(request.urn)}: {refused}")
        return Empty()

    def Cancel(self, _request: Any, _context: Any) -> Empty:
        self._client.cancel()
        return Empty()

    def Attach(self, _request: Any, _context: Any) -> Empty:
        return Empty()

    def GetSchema(self, _request: Any, _context: Any) -> provider_pb2.GetSchemaResponse:
        return provider_pb2.GetSchemaResponse(schema="{}")

    def GetMapping(self, _request: Any, _context: Any) -> provider_pb2.GetMappingResponse:
        return provider_pb2.GetMappingResponse()

    def GetMappings(self, _request: Any, _context: Any) -> provider_pb2.GetMappingsResponse:
        return provider_pb2.GetMappingsResponse()

    def _put(
        self, context: grpc.ServicerContext, urn: str, resource_id: str, inputs: Mapping[str, Any]
    ) -> dict[str, Any]:
        kind = TYPES[_type_and_name(urn)[0]]
        try:
            return _outputs(self._client.put(resource_id, kind.api_version, body_of(kind, inputs)))
        except Unfinished as unfinished:
            left = self._client.get(resource_id, kind.api_version) or {}
            fail_partly(
                context,
                f"{_who(urn)}: {unfinished}",
                arm_id=resource_id,
                outputs=to_wire(_outputs(left)),
                inputs=to_wire(inputs),
            )
        except Refused as refused:
            fail(context, f"{_who(urn)}: {refused}")

    def _id(self, kind: ResourceType, inputs: Mapping[str, Any]) -> str:
        """The id these inputs lead to; empty while a part of it is unknown."""
        return arm_id(kind, self._subscription_id, inputs) if path_is_known(kind, inputs) else ""


def _outputs(body: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key not in ("id", "inputs")}


def _type_and_name(urn: str) -> tuple[str, str]:
    _, _, types, name = urn.split("::", 3)
    return types.rpartition("$")[2], name


def _who(urn: str) -> str:
    """How an error names the resource: as the program does."""
    token, name = _type_and_name(urn)
    return f"{token.removeprefix('azure-native:')} {name}"


def _changes(found: list[Any]) -> Any:
    return provider_pb2.DiffResponse.DIFF_SOME if found else provider_pb2.DiffResponse.DIFF_NONE


def _property_diff(one: Difference) -> provider_pb2.PropertyDiff:
    return provider_pb2.PropertyDiff(
        kind=provider_pb2.PropertyDiff.Kind.Value(one.kind), inputDiff=True
    )
