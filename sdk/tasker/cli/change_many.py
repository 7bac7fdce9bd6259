"""Doing one thing to all tasks that fit a filter: first counted, then done, a page in each transaction."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tasker.cli.confirm import confirm
from tasker.cli.database import call_one, open_database
from tasker.cli.filters import read_filter
from tasker.cli.output import Format, show

if TYPE_CHECKING:
    from psycopg import Connection

DryRun = Annotated[
    bool, typer.Option("--dry-run", help="With --where: say what would be done, and do nothing.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="With --where: do it without asking.")]


@dataclass(frozen=True, slots=True)
class Many:
    """A change of many tasks: the verb, the word for what was done, which tasks, and how surely."""

    verb: str
    done: str
    where: str | None
    dry_run: bool
    yes: bool


@dataclass(slots=True)
class Tally:
    """What a change of many tasks has come to so far."""

    changed: list[str] = field(default_factory=list[str])
    skipped: Counter[str] = field(default_factory=Counter[str])

    def add(self, page: Mapping[str, Any]) -> None:
        """Count a page, as change_tasks gives it."""
        self.changed += page["changed"]
        self.skipped.update(page["skipped"])


def change_many(many: Many, reason: str, actor: str, output: Format, url: str | None) -> None:
    """Do a verb to all tasks that fit; on a terminal it asks first, elsewhere it needs --yes."""
    with open_database(url) as connection:
        found = read_filter(connection, many.where)
        if many.dry_run or not many.yes:
            planned = walk_pages(connection, "plan_change", verb=many.verb, filter=found)
            if many.dry_run:
                show_tally(planned, f"would be {many.done}", output)
                return
            confirm(_describe(planned, f"would be {many.done}"), "Do it?")
        why = {"reason": reason, "actor": actor, "max_rows": 100}
        done = walk_pages(connection, "change_tasks", verb=many.verb, filter=found, **why)
    show_tally(done, f"{'was' if len(done.changed) == 1 else 'were'} {many.done}", output)


def walk_pages(connection: "Connection", function: str, **arguments: Any) -> Tally:
    """Call a function that changes a page of tasks until it has come to the last."""
    tally, before = Tally(), None
    while True:
        page = call_one(connection, function, before=before, **arguments)
        tally.add(page)
        before = page["next"]
        if before is None:
            return tally


def _describe(tally: Tally, done: str) -> list[str]:
    count = len(tally.changed)
    lines = [f"{count} task{'' if count == 1 else 's'} {done}"]
    return lines + [f"{n} skipped: {why}" for why, n in tally.skipped.most_common()]


def show_tally(tally: Tally, done: str, output: Format) -> None:
    """Write what was changed, and what was skipped, by why."""
    document = {"changed": tally.changed, "skipped": dict(tally.skipped)}

    def view() -> Any:
        from rich.console import Group

        return Group(*_describe(tally, done))

    show(document, output, lambda: tally.changed, view)
