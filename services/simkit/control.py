"""The `/sim` control plane: reset, seed, clock, faults, journal, state of a simulator or of one part of it."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from flask import Blueprint, Response, jsonify, render_template, request

from simkit import faults as fault_forms
from simkit import journal as journal_forms
from simkit.clock import instant_text, parse_instant

if TYPE_CHECKING:
    from simkit.app import Simulator


class World(Protocol):
    """What a simulator, or one environment of it, simulates."""

    def reset(self) -> None:
        """Back to the state right after start."""

    def seed(self, document: dict[str, Any]) -> dict[str, Any]:
        """Put more into the world; says what was made. ValueError names what is wrong with the document."""

    def state(self) -> dict[str, Any]:
        """What a tester may want to know, as JSON."""


class ControlPlane(Blueprint):
    """A blueprint whose routes meet no fault and are left out of the journal."""


class _Routes:
    """Answers of one control plane. `scope` is a path prefix: only faults and entries below it are seen."""

    def __init__(self, simulator: "Simulator", world: World, scope: str) -> None:
        self._simulator = simulator
        self._world = world
        self._scope = scope

    def index(self) -> str:
        return render_template(
            "simkit/index.html", title=self._simulator.title, path=request.path.rstrip("/")
        )

    def reset(self) -> Response:
        """Everything in scope as after start; the clock too, when the scope is the whole simulator."""
        self._simulator.faults.clear(scope=self._scope)
        self._simulator.journal.clear(scope=self._scope or "/")
        if not self._scope:
            self._simulator.clock.reset()
        self._world.reset()
        return jsonify({"reset": True})

    def seed(self) -> Response:
        return jsonify(self._world.seed(_posted_object()))

    def clock(self) -> Response:
        clock = self._simulator.clock
        if request.method == "POST":
            self._move_clock(_posted_object())
        return jsonify({"now": instant_text(clock.now()), "offset_seconds": clock.offset_seconds})

    def _move_clock(self, wanted: dict[str, Any]) -> None:
        """`{"now": iso}`, `{"advance_seconds": n}` or `{"reset": true}`."""
        clock = self._simulator.clock
        if "now" in wanted:
            clock.set(parse_instant(str(wanted["now"])))
        elif "advance_seconds" in wanted:
            clock.advance(timedelta(seconds=float(wanted["advance_seconds"])))
        elif wanted.get("reset") is True:
            clock.reset()
        else:
            raise ValueError('say {"now": iso}, {"advance_seconds": n} or {"reset": true}')

    def faults(self) -> Response:
        if request.method == "POST":
            self._set_faults(_posted_object())
        if request.method == "DELETE":
            self._simulator.faults.clear(request.args.get("id"), self._scope)
        listed = self._simulator.faults.list(self._scope)
        return jsonify({"faults": [fault_forms.to_json(fault) for fault in listed]})

    def _set_faults(self, document: dict[str, Any]) -> None:
        """One fault, or `{"faults": [...]}`: all or none."""
        wanted = document.get("faults", [document])
        for fault in [fault_forms.fault_from(one, self._scope) for one in wanted]:
            self._simulator.faults.set(fault)

    def journal(self) -> Response:
        asked = request.args
        entries = self._simulator.journal.entries(
            path=asked.get("path"),
            method=asked.get("method"),
            status=int(asked["status"]) if "status" in asked else None,
            # a `+` of an offset arrives as a space when the tester did not escape it
            since=parse_instant(asked["since"].replace(" ", "+")) if "since" in asked else None,
            scope=self._scope or "/",
        )
        if asked.get("format") == "har":
            return jsonify(journal_forms.to_har(entries, self._simulator.title))
        return jsonify({"entries": [journal_forms.to_json(entry) for entry in entries]})

    def state(self) -> Response:
        return jsonify(self._world.state())


def control_plane(
    simulator: "Simulator", world: World, *, scope: str = "", name: str = "sim"
) -> ControlPlane:
    """The blueprint for `/sim`.

    Args:
        simulator: clock, journal and faults it controls.
        world: what `reset`, `seed` and `state` act on.
        scope: path prefix of one environment, for example `/interconnect-tst-oauth`; the blueprint is served
            below it. Routes of faults set through it get the prefix.
        name: blueprint name, distinct for each control plane of one application.
    """
    routes = _Routes(simulator, world, scope)
    plane = ControlPlane(name, __name__, url_prefix=f"{scope}/sim", template_folder="templates")
    table: tuple[tuple[str, tuple[str, ...], Callable[[], Response | str]], ...] = (
        ("/", ("GET",), routes.index),
        ("/reset", ("POST",), routes.reset),
        ("/seed", ("POST",), routes.seed),
        ("/clock", ("GET", "POST"), routes.clock),
        ("/faults", ("GET", "POST", "DELETE"), routes.faults),
        ("/journal", ("GET",), routes.journal),
        ("/state", ("GET",), routes.state),
    )
    for path, methods, answer in table:
        plane.add_url_rule(path, answer.__name__, answer, methods=methods)
    plane.register_error_handler(ValueError, refuse)
    return plane


def _posted_object() -> dict[str, Any]:
    document = request.get_json(force=True, silent=True) if request.get_data() else {}
    if not isinstance(document, dict):
        raise ValueError("the body must be one JSON object")  # noqa: TRY004 - answered as 400 with the others
    return document


def refuse(error: ValueError) -> tuple[Response, int]:
    """400 with the error's message."""
    return jsonify({"error": "invalid_request", "message": str(error)}), 400
