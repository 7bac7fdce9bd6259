"""Sets the stage, has the story played, and judges it. Starts processes, and ends them."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from rich.console import Console

from tasker.cli.database import call_one
from tasker.cli.supervise import tasker_command
from tasker.demo.board import Board, read_board
from tasker.demo.checks import check_all
from tasker.demo.children import Child, running_children
from tasker.demo.failure import DemoFailed
from tasker.demo.screen import Screen, open_screen
from tasker.demo.stage import Stage
from tasker.demo.story import Evidence, perform
from tasker.demo.summary import draw_summary
from tasker.examples.orders import PAYMENT_SERVICE_URL
from tasker.examples.payments import PaymentService, running_payment_service

if TYPE_CHECKING:
    from psycopg import Connection

    from tasker_sql.connection import Database

__all__ = ["LEASE", "give_performance"]

LEASE = 3.0
"""Seconds. Shorter than the default of 15, because the audience waits for it to run out."""

_MODULES = ("tasker.examples.orders", "tasker.examples.pipeline")


def give_performance(database: Database, console: Console) -> bool:
    """Give the demonstration on a migrated database; say whether everything held that must.

    Raises DemoFailed when it cannot come to its end. Every process it started has ended then, and
    after a KeyboardInterrupt too, which SIGTERM counts as.
    """
    begun = time.monotonic()
    with (
        _sigterm_as_interrupt(),
        TemporaryDirectory(prefix="tasker-demo-") as folder,
        open_screen(console) as screen,
        running_payment_service() as payments,
        running_children(_commands(), _environment(database, payments), Path(folder)) as children,
        database.connect() as connection,
    ):
        _introduce(screen, payments, children.values())
        workers = [child for name, child in children.items() if name.startswith("worker")]
        stage = Stage(connection, payments, workers, [children["orchestrator"]], screen)
        try:
            evidence = perform(stage)
            return _judge(stage, evidence, console, time.monotonic() - begun)
        except DemoFailed as failure:
            raise DemoFailed(f"{failure}\n{_last_words(children.values())}") from failure


def _commands() -> dict[str, Sequence[str]]:
    worker = tasker_command("worker", *_MODULES, "--lease", f"{LEASE:g}s")
    return {
        "worker-1": worker,
        "worker-2": worker,
        "orchestrator": tasker_command("orchestrator"),
    }


def _environment(database: Database, payments: PaymentService) -> dict[str, str]:
    return {"TASKER_DATABASE_URL": database.conninfo, PAYMENT_SERVICE_URL: payments.url}


def _introduce(screen: Screen, payments: PaymentService, children: Iterable[Child]) -> None:
    processes = ", ".join(f"{child.name} (pid {child.pid})" for child in children)
    screen.say(f"started {processes}, and a payment service at {payments.url}")
    screen.say(f"the workers' lease is {LEASE:g} s, so that a crash is soon seen (default: 15 s)")


def _judge(stage: Stage, evidence: Evidence, console: Console, seconds: float) -> bool:
    board = read_board(stage.connection, evidence.runs)
    books = stage.payments.books()
    checks = check_all(stage.connection, evidence, board, books, LEASE)
    unsuccessful = _count_unsuccessful(stage.connection, board)
    summary = draw_summary(evidence, board, books, checks, unsuccessful, seconds)
    console.print(summary, soft_wrap=not console.is_terminal)
    return all(check.holds for check in checks)


def _count_unsuccessful(connection: Connection, board: Board) -> Counter[str]:
    return Counter(
        attempt["outcome"]
        for seen in board
        for step in seen.steps
        for attempt in call_one(
            connection, "get_step", task_id=seen.run.task_id, step_name=step["name"]
        )["attempts"]
    )


def _last_words(children: Iterable[Child]) -> str:
    return "\n".join(f"--- {child.name} wrote last:\n{child.last_words()}" for child in children)


@contextmanager
def _sigterm_as_interrupt() -> Generator[None]:
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
