"""Run the program for a stack without an engine, and remember what it asked to register.

The requests are recorded, not what mocks make of them: protection, dependencies, parents and secret
marks stand only there (infrastructure.md 5a). Every run has a context of its own, so that one
process takes all stacks, one after a failed one included.
"""

import asyncio
import contextvars
import gc
import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pulumi
import yaml
from pulumi.output import Unknown
from pulumi.runtime import mocks, rpc
from pulumi.runtime.settings import SETTINGS
from pulumi.runtime.stack import run_pulumi_func

from ehr_infra.config import PROJECT
from ehr_infra.program import deploy
from rehearsal.arm.answers import TENANT_ID, answer, computed_names
from rehearsal.arm.ids import arm_id
from rehearsal.arm.types import TYPES

STACKS = Path("infra/stacks")
GEOGRAPHIES = ("americas", "emea", "apac")
ALL = [f"{g}-{e}" for g in GEOGRAPHIES for e in ("test", "production")]
DIGEST = f"sha256:{'a' * 64}"
CLIENT_CONFIG = "azure-native:authorization:getClientConfig"


@dataclass(frozen=True, slots=True)
class Registered:
    """One RegisterResource request; `inputs` are plain values, `secrets` their paths kept secret."""

    type: str
    name: str
    inputs: Mapping[str, Any]
    urn: str
    parent: str
    provider: str
    protect: bool
    retain_on_delete: bool
    dependencies: frozenset[str]
    ignore_changes: tuple[str, ...]


@dataclass(slots=True)
class Run:
    """What one run of the program asked for."""

    stack: str
    resources: list[Registered] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    outputs: Mapping[str, Any] = field(default_factory=dict)

    def of(self, kind: str) -> list[Registered]:
        return [r for r in self.resources if r.type == f"azure-native:{kind}"]

    def one(self, kind: str, name: str = "") -> Registered:
        (found,) = [r for r in self.of(kind) if not name or r.name == name]
        return found

    @property
    def azure(self) -> list[Registered]:
        return [r for r in self.resources if r.type.startswith("azure-native:")]


class _Answers(mocks.Mocks):
    def __init__(self, run: Run, subscription_id: str, *, preview: bool) -> None:
        self._run = run
        self._subscription_id = subscription_id
        self._preview = preview

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        kind = TYPES.get(args.typ)
        if kind is None:
            return f"{args.name}-id", dict(args.inputs)
        if self._preview:
            return "", {k: v for k, v in args.inputs.items() if k != "identity"}
        id_ = arm_id(kind, self._subscription_id, args.inputs)
        return id_, answer(args.typ, args.inputs, id_)

    def call(self, args: mocks.MockCallArgs) -> dict[str, Any]:  # type: ignore[override]
        self._run.calls.append(args.token)
        if args.token != CLIENT_CONFIG:
            raise AssertionError(f"{args.token} would need Azure at preview")
        return {"tenantId": TENANT_ID, "subscriptionId": self._subscription_id}


class _Recorder(mocks.MockMonitor):
    """Args:
    preview: what only Azure knows stays unknown, as before anything was made.
    """

    def __init__(self, run: Run, subscription_id: str, *, preview: bool) -> None:
        super().__init__(_Answers(run, subscription_id, preview=preview))
        self._run = run
        self._preview = preview

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        response = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        if request.type == "pulumi:pulumi:Stack":
            return response
        self._run.resources.append(_registered(request, response.urn))
        if self._preview and request.type in TYPES:
            _forget(response.object, computed_names(request.type))
        return response


def _registered(request: Any, urn: str) -> Registered:
    return Registered(
        type=request.type,
        name=request.name,
        inputs=_whole(rpc.deserialize_properties(request.object, keep_unknowns=True)),
        urn=urn,
        parent=request.parent,
        provider=request.provider,
        protect=request.protect,
        retain_on_delete=request.retainOnDelete,
        dependencies=frozenset(request.dependencies),
        ignore_changes=tuple(request.ignoreChanges),
    )


def _whole(value: Any) -> Any:
    """Numbers travel as floats, whole ones were written as integers; what is unknown is `UNKNOWN`."""
    if isinstance(value, Mapping):
        return {k: _whole(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_whole(v) for v in value]
    if isinstance(value, Unknown):
        return rpc.UNKNOWN
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _forget(struct: Any, names: tuple[str, ...]) -> None:
    for name in names:
        first, *_ = name.split(".")
        struct[first] = rpc.UNKNOWN


def stack_values(stack: str) -> dict[str, Any]:
    """The stack file's values, the project's name left out."""
    written = yaml.safe_load((STACKS / f"Pulumi.{stack}.yaml").read_text())["config"]
    prefix = f"{PROJECT}:"
    return {k.removeprefix(prefix): v for k, v in written.items() if k.startswith(prefix)}


def run(
    stack: str,
    *,
    preview: bool = False,
    program: Callable[[], None] = deploy,
    **changes: Any,
) -> Run:
    """What `program` registers as `stack`, whose file's values are changed by `changes` (None: left out).

    Every such run is the same, so a process runs each once.

    Raises:
        whatever the program raises.
    """
    values = {k: v for k, v in {**stack_values(stack), **changes}.items() if v is not None}
    texts = {key: _text(value) for key, value in values.items()}
    return _once(stack, preview, program, tuple(sorted(texts.items())))


@cache
def _once(
    stack: str,
    preview: bool,  # noqa: FBT001
    program: Callable[[], None],
    texts: tuple[tuple[str, str], ...],
) -> Run:
    made = Run(stack)
    contextvars.copy_context().run(_run, made, dict(texts), preview, program)
    made.resources.sort(key=lambda r: r.urn)
    return made


def _run(made: Run, texts: Mapping[str, str], preview: bool, program: Callable[[], None]) -> None:  # noqa: FBT001
    SETTINGS.outputs.clear()  # tasks of a run that failed would end this one
    recorder = _Recorder(made, texts.get("subscriptionId", ""), preview=preview)
    with _uncollected(), _event_loop() as loop:
        mocks.set_mocks(
            recorder.mocks, project=PROJECT, stack=made.stack, preview=preview, monitor=recorder
        )
        pulumi.runtime.register_stack_transformation(_without_aliases)
        pulumi.runtime.set_all_config({f"{PROJECT}:{k}": v for k, v in texts.items()})
        loop.run_until_complete(run_pulumi_func(program))
        root = pulumi.runtime.get_root_resource()
        outputs: Any = pulumi.Output.from_input(dict(root.outputs)).future()  # type: ignore[union-attr]
        made.outputs = loop.run_until_complete(outputs)


@contextmanager
def _uncollected() -> Iterator[None]:
    """A run lets go of nothing before its end: looking for garbage meanwhile took half its time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _without_aliases(
    args: pulumi.ResourceTransformationArgs,
) -> pulumi.ResourceTransformationResult | None:
    """Aliases are not recorded, and a stamp here has no past: 1700 of them, one for every API version
    a type ever had, took most of the other half. The rehearsal's engine is sent them.
    """
    if not args.opts.aliases:
        return None
    opts = copy(args.opts)
    opts.aliases = None
    return pulumi.ResourceTransformationResult(args.props, opts)


@contextmanager
def _event_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop for the program, and one for each thread that answers it; all are closed."""
    loops: list[asyncio.AbstractEventLoop] = []

    def begin() -> None:
        loops.append(asyncio.new_event_loop())
        asyncio.set_event_loop(loops[-1])

    begin()
    try:
        with ThreadPoolExecutor(4, initializer=begin) as threads:
            loops[0].set_default_executor(threads)
            yield loops[0]
    finally:
        for loop in loops:
            loop.close()
        asyncio.set_event_loop(None)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def recorded(stack: str) -> Run:
    """The whole stamp of a stack file, with an image."""
    return run(stack, imageDigest=DIGEST)
