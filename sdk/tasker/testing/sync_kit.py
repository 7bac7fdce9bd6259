"""The testing kit for tests that are no coroutines: the same, on an event loop that runs only while it is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack, overload
from uuid import UUID

from tasker.client import OnConflict, Submission, SubmitOptions
from tasker.durations import Duration
from tasker.given import Given
from tasker.testing.calls import Call
from tasker.testing.faults import Faults
from tasker.testing.kit import PATIENCE, AsyncTasker
from tasker.testing.task import AsyncTask
from tasker.workflow import Workflow
from tasker_grammar.resources import Resources

__all__ = ["Clock", "Task", "Tasker"]

T = TypeVar("T")
Json = Any


class Tasker:
    """As AsyncTasker, for tests that are no coroutines. The fixture `tasker` gives one. Use it as a context manager."""

    def __init__(self, database_url: str, *, patience: float = PATIENCE) -> None:
        self._tasker = AsyncTasker(database_url, patience=patience)
        self._runner = asyncio.Runner()
        self.clock = Clock(self._tasker, self.wait)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._runner.close()

    @property
    def database_url(self) -> str:
        """Leads to the test's database."""
        return self._tasker.database_url

    @property
    def patience(self) -> float:
        """How many real seconds the handlers may take until all is at rest."""
        return self._tasker.patience

    @patience.setter
    def patience(self, seconds: float) -> None:
        self._tasker.patience = seconds

    @property
    def faults(self) -> Faults:
        """What shall go wrong."""
        return self._tasker.faults

    def register(self, *given: Given, resources: Resources | None = None) -> None:
        """As AsyncTasker.register."""
        self.wait(self._tasker.register(*given, resources=resources))

    def submit(
        self, template: str | Workflow, input: Any = None, **options: Unpack[SubmitOptions]
    ) -> Task:
        """As AsyncTasker.submit."""
        return Task(self.wait(self._tasker.submit(template, input, **options)), self.wait)

    def submit_many(
        self,
        template: str | Workflow,
        submissions: Sequence[Submission],
        *,
        version: str | None = None,
        on_conflict: OnConflict = "reject",
    ) -> list[Task]:
        """As AsyncTasker.submit_many."""
        tasks = self._tasker.submit_many(
            template, submissions, version=version, on_conflict=on_conflict
        )
        return [Task(task, self.wait) for task in self.wait(tasks)]

    def run(
        self,
        template: str | Workflow,
        input: Any = None,
        *,
        within: Duration = "366d",
        **options: Unpack[SubmitOptions],
    ) -> Any:
        """As AsyncTasker.run."""
        return self.wait(self._tasker.run(template, input, within=within, **options))

    def settle(self) -> None:
        """As AsyncTasker.settle."""
        self.wait(self._tasker.settle())

    def task(self, task_id: UUID | str) -> Task:
        """As AsyncTasker.task."""
        return Task(self._tasker.task(task_id), self.wait)

    def replace(self, name: str, function: Callable[..., Any]) -> None:
        """As AsyncTasker.replace."""
        self._tasker.replace(name, function)

    def calls(self, name: str | None = None) -> list[Call]:
        """As AsyncTasker.calls."""
        return self._tasker.calls(name)

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the kit's event loop, the one that async handlers run on."""
        if _in_a_coroutine():
            work.close()
            raise RuntimeError("a coroutine cannot use the fixture tasker: use async_tasker")
        return self._runner.run(work)


def _in_a_coroutine() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Clock:
    """As AsyncClock."""

    _tasker: AsyncTasker
    _wait: Callable[[Coroutine[Any, Any, Any]], Any]

    def now(self) -> datetime:
        """As AsyncClock.now."""
        return self._wait(self._tasker.clock.now())

    def advance(self, duration: Duration) -> None:
        """As AsyncClock.advance."""
        self._wait(self._tasker.clock.advance(duration))

    def advance_to(self, moment: datetime) -> None:
        """As AsyncClock.advance_to."""
        self._wait(self._tasker.clock.advance_to(moment))


@dataclass(frozen=True, slots=True)
class Task:
    """As AsyncTask."""

    _task: AsyncTask
    _wait: Callable[[Coroutine[Any, Any, Any]], Any]

    @property
    def id(self) -> UUID:
        """The task's id."""
        return self._task.id

    @overload
    def result(self, type_: None = None) -> Any: ...
    @overload
    def result(self, type_: type[T]) -> T: ...
    def result(self, type_: type[Any] | None = None) -> Any:
        """As AsyncTask.result."""
        return self._wait(self._task.result(type_))

    def finish(self, within: Duration = "366d") -> None:
        """As AsyncTask.finish."""
        self._wait(self._task.finish(within))

    def status(self) -> Mapping[str, Json]:
        """As AsyncTask.status."""
        return self._wait(self._task.status())

    def steps(self) -> list[Mapping[str, Json]]:
        """As AsyncTask.steps."""
        return self._wait(self._task.steps())

    def children(self) -> list[Mapping[str, Json]]:
        """As AsyncTask.children."""
        return self._wait(self._task.children())

    def graph(self) -> str:
        """As AsyncTask.graph."""
        return self._wait(self._task.graph())

    def send_event(self, name: str, payload: Any = None) -> bool:
        """As AsyncTask.send_event."""
        return self._wait(self._task.send_event(name, payload))

    def answer(
        self,
        name: str,
        approved: bool,
        reason: str = "a test",
        *,
        actor: str = "test",
        answer: Any = None,
        roles: Sequence[str] = (),
    ) -> None:
        """As AsyncTask.answer."""
        self._wait(
            self._task.answer(name, approved, reason, actor=actor, answer=answer, roles=roles)
        )

    def cancel(self, reason: str, *, compensate: bool = False) -> None:
        """As AsyncTask.cancel."""
        self._wait(self._task.cancel(reason, compensate=compensate))
