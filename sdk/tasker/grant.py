"""A granted step: what an exchange hands to a worker for one attempt, read from JSON and answered in JSON.

Pure: touches neither database nor clock.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple, assert_never

import orjson

from tasker.context import Progress, UndoneStep
from tasker.outcome import Completed, Failed, Failure, Lost, Outcome, Released, Retried, Waiting
from tasker.template import Kind

__all__ = [
    "Definition",
    "Grant",
    "TaskFacts",
    "Unwritable",
    "describe_error",
    "describe_failure",
    "describe_foreign",
    "describe_progress",
    "encode_outcome",
    "encode_outcomes",
    "read_definition",
    "read_grants",
]

Json = Any

_ALONE = (None, None)  # neither a place in a batch nor an item
_LONGEST_MESSAGE = 10_000
_LONGEST_TRACE = 20_000
_LONGEST_NOTE = 1_000
_LONGEST_NAME = 255


class Unwritable(Exception):
    """An outcome that makes no JSON: it holds what JSON cannot, or more levels than orjson writes."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A step definition as workers keep it. It never changes, so it is fetched once."""

    definition_id: int
    namespace: str
    template: str
    version: str
    kind: Kind | Literal["compensation"]
    name: str
    handler: str
    config: Mapping[str, Json]
    attempt_time_limit: float | None  # seconds
    task_input_schema: Mapping[str, Json] | None
    input_schema: Mapping[str, Json] | None
    result_schema: Mapping[str, Json] | None
    parents: tuple[tuple[int, str], ...]  # number and name of each step whose result it takes


class TaskFacts(NamedTuple):
    """What all steps of one task share."""

    task_id: str
    input: Json
    context: Json
    correlation_id: str | None
    tags: tuple[str, ...]
    trace_context: Mapping[str, str] | None


class Grant(NamedTuple):
    """One attempt of one step, leased to this worker.

    `msg_id` and `read_ct` are the fencing token: the database takes an answer only while they are the last granted.
    """

    task: TaskFacts
    definition: Definition
    step_no: int
    instance: (
        int | None
    )  # of a batch's worker: its place in the batch; of a dynamic step: among its like; from 1
    queue_id: int
    msg_id: int
    read_ct: int
    attempt: int
    attempt_limit: int
    deadline: float | None  # seconds since the epoch
    results: Mapping[str, Json]
    saved: Mapping[str, Json]  # what earlier runs of the step have saved, by name
    undoes: UndoneStep | None = None  # of a compensation

    @property
    def step_name(self) -> str:
        """What the step is called in its task."""
        name = self.definition.name
        return name if self.instance is None else f"{name}/{self.instance}"

    def lease(self) -> dict[str, Json]:
        """The lease as heartbeats name it."""
        return {
            "queue_id": self.queue_id,
            "msg_id": self.msg_id,
            "read_ct": self.read_ct,
            "task_id": self.task.task_id,
            "step_no": self.step_no,
        }


def read_definition(row: Mapping[str, Json]) -> Definition:
    """Read one element of `tasker.get_definitions`."""
    parents: list[list[Json]] = row["parents"]
    fields: dict[str, Json] = {**row, "parents": tuple((no, name) for no, name in parents)}
    return Definition(**fields)


def read_grants(granted: Mapping[str, Json], definitions: Mapping[int, Definition]) -> list[Grant]:
    """Read the `granted` part of an exchange's answer; every definition named in it must be known."""
    tasks = {
        row["task_id"]: TaskFacts(
            row["task_id"],
            row["input"],
            row["context"],
            row["correlation_id"],
            tuple(row["tags"]),
            row["trace_context"],
        )
        for row in granted["tasks"]
    }
    results = {(task_id, no): result for task_id, no, result in granted["results"] or ()}
    for task_id, no, result in granted["gathered"] or ():
        results[task_id, no] = result
    instances = {(task_id, no): (at, item) for task_id, no, at, item in granted["instances"] or ()}
    undone = {(task_id, no): rest for task_id, no, *rest in granted["undone"] or ()}
    saved: dict[tuple[str, int], dict[str, Json]] = {}
    for task_id, no, name, value in granted["saved"] or ():
        saved.setdefault((task_id, no), {})[name] = value
    grants: list[Grant] = []
    for row in granted["steps"]:
        task_id, definition = row["task_id"], definitions[row["definition_id"]]
        instance, item = instances.get((task_id, row["step_no"]), _ALONE) if instances else _ALONE
        undoes = None
        if undone and (task_id, row["step_no"]) in undone:
            undone_no, undone_name, done, own = undone[task_id, row["step_no"]]
            undoes = UndoneStep(undone_name, f"{task_id}:{undone_no}", done)
            given = _results_of(task_id, definition, results) | own
        elif instance is None:
            given = _results_of(task_id, definition, results)
        elif definition.kind == "dynamic":
            given = _arguments(task_id, item, results)
        else:
            given = {name: item for _, name in definition.parents}
        grants.append(
            Grant(
                tasks[task_id],
                definition,
                row["step_no"],
                instance,
                row["queue_id"],
                row["msg_id"],
                row["read_ct"],
                row["attempt"],
                row["attempt_limit"],
                row["deadline"],
                given,
                saved.get((task_id, row["step_no"]), {}),
                undoes,
            )
        )
    return grants


def _arguments(
    task_id: str, item: Json, results: Mapping[tuple[str, int], Json]
) -> dict[str, Json]:
    """What a dynamic step was given: values, and the results of steps."""
    taken: dict[str, int] = item["takes"]
    return item["values"] | {name: results[task_id, no] for name, no in taken.items()}


def _results_of(
    task_id: str, definition: Definition, results: Mapping[tuple[str, int], Json]
) -> dict[str, Json]:
    """The parents' results by name; one that was excluded has none."""
    parents = definition.parents
    try:
        return {name: results[task_id, no] for no, name in parents}
    except KeyError:
        return {name: results[task_id, no] for no, name in parents if (task_id, no) in results}


def encode_outcomes(outcomes: Iterable[tuple[Grant, Outcome]]) -> bytes:
    """Write outcomes as `tasker.exchange` takes them. A completed step's result is embedded as the JSON it is.

    Raises Unwritable.
    """
    try:
        return orjson.dumps([_encode(grant, outcome) for grant, outcome in outcomes])
    except (TypeError, RecursionError) as error:
        raise Unwritable(str(error)) from error


def encode_outcome(grant: Grant, outcome: Outcome) -> bytes:
    """Write one outcome as `tasker.commit_outcome` takes it."""
    return orjson.dumps(_encode(grant, outcome))


def _encode(grant: Grant, outcome: Outcome) -> dict[str, Json]:
    row = grant.lease()
    match outcome:
        case Completed(result, expansion, _):
            row["outcome"] = "complete"
            row["result"] = orjson.Fragment(result)
            if expansion is not None:
                row["expansion"] = orjson.Fragment(expansion)
        case Retried(failure, delay):
            row["outcome"] = "retry"
            row["error"] = asdict(failure)
            row["delay"] = delay
        case Failed(failure):
            row["outcome"] = "error"
            row["error"] = asdict(failure)
        case Lost(failure):
            row["outcome"] = "lost"
            row["error"] = asdict(failure)
        case Released(failure, delay):
            row["outcome"] = "release"
            row["error"] = asdict(failure)
            row["delay"] = delay
        case Waiting():
            row["outcome"] = "wait"
            row["wait"] = asdict(outcome)
        case _ as never:
            assert_never(never)
    return row


def describe_failure(kind: str, message: str) -> Failure:
    """A failure that Tasker itself found."""
    return Failure(kind, _storable(message)[:_LONGEST_MESSAGE])


def describe_foreign(kind: str, message: str, kinds: Iterable[str], trace: str | None) -> Failure:
    """What a handler in another language raised, cut as one of ours."""
    return Failure(
        _storable(kind)[:_LONGEST_NAME],
        _storable(message or kind)[:_LONGEST_MESSAGE],
        tuple(_storable(each)[:_LONGEST_NAME] for each in dict.fromkeys((kind, *kinds))),
        None if trace is None else _storable(trace)[-_LONGEST_TRACE:],
    )


def describe_error(error: BaseException, trace: Sequence[str]) -> Failure:
    """What a handler raised. A long traceback is cut at its beginning, because the cause stands at its end."""
    return Failure(
        _storable(type(error).__name__),
        _storable(_text(error) or type(error).__name__)[:_LONGEST_MESSAGE],
        tuple(_storable(kind.__name__) for kind in type(error).__mro__ if kind is not object),
        _storable("".join(trace))[-_LONGEST_TRACE:] or None,
    )


def describe_progress(progress: Progress) -> dict[str, Json]:
    """Progress as heartbeats carry it. Raises ValueError for numbers that are none, or not finite."""
    note = None if progress.note is None else _storable(str(progress.note))[:_LONGEST_NOTE]
    total = None if progress.total is None else _finite(progress.total)
    return {"done": _finite(progress.done), "total": total, "note": note}


def _finite(number: float) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"progress is counted in finite numbers, not {number}")
    return value


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return "(its message cannot be made into text)"


def _storable(text: str) -> str:
    """PostgreSQL refuses NUL in JSON, and UTF-8 has no lone surrogates."""
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()
