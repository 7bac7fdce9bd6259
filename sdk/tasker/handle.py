"""A task as its client sees it: wait for it, watch it, pause it, cancel it. Touches the database through the client's
session.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar, overload
from uuid import UUID

import anyio
import orjson

from tasker.approvals import check_answer
from tasker.errors import StepFailure, TaskCancelled, TaskFailed
from tasker.reruns import plan_rerun, rerun
from tasker.values import Shape, shape_of

__all__ = ["ANY_PAYLOAD", "ENDED", "TaskHandle", "WaitForChange"]

T = TypeVar("T")
Json = Any

ANY_PAYLOAD = shape_of(Any, "an event's payload")
_answer = shape_of(Any, "an answer")

ENDED = frozenset({"complete", "error", "cancelled", "resolved_manually"})

# Waits until the task may have changed, or some time has passed: (task id, how often it was asked before).
WaitForChange = Callable[[UUID, int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class TaskHandle:
    """A submitted task. `id` is all that is needed to get it again: `client.handle(id)`.

    What asks or changes it raises DatabaseUnavailable when the database does not answer; whether a change was made is
    then unknown: `status()` says so.
    """

    id: UUID
    ask: Callable[..., Awaitable[Any]]
    tell: Callable[..., Awaitable[Any]]
    """As `ask`, for what must not be done twice: raises DatabaseUnavailable when the connection is lost under it."""
    wait: WaitForChange
    output: Shape | None = None

    async def status(self) -> Mapping[str, Json]:
        """The task as `tasker.get_task` describes it: state, times, and its steps counted by state."""
        return await self.ask("select tasker.get_task(%s)", [self.id])

    async def steps(self) -> list[Mapping[str, Json]]:
        """Its steps as `tasker.list_steps` describes them."""
        return await self.ask(
            "select coalesce(json_agg(s), '[]') from tasker.list_steps(%s) as s", [self.id]
        )

    @overload
    async def result(self, type_: None = None, *, timeout: float | None = None) -> Any: ...
    @overload
    async def result(self, type_: type[T], *, timeout: float | None = None) -> T: ...
    async def result(self, type_: type[Any] | None = None, *, timeout: float | None = None) -> Any:
        """Wait for the task to end and return its result: that of its last step, or a mapping when it ends in several.

        With `type_` the result is validated to it; without, to the annotation of the workflow's last step when this
        client registered the workflow, and else it is plain JSON. Raises TaskFailed when the task failed, or is blocked
        by a failed step; TaskCancelled when it was cancelled; TimeoutError after `timeout` seconds.
        """
        with anyio.fail_after(timeout):
            await self._settled()
        answer = await self.ask("select tasker.get_task_result(%s)", [self.id])
        match answer["state"]:
            case "complete" | "resolved_manually":
                shape = (
                    self.output
                    if type_ is None
                    else shape_of(type_, f"the result of task {self.id}")
                )
                return answer["result"] if shape is None else shape.load(answer["result"])
            case "cancelled":
                raise TaskCancelled(self.id, answer["reason"])
            case state:
                failures = [
                    StepFailure(failed["step"], failed["error"]["type"], failed["error"]["message"])
                    for failed in answer["errors"]
                ]
                raise TaskFailed(self.id, state, failures, answer["reason"])

    async def watch(self) -> AsyncIterator[Mapping[str, Json]]:
        """The task's status now and each time it has changed, until it has ended or is blocked by a failure."""
        asked = 0
        last: Mapping[str, Json] | None = None
        while True:
            status = await self.status()
            if status != last:
                last = status
                yield status
            if status["state"] in ENDED or status["state"] == "blocked_by_failures":
                return
            await self.wait(self.id, asked)
            asked += 1

    async def cancel(
        self, reason: str, *, actor: str = "client", compensate: bool = False
    ) -> Mapping[str, Json]:
        """Cancel the task. With `compensate`, what it had completed is undone first, and it is cancelled after that.

        Raises InvalidStateError when it has ended already, or is being undone.
        """
        return await self.tell(
            "select tasker.cancel_task(%s, %s, %s, %s)", [self.id, reason, actor, compensate]
        )

    async def pause(self, reason: str, *, actor: str = "client") -> Mapping[str, Json]:
        """Pause the task: none of its steps starts until it is resumed. Handlers that are running go on.

        Raises InvalidStateError when it has ended, or is paused already.
        """
        return await self.tell("select tasker.pause_task(%s, %s, %s)", [self.id, reason, actor])

    async def resume(self, reason: str, *, actor: str = "client") -> Mapping[str, Json]:
        """Let the paused task go on. Raises InvalidStateError when it is not paused."""
        return await self.tell("select tasker.resume_task(%s, %s, %s)", [self.id, reason, actor])

    async def rerun(
        self,
        reason: str,
        *,
        actor: str = "client",
        from_steps: Sequence[str] | str | None = None,
        input: Any = None,
        version: str | None = None,
    ) -> TaskHandle:
        """Run the task again, as a new one, whose handle is returned; this one is left as it is.

        With `from_steps` (names, or "failed") what was done and does not come after them is kept; without, all of it
        runs. `input` replaces the task's, `version` is another version of its template. Raises InvalidStateError when
        the task goes on, was undone, or a result cannot be kept; ContractError when the input or a result that would be
        kept does not fit; NotFoundError for a step that is not there.
        """
        answer = await rerun(
            self.ask, self.tell, self.id, reason, actor, from_steps, input, version
        )
        return replace(self, id=UUID(answer["task_id"]))

    async def plan_rerun(
        self, *, from_steps: Sequence[str] | str | None = None, version: str | None = None
    ) -> Mapping[str, Json]:
        """What `rerun` would come to: `kept`, the steps that keep their results, and `again`, those that would run."""
        return await plan_rerun(self.ask, self.id, from_steps, version)

    async def send_event(self, name: str, payload: Any = None) -> bool:
        """Send an event to the task: steps that wait for it go on, and one that waits for it later finds it.

        Returns whether it was the first of its name; that one counts. Raises InvalidStateError when the task has ended
        without one of that name, ContractError when the payload is no JSON.
        """
        data = ANY_PAYLOAD.dump(payload).decode()
        answer = await self.ask(
            "select tasker.send_event(%s, %s, %s::jsonb)", [self.id, name, data]
        )
        return answer["accepted"]

    async def children(self) -> list[Mapping[str, Json]]:
        """The child tasks that its steps have started, as `tasker.list_children` describes them; the first 10,000."""
        return await self.ask(
            "select coalesce(json_agg(c), '[]') from tasker.list_children(%s, null, 10000) as c",
            [self.id],
        )

    async def approvals(self) -> list[Mapping[str, Json]]:
        """What its steps have asked people, as `tasker.get_approval` describes it, in the order in which they asked."""
        return await self.ask(
            "select coalesce(json_agg(a), '[]') from tasker.list_approvals(task_id => %s) as a",
            [self.id],
        )

    async def answer(
        self,
        name: str,
        approved: bool,
        reason: str,
        *,
        actor: str,
        answer: Any = None,
        roles: Sequence[str] = (),
        step: str | None = None,
    ) -> None:
        """Answer what one of its steps has asked under that name. The first answer counts.

        `answer` is what the form asks for, `roles` those in which `actor` answers; `step` is needed where several
        steps ask under one name. Raises ContractError when the answer does not fit the form, NotFoundError when
        nothing was asked, InvalidInputError when it is not theirs to answer, InvalidStateError when it was answered
        before, or has expired.
        """
        found = await self.ask("select tasker.get_approval(%s, %s, %s)", [self.id, name, step])
        data = _answer.dump(answer)
        check_answer(found, approved, orjson.loads(data))
        await self.tell(
            "select tasker.answer_approval(%s, %s, %s, %s, %s, nullif(%s::jsonb, 'null'), %s, %s)",
            [self.id, name, approved, reason, actor, data.decode(), list(roles), step],
        )

    async def _settled(self) -> None:
        asked = 0
        while (await self.ask("select tasker.watch_task(%s)", [self.id])) not in ENDED | {
            "blocked_by_failures"
        }:
            await self.wait(self.id, asked)
            asked += 1
