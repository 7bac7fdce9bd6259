"""A task under test: what became of it, and what it still waits for. Touches the test's database, and runs handlers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar, overload
from uuid import UUID

from tasker.client import Client
from tasker.durations import Duration, to_seconds
from tasker.errors import StepFailure, TaskFailed
from tasker.handle import ENDED
from tasker.testing.graph import draw_graph
from tasker.workflow import Workflow

if TYPE_CHECKING:
    from tasker.testing.kit import AsyncTasker

__all__ = ["AsyncTask", "TaskNotEnded"]

T = TypeVar("T")
Json = Any

_SETTLED = ENDED | {"blocked_by_failures"}


class TaskNotEnded(AssertionError):
    """A task was expected to have ended, and can go no further by itself. The message says what each step waits for."""


@dataclass(frozen=True, slots=True)
class AsyncTask:
    """A task under test."""

    id: UUID
    _template: str | Workflow | None
    _tasker: AsyncTasker

    @overload
    async def result(self, type_: None = None) -> Any: ...
    @overload
    async def result(self, type_: type[T]) -> T: ...
    async def result(self, type_: type[Any] | None = None) -> Any:
        """Settle, and return the task's result, as TaskHandle.result.

        Raises TaskFailed and TaskCancelled; tracebacks of what failed, and the graph, are among the error's notes.
        Raises TaskNotEnded when the task has not ended and waits; it does not let time pass.
        """
        await self._tasker.settle()
        if (await self.status())["state"] not in _SETTLED:
            raise TaskNotEnded(await self._explain())
        async with Client(self._tasker.database_url) as client:
            if self._template is None:
                handle = client.handle(self.id)
            else:
                [handle] = client.handles(self._template, [self.id])
            try:
                return await handle.result(type_, timeout=self._tasker.patience)
            except TaskFailed as failed:
                for note in await self._notes(failed.errors):
                    failed.add_note(note)
                raise

    async def finish(self, within: Duration = "366d") -> None:
        """Let as much time pass as the task needs to end, or to be blocked by a failure; at most `within`.

        Raises TaskNotEnded when time alone does not end it.
        """
        async with self._tasker.work() as work:
            end = await work.moved() + timedelta(seconds=to_seconds(within))
            await work.rest()
            while (await work.ask("select tasker.get_task(%s)", [self.id]))[
                "state"
            ] not in _SETTLED:
                next_stop = await work.ask("select tasker_testing.next_stop()", [])
                left = end - await work.moved()
                if next_stop is None or left <= timedelta():
                    raise TaskNotEnded(await self._explain())
                await work.move(left)
                await work.rest()

    async def status(self) -> Mapping[str, Json]:
        """The task as it is now, as TaskHandle.status; nothing runs."""
        return await self._ask("select tasker.get_task(%s)", self.id)

    async def steps(self) -> list[Mapping[str, Json]]:
        """Its steps as they are now, as TaskHandle.steps; nothing runs."""
        query = "select coalesce(json_agg(s), '[]') from tasker.list_steps(%s) as s"
        return await self._ask(query, self.id)

    async def children(self) -> list[Mapping[str, Json]]:
        """The child tasks that its steps have started, as TaskHandle.children; nothing runs."""
        query = "select coalesce(json_agg(c), '[]') from tasker.list_children(%s) as c"
        return await self._ask(query, self.id)

    async def graph(self) -> str:
        """Settle, and draw the task and its steps as text without ids and times: a line each, in the template's order.

        A step's line has its state, its attempts when there was more than one, its parents, and what brought it.
        """
        await self._tasker.settle()
        return await self._draw()

    async def send_event(self, name: str, payload: Any = None) -> bool:
        """As TaskHandle.send_event; nothing runs yet."""
        async with Client(self._tasker.database_url) as client:
            return await client.handle(self.id).send_event(name, payload)

    async def answer(
        self,
        name: str,
        approved: bool,
        reason: str = "a test",
        *,
        actor: str = "test",
        answer: Any = None,
        roles: Sequence[str] = (),
    ) -> None:
        """As TaskHandle.answer; nothing runs yet but what is needed for the question to be asked."""
        await self._tasker.settle()
        async with Client(self._tasker.database_url) as client:
            await client.handle(self.id).answer(
                name, approved, reason, actor=actor, answer=answer, roles=roles
            )

    async def cancel(self, reason: str, *, compensate: bool = False) -> None:
        """As TaskHandle.cancel; nothing runs yet."""
        async with Client(self._tasker.database_url) as client:
            await client.handle(self.id).cancel(reason, actor="test", compensate=compensate)

    async def _ask(self, statement: Any, *parameters: Any) -> Any:
        async with self._tasker.session() as session:
            return await session.ask(statement, parameters)

    async def _draw(self) -> str:
        task = await self.status()
        template = await self._ask(
            "select tasker.get_template(%s, %s, %s)",
            task["namespace"], task["template"], task["version"],
        )  # fmt: skip
        names = [step["name"] for step in template["definition"]["steps"]]
        return draw_graph(task, await self.steps(), names)

    async def _explain(self) -> str:
        task = await self.status()
        lines = [f"{task['namespace']}/{task['template']} has not ended, and nothing can run now:"]
        for step in await self.steps():
            if step["state"] in ("waiting", "waiting_for_retry", "enqueued", "in_progress"):
                why = await self._ask("select tasker.explain_step(%s, %s)", self.id, step["name"])
                lines.append(f"  {step['name']}: {why['reason']}")
        now = await self._tasker.clock.now()
        lines.append(f"Now it is {now:%Y-%m-%d %H:%M:%S} UTC there; clock.advance lets time pass.")
        return "\n".join([*lines, "", await self._draw()])

    async def _notes(self, failures: Sequence[StepFailure]) -> list[str]:
        """The tracebacks of what failed, and the graph."""
        failed = {failure.step for failure in failures}
        traces = [
            f"{step['name']}, attempt {step['attempt']}:\n{step['error']['traceback']}"
            for step in await self.steps()
            if step["name"] in failed and step["error"] and step["error"].get("traceback")
        ]
        return [*traces, await self._draw()]
