"""What happens in the demonstration, act by act."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from tasker.cli.database import call_all
from tasker.demo.board import Board, Run
from tasker.demo.crash import Kill, Recovery, kill_holder, read_recovery
from tasker.demo.placing import PlacedOrder, place_order, register_examples, start_pipeline
from tasker.demo.stage import Stage, at_rest, follow, is_worker
from tasker.examples.orders.scenarios import CRASH, SCENARIOS

__all__ = ["Evidence", "perform"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was done, for the checks. The last of the orders is the one whose worker was killed."""

    orders: Sequence[PlacedOrder]
    pipeline: Run
    kill: Kill
    recovery: Recovery

    @property
    def crash(self) -> PlacedOrder:
        """The order whose worker was killed."""
        return self.orders[-1]

    @property
    def runs(self) -> list[Run]:
        """Every task of the demonstration."""
        return [*(order.run for order in self.orders), self.pipeline]


def perform(stage: Stage) -> Evidence:
    """Play the story. Raises DemoFailed when it does not come to its end."""
    _await_workers(stage)
    register_examples(stage)
    show = uuid4().hex[:6]
    placed = [place_order(stage, f"demo-{show}", n, s) for n, s in enumerate(SCENARIOS, 1)]
    pipeline = start_pipeline(stage)
    stage.screen.say(f"submitted {len(placed)} orders, and a pipeline over penguins")
    runs = [*(order.run for order in placed), pipeline]
    follow(stage, runs, at_rest)

    crash = place_order(stage, f"demo-{show}", len(placed) + 1, CRASH)
    stage.screen.say(f"submitted {crash.run.title}")
    kill = kill_holder(stage, runs, crash)
    left = replace(stage, workers=[child for child in stage.workers if child is not kill.child])
    follow(left, [*runs, crash.run], at_rest)
    recovery = read_recovery(left, crash, kill)
    return Evidence([*placed, crash], pipeline, kill, recovery)


def _await_workers(stage: Stage) -> None:
    def answer(_: Board) -> bool | None:
        names = [row["name"] for row in call_all(stage.connection, "list_workers")]
        return all(any(is_worker(c, name) for name in names) for c in stage.workers) or None

    follow(stage, [], answer)
    stage.screen.say(f"{' and '.join(child.name for child in stage.workers)} are ready")
