"""The end of the demonstration on paper. Pure functions to rich renderables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from tasker.cli.marks import describe_state
from tasker.cli.tables import make_facts, make_table
from tasker.demo.board import Board
from tasker.demo.checks import Check
from tasker.demo.story import CRASHED_STEP, Evidence
from tasker.examples.payments import Books

__all__ = ["draw_summary"]

_WORDS = {"retry": "retried", "lost": "lost with their worker", "error": "failed for good"}


def draw_summary(
    evidence: Evidence,
    board: Board,
    books: Books,
    checks: Sequence[Check],
    unsuccessful: Counter[str],
    seconds: float,
) -> RenderableType:
    """Draw the orders, the checks, what was counted, and what to try next."""
    counted = ", ".join(f"{unsuccessful[kind]} {word}" for kind, word in _WORDS.items())
    return Group(
        Text(),
        _draw_orders(evidence, board, books),
        Text(),
        *(_draw_check(check) for check in checks),
        Text(),
        Text(f"{len(board)} tasks in {seconds:.1f} s. Attempts that did not succeed: {counted}."),
        Text(),
        *_draw_next(evidence),
    )


def _draw_orders(evidence: Evidence, board: Board, books: Books) -> RenderableType:
    states = {seen.run.task_id: seen.state for seen in board}
    attempts = {
        seen.run.task_id: step["attempt"]
        for seen in board
        for step in seen.steps
        if step["name"] == CRASHED_STEP
    }
    table = make_table("ORDER", "PAYMENT ATTEMPTS", "PAYMENT SERVICE", "CHARGES", "TASK")
    for order in evidence.orders:
        table.add_row(
            order.run.title,
            str(attempts[order.run.task_id]),
            ", ".join(books.calls_for(order.order_id)),
            str(len(books.charges_of(order.order_id))),
            describe_state(states[order.run.task_id]),
        )
    return table


def _draw_check(check: Check) -> Text:
    sign = Text("✓ ", style="green") if check.holds else Text("✗ ", style="red")
    found = Text(f": {check.found}" if check.found else "", style="dim")
    faults = "".join(f"\n    {fault}" for fault in check.faults)
    return sign + Text(check.claim) + found + Text(faults, style="red")


def _draw_next(evidence: Evidence) -> list[RenderableType]:
    declined = next(o.run.task_id for o in evidence.orders if o.scenario.state != "complete")
    crashed = evidence.crash.run.task_id
    commands = make_facts(
        [
            (f"  tasker step show {crashed}/{CRASHED_STEP}", "its two attempts"),
            ("  tasker dlq list", "the declined order waits for you there"),
            (f"  tasker task show {declined}", "why it does"),
            ("  tasker task list --tag demo", "all of them"),
        ]
    )
    return [Text("Try next, on the same database:", style="bold"), commands]
