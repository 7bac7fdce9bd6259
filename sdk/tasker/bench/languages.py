"""The shapes as templates whose handlers are in another language, and the children that run them.

Starts no child. Times are taken in the child, by the clock that it shares with this process, and only where they are
asked for: they stand in the results, which would make them longer than in Python.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any
from uuid import UUID

import orjson

from tasker.bench.load import Load, OneByOne, Steady
from tasker.bench.shapes import Shape, Static
from tasker.bench.workflows import NAMESPACE
from tasker.claimer import Exchange
from tasker.seams import Seams
from tasker.template import StepDefinition, Template
from tasker_ffi_bridge import Bridge
from tasker_ffi_bridge.node import typescript_command
from tasker_ffi_bridge.ruby import ruby_command

__all__ = ["build_template", "is_timed", "make_bridge", "noting"]

# Told of each handler's start and end: (task, step number, when it started, when it ended).
Note = Callable[[UUID, int, float, float], None]


def build_template(shape: Shape, load: Load) -> Template | None:
    """A template of this shape; None of one that is found at run time."""
    if not isinstance(shape, Static):
        return None
    config: dict[str, Any] = {
        "work": load.work.kind,
        "ms": load.work.ms,
        "payload": load.payload or 2,
        "timed": is_timed(load),
    }
    steps = tuple(
        StepDefinition(
            f"step_{number}",
            "tasker_bench_step",
            depends_on=tuple(f"step_{parent}" for parent in parents),
            config=config,
        )
        for number, parents in enumerate(shape.parents)
    )
    name = f"{shape.name}_{load.work.kind}_{load.payload}_bridge"
    return Template(NAMESPACE, name, "1", steps)


def is_timed(load: Load) -> bool:
    """Whether a load is about how long something takes, and not about how much goes through."""
    return isinstance(load.arrival, OneByOne | Steady)


def make_bridge(language: str, slots: int) -> Bridge:
    """The child of a language, with the benchmark's handler, that takes as many runs as the worker has slots.

    Raises BridgeError when the language is not here.
    """
    folder = files("tasker.bench") / "handlers"
    match language:
        case "ruby":
            return Bridge(
                ruby_command([str(folder / "handlers.rb")], concurrency=slots), name="ruby"
            )
        case _:
            return Bridge(
                typescript_command([str(folder / "handlers.ts")], concurrency=slots),
                name="typescript",
            )


def noting(note: Note) -> Seams:
    """What tells of the times that the child has put into each result, when that is handed in."""

    def watch(exchange: Exchange) -> Exchange:
        async def exchange_and_tell(outcomes: bytes, want: int) -> Mapping[str, Any]:
            for done in orjson.loads(outcomes):
                if done["outcome"] == "complete":
                    times = done["result"]
                    note(UUID(done["task_id"]), done["step_no"], times["started"], times["ended"])
            return await exchange(outcomes, want)

        return exchange_and_tell

    return Seams(exchange=watch)
